"""Ctrl-C while something is trained: what was learned by then is kept."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["stopping_on_interrupt"]


@contextmanager
def stopping_on_interrupt(stop: Callable[[], None], then: str = "finishing the run folder") -> Iterator[None]:
    """The first Ctrl-C asks to stop; a second one is Python's own. ``then``: what is done before the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: object) -> None:
        stop()
        signal.signal(signal.SIGINT, before)
        advise(f"\nstopping after the current batches, then {then} (Ctrl-C again: at once) …")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
