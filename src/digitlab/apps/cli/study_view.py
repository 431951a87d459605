"""A run of studies: a row for each cell under way and the time left on a terminal, a line a cell everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, in_time
from digitlab.apps.cli.progress_view import BarView
from digitlab.scheduling.protocol import Began, Done, Failed, GaveUp, Lost, Noted, Progressed, Stopped

if TYPE_CHECKING:
    from rich.progress import TaskID

    from digitlab.scheduling.protocol import Job, Message
    from digitlab.studies.running import Estimate

__all__ = ["StudyView"]


class StudyView(BarView):
    """A watcher for `digitlab.studies.running.run_studies`."""

    def __init__(self, estimate: Estimate) -> None:
        super().__init__("{task.description}", "{task.fields[state]}")
        self._estimate = estimate
        self._rows: dict[str, TaskID | None] = {}  # of the jobs under way
        self._together = 1
        self._whole, self._done = len(estimate.missing), 0

    def __call__(self, message: Message) -> None:
        """Show one message."""
        match message:
            case Began(job):
                self._begin(job)
            case Progressed(job, {"done": done, "epochs": epochs, "loss": loss}):
                self._move(job, done, epochs, loss)
            case Done(job, result, where=where):
                self._done += 1
                self._estimate.note(job.digest, result)
                elsewhere = f", {where}" if where not in ("", "this machine") else ""
                self._end(job, f"{_numbers(result)}  ({self._done} of {self._whole}, {self._left()} left{elsewhere})")
            case Failed(job, reason) | Lost(job, reason):
                self._end(job, f"failed: {reason}")
            case GaveUp(job, reason):
                self._line(f"{self._estimate.name(job.digest)}: given up after {reason}")
            case Stopped(job):
                self._end(job, "stopped; it goes on another time")
            case Noted(text):
                self._line(text)

    def _begin(self, job: Job) -> None:
        name = self._estimate.name(job.digest)
        self._rows[job.digest] = None if self._bar is None else self._bar.add_task(name, total=None, state="loading")
        self._together = max(1, len(self._rows))

    def _move(self, job: Job, done: float, epochs: int, loss: float) -> None:
        row = self._rows.get(job.digest)
        if self._bar is not None and row is not None:
            state = f"epoch {int(done) + 1}/{epochs}  loss {loss:.4f}  {self._left()} left in all"
            self._bar.update(row, completed=done, total=epochs, state=state)

    def _left(self) -> str:
        return in_time(self._estimate.left / self._together)

    def _end(self, job: Job, text: str) -> None:
        row = self._rows.pop(job.digest, None)
        if self._bar is not None and row is not None:
            self._bar.remove_task(row)
        self._line(f"{self._estimate.name(job.digest)}: {text}")

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            advise(text)


def _numbers(result: object) -> str:
    """What is most wanted of a result, whatever its task was."""
    if not isinstance(result, dict):
        return ""
    said = []
    if "accuracy" in result:
        said.append(f"accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}")
        said.append(f"{result['epochs']} epochs in {result['seconds']:.0f} s")
    elif "least" in result:
        said.append("the loss did not fall" if result["least"] is None else f"lowest loss at {result['least']:.2g}")
    elif "parameters" in result:
        said.append(f"{result['parameters']:,} parameters")
    return "  ".join(said)
