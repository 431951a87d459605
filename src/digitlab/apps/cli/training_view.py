"""A training as a bar on a terminal, as plain lines elsewhere; both say how long it will still take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, in_time
from digitlab.apps.cli.progress_view import BarView
from digitlab.training import EpochEnded, Progressed, Stage, Started

if TYPE_CHECKING:
    from digitlab.training import Event

__all__ = ["TrainingView"]


class TrainingView(BarView):
    """A listener for `digitlab.training.run_training`, and for rows of trainings (members, folds)."""

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
            f"{event.images:,} training images{held_out}; {event.parameters:,} parameters; "
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
        """Batches of the trainings before this one, each assumed to be as long as it."""
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

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            advise(text)


class _Pace:
    """The time that the rest of some work takes at the rate since the first note, which leaves the compilation out."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._done, self._now = 0, 0.0

    def note(self, done: int) -> None:
        """Note how much is done now."""
        self._done, self._now = done, time.monotonic()
        if self._first is None:
            self._first = self._done, self._now

    def left(self, whole: int) -> float | None:
        """Seconds until ``whole`` is done; None while that is unknown."""
        if self._first is None or self._done <= self._first[0]:
            return None
        done, began = self._first
        return (whole - self._done) * (self._now - began) / (self._done - done)


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
