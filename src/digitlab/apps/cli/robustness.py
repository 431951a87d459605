"""`digitlab evaluate --robustness`."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, table
from digitlab.apps.cli.progress_view import BarView
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation.robustness import Robustness, SetResult
    from digitlab.runs import Run

    Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

__all__ = ["hard_images", "run_robustness"]

_WHOLE = 10_000  # MNIST's test images


def hard_images(asked: bool, images: int | None, *, of_model: bool) -> int | None:
    """How many images of each set `--robustness` or `--robustness-images` ask for; None where neither stands there.

    Raises:
        UsageError: for less than one image, or where there is no model to ask.
    """
    if images is None and not asked:
        return None
    if not of_model:
        raise UsageError(
            "evaluate --robustness: needs a model to predict other images; name one instead of --probabilities"
        )
    if images is not None and images < 1:
        raise UsageError(f"--robustness-images is {images}; expected 1 or more")
    return _WHOLE if images is None else images


def run_robustness(
    answer: Answer, run: Run, about: Mapping[str, Any], *, images: int, tta: int = 1, show: bool = True
) -> dict[str, Any]:
    """Evaluate a model on the robustness sets and write `robustness.json`, `.csv` and `.png` into ``run``.

    answer: takes grey images
    about: what was tested, kept in the JSON
    images: at most so many of each set
    show: the table on stdout

    Returns:
        What `robustness.json` holds.
    """
    from digitlab.datasets.robustness_sets import hard_sets
    from digitlab.datasets.transforms import mean_answer
    from digitlab.evaluation.robustness import COLUMNS, measure_robustness
    from digitlab.reports.figures import save_figure
    from digitlab.reports.robustness_figures import robustness_figure

    sets = hard_sets(images)
    with _SetsView() as view:
        found = measure_robustness(functools.partial(mean_answer, answer, count=tta), sets, tell=view)
    for _, reason in found.left_out:
        advise(f"left out: {reason}")
    content = {**about, **found.as_dict()}
    run.write_json(run.robustness, content)
    run.write_table(run.robustness_table, COLUMNS, found.rows())
    save_figure(robustness_figure(found), run.robustness_plot)
    if show:
        say()
        say(table(["robustness", "images", "accuracy %", "95 % CI", "AUROC", "accepted %"], _rows(found)))
        advise(f"accepted: confidence of at least {found.threshold:.4f}, which 99 % of the clean digits reach")
        advise(f"look at {run.robustness_plot}")
    return content


def _rows(found: Robustness) -> list[list[str]]:
    rows = [_row(each) for each in found.of("plain", "corruption")]
    if found.corruption_mean is not None:
        rows.append(["mean of the corruptions", "", _percent(found.corruption_mean), "", "", ""])
    return rows + [_row(each) for each in found.sets if each.kind not in ("plain", "corruption")]


def _row(each: SetResult) -> list[str]:
    return [
        each.name,
        f"{each.images:,}",
        "" if each.accuracy is None else _percent(each.accuracy),
        "" if each.interval is None else " to ".join(map(_percent, each.interval)),
        "" if each.by_confidence is None else f"{each.by_confidence.auroc:.4f}",
        f"{100 * each.answered:.1f}",
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


class _SetsView(BarView):
    """A bar over the sets on a terminal, a line now and then elsewhere."""

    _SECONDS = 5.0  # between two lines

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.completed} of {task.total} sets")
        self._told = time.monotonic()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Show which set is next."""
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task("", total=total)
            self._bar.update(self._task, completed=done, description=f"robustness: {name}")
        elif done == 0:
            advise(f"robustness: {total} sets …")
        elif name and time.monotonic() - self._told >= self._SECONDS:
            self._told = time.monotonic()
            advise(f"robustness: {done} of {total} sets, next {name}")
