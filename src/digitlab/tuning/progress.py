"""A running trial: its jobs, their results, its progress in steps common to all trials, and the events of a search.

A step is an epoch of the longest training: a trial is at step e after e epochs of its first job, and at j × longest
after j jobs. So trials with long and short trainings are compared after the same number of jobs, and a rung of
successive halving may be within the first training or many folds later. Of later jobs only the results count, not their
epochs: half a fold says less than the complete ones before it.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from digitlab.scheduling.protocol import Noted
from digitlab.studies.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.training.config import TrainingConfig
    from digitlab.tuning.parameters import Label
    from digitlab.tuning.search import Trial
    from digitlab.tuning.space import Space

__all__ = ["Event", "Listener", "Moved", "OpenTrial", "TrialBegan", "TrialEnded", "jobs_of", "weighing"]

# The parts of a job's result that are stored in the journal.
KEPT = ("accuracy", "loss", "epochs", "seconds", "overhead", "parameters")


def jobs_of(space: Space, training: TrainingConfig) -> list[Job]:
    """List a trial's trainings: fold after fold, then all folds with the next seed. None can access the test images."""
    tuning = space.tuning
    share = {"share": tuning.share} if tuning.share < 1 else {}
    jobs = []
    for seed in range(tuning.seeds):
        for fold in range(tuning.use_folds or tuning.folds):
            fold_training = replace(training, seed=space.base.seed + seed, test=None, name=None)
            values = fold_training.as_dict()
            settings = {"training": values, "folds": tuning.folds, "fold": fold, "watch": "test", **share}
            jobs.append(Job("train-on-folds", settings))
    return jobs


def weighing(training: TrainingConfig) -> Job:
    """Create the job that measures a network's file size and latency; they do not depend on how it is trained."""
    from digitlab.training.config import TrainingConfig as Settings

    network = Settings(training.architecture, dropout=training.dropout, options=training.options, noise=training.noise)
    return Job("weigh", {"training": network.as_dict()})


@dataclass(slots=True)
class OpenTrial:
    """A trial that has not ended.

    jobs: by digest, in the order in which they are done
    results: of the first jobs, as far as they are done
    weighing: digest and job that measures size and latency, if they are objectives; weighed: its result
    """

    number: int
    training: TrainingConfig
    jobs: Mapping[str, Job]
    results: list[Mapping[str, Any]] = field(default_factory=list)
    weighing: tuple[str, Job] | None = None
    weighed: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, space: Space, trial: Trial) -> OpenTrial:
        """Open a trial that was just proposed, or one of an interrupted search, with its jobs' results."""
        training = space.training(trial.labels)
        opened = cls(trial.number, training, {job.digest: job for job in jobs_of(space, training)})
        if {"latency", "size"} & {*space.tuning.objectives}:
            job = weighing(training)
            opened.weighing = job.digest, job
            opened.weighed = trial.notes.get("weighed")
        while (result := trial.notes.get(f"job-{len(opened.results)}")) is not None:
            opened.results.append(result)
        return opened

    @property
    def missing(self) -> Iterator[tuple[str, Job]]:
        """The jobs that remain to be done, in order, with their digests."""
        if self.weighing is not None and self.weighed is None:
            yield self.weighing
        yield from itertools.islice(self.jobs.items(), len(self.results), None)

    @property
    def first(self) -> bool:
        """Whether its first training is not finished: only that one is reported to the pruner after each epoch."""
        return not self.results

    @property
    def accuracy(self) -> float:
        """The mean accuracy so far; 0 before the first job is done."""
        return self.mean("accuracy") if self.results else 0.0

    def mean(self, name: str) -> float:
        """Average a number over the finished jobs."""
        return statistics.fmean(result[name] for result in self.results)

    def objective(self, name: str) -> float:
        """Return the value of an objective; all of the trial's jobs must be done."""
        if name in ("latency", "size"):
            return float((self.weighed or {})[{"latency": "milliseconds", "size": "kilobytes"}[name]])
        return self.mean(name)


@dataclass(frozen=True, slots=True)
class TrialBegan:
    """A trial was proposed, or an interrupted one is resumed."""

    number: int
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Moved:
    """Progress of a trial: its current ``job`` (1 to ``jobs``), epochs done, and the mean accuracy so far, or None."""

    number: int
    job: int
    jobs: int
    epochs: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is complete, pruned or failed; best: number of the best complete trial so far, if there is one."""

    trial: Trial
    best: int | None


Event = TrialBegan | Moved | TrialEnded | Noted
Listener = Callable[[Event], None]
