"""Progress of searches and studies: a row per running trial or cell, and the time left; lines without a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import in_time
from digitlab.apps.cli.progress_view import BarView
from digitlab.errors import counted
from digitlab.scheduling.protocol import Began, Done, Failed, GaveUp, Lost, Noted, Progressed, Stopped
from digitlab.tuning.progress import Moved, TrialBegan, TrialEnded
from digitlab.tuning.results import UNITS, fold_accuracies

if TYPE_CHECKING:
    from rich.progress import TaskID

    from digitlab.scheduling.protocol import Job, Message
    from digitlab.studies.running import Estimate
    from digitlab.tuning.progress import Event
    from digitlab.tuning.search import Trial
    from digitlab.tuning.space import Space

__all__ = ["StudyView", "TuningView", "value_in_words"]


class TuningView(BarView):
    """A listener for `digitlab.tuning.running.run_search`."""

    def __init__(self, space: Space, before: int) -> None:
        """``before``: number of trials that were finished before this view began."""
        super().__init__("{task.description}", "{task.fields[state]}")
        self._space, self._over, self._before = space, before, before
        self._began = time.monotonic()
        self._rows: dict[int, object] = {}

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TrialBegan(number):
                if self._bar is not None:
                    self._rows[number] = self._bar.add_task(
                        f"trial {number}", total=None, state="waiting", visible=False
                    )
            case Moved():
                self._move(event)
            case TrialEnded(trial, best):
                self._end(trial, best)
            case Noted(text):
                self._line(text)

    def _move(self, event: Moved) -> None:
        if self._bar is None or event.number not in self._rows:
            return
        so_far = "" if event.accuracy is None else f"  accuracy {event.accuracy:.4f}"
        state = f"training {event.job}/{event.jobs}, epoch {int(event.epochs) + 1}{so_far}  {self._left()} left in all"
        done, whole = event.job - 1 + event.epochs / self._space.longest, event.jobs
        self._bar.update(self._rows[event.number], completed=done, total=whole, state=state, visible=True)  # type: ignore[arg-type]

    def _left(self) -> str:
        """Estimate the time left from that of the finished trials; too long if the coming ones are pruned early."""
        done = self._over - self._before
        if not done:
            return "?"
        return in_time((time.monotonic() - self._began) / done * (self._space.trials - self._over))

    def _end(self, trial: Trial, best: int | None) -> None:
        self._over += 1
        row = self._rows.pop(trial.number, None)
        if self._bar is not None and row is not None:
            self._bar.remove_task(row)  # type: ignore[arg-type]
        best_words = "" if best is None else ", the best" if best == trial.number else f", best: trial {best}"
        about = f"  ({self._over} of {self._space.trials}{best_words}, {self._left()} left)"
        self._line(f"trial {trial.number}: {_point(self._space, trial)}: {self._outcome(trial)}{about}")

    def _outcome(self, trial: Trial) -> str:
        done = len(fold_accuracies(trial))
        match trial.state:
            case "complete":
                objectives = self._space.tuning.objectives
                values = zip(objectives, trial.values or (), strict=True)
                return ", ".join(f"{name} {value_in_words(name, value)}" for name, value in values)
            case "pruned":
                last = trial.reported[max(trial.reported)] if trial.reported else 0.0
                position = (
                    f"after {counted(done, 'training')}" if done else f"after epoch {max(trial.reported, default=0)}"
                )
                return f"pruned {position} at {last:.4f}"
        return f"failed: {trial.notes.get('reason', 'no reason given')}"


def _point(space: Space, trial: Trial) -> str:
    parts = []
    for name in space.parameters:
        label = trial.labels[name]
        value = f"{label:.4g}" if isinstance(label, float) else label
        parts.append(f"{name.removeprefix('options.')} {value}")
    return ", ".join(parts)


def value_in_words(objective: str, value: float) -> str:
    """Format an objective's value with its unit.

    >>> value_in_words("accuracy", 0.98765), value_in_words("size", 432.1)
    ('0.9877', '432.1 kB')
    """
    digits = {"accuracy": ".4f", "loss": ".4f", "latency": ".3g", "size": ".4g"}[objective]
    return f"{value:{digits}}{UNITS[objective]}"


class StudyView(BarView):
    """A watcher for `digitlab.studies.running.run_studies`."""

    def __init__(self, estimate: Estimate) -> None:
        super().__init__("{task.description}", "{task.fields[state]}")
        self._estimate = estimate
        self._rows: dict[str, TaskID | None] = {}  # of the running jobs
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
                # With --until-decided more jobs follow than were planned; it is unknown how many.
                count = f"{self._done} of {self._whole}" if self._done <= self._whole else f"{self._done} done"
                self._end(job, f"{_numbers(result)}  ({count}, {self._left()} left{elsewhere})")
            case Failed(job, reason) | Lost(job, reason):
                self._end(job, f"failed: {reason}")
            case GaveUp(job, reason):
                self._line(f"{self._estimate.name(job.digest)}: given up after {reason}")
            case Stopped(job):
                self._end(job, "stopped; the same command continues it")
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


def _numbers(result: object) -> str:
    """Summarise the main numbers of a result, whatever its task was."""
    if not isinstance(result, dict):
        return ""
    parts = []
    if "accuracy" in result:
        parts.append(f"accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}")
        parts.append(f"{counted(result['epochs'], 'epoch')} in {result['seconds']:.0f} s")
    elif "least" in result:
        parts.append("the loss did not fall" if result["least"] is None else f"lowest loss at {result['least']:.2g}")
    elif "parameters" in result:
        parts.append(f"{result['parameters']:,} parameters")
    return "  ".join(parts)
