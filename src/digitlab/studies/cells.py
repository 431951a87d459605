"""The rows of a study, what was published of them, and how conclusions and figures ask for what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.studies.measures import expect_measures

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from matplotlib.figure import Figure

    from digitlab.studies.sequential import Judging

__all__ = ["Cell", "Draw", "Measured", "Published", "Results"]


class Published:
    """The values that a source prints for a cell, by measure; ``curves``: a number per epoch, by column of the history.

    >>> Published(accuracy=0.954, epochs=30).numbers
    {'accuracy': 0.954, 'epochs': 30}
    """

    def __init__(self, *, curves: Mapping[str, Sequence[float]] | None = None, **numbers: float) -> None:
        expect_measures(numbers)
        self.numbers, self.curves = numbers, curves or {}


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a study's table.

    key: how conclusions and published values refer to it; label: how tables show it
    changes: settings that differ from the study's base: fields of `Training`, or options of its architecture
    """

    key: Hashable
    label: str
    changes: Mapping[str, Any]


class Measured(Protocol):
    """The measures of a study's cells, as far as they are there."""

    @property
    def exact(self) -> bool:
        """Whether all repeats would give the same numbers."""

    @property
    def judging(self) -> Judging:
        """How its repeats are judged."""

    @property
    def cells(self) -> Sequence[Cell]:
        """The rows of the table."""

    @property
    def published(self) -> Mapping[Hashable, Published]:
        """By the cell's key."""

    def label(self, key: Hashable) -> str:
        """The label of the cell with this key."""

    def values(self, key: Hashable, measure: str) -> dict[int, float]:
        """A measure of a cell, by repeat."""


class Results(Measured, Protocol):
    """The same with all that each repeat gave."""

    @property
    def watches_test(self) -> bool:
        """Whether the curves named validation are of the test images."""

    def results(self, key: Hashable) -> Sequence[Mapping[str, Any]]:
        """Of a cell, by repeat."""


Draw = Callable[[Results], "Figure"]
