"""A stop watch that also says how many cores were at work."""

from __future__ import annotations

import time

__all__ = ["Watch"]


class Watch:
    """Starts when it is made; called, it says the seconds since then and the cores that this process kept busy."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def __call__(self) -> tuple[float, float]:
        """Seconds, and processor seconds for each of them."""
        seconds = time.perf_counter() - self._began
        return seconds, (time.process_time() - self._worked) / seconds
