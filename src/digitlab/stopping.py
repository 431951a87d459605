"""Requests to stop work early: a training, a queue of jobs, or one of its jobs."""

from __future__ import annotations

import time

__all__ = ["Interrupted", "StopRequest"]


class Interrupted(Exception):  # noqa: N818 - no error: what was asked for
    """Raised when work was stopped before it had a result; it can be resumed."""


class StopRequest:
    """A flag that running work polls; once set, the work ends after the current batches. Safe to set from any thread.

    until: a deadline on the clock of `time.monotonic`, after which the request counts as set; None: no deadline
    within: the request for the enclosing work; once that is set, so is this one

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
        """Request the stop, e.g. from a Ctrl-C handler."""
        self.called = True

    @property
    def asked(self) -> bool:
        """Whether to stop: it was called, its deadline has passed, or the enclosing request is set."""
        over = self._until is not None and time.monotonic() >= self._until
        return self.called or over or (self._within is not None and self._within.asked)
