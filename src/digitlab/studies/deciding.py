"""Spend seeds where they decide most: find open conclusions, estimate their cost, and plan jobs for the workers."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.scheduling.dispatch import Dispatched, follow
from digitlab.stopping import StopRequest
from digitlab.storage import remove_unfinished
from digitlab.studies.outcome import Planned, outcome_of, plan
from digitlab.studies.running import Ran, written
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from pathlib import Path

    from digitlab.scheduling.protocol import Done, Pool, Watcher
    from digitlab.scheduling.protocol import Job as AnyJob
    from digitlab.studies.conclusions import Conclusion
    from digitlab.studies.job import Job
    from digitlab.studies.outcome import Outcome
    from digitlab.studies.running import Estimate
    from digitlab.studies.study import Study

__all__ = ["OpenConclusion", "UntilDecided", "open_conclusions", "run_until_decided"]


@dataclass(frozen=True, slots=True)
class OpenConclusion:
    """A conclusion that the repeats so far do not decide.

    planned: the study's own number of repeats
    wanted: for each relevant cell, the number of repeats that is probably needed, from ``planned`` to ``most``
    most: the maximum number of repeats of a cell
    seconds: of one core, for the missing repeats of ``wanted``
    decisive: repeats that will probably decide it, without a limit; infinite where none will, as there is no difference
    decisive_seconds: of one core, for the missing repeats of that number
    """

    study: Study
    text: str
    evidence: str
    repeats: int
    planned: int
    wanted: dict[Hashable, int]
    most: int
    seconds: float
    decisive: float
    decisive_seconds: float

    @property
    def hopeful(self) -> bool:
        """Whether it will probably be decided within the maximum number of repeats."""
        return self.decisive <= self.most

    @property
    def needed(self) -> int:
        """The largest number of repeats that a cell probably needs, at most ``most``."""
        return max(self.wanted.values(), default=0)


def open_conclusions(outcome: Outcome, estimate: Estimate, most: int | None = None) -> list[OpenConclusion]:
    """List the open conclusions of a study, cheapest first; those that will probably stay open come last.

    most: maximum number of repeats of a cell; None: the study's own maximum
    """
    limit = min(most or math.inf, outcome.judging.most)
    found = [_open(conclusion, outcome, estimate, int(limit)) for conclusion in outcome.study.conclusions]
    return sorted((each for each in found if each is not None), key=lambda each: (not each.hopeful, each.seconds))


def _open(conclusion: Conclusion, outcome: Outcome, estimate: Estimate, limit: int) -> OpenConclusion | None:
    if outcome.exact or conclusion.check(outcome).verdict != "not shown":
        return None
    comparisons = [each for each in conclusion.compare(outcome) if each.verdict == "not shown"]
    present = {key: len(outcome.records.get(key, ())) for each in comparisons for key in each.keys}
    planned = min(outcome.judging.first, limit)
    decisive = dict.fromkeys(present, float(planned))
    for each in comparisons:
        below = any(present[key] < each.needed for key in each.keys)
        for key in each.keys:  # enough repeats but still open: they gave no number
            decisive[key] = max(decisive[key], each.needed if below else math.inf)
    cells = {cell.key: cell for cell in outcome.study.cells}
    seconds_each = {key: estimate.seconds(outcome.study.job(cells[key], 0).digest) for key in decisive}

    def seconds(most: float) -> float:
        return sum(max(0, min(count, most) - present[key]) * seconds_each[key] for key, count in decisive.items())

    return OpenConclusion(
        study=outcome.study,
        text=conclusion.statement(outcome),
        evidence=conclusion.check(outcome).evidence,
        repeats=min(present.values(), default=0),
        planned=planned,
        wanted={key: int(min(count, limit)) for key, count in decisive.items()},
        most=limit,
        seconds=seconds(limit),
        decisive=max(decisive.values(), default=math.inf),
        decisive_seconds=seconds(math.inf),
    )


def run_until_decided(
    studies: Sequence[Study],
    out: Path,
    pool: Callable[[], Pool],
    *,
    estimate: Estimate,
    most: int | None = None,
    watcher: Watcher = lambda _: None,
    stop: StopRequest | None = None,
) -> Ran:
    """Like `run_studies`, then add seed after seed where they decide most, until every conclusion is decided.

    estimate: for the studies' planned jobs in the same folder; most: maximum number of repeats of a cell
    """
    store = Store.at(out)
    remove_unfinished(store.path / "cells")

    def keep(job: Job, done: Done) -> None:
        store.keep(job, done.result, done.environment)

    schedule = UntilDecided(studies, store, estimate, keep, most=most)
    try:
        if not schedule.over:
            with pool() as workers:
                workers.check(schedule.left)
                follow(schedule, workers, watcher, stop or StopRequest())
    finally:
        schedule.ended.left = schedule.left
        outcomes = written(studies, store, None, quick=False)
    return Ran(schedule.ended, outcomes)


class UntilDecided:
    """A `digitlab.scheduling.dispatch.Plan`: run the missing cells, then add seed after seed where they decide most.

    The conclusions are judged again after each result; the next seed goes to the cells of the one that is cheapest to
    decide, preferring those that will probably be decided at all. The plan is over when every conclusion is decided or
    has ``most`` repeats of all its cells.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        store: Store,
        estimate: Estimate,
        keep: Callable[[Job, Done], None],
        *,
        most: int | None,
    ) -> None:
        self._store, self._estimate, self._keep, self._most = store, estimate, keep, most
        self._studies = {study.name: study for study in studies}
        self._outcomes = {study.name: outcome_of(study, store) for study in studies}
        planned = [each for study in studies for each in plan(study) if store.read(each.job) is None]
        self._waiting = deque({each.job.digest: each for each in planned}.values())
        self._running: dict[str, Planned] = {}
        self._given_up: set[str] = set()
        self.ended: Dispatched[Job] = Dispatched()
        if not self._waiting:
            self._fill()

    @property
    def left(self) -> list[Job]:
        """Jobs that are not done: in progress or queued."""
        return [each.job for each in (*self._running.values(), *self._waiting)]

    @property
    def over(self) -> bool:
        """Whether no job is in progress or queued."""
        return not self._waiting and not self._running

    def next(self) -> AnyJob | None:
        """Take the next job from the queue; None while there is none."""
        if not self._waiting:
            self._fill()
        if not self._waiting:
            return None
        each = self._waiting.popleft()
        self._running[each.job.digest] = each
        self._estimate.expect(each)
        return each.job

    def done(self, done: Done) -> None:
        """Store a result, and judge the studies again."""
        each = self._running.pop(done.job.digest)
        self._keep(each.job, done)
        self.ended.done.append(each.job)
        for name, study in self._studies.items():
            if any(cell.key in self._outcomes[name].records for cell in study.cells):
                self._outcomes[name] = self._updated(name)
        if not self._waiting:
            self._fill()

    def again(self, job: AnyJob, *, stopped: bool) -> None:
        """Queue a job again: first if it was stopped, otherwise last."""
        each = self._running.pop(job.digest)
        (self._waiting.appendleft if stopped else self._waiting.append)(each)

    def gave_up(self, job: AnyJob, reason: str) -> None:
        """Record that a job has failed and will not be retried; its cell stays as it is."""
        self._given_up.add(job.digest)
        self.ended.failed.append((self._running.pop(job.digest).job, reason))

    def _updated(self, name: str) -> Outcome:
        """The outcome, updated with the results stored since; several studies may share a cell."""
        outcome = self._outcomes[name]
        records = {key: dict(stored) for key, stored in outcome.records.items()}
        for cell in outcome.study.cells:
            by_repeat = records[cell.key]
            while (record := self._store.read(outcome.study.job(cell, first_missing(by_repeat)))) is not None:
                by_repeat[first_missing(by_repeat)] = record
        return replace(outcome, records=records)

    def _fill(self) -> None:
        """Queue one more repeat of each cell that needs it, for the cheapest open conclusion with such cells."""
        outcomes = self._outcomes.values()
        undecided = [each for outcome in outcomes for each in open_conclusions(outcome, self._estimate, self._most)]
        self._estimate.more = sum(each.seconds for each in undecided if each.hopeful)
        for each in sorted(undecided, key=lambda one: (not one.hopeful, one.seconds)):
            jobs = [job for job in self._next_of(each) if job.job.digest not in {*self._running, *self._given_up}]
            if jobs:
                self._waiting.extend(jobs)
                return

    def _next_of(self, conclusion: OpenConclusion) -> list[Planned]:
        """Plan one more repeat of the conclusion's cells that need more, taking those with the fewest repeats."""
        records = self._outcomes[conclusion.study.name].records
        short = [key for key, count in conclusion.wanted.items() if len(records[key]) < count]
        if not short:
            return []
        fewest = min(len(records[key]) for key in short)
        cells = [cell for cell in conclusion.study.cells if cell.key in short and len(records[cell.key]) == fewest]
        repeats = [first_missing(records[cell.key]) for cell in cells]
        return [
            Planned(conclusion.study, cell, repeat, conclusion.study.job(cell, repeat))
            for cell, repeat in zip(cells, repeats, strict=True)
        ]


def first_missing(repeats: Collection[int]) -> int:
    """Return the lowest repeat that is not there: one that failed leaves a gap.

    >>> first_missing({0: "a", 2: "c"})
    1
    """
    return next(repeat for repeat in range(len(repeats) + 1) if repeat not in repeats)
