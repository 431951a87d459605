"""What may take its time (files, the list of cameras, maps of a layer) is done beside the window, one after another."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Errands"]

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
