"""Asking work to end early: a training, a queue of jobs, or one of its jobs."""

from __future__ import annotations

import time

__all__ = ["Interrupted", "StopRequest"]


class Interrupted(Exception):  # noqa: N818 - no error: what was asked for
    """Work was asked to stop before it had a result; it can be resumed."""


class StopRequest:
    """A flag that work polls, and at which it ends after the batches under way. Safe to set from any thread.

    until: a deadline on the clock of `time.monotonic`, after which it is asked for as well; None: no deadline
    within: a request for more than this work; once that is asked, so is this one

    >>> stop = StopRequest()
    >>> stop.asked
    False
    >>> stop()
    >>> stop.asked, StopRequest(within=stop).asked
    (True, True)
    """

    def __init__(self, until: float | None = None, *, within: StopRequest | None = None) -> None:
        self._until, self._within = until, within
        self.called = False

    def __call__(self) -> None:
        """Ask, e.g. from a handler of Ctrl-C."""
        self.called = True

    @property
    def asked(self) -> bool:
        """Whether to stop: it was called, its deadline is over, or the request that it is part of is asked."""
        over = self._until is not None and time.monotonic() >= self._until
        return self.called or over or (self._within is not None and self._within.asked)
