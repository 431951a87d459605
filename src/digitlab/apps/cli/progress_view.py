"""Progress of work and of trainings: bars on a terminal, plain lines elsewhere; both show the time remaining."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from digitlab.apps.cli.console import advise, in_time
from digitlab.errors import counted
from digitlab.training import EpochEnded, Progressed, Stage, Started

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID
    from rich.text import Text

    from digitlab.jobs.events import Counted
    from digitlab.training import Event

__all__ = ["BARS_OF", "BarView", "ProgressView", "TrainingView"]

_SECONDS = 5.0  # at least, between two lines, to keep a log readable

# Makes the bars of a notebook, for which rich has none: called with the formats before and after the bar.
BARS_OF: ContextVar[Callable[[str, str], Any] | None] = ContextVar("bars of a notebook", default=None)


class BarView:
    """A bar on stderr if that is a terminal, erased at the end; no bar elsewhere. Subclasses define what it shows."""

    def __init__(self, before: str, after: str) -> None:
        """``before``, ``after``: formats of rich's text columns around the bar. Each row ends with its time left."""
        self._columns = before, after
        self._bar: Progress | Any = None  # or an object with the methods of Progress
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        make = BARS_OF.get() or (_make_bar if sys.stderr.isatty() else None)
        if make is not None:
            self._bar = make(*self._columns)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _line(self, text: str) -> None:
        """Print a permanent line above the bar."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            advise(text)


class ProgressView(BarView):
    """``start`` begins a piece of work; the view itself is called with the amount done and the total, if known."""

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.fields[count]}")
        self._text, self._unit = "", "images"
        self._told, self._pace = 0.0, _Pace()

    def start(self, text: str, total: int | None = None, unit: str = "images") -> None:
        """Begin a new piece of work; the bar learns its total at the first call, if it is known."""
        self._text, self._unit, self._told, self._pace = text, unit, time.monotonic(), _Pace()
        if self._bar is None:
            advise(f"{text} …" if total is None else f"{text}: {total:,} {unit} …")
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=None, count="")

    def __call__(self, done: int, total: int | None, item: str = "") -> None:
        """Show progress and the current item."""
        count = f"{done:,} of {total:,} {self._unit}" if total is not None else f"{done:,} {self._unit}"
        if self._bar is not None and self._task is not None:
            text = f"{self._text}: {item}" if item else self._text
            self._bar.update(self._task, completed=done, total=total, count=count, description=text)
            return
        self._pace.note(done)
        if done != total and time.monotonic() - self._told >= _SECONDS:
            self._told = time.monotonic()
            left = "" if total is None else _left(self._pace.left(total))
            advise(f"{self._text}: {count}" + (f", next {item}" if item else "") + left)

    def show(self, event: Counted) -> None:
        """Show an event of a job."""
        if event.text != self._text:
            self.start(event.text, event.of, event.unit)
        self(event.done, event.of, event.item)


def _make_bar(before: str, after: str) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        """The time left; while that is unknown, the time elapsed. A row may set its own (the field ``left``)."""

        def render(self, task: Task) -> Text:
            left = task.fields.get("left", task.time_remaining if task.total is not None else None)
            if left is not None:
                return Text(f"{in_time(left)} left" if left >= 1 else "")
            gone = task.elapsed or 0.0
            return Text(in_time(gone) if gone >= 1 else "")

    return Progress(
        TextColumn(before, markup=False),
        BarColumn(bar_width=24),
        TextColumn(after),
        Left(),
        console=Console(stderr=True),
        transient=True,
    )


class TrainingView(BarView):
    """A listener for `digitlab.training.run_training`, and for series of trainings (members, folds)."""

    def __init__(self) -> None:
        super().__init__("{task.fields[state]}", "{task.fields[numbers]}")
        self._batches = self._epochs = 0
        self._part, self._parts = 1, 1
        self._stage = ""
        self._pace, self._pace_of_stage = _Pace(), _Pace()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Started():
                self._start(event)
            case Progressed():
                self._progress(event)
            case EpochEnded():
                self._pace.note(self._before() + event.epoch * self._batches)
                self._line(_epoch_line(event, self._epochs, self._pace.left(self._whole())))
            case Stage():
                self._begin_stage(event)

    def _start(self, event: Started) -> None:
        held_out = f" ({event.validation_images:,} held out)" if event.validation_images else ""
        self._line(
            f"{counted(event.images, 'training image')}{held_out}; {event.parameters:,} parameters; "
            f"{event.precision}, {event.reason}"
        )
        self._batches, self._epochs = event.batches, event.epochs
        if self._part == 1:
            self._pace = _Pace()
        self._show_row("epoch 1", "compiling", self._whole(), self._before())

    def _progress(self, event: Progressed) -> None:
        done = self._before() + (event.epoch - 1) * self._batches + event.batch
        self._pace.note(done)
        if self._bar is None or self._task is None:
            return
        self._bar.update(
            self._task,
            completed=done,
            state=f"epoch {event.epoch}/{self._epochs}",
            numbers=f"loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  {event.images_per_second:,.0f} images/s",
            left=self._pace.left(self._whole()),
        )

    def _begin_stage(self, event: Stage) -> None:
        if event.parts:
            self._part, self._parts = event.part, event.parts
        if event.text != self._stage:
            self._stage = event.text
            self._line(f"{event.text} …")
            self._pace_of_stage = _Pace()
        if event.of:
            self._pace_of_stage.note(event.done)
            left = self._pace_of_stage.left(event.of)
            self._show_row(event.text, f"{event.done} of {event.of}", event.of, event.done, left)
        elif event.parts:
            self._remove_row()
        else:
            self._show_row(event.text, "", None, 0)

    def _before(self) -> int:
        """Count the batches of the trainings before this one, assuming that each is as long as this one."""
        return (self._part - 1) * self._batches * self._epochs

    def _whole(self) -> int:
        return self._parts * self._batches * self._epochs

    def _show_row(self, state: str, numbers: str, total: int | None, completed: int, left: float | None = None) -> None:
        self._remove_row()
        if self._bar is not None:
            self._task = self._bar.add_task(
                "", total=total, completed=completed, state=state, numbers=numbers, left=left
            )

    def _remove_row(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


class _Pace:
    """Estimates the remaining time from the rate since the first note, which excludes the compilation."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._done, self._now = 0, 0.0

    def note(self, done: int) -> None:
        """Record the amount done so far."""
        self._done, self._now = done, time.monotonic()
        if self._first is None:
            self._first = self._done, self._now

    def left(self, whole: int) -> float | None:
        """Estimate the seconds until ``whole`` is done; None while that is unknown."""
        if self._first is None or self._done <= self._first[0]:
            return None
        done, start = self._first
        return (whole - self._done) * (self._now - start) / (self._done - done)


def _left(seconds: float | None) -> str:
    return f", {in_time(seconds)} left" if seconds is not None and seconds >= 1 else ""


def _epoch_line(event: EpochEnded, epochs: int, left: float | None) -> str:
    beside = ""
    for name in ("validation", "test"):
        loss, accuracy = getattr(event, f"{name}_loss"), getattr(event, f"{name}_accuracy")
        if loss is not None and accuracy is not None:
            beside += f"  {name} loss {loss:.4f}, accuracy {accuracy:.4f}"
    return (
        f"epoch {event.epoch:>{len(str(epochs))}}/{epochs}  "
        f"loss {event.loss:.4f}, accuracy {event.accuracy:.4f}{beside}"
        f"  {event.seconds:.1f} s, {event.images_per_second:,.0f} images/s{_left(left)}"
    )
