"""A search space: a recipe in which some settings vary, in one TOML file.

architecture = "dense-family"        # the keys of a recipe: fixed settings
epochs = 10

[tune]                               # how it is searched, see `Tuning`
sampler = "grid"

[space]                              # settings that vary: choices or ranges
batch_size = [32, 64]
learning_rate = { low = 1e-4, high = 1e-1, log = true }

[space.options]                      # options of the architecture
width = { low = 64, high = 512, step = 64 }
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError, UsageError
from digitlab.settings import expect_key
from digitlab.toml_files import find_toml
from digitlab.training.config import TrainingConfig, training_of, with_options
from digitlab.tuning.parameters import Parameter, Range, parameter_of
from digitlab.tuning.settings import Tuning, tuning_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from digitlab.tuning.parameters import Label

__all__ = [
    "Space",
    "find_space",
    "parse_space",
]

_OPTIONS = "options."
_FIXED = {
    "seed": "a trial's seeds are 0, 1, …; set their number with seeds in [tune]",
    "name": "it changes nothing",
    "dataset": "other images cannot be compared on the same folds",
    "test": "the test images are never looked at while tuning",
    "tta": "trials are compared by one prediction for each image",
    "members": "an ensemble is made of recipes that were found: `digitlab ensemble`",
}
_DEFAULT_TRIALS = 50
_FOLDER = "tuning/spaces"  # of the spaces that ship with the package


@dataclass(frozen=True, slots=True)
class Space:
    """Fixed settings, varying settings, and how the space is searched.

    parameters: by name: a field of `TrainingConfig`, or "options.NAME" of the architecture
    """

    name: str
    base: TrainingConfig
    parameters: Mapping[str, Parameter]
    tuning: Tuning

    @property
    def size(self) -> int | None:
        """The number of points of the grid; None if it is infinite."""
        grids = [parameter.grid for parameter in self.parameters.values()]
        return None if None in grids else math.prod(len(grid or ()) for grid in grids)

    @property
    def trials(self) -> int:
        """The number of trials to run; for a grid at most one per point."""
        if self.tuning.sampler == "grid":
            return min(self.tuning.trials or _DEFAULT_TRIALS**3, self.size or 0)
        return self.tuning.trials or _DEFAULT_TRIALS

    @property
    def longest(self) -> int:
        """The maximum number of epochs of any training."""
        epochs = self.parameters.get("epochs")
        return max(epochs.ends) if epochs is not None else self.base.epochs

    def training(self, labels: Mapping[str, Label]) -> TrainingConfig:
        """Return the recipe at this point.

        Raises:
            UsageError: for values that are not valid for a training.
        """
        values = {name: parameter.value(labels[name]) for name, parameter in self.parameters.items()}
        return self._with(values)

    def samples(self) -> list[TrainingConfig]:
        """List recipes in which each setting takes each end or choice once; architecture options take only the first.

        This finds values that a training rejects; which options are compatible shows only when they are tried.
        """
        first = {name: parameter.ends[0] for name, parameter in self.parameters.items()}
        samples = [self._with(first)]
        for name, parameter in self.parameters.items():
            if not name.startswith(_OPTIONS):
                samples += [self._with({**first, name: value}) for value in parameter.ends[1:]]
        return samples

    def _with(self, values: Mapping[str, Any]) -> TrainingConfig:
        settings = {name: value for name, value in values.items() if not name.startswith(_OPTIONS)}
        options = {name[len(_OPTIONS) :]: value for name, value in values.items() if name.startswith(_OPTIONS)}
        return replace(self.base, **settings, options={**self.base.options, **options})

    def as_toml(self) -> dict[str, Any]:
        """Return the content of a space's file, with all defaults."""
        base = {name: value for name, value in self.base.as_dict().items() if value is not None}
        space: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            table = space.setdefault("options", {}) if name.startswith(_OPTIONS) else space
            table[name.removeprefix(_OPTIONS)] = parameter.as_toml()
        return {**base, "tune": self.tuning.as_toml(), "space": space}


def find_space(path: Path) -> Space:
    """Load the space from this file, or the shipped one of this name.

    Raises:
        RecipeError: when neither exists, or as `parse_space`.
    """
    content, file = find_toml(path, _FOLDER, "search space")
    return parse_space(content, file.stem, file)


def parse_space(content: Mapping[str, Any], name: str, source: object) -> Space:
    """Parse a space from a file's content; error messages begin with ``source``, the file.

    Raises:
        RecipeError: for unknown keys, values of the wrong type, or if nothing varies.
    """
    tables = {table: content.get(table, {}) for table in ("tune", "space")}
    for table, table_value in tables.items():
        if not isinstance(table_value, dict):
            raise RecipeError(f"{source}: {table} is {table_value!r}; expected a table, [{table}]")
    base = training_of({key: value for key, value in content.items() if key not in tables}, source)
    base = with_options(replace(base, name=None), {})  # the path of a dataset becomes absolute, as for a training
    if base.members > 1:
        raise RecipeError(f"{source}: members is {base.members}; expected 1: {_FIXED['members']}")
    space = Space(
        content.get("name", name), base, _parameters(tables["space"], source), tuning_of(tables["tune"], source)
    )
    if not space.parameters:
        raise RecipeError(f"{source}: nothing varies; expected a table [space] with choices or ranges")
    if space.tuning.sampler == "grid" and space.size is None:
        infinite = [name for name, parameter in space.parameters.items() if parameter.grid is None]
        raise RecipeError(f"{source}: a grid has no end for {', '.join(infinite)}; expected choices, or a step")
    try:
        if any(each.patience is not None and not each.validation for each in space.samples()):
            raise UsageError("early stopping needs images held out of each fold's own, e.g. validation = 0.1")
    except UsageError as error:
        raise RecipeError(f"{source}: {error}") from error
    return space


def _parameters(content: Mapping[str, Any], source: object) -> dict[str, Parameter]:
    parameters = {}
    for name, specification in content.items():
        if name == "options":
            if not isinstance(specification, dict):
                raise RecipeError(f"{source}: [space] options is {specification!r}; expected a table, [space.options]")
            for option, choices in specification.items():
                parameters[_OPTIONS + option] = parameter_of(choices, f"{source}: [space.options] {option}")
            continue
        parameters[name] = parameter_of(specification, f"{source}: [space] {name}")
        if name in _FIXED:
            raise RecipeError(f"{source}: [space] {name} cannot vary: {_FIXED[name]}")
        for value in parameters[name].ends:
            expect_key(TrainingConfig, name, value, f"{source}: [space]")
        _expect_valid_step(name, parameters[name], source)
    return parameters


def _expect_valid_step(name: str, parameter: Parameter, source: object) -> None:
    """Check the step: a range between integers may still have a step that is not an integer."""
    if isinstance(parameter, Range) and parameter.step is not None:
        expect_key(TrainingConfig, name, parameter.low + parameter.step, f"{source}: [space]")
