"""Snapshots and recordings: named by the time, written beside the window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from digitlab.errors import DigitlabError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.apps.desktop.errands import Errands
    from digitlab.live.engine import LiveEngine, Snapshot

__all__ = ["Keeper"]


class Keeper(QObject):
    """Asks the engine to keep what it sees, in the thread for errands.

    kept: what was saved or recorded, in words
    failed: why it was not
    recording_settled: a recording has begun, ended, or could not
    """

    kept = Signal(str)
    failed = Signal(str)
    recording_settled = Signal()

    def __init__(self, engine: LiveEngine, errands: Errands, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._errands = errands

    def save(self, seen: Snapshot, folder: Path) -> None:
        """Save the frame with its boxes (`…-boxes.png`), the frame as it is (`….png`) and its reading (`….json`)."""
        if seen.frame is None or seen.reading is None:
            return
        image, reading = seen.frame.image, seen.reading

        def task() -> Path:
            from digitlab.reading.drawing import save_drawing

            path = _new_path(folder, ".png")
            self._engine.save_snapshot(path)
            drawn = path.with_name(f"{path.stem}-boxes.png")
            save_drawing(drawn, image, reading)
            return drawn

        self._errands.run(task, lambda saved: self.kept.emit(self.tr("Saved {path}").format(path=saved)))

    def begin_recording(self, folder: Path) -> None:
        """Record a video with a line of JSON a reading."""

        def task() -> Path | None:
            try:
                self._engine.record(_new_path(folder, ".mp4"))
            except DigitlabError as error:
                self.failed.emit(str(error))
            return None

        self._errands.run(task, self._settle)

    def end_recording(self) -> None:
        """End it."""

        def task() -> Path | None:
            try:
                return self._engine.stop_recording()
            except DigitlabError as error:
                self.failed.emit(str(error))
                return None

        self._errands.run(task, self._settle)

    def _settle(self, saved: Path | None) -> None:
        self.recording_settled.emit()
        if saved is not None:
            self.kept.emit(self.tr("Recorded {path}").format(path=saved))


def _new_path(folder: Path, ending: str) -> Path:
    """A name in the folder, which is made, that says when, and that nothing has yet.

    Raises:
        StorageError: when the folder cannot be made or looked into.
    """
    stem = f"digitlab-{time.strftime('%Y%m%d-%H%M%S')}"
    path, number = folder / f"{stem}{ending}", 1
    with saying_what_failed(path):
        folder.mkdir(parents=True, exist_ok=True)
        while path.exists():
            number += 1
            path = path.with_name(f"{stem}-{number}{ending}")
    return path
