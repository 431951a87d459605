"""How far a network stream is behind, by the time stamps of its pictures."""

from __future__ import annotations

__all__ = ["StreamClock"]

_DRIFT = 0.005  # seconds per second by which a camera's clock may be slow without its pictures counting as late
_LATE_FOR = 2.0  # seconds for which a stream must be late: after a gap in the network, the rest arrives quickly
_FIRST_LIMIT = 2.0  # seconds
_LAST_LIMIT = 16.0
_ON_TIME = 0.1  # seconds behind
_ON_TIME_AFTER = 60.0  # seconds after opening


class StreamClock:
    """Compares the time stamps of a stream with the times at which its pictures arrive.

    A stream that is delivered or decoded more slowly than its pictures are taken is queued: somewhere on the way, and
    then its pictures get older and older. There are also senders whose time stamps are wrong (the nominal frame rate is
    counted, and fewer frames are sent), which look exactly the same. So the limit doubles whenever it was exceeded:
    such a stream is not reopened every few seconds.

    behind: seconds by which the last picture is older than the most punctual one of this connection; 0.0 without time
        stamps
    """

    def __init__(self) -> None:
        self.behind = 0.0
        self._limit = _FIRST_LIMIT
        self.restart()

    def restart(self) -> None:
        """Begin with a new connection."""
        self.behind = 0.0
        self._begun: float | None = None
        self._stamp = self._arrived = self._least = 0.0
        self._late_since: float | None = None

    def add(self, stamp: float, arrived: float) -> float:
        """Add a picture with its time stamp, on the stream's clock, and its arrival, on ours; both in seconds.

        Returns the seconds between this time stamp and the previous one; 0.0 if that is unknown.
        """
        step, offset = stamp - self._stamp, arrived - stamp
        if self._begun is None or step <= 0.0:  # streams without time stamps give 0 for all pictures
            self._begun, step, self._least = arrived, 0.0, offset
        else:
            self._least = min(offset, self._least + _DRIFT * (arrived - self._arrived))
        self._stamp, self._arrived = stamp, arrived
        self.behind = offset - self._least
        if self.behind < self._limit:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = arrived
        if self.behind <= _ON_TIME and arrived - self._begun >= _ON_TIME_AFTER:
            self._limit = _FIRST_LIMIT
        return step

    @property
    def is_too_late(self) -> bool:
        """Whether the stream is behind, and does not catch up: only a new connection begins with what is seen now."""
        return self._late_since is not None and self._arrived - self._late_since >= _LATE_FOR

    def tolerate_more(self) -> None:
        """Double the limit, since the stream is reopened."""
        self._limit = min(_LAST_LIMIT, 2.0 * self._limit)
