"""Seeds where they decide most: the conclusions that are open, what each would still cost, a plan for the workers."""

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
    from collections.abc import Callable, Hashable, Sequence
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

    wanted: of each cell that matters, the repeats that it probably takes, or the study's most where these are fewer
    most: the study's most repeats of a cell
    seconds: of one core, for those of ``wanted`` that are missing
    decisive: repeats that will probably decide it, however many; infinite where none will, as there is no difference
    decisive_seconds: of one core, for these
    """

    study: Study
    text: str
    evidence: str
    repeats: int
    wanted: dict[Hashable, int]
    most: int
    seconds: float
    decisive: float
    decisive_seconds: float

    @property
    def hopeful(self) -> bool:
        """Whether it will probably be decided with the study's most repeats."""
        return self.decisive <= self.most

    @property
    def needed(self) -> int:
        """The most repeats that a cell probably takes."""
        return max(self.wanted.values(), default=0)


def open_conclusions(outcome: Outcome, estimate: Estimate, most: int | None = None) -> list[OpenConclusion]:
    """Those of a study, cheapest first.

    most: repeats of a cell at most; None: as many as the study takes at most
    """
    limit = min(most or math.inf, outcome.judging.most)
    found = [_open(conclusion, outcome, estimate, int(limit)) for conclusion in outcome.study.conclusions]
    return sorted((each for each in found if each is not None), key=lambda each: (not each.hopeful, each.seconds))


def _open(conclusion: Conclusion, outcome: Outcome, estimate: Estimate, limit: int) -> OpenConclusion | None:
    if outcome.exact or conclusion.check(outcome).verdict != "not shown":
        return None
    comparisons = [each for each in conclusion.compare(outcome) if each.verdict == "not shown"]
    present = {key: len(outcome.records.get(key, ())) for each in comparisons for key in each.keys}
    decisive = dict.fromkeys(present, 0.0)
    for each in comparisons:
        short = any(present[key] < each.needed for key in each.keys)
        for key in each.keys:  # where none is short, they are there and have no number
            decisive[key] = max(decisive[key], each.needed if short else math.inf)
    cells = {cell.key: cell for cell in outcome.study.cells}
    each_takes = {key: estimate.seconds(outcome.study.job(cells[key], 0).digest) for key in decisive}

    def seconds(most: float) -> float:
        return sum(max(0, min(count, most) - present[key]) * each_takes[key] for key, count in decisive.items())

    return OpenConclusion(
        study=outcome.study,
        text=conclusion.said_of(outcome),
        evidence=conclusion.check(outcome).evidence,
        repeats=min(present.values(), default=0),
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
    """As `run_studies`, and then seed after seed where they decide most, until every conclusion is decided.

    estimate: of the studies' planned jobs in the same folder; most: repeats of a cell at most
    """
    store = Store.at(out)
    remove_unfinished(store.path / "cells")

    def keep(job: Job, done: Done) -> None:
        store.keep(job, done.result, done.environment)

    wanted = UntilDecided(studies, store, estimate, keep, most=most)
    try:
        if not wanted.over:
            with pool() as workers:
                workers.check(wanted.left)
                follow(wanted, workers, watcher, stop or StopRequest())
    finally:
        wanted.ended.left = wanted.left
        outcomes = written(studies, store, None, quick=False)
    return Ran(wanted.ended, outcomes)


class UntilDecided:
    """A plan (`digitlab.scheduling.dispatch.Plan`): the missing cells, then seed after seed where they decide most.

    After each result the conclusions are judged anew; the next seed goes to the cells of the one that is cheapest to
    decide, first those that will probably be decided at all. It is over when every conclusion is decided, or has
    ``most`` repeats of all its cells.
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
        self._under_way: dict[str, Planned] = {}
        self._given_up: set[str] = set()
        self.ended: Dispatched[Job] = Dispatched()
        if not self._waiting:
            self._fill()

    @property
    def left(self) -> list[Job]:
        """Jobs that were given and not done."""
        return [each.job for each in (*self._under_way.values(), *self._waiting)]

    @property
    def over(self) -> bool:
        """Whether nothing is to be given unless a result changes that."""
        return not self._waiting and not self._under_way

    def next(self) -> AnyJob | None:
        """The job to give now."""
        if not self._waiting:
            self._fill()
        if not self._waiting:
            return None
        each = self._waiting.popleft()
        self._under_way[each.job.digest] = each
        self._estimate.expect(each)
        return each.job

    def done(self, done: Done) -> None:
        """Keep a result, and judge its study again."""
        each = self._under_way.pop(done.job.digest)
        self._keep(each.job, done)
        self.ended.done.append(each.job)
        for name, study in self._studies.items():
            if any(cell.key in self._outcomes[name].records for cell in study.cells):
                self._outcomes[name] = self._with_new(name)
        if not self._waiting:
            self._fill()

    def again(self, job: AnyJob, *, stopped: bool) -> None:
        """Give it once more: at once where it was stopped, else after the others."""
        each = self._under_way.pop(job.digest)
        (self._waiting.appendleft if stopped else self._waiting.append)(each)

    def gave_up(self, job: AnyJob, reason: str) -> None:
        """Leave its cell as it is."""
        self._given_up.add(job.digest)
        self.ended.failed.append((self._under_way.pop(job.digest).job, reason))

    def _with_new(self, name: str) -> Outcome:
        """The outcome with what has been kept since; shared cells may be of several studies."""
        outcome = self._outcomes[name]
        records = {key: dict(found) for key, found in outcome.records.items()}
        for cell in outcome.study.cells:
            repeat = len(records[cell.key])
            while (record := self._store.read(outcome.study.job(cell, repeat))) is not None:
                records[cell.key][repeat] = record
                repeat += 1
        return replace(outcome, records=records)

    def _fill(self) -> None:
        """Wait with one more repeat of each cell that is short of it, of the cheapest open conclusion that has any."""
        outcomes = self._outcomes.values()
        still_open = [each for outcome in outcomes for each in open_conclusions(outcome, self._estimate, self._most)]
        self._estimate.more = sum(each.seconds for each in still_open if each.hopeful)
        for each in sorted(still_open, key=lambda one: (not one.hopeful, one.seconds)):
            jobs = [job for job in self._next_of(each) if job.job.digest not in {*self._under_way, *self._given_up}]
            if jobs:
                self._waiting.extend(jobs)
                return

    def _next_of(self, found: OpenConclusion) -> list[Planned]:
        """One more repeat of those of its cells that have the fewest and want more."""
        records = self._outcomes[found.study.name].records
        short = [key for key, count in found.wanted.items() if len(records[key]) < count]
        if not short:
            return []
        fewest = min(len(records[key]) for key in short)
        cells = [cell for cell in found.study.cells if cell.key in short and len(records[cell.key]) == fewest]
        return [Planned(found.study, cell, fewest, found.study.job(cell, fewest)) for cell in cells]
