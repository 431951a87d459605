"""The outcome of a study: its finished cells, in the form that tables, figures and conclusions need."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.shown import Drawn, Tabular
from digitlab.studies.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from digitlab.studies.cells import Cell, Published
    from digitlab.studies.job import Job
    from digitlab.studies.sequential import Judging
    from digitlab.studies.store import Record, Store
    from digitlab.studies.study import Study

__all__ = ["Outcome", "Planned", "outcome_of", "plan"]

_QUICK_CELLS = 12  # a quick run of a study with more cells takes this number of them, evenly spaced


@dataclass(frozen=True, slots=True)
class Planned:
    """One job of a study."""

    study: Study
    cell: Cell
    repeat: int
    job: Job


def plan(study: Study, repeats: int | None = None, *, quick: bool = False) -> list[Planned]:
    """List every job of a study: all cells of the first repeat, then those of the second, and so on.

    repeats: number of seeds or folds; None: the study's own, or fewer for a quick run
    """
    cells = study.cells
    if quick and len(cells) > _QUICK_CELLS:
        cells = tuple(cells[index * (len(cells) - 1) // (_QUICK_CELLS - 1)] for index in range(_QUICK_CELLS))
    count = repeats or (min(study.repeats, 2 if len(cells) <= _QUICK_CELLS // 2 else 1) if quick else study.repeats)
    most = study.task.most
    return [
        Planned(study, cell, repeat, study.job(cell, repeat, quick=quick))
        for repeat in range(count if most is None else min(count, most))
        for cell in cells
    ]


@dataclass(frozen=True, slots=True)
class Outcome(Drawn, Tabular):
    """A study with the records of its finished cells.

    records: by the cell's key, then by repeat: also repeats beyond the planned ones, added by `--until-decided` or by
        another study that shares the cell
    planned_repeats: of each cell
    """

    study: Study
    records: Mapping[Hashable, Mapping[int, Record]]
    planned_repeats: int
    quick: bool

    @property
    def exact(self) -> bool:
        """Whether all repeats would give the same numbers."""
        return self.study.task.exact

    @property
    def judging(self) -> Judging:
        """The rules by which the repeats are judged."""
        return self.study.judging

    @property
    def cells(self) -> Sequence[Cell]:
        """The rows of the table: a quick run may leave some out."""
        return [cell for cell in self.study.cells if cell.key in self.records]

    @property
    def published(self) -> Mapping[Hashable, Published]:
        """Published values by the cell's key, for the rows of the table only."""
        return {key: each for key, each in self.study.published.items() if key in self.records}

    @property
    def planned(self) -> int:
        """The number of planned repeats of all cells."""
        return self.planned_repeats * len(self.records)

    @property
    def found(self) -> int:
        """How many of the planned repeats have a record."""
        return sum(repeat < self.planned_repeats for by_repeat in self.records.values() for repeat in by_repeat)

    @property
    def repeats(self) -> int:
        """The largest number of repeats of any cell."""
        return max(map(len, self.records.values()), default=0)

    @property
    def watches_test(self) -> bool:
        """Whether the curves called "validation" were measured on the test images."""
        return self.study.task.settings().get("watch") == "test"

    def results(self, key: Hashable) -> list[Mapping[str, Any]]:
        """The results of a cell, in order of its repeats."""
        return [record["result"] for record in self.records[key].values()]

    def label(self, key: Hashable) -> str:
        """The label of the cell with this key."""
        return next(cell.label for cell in self.study.cells if cell.key == key)

    def values(self, key: Hashable, measure: str) -> dict[int, float]:
        """Values of a measure of a cell by repeat, without NaN and infinity."""
        read = MEASURES[measure].of
        numbers = {repeat: read(record["result"]) for repeat, record in self.records.get(key, {}).items()}
        return {repeat: value for repeat, value in numbers.items() if math.isfinite(value)}


def outcome_of(study: Study, store: Store, repeats: int | None = None, *, quick: bool = False) -> Outcome:
    """Read the finished cells from ``store``: the requested repeats, and any beyond them."""
    planned = plan(study, repeats, quick=quick)
    cells = list({each.cell.key: each.cell for each in planned}.values())
    records: dict[Hashable, dict[int, Record]] = {cell.key: {} for cell in cells}
    requested = 1 + max(each.repeat for each in planned)
    for repeat in itertools.count():
        stored = {cell.key: store.read(study.job(cell, repeat, quick=quick)) for cell in cells}
        for key, record in stored.items():
            if record is not None:
                records[key][repeat] = record
        if repeat + 1 >= (study.task.most or math.inf) or (repeat >= requested and not any(stored.values())):
            break
    return Outcome(study, records, requested, quick)
