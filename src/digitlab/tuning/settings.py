"""How a space is searched: the table [tune] as an immutable dataclass that validates itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError, UsageError
from digitlab.settings import Range, check_settings, expect_key, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OBJECTIVES", "PRUNERS", "SAMPLERS", "Tuning", "tuning_of"]

SAMPLERS = ("tpe", "grid", "random")
PRUNERS = ("none", "median", "halving", "hyperband")
# Objective → whether higher is better.
OBJECTIVES = {"accuracy": True, "loss": False, "latency": False, "size": False}


@dataclass(frozen=True, slots=True)
class Tuning:
    """The table [tune] of a space; the fields are its keys, and options of `digitlab tune`."""

    # fmt: off
    sampler: str = setting(
        "tpe", "What proposes trials: Optuna's tpe, every point of the grid, or random.", choices=SAMPLERS)
    pruner: str = setting(
        "none",
        "What ends a trial early: none, median (worse than half of the finished ones at the same step), halving "
        "(successive halving: one in REDUCTION continues after 1, 3, 9 … epochs), hyperband (several such brackets).",
        choices=PRUNERS)
    reduction: int = setting(3, "Factor of halving and hyperband.", within=Range(2))
    startup: int = setting(
        5, "Finished trials before median prunes any, and random trials before tpe models the results.",
        within=Range(0))
    trials: int | None = setting(
        None,
        "Number of trials in all, including those of an earlier start; default: every point of a grid, or 50.",
        within=Range(1, 100_000))
    folds: int = setting(
        5, "Number of cross-validation folds of the training images, stratified by class.", within=Range(2, 1000))
    use_folds: int | None = setting(
        None, "Evaluate each trial on this number of the folds only; default: all.", within=Range(1, 1000))
    seeds: int = setting(1, "Number of trainings per fold, with different seeds.", within=Range(1, 1000))
    share: float = setting(
        1.0, "Share of the training images that is used, e.g. 0.1 for a first look.", within=Range(0, 1, above=True))
    objectives: tuple[str, ...] = setting(
        ("accuracy",),
        "What is optimised: accuracy, loss, latency, size; with several, there is no best trial but a Pareto front.")
    seed: int = setting(0, "The same seed proposes the same trials.", within=Range(0, 2**31 - 1))
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)
        if self.use_folds is not None and self.use_folds > self.folds:
            raise UsageError(f"use_folds is {self.use_folds}; expected 1 to {self.folds}, the folds that there are")
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
                f"pruner is {self.pruner!r} with {len(self.objectives)} objectives; a trial that is worse in one may "
                'be better in another: expected "none"'
            )

    @property
    def jobs(self) -> int:
        """Number of trainings in a trial that is not pruned."""
        return (self.use_folds or self.folds) * self.seeds

    def as_toml(self) -> dict[str, Any]:
        """Return the table [tune], without None values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**{key: value for key, value in values.items() if value is not None}, "objectives": [*self.objectives]}


def tuning_of(content: Mapping[str, Any], source: object) -> Tuning:
    """Parse a table [tune]; error messages begin with ``source``, the file.

    Raises:
        RecipeError: for unknown keys, with the nearest name, or values of the wrong type.
    """
    for key, value in content.items():
        expect_key(Tuning, key, value, f"{source}: [tune]")
    if not all(isinstance(each, str) for each in content.get("objectives", ())):
        raise RecipeError(f"{source}: objectives is {content['objectives']!r}; expected a list of words")
    try:
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in content.items()
        }
        return Tuning(**settings)
    except UsageError as error:
        raise RecipeError(f"{source}: {error}") from error
