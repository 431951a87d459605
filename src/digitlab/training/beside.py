"""A second process that evaluates and draws while the first one saves and exports.

    python -P -m digitlab.training.beside

What a training needs at its end takes a second or two to import: SciPy, Matplotlib. While a new process loads
TensorFlow, on one core, another core is idle: there they are imported meanwhile. At the end the probabilities go there,
and metrics, `metrics.mat` and the page come from there, by the same functions as here. Where there is no such process,
or it fails, they are called here: nothing but time depends on it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self, cast

from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from digitlab.evaluation import Metrics
    from digitlab.runs import Predictions

__all__ = ["Answered", "Beside", "measure_and_keep", "worth_it"]

# Where one of these is loaded, the imports that are to be hidden are done, or nearly so.
_LOADED = ("keras", "tensorflow", "jax", "matplotlib")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a network answered to the test images; about: what else is kept in `metrics.json`."""

    said: Predictions
    about: Mapping[str, Any]


def measure_and_keep(run: Run, tested: Answered) -> Metrics:
    """Measure, and write `predictions.npz`, `metrics.json` and `metrics.mat`; the history stands in ``run`` already.

    Raises:
        StorageError: when the run folder cannot be written.
    """
    from digitlab.evaluation import REPLICAS, measure
    from digitlab.evaluation.keeping import keep_predictions
    from digitlab.reports.octave import write_mat

    metrics = measure(tested.said.probabilities, tested.said.labels, bootstrap=REPLICAS)
    keep_predictions(run, metrics, tested.said, tested.about)
    write_mat(run)
    return metrics


def _page(run: Run, _: object) -> str:
    from digitlab.reports.page import report_page

    return report_page(run)


_WORK: dict[str, Callable[[Run, Any], Any]] = {"measure": measure_and_keep, "page": _page}


def worth_it() -> bool:
    """Whether a training that begins now gains by a second process: this one is new, and there is a core for it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and not any(name in sys.modules for name in _LOADED)


class Beside:
    """The process; ``with Beside() as beside``. It imports at once, and ends with the ``with``, or with this process.

    running: False: there is none, and all is done here
    """

    def __init__(self, *, running: bool = True) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: list[tuple[str, Run, Any]] = []  # of the process, that has not answered yet
        self._answers: list[Any] = []  # found here
        if running and sys.executable:
            with contextlib.suppress(OSError):
                # A session of its own: Ctrl-C is for the training. -P: no module of the folder that one stands in.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "digitlab.training.beside"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def running(self) -> bool:
        """Whether work that is asked for is done elsewhere."""
        return self._process is not None

    def ask(self, work: str, run: Run, given: Any = None) -> None:
        """Begin: "measure" an `Answered`, or the report's "page"; without a process it is done when this returns.

        Raises:
            DigitlabError: what the work raises, where it is done here.
        """
        if self._process is None:
            self._answers.append(_WORK[work](run, given))
            return
        self._asked.append((work, run, given))
        with contextlib.suppress(OSError):  # that it is gone is found out by `answer`
            pickle.dump((work, run.path, given), self._stdin)
            self._stdin.flush()

    def answer(self) -> Any:
        """The answer to the oldest question that has none; found here where the process has failed.

        Raises:
            DigitlabError: what the work raises.
        """
        if not self._asked:
            return self._answers.pop(0)
        work, run, given = self._asked.pop(0)
        if self._process is not None:
            try:
                return pickle.load(self._stdout)  # noqa: S301 - from our own process, through its own pipe
            except (OSError, EOFError, pickle.UnpicklingError):
                self._end()
        return _WORK[work](run, given)

    @property
    def _stdin(self) -> IO[bytes]:
        return cast("IO[bytes]", cast("subprocess.Popen[bytes]", self._process).stdin)

    @property
    def _stdout(self) -> IO[bytes]:
        return cast("IO[bytes]", cast("subprocess.Popen[bytes]", self._process).stdout)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()


def main() -> None:
    """Import, then answer until stdin is closed. A failure ends it: the other process meets it again, and says it."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    _import_what_is_needed()
    while True:
        try:
            work, path, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
        except (EOFError, pickle.UnpicklingError):
            return
        pickle.dump(_WORK[work](Run(path), given), answers)
        answers.flush()


def _import_what_is_needed() -> None:
    import importlib

    for name in ("scipy.sparse", "scipy.io", "jinja2", "PIL.PngImagePlugin",
                 "digitlab.evaluation", "digitlab.reports.page", "digitlab.reports.figures",
                 "matplotlib.backends.backend_svg"):  # fmt: skip
        importlib.import_module(name)


if __name__ == "__main__":
    main()
