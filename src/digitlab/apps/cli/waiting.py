"""Work whose progress is unknown: its name is shown after two seconds, on a terminal with time elapsed and remaining.

The duration of each piece of work is kept in the cache folder, as the expected duration when it is done again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

from digitlab.apps.cli.console import in_time, show_for_now
from digitlab.errors import StorageError
from digitlab.jobs import events
from digitlab.storage import cache_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Waiting", "loading", "time_left"]

QUIET = 2.0  # seconds before anything is shown


class Waiting:
    """``with Waiting() as step``: ``step("drawing")`` begins a piece of work and ends the one before.

    On a terminal, a transient line on stderr; elsewhere, a line for each piece that takes more than two seconds.
    """

    def __init__(self) -> None:
        self._ending: threading.Event | None = None
        self._showing: threading.Thread | None = None
        self._stream: TextIO | None = None
        self._text, self._began = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._end(whole=kind is None)

    def __call__(self, text: str, expected: float | None = None, then: Sequence[str] = ()) -> None:
        """Begin a piece of work. The time left that is shown includes the pieces that come after it.

        expected: its duration in seconds if known, used only if it was never done here before
        then: the pieces that come after it
        """
        self._end(whole=True)
        self._text, self._began, self._ending = text, time.monotonic(), threading.Event()
        # While TensorFlow loads, file descriptor 2 leads nowhere; a copy made before that still works.
        self._stream = _copy_of_stderr()
        last = _last_time(text)
        expected = expected if last is None else last
        if expected is not None:
            expected += sum(_last_time(following) or 0.0 for following in then)
        arguments = (self._stream or sys.stderr, text, self._began, expected, self._ending)
        self._showing = threading.Thread(target=_show, args=arguments, daemon=True)
        self._showing.start()

    def _end(self, *, whole: bool) -> None:
        """End the step; ``whole``: it was completed, so its duration is kept."""
        if self._ending is None or self._showing is None:
            return
        self._ending.set()
        self._showing.join()
        self._ending = None
        if self._stream is not None:
            self._stream.close()
        took = time.monotonic() - self._began
        if whole and took > QUIET:
            with contextlib.suppress(StorageError):  # then the next one shows no remaining time
                write_text(_kept(self._text), f"{took:.1f}\n")


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Show that the network library is being imported: it takes seconds, and more the first time after a boot."""
    with Waiting() as step:
        step(events.loading().text)
        yield


def time_left(elapsed: float, expected: float | None) -> str:
    """Format the time left of work with this expected duration; empty if that is unknown or exceeded.

    >>> time_left(3, 40), time_left(41, 40), time_left(3, None)
    (', about 37 s left', '', '')
    """
    return "" if expected is None or elapsed >= expected else f", about {in_time(max(1.0, expected - elapsed))} left"


def _show(stream: TextIO, text: str, start: float, expected: float | None, ending: threading.Event) -> None:
    if ending.wait(QUIET):
        return
    if not stream.isatty():
        stream.write(f"{text} …\n")
        stream.flush()
        return
    while True:
        elapsed = time.monotonic() - start
        show_for_now(f"{text} … {in_time(elapsed)}{time_left(elapsed, expected)}", stream)
        if ending.wait(1.0):
            break
    show_for_now("", stream)


def _copy_of_stderr() -> TextIO | None:
    """Open a second stream to stderr; None if stderr is no file, as in a test or a window."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return os.fdopen(number, "w", encoding=sys.stderr.encoding or "utf-8", errors="replace")


def _last_time(text: str) -> float | None:
    try:
        return float(_kept(text).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _kept(text: str) -> Path:
    return cache_folder() / "durations" / hashlib.sha256(text.encode()).hexdigest()[:16]
