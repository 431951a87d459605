"""What is known of a page before it is read, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["DIGIT", "Constraints"]

DIGIT = "#"  # of a pattern

_MOST_DIGITS = 1000
_MOST_CELLS = 50  # a side


@dataclass(frozen=True, slots=True)
class Constraints:
    """How many digits, on how many lines, where, after which pattern or in which grid; None for what is not known.

    region: x, y, width and height in pixels; grid: columns and rows
    """

    count: int | None = None
    lines: int | None = None
    region: tuple[int, int, int, int] | None = None
    pattern: str | None = None
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("count", "lines"):
            number = getattr(self, name)
            if number is not None and not 1 <= number <= _MOST_DIGITS:
                raise UsageError(f"{name} is {number}; expected 1 to {_MOST_DIGITS}")
        self._check_region()
        self._check_pattern()
        self._check_grid()
        if self.count is not None and self.lines is not None and self.count < self.lines:
            raise UsageError(
                f"{self.count} digits cannot stand on {self.lines} lines; expected a digit a line at least"
            )

    def _check_region(self) -> None:
        if self.region is None:
            return
        if len(self.region) != 4 or min(self.region) < 0 or min(self.region[2:]) < 1:
            given = ",".join(map(str, self.region))
            raise UsageError(f"region is {given}; expected x,y,width,height in pixels, for instance 100,50,640,200")

    def _check_pattern(self) -> None:
        if self.pattern is None:
            return
        if DIGIT not in self.pattern or len(self.pattern) > _MOST_DIGITS or not self.pattern.isprintable():
            shown = self.pattern if len(self.pattern) < 40 else self.pattern[:40] + "…"
            raise UsageError(f"pattern is {shown!r}; expected one line with a # for each digit, such as ####-##")
        if self.count is not None:
            raise UsageError(
                f"count ({self.count}) and pattern ({self.pattern.count(DIGIT)} digits) were both given; "
                "the pattern says how many digits there are, leave count out"
            )

    def _check_grid(self) -> None:
        if self.grid is None:
            return
        if len(self.grid) != 2 or not all(1 <= side <= _MOST_CELLS for side in self.grid) or self.grid == (1, 1):
            given = "x".join(map(str, self.grid))
            raise UsageError(f"grid is {given}; expected columns and rows from 1x2 to {_MOST_CELLS}x{_MOST_CELLS}")
        others = [name for name in ("count", "lines", "pattern") if getattr(self, name) is not None]
        if others:
            raise UsageError(f"grid and {others[0]} were both given; each cell of a grid holds one digit or none")

    def region_in(self, size: tuple[int, int]) -> Box:
        """The region's box in a picture of this width and height; all of it where there is no region.

        Raises:
            UsageError: when the region reaches beyond the picture.
        """
        if self.region is None:
            return 0, 0, *size
        x, y, width, height = self.region
        if x + width > size[0] or y + height > size[1]:
            raise UsageError(
                f"region {x},{y},{width},{height} reaches beyond the picture of {size[0]}×{size[1]} pixels; "
                "expected x,y,width,height inside it"
            )
        return x, y, x + width, y + height
