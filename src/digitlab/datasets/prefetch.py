"""Prepares the next portion of images in a thread while the consumer works on the current one."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from digitlab.values import Digits

__all__ = ["prefetched"]

T = TypeVar("T")


def prefetched(portions: Iterator[Digits], prepare: Callable[[int, Digits], T]) -> Generator[T, None, None]:
    """``prepare(number, portion)`` of each portion, one ahead of the consumer, in a thread.

    Exceptions of the thread are raised here. When the generator is closed early, the thread ends.
    """
    ahead = _Ahead()

    def work() -> None:
        try:
            for number, portion in enumerate(portions):
                if not ahead.put(prepare(number, portion)):
                    return
            ahead.put(_END)
        except BaseException as error:  # noqa: BLE001 - it belongs to the consumer
            ahead.put(_Raised(error))

    thread = threading.Thread(target=work, name="digitlab-portions", daemon=True)
    thread.start()
    try:
        while (item := ahead.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item
    finally:
        ahead.left.set()
        thread.join()


_END = object()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Ahead:
    """A slot for one item between two threads; ``left`` is set when the consumer has gone."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self._slot: queue.Queue[Any] = queue.Queue(maxsize=1)
        self.get = self._slot.get

    def put(self, item: object) -> bool:
        """Wait until the slot is free; False when the consumer has gone."""
        while not self.left.is_set():
            with contextlib.suppress(queue.Full):
                self._slot.put(item, timeout=0.1)
                return True
        return False
