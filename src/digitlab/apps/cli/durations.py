"""Lengths of time on the command line: --for 45m, and 3 min left."""

from __future__ import annotations

import re

from digitlab.errors import UsageError

__all__ = ["in_time", "seconds_of"]


def seconds_of(text: str) -> float:
    """A length of time as people write it.

    >>> seconds_of("60m"), seconds_of("1.5h"), seconds_of("90s"), seconds_of("2")
    (3600.0, 5400.0, 90.0, 120.0)

    Raises:
        UsageError: for anything else, and for no time at all.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--for is {text!r}; expected a time above 0 such as 45m, 2h or 90s")
    return float(match[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600, None: 60}[match[2]]


def in_time(seconds: float) -> str:
    """A length of time in the two units that matter.

    >>> in_time(8), in_time(200), in_time(8100)
    ('8 s', '3 min', '2 h 15 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
