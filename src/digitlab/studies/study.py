"""A study: settings to vary while the others stay the same, published values, and conclusions to check."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.studies.cells import Cell
from digitlab.studies.figures import validation_curves
from digitlab.studies.job import Job, Train
from digitlab.studies.measures import expect_measures
from digitlab.studies.sequential import Judging
from digitlab.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.studies.cells import Draw, Published
    from digitlab.studies.conclusions import Conclusion
    from digitlab.studies.job import Task

__all__ = ["Study"]

_FIELDS = tuple(each.name for each in fields(TrainingConfig))

# Ten of MNIST's 10,000 test images: nobody would choose between two recipes by a smaller difference, and S1 calls
# accuracies that differ by more "almost the same". For losses, about a tenth of the 0.03 of its better networks.
ALIKE: Mapping[str, float] = {
    **dict.fromkeys(("accuracy", "training_accuracy", "mean_training_accuracy", "mean_watched_accuracy"), 0.001),
    **dict.fromkeys(("loss", "training_loss", "watched_loss", "mean_training_loss", "mean_watched_loss"), 0.003),
}


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study, defined in a file of `published/` or a user's own.

    base: the settings that do not vary
    vary: a field of `TrainingConfig` or an option of its architecture → its values; with several, all combinations
    variants: instead of ``vary``, where several settings change together: label → changes
    test: the dataset on whose test images every cell is evaluated; None: the base's own
    task: what is done with a cell; by default it is trained
    published: by the cell's key: the varied value, a tuple if several vary, or the label of a variant
    conclusions: checked against the measured values, in this order
    repeats: number of seeds (or folds), unless the user sets it; most: the limit of `study run --until-decided`
    paired: compare cells repeat by repeat, where a seed or fold affects both alike: folds, and trainings that are
        identical at first. With few seeds this gains more than the degrees of freedom that it costs
    alike: by measure, the smallest relevant difference: two cells shown to differ by less are "the same". A file that
        sets it to other values than `ALIKE` says why
    minutes: expected duration of one repeat of every cell, on two cores
    columns: measures of the table, in this order
    figures: functions that draw the figures, as in the source
    labels: of cells, by key, where the values are not self-explanatory
    name, about: the file's name and docstring; set when the file is loaded
    """

    base: TrainingConfig = field(default_factory=TrainingConfig)
    vary: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    test: str | None = None
    task: Task = field(default_factory=Train)
    published: Mapping[Any, Published] = field(default_factory=dict)
    conclusions: Sequence[Conclusion] = ()
    repeats: int = 3
    most: int = 30
    paired: bool = False
    alike: Mapping[str, float] = field(default_factory=lambda: ALIKE)
    minutes: float = 1.0
    columns: Sequence[str] = ("accuracy", "loss", "epochs")
    figures: Sequence[Draw] = (validation_curves,)
    labels: Mapping[Any, str] = field(default_factory=dict)
    name: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if bool(self.vary) == bool(self.variants):
            raise UsageError(f"{self._title}: expected either vary or variants, and something in it")
        for name, values in self.vary.items():
            if not values:
                raise UsageError(f"{self._title}: {name} has no values to vary over; expected at least one")
        expect_measures(self.columns)
        keys = {cell.key for cell in self.cells}
        if len(keys) < len(self.cells):
            raise UsageError(f"{self._title}: a value of vary occurs twice; expected each once")
        referenced = [key for conclusion in self.conclusions for key in conclusion.keys]
        for key in (*self.published, *self.labels, *referenced):
            if key not in keys:
                listed = ", ".join(map(repr, itertools.islice(keys, 12)))
                raise UsageError(f"{self._title}: there is no cell {key!r}; known: {listed}")

    @property
    def judging(self) -> Judging:
        """The rules by which the repeats are judged."""
        limit = self.task.most or self.most
        paired = self.paired or self.task.repeated == "fold"
        return Judging(min(self.repeats, limit), min(self.most, limit), paired, self.alike)

    @property
    def _title(self) -> str:
        return self.name or "study"

    @property
    def source(self) -> str:
        """The source: the first line of the docstring."""
        return self.about.strip().partition("\n")[0]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The rows, in the table's order."""
        if self.variants:
            return tuple(Cell(label, label, changes) for label, changes in self.variants.items())
        combinations = itertools.product(*self.vary.values())
        return tuple(self._cell(dict(zip(self.vary, values, strict=True))) for values in combinations)

    def _cell(self, changes: dict[str, Any]) -> Cell:
        values = [tuple(value) if isinstance(value, list) else value for value in changes.values()]
        key = values[0] if len(values) == 1 else tuple(values)
        label = ", ".join(_in_words(name, value) for name, value in changes.items())
        return Cell(key, self.labels.get(key, label), changes)

    def job(self, cell: Cell, repeat: int, *, quick: bool = False) -> Job:
        """The job of ``cell`` and ``repeat``, counted from 0."""
        if not self.task.trains:
            return Job(self.task.kind, dict(cell.changes))
        training = self.training(cell, seed=repeat)
        return Job.of(self.task, replace(training, epochs=min(training.epochs, 2)) if quick else training, quick=quick)

    def training(self, cell: Cell, *, seed: int) -> TrainingConfig:
        """The training settings of a cell."""
        options = {name: value for name, value in cell.changes.items() if name not in _FIELDS}
        changed = {name: value for name, value in cell.changes.items() if name in _FIELDS}
        if self.test is not None:
            changed.setdefault("test", self.test)
        changed["options"] = {**self.base.options, **changed.get("options", {}), **options}
        try:
            return replace(self.base, **changed, seed=seed, name=None)
        except UsageError as error:
            raise UsageError(f"{self._title}, {cell.label}: {error}") from error


def _in_words(name: str, value: object) -> str:
    """A setting's value with its name; strings and lists are shown without the name.

    >>> _in_words("dropout", False), _in_words("kernel", 5), _in_words("pooling", "max"), _in_words("units", (8, 16))
    ('without dropout', 'kernel 5', 'max', '8-16')
    """
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} {words}"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    if isinstance(value, str):
        return value
    return f"{words} {value:g}" if isinstance(value, float) else f"{words} {value}"
