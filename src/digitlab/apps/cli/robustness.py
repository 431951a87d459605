"""`digitlab evaluate --robustness`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, table
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.evaluation.robustness import Robustness, SetResult
    from digitlab.jobs import RobustnessResult

__all__ = ["expect_model", "show_robustness"]


def expect_model(images: int | None, *, given: bool) -> None:
    """Refuse what `--robustness` or `--robustness-images` cannot do, before anything is done.

    Raises:
        UsageError: for less than one image, or where no model is ``given``.
    """
    if not given:
        raise UsageError(
            "evaluate --robustness: needs a model to predict other images; name one instead of --probabilities"
        )
    if images is not None and images < 1:
        raise UsageError(f"--robustness-images is {images}; expected 1 or more")


def show_robustness(result: RobustnessResult) -> None:
    """The table, and where the picture is."""
    found = result.found
    say()
    say(table(["robustness", "images", "accuracy %", "95 % CI", "AUROC", "accepted %"], _rows(found)))
    advise(f"accepted: confidence of at least {found.threshold:.4f}, which 99 % of the clean digits reach")
    advise(f"look at {result.run.robustness_plot}")


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
