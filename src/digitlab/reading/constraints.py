"""What is known about a page before it is read, validated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError, counted
from digitlab.settings import Range, check_settings, setting, settings_in, whole_numbers

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["DIGIT", "Constraints"]

DIGIT = "#"  # stands for one digit in a pattern

_MOST_DIGITS = 1000
_MOST_CELLS = 50  # per side
_SEQUENCES = {
    "region": "x, y, width, height in pixels, such as (100, 50, 640, 200)",
    "grid": "columns and rows, such as (9, 9)",
}


@dataclass(frozen=True, slots=True)
class Constraints:
    """What is known about a page; None for what is unknown.

    The fields are options of `digitlab read` and keywords of `Reader.read`; docs/reading.md has them as a table.
    """

    # fmt: off
    count: int | None = setting(
        None,
        "The number of digits: the most probable ones are returned, ? for those below the threshold. If another number "
        "is found, all are returned, and the note says how many.",
        within=Range(1, _MOST_DIGITS))
    lines: int | None = setting(
        None, "The number of lines: stray digits are left out or joined to their neighbour, crowded lines separated.",
        within=Range(1, _MOST_DIGITS))
    region: tuple[int, int, int, int] | None = setting(
        None, "Read only there: X,Y,WIDTH,HEIGHT in pixels of the upright picture.",
        of_text=whole_numbers("--region", r"(\d+),(\d+),(\d+),(\d+)", "x,y,width,height in pixels"))
    pattern: str | None = setting(
        None,
        "What is written, with # for a digit, as in '####-##'. Other characters may be written or not; the text has "
        "them. One line of the page follows it, or with lines each of them.")
    grid: tuple[int, int] | None = setting(
        None,
        "COLUMNSxROWS of a form or sudoku, as in 9x9: the largest such grid is rectified; each cell is a digit or "
        "empty.", of_text=whole_numbers("--grid", r"(\d+)[xX×](\d+)", "columns x rows, such as 9x9"))
    among: tuple[str, ...] | None = setting(
        None,
        "The number is one of a list: LIST.csv, or LIST.csv:COLUMN. The most likely entry is given, with the margin to "
        "the second; ? where none is likely enough.", of_text=str)
    check: str | None = setting(
        None,
        "What the number fulfils: luhn, mod97, isbn, date (date:dmy, date:mdy, date:ymd), range:a-b; or all numbers "
        "together: sum:last, sum:NUMBER. What does not fit is ?.")
    one_to_one: bool = setting(
        False, "Of several pictures, no two have the same entry of the list: the assignment that is most likely as a "
        "whole, and which of its pairs are doubtful.")
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)
        self._take_texts()
        self._check_region()
        self._check_pattern()
        self._check_grid()
        self._check_numbers()
        if self.count is not None and self.lines is not None and self.count < self.lines:
            raise UsageError(
                f"{counted(self.count, 'digit does', 'digits do')} "
                f"not fit on {counted(self.lines, 'line')}; expected at least one digit per line"
            )

    def given(self) -> dict[str, Any]:
        """Return the constraints that are set, by name."""
        values = {each.name: getattr(self, each.name) for each in settings_in(Constraints)}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    def _take_texts(self) -> None:
        """Convert region and grid to tuples of int; they may be texts, as on the command line, or other sequences."""
        for each in settings_in(Constraints):
            value = getattr(self, each.name)
            if each.name not in _SEQUENCES or value is None:
                continue
            if isinstance(value, str) and each.of_text is not None:
                value = each.of_text(value)
            numbers = tuple(value) if isinstance(value, Iterable) else ()
            if not numbers or not all(isinstance(number, Real) and float(number).is_integer() for number in numbers):
                raise UsageError(f"{each.name} is {value!r}; expected {_SEQUENCES[each.name]}")
            object.__setattr__(self, each.name, tuple(int(number) for number in numbers))

    def _check_region(self) -> None:
        if self.region is None:
            return
        if len(self.region) != 4 or min(self.region) < 0 or min(self.region[2:]) < 1:
            text = ",".join(map(str, self.region))
            raise UsageError(f"region is {text}; expected x,y,width,height in pixels, for instance 100,50,640,200")

    def _check_pattern(self) -> None:
        if self.pattern is None:
            return
        if not isinstance(self.pattern, str):
            raise UsageError(f"pattern is {self.pattern!r}; expected a text with a # for each digit, such as '####-##'")
        if DIGIT not in self.pattern or len(self.pattern) > _MOST_DIGITS or not self.pattern.isprintable():
            shown = self.pattern if len(self.pattern) < 40 else self.pattern[:40] + "…"
            raise UsageError(f"pattern is {shown!r}; expected one line with a # for each digit, such as ####-##")
        if self.count is not None:
            raise UsageError(
                f"count ({self.count}) and pattern ({counted(self.pattern.count(DIGIT), 'digit')}) were both given; "
                "the pattern says how many digits there are, leave count out"
            )

    def _check_grid(self) -> None:
        if self.grid is None:
            return
        if len(self.grid) != 2 or not all(1 <= side <= _MOST_CELLS for side in self.grid) or self.grid == (1, 1):
            text = "x".join(map(str, self.grid))
            raise UsageError(f"grid is {text}; expected columns and rows from 1x2 to {_MOST_CELLS}x{_MOST_CELLS}")
        conflicting = [name for name in ("count", "lines", "pattern") if getattr(self, name) is not None]
        if conflicting:
            raise UsageError(f"grid and {conflicting[0]} were both given; each cell of a grid holds one digit or none")

    def _check_numbers(self) -> None:
        from digitlab.reading.numbers.checks import check_of
        from digitlab.reading.numbers.lists import number_list

        if self.among is not None:  # a file name, or any numbers, are replaced by the entries
            object.__setattr__(self, "among", number_list(self.among).entries)
        if self.check is not None:
            check_of(str(self.check))
        specified = [name for name in ("among", "check") if getattr(self, name) is not None]
        if self.one_to_one and self.among is None:
            raise UsageError("one-to-one needs a list; add among, such as class.csv:number")
        if len(specified) == 2:
            raise UsageError(
                "among and check were both given; leave out check, and keep only those entries in the list that "
                "fulfil it"
            )
        if specified and self.grid is not None:
            raise UsageError(f"grid and {specified[0]} were both given; each cell of a grid holds one digit or none")
        if self.one_to_one and self.lines is not None:
            raise UsageError("one-to-one and lines were both given; each picture gets one entry of the list")

    def region_in(self, size: tuple[int, int]) -> Box:
        """Return the region's box in a picture of this width and height; the whole picture if there is no region.

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
