"""What `digitlab read` may be told of a page beforehand: the options that become arguments of `Reader.read`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cyclopts import Parameter

__all__ = ["NOTHING_KNOWN", "Known"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the pages.

    Attributes:
        count: So many digits are there: the likeliest ones are given back.
        lines: They stand on so many lines.
        region: Read only there: X,Y,WIDTH,HEIGHT in pixels of the upright picture.
        pattern: What is written, # for a digit, as in '####-##'. Other signs may be written or not; the text has them.
        grid: COLUMNSxROWS of a form or sudoku, as in 9x9: it is found and laid flat, each cell is a digit or empty.
    """

    count: int | None = None
    lines: int | None = None
    region: str | None = None
    pattern: str | None = None
    grid: str | None = None

    def constraints(self) -> dict[str, Any]:
        """The arguments of `Reader.read`; only what was given.

        Raises:
            UsageError: for what cannot be, or options that contradict each other.
        """
        from digitlab.reading.constraints import Constraints

        given: dict[str, Any] = {
            "count": self.count,
            "lines": self.lines,
            "region": _numbers("--region", self.region, r"(\d+),(\d+),(\d+),(\d+)", "x,y,width,height in pixels"),
            "pattern": self.pattern,
            "grid": _numbers("--grid", self.grid, r"(\d+)[xX×](\d+)", "columns x rows, such as 9x9"),
        }
        Constraints(**given)
        return {name: value for name, value in given.items() if value is not None}


NOTHING_KNOWN = Known()


def _numbers(option: str, text: str | None, form: str, expected: str) -> tuple[int, ...] | None:
    from digitlab.errors import UsageError

    if text is None:
        return None
    found = re.fullmatch(form, text.replace(" ", ""), re.ASCII)
    if found is None or any(len(number) > 6 for number in found.groups()):
        raise UsageError(f"{option} is {text[:60]!r}; expected {expected}")
    return tuple(map(int, found.groups()))
