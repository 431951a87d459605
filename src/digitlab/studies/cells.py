"""The rows of a study, their published values, and the interface through which conclusions and figures get results."""

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
    """Published values of a cell, by measure; ``curves``: one number per epoch, by column of the history.

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
    """The measured values of a study's cells, as far as available."""

    @property
    def exact(self) -> bool:
        """Whether all repeats would give the same numbers."""

    @property
    def judging(self) -> Judging:
        """The rules by which the repeats are judged."""

    @property
    def cells(self) -> Sequence[Cell]:
        """The rows of the table."""

    @property
    def published(self) -> Mapping[Hashable, Published]:
        """Published values by the cell's key."""

    def label(self, key: Hashable) -> str:
        """The label of the cell with this key."""

    def values(self, key: Hashable, measure: str) -> dict[int, float]:
        """Values of a measure of a cell, by repeat."""


class Results(Measured, Protocol):
    """Measured values, and the full results of each repeat."""

    @property
    def watches_test(self) -> bool:
        """Whether the curves called "validation" were measured on the test images."""

    def results(self, key: Hashable) -> Sequence[Mapping[str, Any]]:
        """The results of a cell, in order of its repeats."""


Draw = Callable[[Results], "Figure"]
