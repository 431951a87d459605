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

__all__ = ["BackgroundTasks", "Saver"]

_log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds that `close` waits for the last task


class BackgroundTasks(QObject):
    """A thread that runs functions, and passes their results to callbacks in the window's thread.

    failed: the error in one line
    """

    failed = Signal(str)
    _done = Signal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._done.connect(self._deliver)
        self._thread = threading.Thread(target=self._work, name=f"digitlab-{name}", daemon=True)
        self._thread.start()

    def run(self, task: Callable[[], Any], on_result: Callable[[Any], None] = lambda _: None) -> None:
        """Run `task` in the thread, then `on_result` with its result in the window's thread; returns at once."""
        if self._open:
            self._queue.put((task, on_result))

    def close(self) -> None:
        """Finish the pending tasks, and stop the thread; their results are discarded."""
        if self._open:
            self._open = False
            self._queue.put(None)
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                _log.warning("%s did not end within %g s; its thread keeps running", self._thread.name, _PATIENCE)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            task, on_result = item
            try:
                result = task()
            except DigitlabError as error:
                self._report(str(error))
            except Exception as error:  # noqa: BLE001 - no error of a task may close the window
                _log.exception("a background task of the window failed")
                self._report(f"{type(error).__name__}: {error}")
            else:
                if self._open:
                    self._done.emit(on_result, result)

    def _report(self, problem: str) -> None:
        if self._open:
            self.failed.emit(problem)

    def _deliver(self, on_result: Callable[[Any], None], result: Any) -> None:
        if self._open:
            on_result(result)


class Saver(QObject):
    """Saves snapshots and recordings in the background thread, under names with the time.

    saved: a message with the path
    failed: the error in one line
    recording_settled: a recording has started, ended, or failed
    """

    saved = Signal(str)
    failed = Signal(str)
    recording_settled = Signal()

    def __init__(self, engine: LiveEngine, tasks: BackgroundTasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tasks = tasks

    def save(self, snapshot: Snapshot, folder: Path) -> None:
        """Save the frame with its boxes (`…-boxes.png`), the unmodified frame (`….png`) and its reading (`….json`)."""
        if snapshot.frame is None or snapshot.reading is None:
            return
        image, reading = snapshot.frame.image, snapshot.reading

        def task() -> Path:
            from digitlab.reading.drawing import save_drawing

            path = _new_path(folder, ".png")
            self._engine.save_snapshot(path, snapshot)  # not a frame that was read meanwhile
            drawn = path.with_name(f"{path.stem}-boxes.png")
            save_drawing(drawn, image, reading)
            return drawn

        self._tasks.run(task, lambda path: self.saved.emit(self.tr("Saved {path}").format(path=path)))

    def begin_recording(self, folder: Path) -> None:
        """Start recording a video, with one line of JSON per reading."""

        def task() -> Path | None:
            try:
                self._engine.record(_new_path(folder, ".mp4"))
            except DigitlabError as error:
                self.failed.emit(str(error))
            return None

        self._tasks.run(task, self._settle)

    def end_recording(self) -> None:
        """Finish the recording."""

        def task() -> Path | None:
            try:
                return self._engine.stop_recording()
            except DigitlabError as error:
                self.failed.emit(str(error))
                return None

        self._tasks.run(task, self._settle)

    def _settle(self, saved: Path | None) -> None:
        self.recording_settled.emit()
        if saved is not None:
            self.saved.emit(self.tr("Recorded {path}").format(path=saved))


def _new_path(folder: Path, ending: str) -> Path:
    """Make an unused file name with the time, in the folder, which is created.

    Raises:
        StorageError: when the folder cannot be created or read.
    """
    stem = f"digitlab-{time.strftime('%Y%m%d-%H%M%S')}"
    path, number = folder / f"{stem}{ending}", 1
    with saying_what_failed(path):
        folder.mkdir(parents=True, exist_ok=True)
        while path.exists():
            number += 1
            path = path.with_name(f"{stem}-{number}{ending}")
    return path
