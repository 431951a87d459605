"""A helper process that evaluates and draws figures while the main process saves and exports.

    python -P -m digitlab.training.helper_process

The end of a training needs SciPy and Matplotlib, which take a second or two to import. While the main process loads
TensorFlow on one core, another core is idle: the helper imports them there in the meantime. At the end it receives the
probabilities, and makes the metrics, `metrics.mat` and the report page with the same functions. If there is no helper,
or it fails, the main process calls these functions itself: only the run time differs.
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

__all__ = ["HelperProcess", "MeasureRequest", "is_helper_useful", "measure_and_keep"]

# If one of these is loaded already, the slow imports that the helper would hide are done, or nearly so.
_LOADED = ("keras", "tensorflow", "jax", "matplotlib")


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """A network's predictions for the test images; about: what else is stored in `metrics.json`."""

    predictions: Predictions
    about: Mapping[str, Any]


def measure_and_keep(run: Run, request: MeasureRequest) -> Metrics:
    """Compute the metrics; write `predictions.npz`, `metrics.json`, `metrics.mat`. ``run`` must contain the history.

    Raises:
        StorageError: when the run folder cannot be written.
    """
    from digitlab.evaluation import REPLICAS, measure
    from digitlab.evaluation.run_files import keep_predictions
    from digitlab.reports.octave import write_mat

    metrics = measure(request.predictions.probabilities, request.predictions.labels, bootstrap=REPLICAS)
    keep_predictions(run, metrics, request.predictions, request.about)
    write_mat(run)
    return metrics


def _page(run: Run, _: object) -> str:
    from digitlab.reports.page import report_page

    return report_page(run)


_WORK: dict[str, Callable[[Run, Any], Any]] = {"measure": measure_and_keep, "page": _page}


def is_helper_useful() -> bool:
    """Return whether a helper speeds up a training that starts now: slow imports lie ahead, and a core is free."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and not any(name in sys.modules for name in _LOADED)


class HelperProcess:
    """``with HelperProcess() as helper``: it imports at once, and ends with the block or with this process.

    running: False: no process is started, and all work is done in this one
    """

    def __init__(self, *, running: bool = True) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pending: list[tuple[str, Run, Any]] = []  # requests that the process has not answered yet
        self._results: list[Any] = []  # computed in this process
        if running and sys.executable:
            with contextlib.suppress(OSError):
                # Own session: Ctrl-C must reach the training only. -P: import nothing from the current folder.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "digitlab.training.helper_process"],
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
        """Whether requested work is done in a helper process."""
        return self._process is not None

    def submit(self, work: str, run: Run, data: Any = None) -> None:
        """Start work: "measure" (a `MeasureRequest`) or "page" (the report); without a helper it is done on return.

        Raises:
            DigitlabError: whatever the work raises, if it is done in this process.
        """
        if self._process is None:
            self._results.append(_WORK[work](run, data))
            return
        self._pending.append((work, run, data))
        with contextlib.suppress(OSError):  # `result` notices if the process is gone
            pickle.dump((work, run.path, data), self._stdin)
            self._stdin.flush()

    def result(self) -> Any:
        """Return the result of the oldest unanswered request; computed in this process if the helper has failed.

        Raises:
            DigitlabError: whatever the work raises.
        """
        if not self._pending:
            return self._results.pop(0)
        work, run, data = self._pending.pop(0)
        if self._process is not None:
            try:
                return pickle.load(self._stdout)  # noqa: S301 - from our own process, through its own pipe
            except (OSError, EOFError, pickle.UnpicklingError):
                self._end()
        return _WORK[work](run, data)

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
    """Import, then serve requests until stdin is closed. An error ends it: the parent repeats the work and reports."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not mix with the results
    _import_slow_modules()
    while True:
        try:
            work, path, data = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
        except (EOFError, pickle.UnpicklingError):
            return
        pickle.dump(_WORK[work](Run(path), data), results)
        results.flush()


def _import_slow_modules() -> None:
    import importlib

    for name in ("scipy.sparse", "scipy.io", "jinja2", "PIL.PngImagePlugin",
                 "digitlab.evaluation", "digitlab.reports.page", "digitlab.reports.figures",
                 "matplotlib.backends.backend_svg"):  # fmt: skip
        importlib.import_module(name)


if __name__ == "__main__":
    main()
