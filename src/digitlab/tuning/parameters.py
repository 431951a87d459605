"""The parameters of a search space: a list of choices, or a range of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Choice", "Label", "Parameter", "Range", "parameter_of"]

# A value as stored in the journal and in tables; a list, e.g. the filters of a network, is stored as JSON text.
Label = str | int | float | bool

_OF_A_RANGE = ("low", "high", "step", "log")


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that takes one of these values."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[Label, ...]:
        """The values as stored in the journal."""
        return tuple(map(_label, self.values))

    @property
    def grid(self) -> tuple[Label, ...] | None:
        """Every value."""
        return self.labels

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that are checked before anything is trained: if they are valid, all are."""
        return self.values

    def value(self, label: Label) -> Any:
        """Convert a label to its value."""
        return self.values[self.labels.index(label)]

    def as_toml(self) -> Any:
        """Return the form used in a space's file."""
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; integers if both are integers.

    step: difference of consecutive numbers; None: 1 for integers, otherwise continuous
    log: sampled uniformly on a logarithmic scale
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether its numbers are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and not isinstance(self.step, float)

    @property
    def grid(self) -> tuple[Label, ...] | None:
        """Every number, or None if there are infinitely many.

        >>> Range(2, 9, step=3).grid, Range(0.1, 0.3, step=0.1).grid, Range(0.1, 0.3).grid
        ((2, 5, 8), (0.1, 0.2, 0.3), None)
        """
        if self.step is None and not self.whole:
            return None
        step = self.step or 1
        # Rounded: 0.1 + 2 * 0.1 is 0.30000000000000004.
        numbers = (self.low + step * index for index in range(math.floor((self.high - self.low) / step + 1e-9) + 1))
        return tuple(int(number) if self.whole else float(f"{number:.12g}") for number in numbers)

    @property
    def ends(self) -> tuple[Any, ...]:
        """See `Choice.ends`."""
        return (self.low, self.grid[-1] if self.grid else self.high)

    def value(self, label: Label) -> Any:
        """Convert a label to its number."""
        return int(label) if self.whole else float(f"{float(label):.12g}")

    def as_toml(self) -> Any:
        """Return the form used in a space's file."""
        table: dict[str, Any] = {"low": self.low, "high": self.high}
        return table | ({"step": self.step} if self.step is not None else {}) | ({"log": True} if self.log else {})


Parameter = Choice | Range


def parameter_of(value: object, source: str) -> Parameter:
    """Parse a parameter of a space's file: a list of choices, or a table with ``low`` and ``high``.

    Raises:
        RecipeError: for anything else, or if there is nothing to choose from.
    """
    if isinstance(value, list):
        return _choice(value, source)
    if isinstance(value, dict):
        return _range(value, source)
    raise RecipeError(
        f"{source} is {value!r}; expected choices such as [1, 2] or a range such as {{ low = 1, high = 9 }}"
    )


def _choice(values: Sequence[Any], source: str) -> Choice:
    if not values:
        raise RecipeError(f"{source} has no choices; expected at least one")
    labels = [_label(value) for value in values]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            raise RecipeError(f"{source} has {label!r} twice; expected each choice once")
    return Choice(tuple(values))


def _range(table: Mapping[str, Any], source: str) -> Range:
    for key in table:
        if key not in _OF_A_RANGE:
            raise RecipeError(f"{source} has the unknown key {key!r}; a range has {', '.join(_OF_A_RANGE)}")
    for key in ("low", "high"):
        if key not in table:
            raise RecipeError(f"{source} has no {key}; expected {{ low = …, high = … }}")
    for key in ("low", "high", "step"):
        value = table.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise RecipeError(f"{source}: {key} is {value!r}; expected a number")
    if not isinstance(table.get("log", False), bool):
        raise RecipeError(f"{source}: log is {table['log']!r}; expected true or false")
    result = Range(**table)
    _expect_numbers_in(result, source)
    if result.whole:
        return result
    return Range(float(result.low), float(result.high), result.step and float(result.step), result.log)


def _expect_numbers_in(range_: Range, source: str) -> None:
    if range_.low >= range_.high:
        raise RecipeError(f"{source} is an empty range, from {range_.low} to {range_.high}; expected low below high")
    if range_.step is not None and not 0 < range_.step <= range_.high - range_.low:
        raise RecipeError(f"{source}: step is {range_.step}; expected more than 0, and at most high - low")
    if range_.log and range_.low <= 0:
        raise RecipeError(f"{source}: low is {range_.low}; expected more than 0 for a range with log")
    if range_.log and range_.step is not None:
        raise RecipeError(f"{source} has both log and step; expected one of them")


def _label(value: Any) -> Label:
    return value if isinstance(value, Label) else json.dumps(value)
