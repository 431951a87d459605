"""Lengths of time on the command line: --for 45m, and 3 min left."""

from __future__ import annotations

from digitlab.settings import seconds_of

__all__ = ["in_time", "seconds_of"]


def in_time(seconds: float) -> str:
    """A length of time in the two units that matter.

    >>> in_time(8), in_time(200), in_time(8100)
    ('8 s', '3 min', '2 h 15 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
