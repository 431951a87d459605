"""Slow work in a background thread, one task after another: files, the list of cameras, activation maps."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from digitlab.errors import DigitlabError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitlab.live.engine import LiveEngine, Snapshot

__all__ = ["Errands", "Keeper"]

_log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds that closing gives the last errand


class Errands(QObject):
    """A thread that runs functions, and hands what they return to another function in the thread of the window.

    failed: the one line of what went wrong
    """

    failed = Signal(str)
    _done = Signal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._done.connect(self._hand_over)
        self._thread = threading.Thread(target=self._work, name=f"digitlab-{name}", daemon=True)
        self._thread.start()

    def run(self, task: Callable[[], Any], then: Callable[[Any], None] = lambda _: None) -> None:
        """Run `task` in the thread, then `then` with its result in the window's; returns at once."""
        if self._open:
            self._queue.put((task, then))

    def close(self) -> None:
        """Finish what was asked for, and end the thread. What it still has to say is not listened to."""
        if self._open:
            self._open = False
            self._queue.put(None)
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                _log.warning("%s did not end within %g s; its thread is left behind", self._thread.name, _PATIENCE)

    def _work(self) -> None:
        while (errand := self._queue.get()) is not None:
            task, then = errand
            try:
                result = task()
            except DigitlabError as error:
                self._say(str(error))
            except Exception as error:  # noqa: BLE001 - whatever it was, the window stays alive
                _log.exception("an errand of the window failed")
                self._say(f"{type(error).__name__}: {error}")
            else:
                if self._open:
                    self._done.emit(then, result)

    def _say(self, problem: str) -> None:
        if self._open:
            self.failed.emit(problem)

    def _hand_over(self, then: Callable[[Any], None], result: Any) -> None:
        if self._open:
            then(result)


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
