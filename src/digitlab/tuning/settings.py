"""How a space is searched: the table [tune] as a frozen value that checks itself."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OBJECTIVES", "PRUNERS", "SAMPLERS", "Tuning", "tuning_of"]

SAMPLERS = ("tpe", "grid", "random")
PRUNERS = ("none", "median", "halving", "hyperband")
# Objective → whether higher is better.
OBJECTIVES = {"accuracy": True, "loss": False, "latency": False, "size": False}

_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Tuning:
    """The table [tune] of a space.

    sampler: what proposes trials: Optuna's "tpe", every point of the "grid", or "random"
    pruner: what ends a trial early: "median" (worse than half of the finished ones at the same step), "halving"
        (successive halving: one in ``reduction`` continues after 1, 3, 9 … epochs), "hyperband" (several such brackets)
    reduction: factor of the last two
    startup: finished trials before "median" prunes any, and random trials before "tpe" models the results
    trials: maximum number; None: all points of a grid, otherwise 50
    folds: cross-validation folds of the training images, stratified by class
    use_folds: how many of these folds a trial is evaluated on; None: all
    seeds: number of trainings per fold, with different seeds
    share: share of the training images that is used at all
    objectives: what is optimised; with several, there is no best trial but a Pareto front
    seed: of the proposals
    """

    sampler: str = "tpe"
    pruner: str = "none"
    reduction: int = 3
    startup: int = 5
    trials: int | None = None
    folds: int = 5
    use_folds: int | None = None
    seeds: int = 1
    share: float = 1.0
    objectives: tuple[str, ...] = ("accuracy",)
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, what in (
            (self.sampler not in SAMPLERS, f"sampler is {self.sampler!r}; expected one of {', '.join(SAMPLERS)}"),
            (self.pruner not in PRUNERS, f"pruner is {self.pruner!r}; expected one of {', '.join(PRUNERS)}"),
            (self.reduction < 2, f"reduction is {self.reduction}; expected 2 or more"),
            (self.startup < 0, f"startup is {self.startup}; expected 0 or more"),
            (self.trials is not None and not 1 <= self.trials <= _MOST, f"trials is {self.trials}; expected 1 or more"),
            (not 2 <= self.folds <= 1000, f"folds is {self.folds}; expected 2 or more"),
            (
                not 1 <= (self.use_folds or self.folds) <= self.folds or self.use_folds == 0,
                f"use_folds is {self.use_folds}; expected 1 to {self.folds}, the folds that there are",
            ),
            (not 1 <= self.seeds <= 1000, f"seeds is {self.seeds}; expected 1 or more"),
            (not 0 < self.share <= 1, f"share is {self.share}; expected more than 0, and at most 1"),
            (not 0 <= self.seed < 2**31, f"seed is {self.seed}; expected 0 to {2**31 - 1}"),
        ):
            if wrong:
                raise UsageError(what)
        self._check_objectives()

    def _check_objectives(self) -> None:
        known = ", ".join(OBJECTIVES)
        if not self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise UsageError(f"objectives is {list(self.objectives)}; expected one or more of {known}, each once")
        for objective in self.objectives:
            if objective not in OBJECTIVES:
                raise UsageError(f"objectives has {objective!r}; expected some of {known}")
        if self.objectives[0] not in ("accuracy", "loss"):
            raise UsageError(f"objectives begins with {self.objectives[0]!r}; expected accuracy or loss first")
        if len(self.objectives) > 1 and self.pruner != "none":
            raise UsageError(
                f"pruner is {self.pruner!r} beside {len(self.objectives)} objectives; a trial that is worse in one may "
                'be better in another: expected "none"'
            )

    @property
    def jobs(self) -> int:
        """Trainings of a trial that is not pruned."""
        return (self.use_folds or self.folds) * self.seeds

    def as_toml(self) -> dict[str, Any]:
        """The table [tune], without None."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**{key: value for key, value in found.items() if value is not None}, "objectives": [*self.objectives]}


_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "int | None": (int,),
    "float": (int, float),
    "tuple[str, ...]": (list,),
}


def tuning_of(content: Mapping[str, Any], where: object) -> Tuning:
    """The settings of a table [tune]; error messages begin with ``where``, the file.

    Raises:
        RecipeError: for unknown keys, with the nearest name, or values of the wrong kind.
    """
    kinds = {field.name: str(field.type) for field in fields(Tuning)}
    for key, value in content.items():
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, n=1)
            hint = f" did you mean {near[0]!r}?" if near else f" known: {', '.join(kinds)}"
            raise RecipeError(f"{where}: [tune] has the unknown key {key!r};{hint}")
        allowed = _KINDS[kinds[key]]
        if not isinstance(value, allowed) or isinstance(value, bool):
            raise RecipeError(f"{where}: {key} is {value!r}; expected {allowed[-1].__name__}")
    if not all(isinstance(each, str) for each in content.get("objectives", ())):
        raise RecipeError(f"{where}: objectives is {content['objectives']!r}; expected a list of words")
    try:
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in content.items()
        }
        return Tuning(**settings)
    except UsageError as error:
        raise RecipeError(f"{where}: {error}") from error
