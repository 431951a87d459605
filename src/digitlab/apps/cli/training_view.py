"""A training as a bar on a terminal, as plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise
from digitlab.apps.cli.progress_view import BarView
from digitlab.training import EpochEnded, Progressed, Stage, Started

if TYPE_CHECKING:
    from digitlab.training import Event

__all__ = ["TrainingView"]


class TrainingView(BarView):
    """A listener for `digitlab.training.run_training`."""

    def __init__(self) -> None:
        super().__init__("{task.fields[epoch]}", "{task.fields[loss]}")
        self._batches = self._epochs = 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Started():
                self._start(event)
            case Progressed():
                self._progress(event)
            case EpochEnded():
                self._line(_epoch_line(event, self._epochs))
            case Stage():
                self._finish_bar()
                self._line(f"{event.text} …")

    def _start(self, event: Started) -> None:
        held_out = f" ({event.validation_images:,} held out)" if event.validation_images else ""
        self._line(
            f"{event.images:,} training images{held_out}; {event.parameters:,} parameters; "
            f"{event.precision}, {event.reason}"
        )
        self._batches, self._epochs = event.batches, event.epochs
        if self._bar is not None:
            self._task = self._bar.add_task("", total=event.batches * event.epochs, loss="", epoch="epoch 1")

    def _progress(self, event: Progressed) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=(event.epoch - 1) * self._batches + event.batch,
                epoch=f"epoch {event.epoch}/{self._epochs}",
                loss=f"loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  {event.images_per_second:,.0f} images/s",
            )

    def _finish_bar(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            advise(text)


def _epoch_line(event: EpochEnded, epochs: int) -> str:
    validation = ""
    if event.validation_loss is not None and event.validation_accuracy is not None:
        validation = f"  validation loss {event.validation_loss:.4f}, accuracy {event.validation_accuracy:.4f}"
    return (
        f"epoch {event.epoch:>{len(str(epochs))}}/{epochs}  "
        f"loss {event.loss:.4f}, accuracy {event.accuracy:.4f}{validation}"
        f"  {event.seconds:.1f} s, {event.images_per_second:,.0f} images/s"
    )
