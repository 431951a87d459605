"""Proposals, pruning and the record of trials: the only module that uses Optuna.

The record is Optuna's journal, a file to which each step is appended as a line: readers need no lock, there is nothing
to migrate, it is human-readable, and needs no database library. An incomplete line, left by a power failure, is removed
when the file is opened again. Only one process writes, so a lock on the whole folder (`folder`) replaces Optuna's own,
which a killed process would leave behind.

Each trial is proposed with its own seed: a search that was killed continues as if it had not been, unless it was killed
during the milliseconds of a proposal.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.trial import TrialState

from digitlab.errors import RunError
from digitlab.storage import saying_what_failed
from digitlab.tuning.parameters import Choice
from digitlab.tuning.settings import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.tuning.parameters import Label, Parameter
    from digitlab.tuning.space import Space

__all__ = ["Search", "State", "Trial"]

State = Literal["running", "complete", "pruned", "failed"]

_STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the space, its state and its results.

    labels: the point, by name of the parameter
    values: of the objectives, in their order; None unless it is complete
    reported: step → mean accuracy so far; see `digitlab.tuning.progress`
    notes: values stored with it: the results of its jobs
    """

    number: int
    state: State
    labels: Mapping[str, Label]
    values: tuple[float, ...] | None = None
    reported: Mapping[int, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


class Search:
    """The trials of a search space, stored in a file."""

    def __init__(self, space: Space, path: Path) -> None:
        """Open ``path``, or create it.

        Raises:
            RunError: when it is not an Optuna journal that can be resumed.
            StorageError: when it cannot be written.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, tuning = space, space.tuning
        self._distributions = {name: _distribution(each) for name, each in space.parameters.items()}
        self._several = len(tuning.objectives) > 1
        _drop_unfinished_line(path)
        try:
            with saying_what_failed(path):
                self._storage = JournalStorage(_Journal(str(path), _NoLock()))
                self._study = optuna.create_study(
                    study_name=space.name,
                    storage=self._storage,
                    directions=["maximize" if OBJECTIVES[each] else "minimize" for each in tuning.objectives],
                    pruner=_pruner(space),
                    load_if_exists=True,
                )
                self._finish_proposals()
        except (ValueError, LookupError, TypeError, AssertionError) as error:
            raise RunError(f"{path}: not a journal that can be resumed ({error})") from error

    def ask(self) -> Trial:
        """Propose and begin a new trial."""
        self._study.sampler = _sampler(self._space, len(self._study.get_trials(deepcopy=False)))
        proposed = self._study.ask(self._distributions)
        return Trial(proposed.number, "running", dict(proposed.params))

    def note(self, number: int, name: str, content: Any) -> None:
        """Store JSON-serialisable values with a running trial."""
        self._storage.set_trial_user_attr(self._id(number), name, content)

    def report(self, number: int, step: int, value: float) -> bool:
        """Store a running trial's value at a step; return whether to prune it (never with several objectives)."""
        if self._several:
            return False
        if step in self._study.get_trials(deepcopy=False)[number].intermediate_values:
            return False
        self._storage.set_trial_intermediate_value(self._id(number), step, value)
        return self._study.pruner.prune(self._study, self._study.get_trials()[number])

    def complete(self, number: int, values: Sequence[float]) -> None:
        """End a trial with the values of its objectives."""
        self._study.tell(number, list(values))

    def prune(self, number: int) -> None:
        """End a trial early; its value is the last reported one."""
        self._study.tell(number, state=TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> None:
        """End a trial because one of its jobs failed."""
        self.note(number, "reason", reason)
        self._study.tell(number, state=TrialState.FAIL)

    @property
    def trials(self) -> list[Trial]:
        """All trials, in order."""
        return [
            Trial(
                each.number,
                _STATES[each.state],
                each.params,
                tuple(each.values) if each.state == TrialState.COMPLETE else None,
                each.intermediate_values,
                each.user_attrs,
            )
            for each in self._study.get_trials(deepcopy=False)
        ]

    @property
    def front(self) -> list[int]:
        """The trials that no other dominates (Pareto front), by number; with one objective, only the best."""
        if not any(trial.state == "complete" for trial in self.trials):
            return []
        if self._several:
            return sorted(trial.number for trial in self._study.best_trials)
        return [self._study.best_trial.number]

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)

    def _finish_proposals(self) -> None:
        """Complete proposals: each is several journal lines, of which a process killed in between wrote only some."""
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state == TrialState.RUNNING and trial.params.keys() != self._distributions.keys():
                self._study.sampler = _sampler(self._space, trial.number)
                unfinished = optuna.trial.Trial(self._study, self._id(trial.number))
                for name, distribution in self._distributions.items():
                    unfinished._suggest(name, distribution)


def _distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.labels)
    if parameter.whole:
        return IntDistribution(
            int(parameter.low), int((parameter.grid or (0,))[-1]), parameter.log, int(parameter.step or 1)
        )
    high = float(parameter.grid[-1]) if parameter.grid else parameter.high
    return FloatDistribution(parameter.low, high, parameter.log, parameter.step)


def _sampler(space: Space, proposed: int) -> optuna.samplers.BaseSampler:
    """Create the sampler for the next trial; ``proposed``: number of trials so far."""
    tuning = space.tuning
    if tuning.sampler == "grid":
        return _Grid({name: each.grid or () for name, each in space.parameters.items()}, seed=tuning.seed)
    seed = (tuning.seed * 1_000_003 + proposed) % 2**32
    if tuning.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=tuning.startup, constant_liar=True)


class _Grid(optuna.samplers.GridSampler):
    """The grid in a random order; the caller counts the trials and knows when it is exhausted."""

    def after_trial(self, *_: Any, **__: Any) -> None:
        """Do nothing: Optuna would stop its own loop, which is not used."""


def _pruner(space: Space) -> optuna.pruners.BasePruner:
    tuning = space.tuning
    if tuning.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=tuning.startup)
    if tuning.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=tuning.reduction)
    if tuning.pruner == "hyperband":
        max_resource = space.longest * tuning.jobs
        return optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=max_resource, reduction_factor=tuning.reduction
        )
    return optuna.pruners.NopPruner()


class _NoLock(BaseJournalFileLock):
    """A lock that does nothing, in place of Optuna's."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class _Journal(JournalFileBackend):
    """Optuna's journal, with error messages that say what to do."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with saying_what_failed(Path(self._file_path)):
            super().append_logs(logs)


def _drop_unfinished_line(path: Path) -> None:
    if not path.is_file():
        return
    with saying_what_failed(path), path.open("r+b") as file:
        content = file.read()
        complete = content.rfind(b"\n") + 1
        if complete < len(content):
            file.truncate(complete)
