"""The time that missing cells will take: from finished repeats of the same cell, else from the study's estimate."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from digitlab.studies.outcome import Planned
    from digitlab.studies.store import Store

__all__ = ["Estimate"]

_CORES = 2  # of the machine to which `Study.minutes` refers; a cell is trained on one
_QUICK_SECONDS = 5.0  # per cell, most of them for compiling


class Estimate:
    """Seconds of every planned job, by digest."""

    def __init__(self, planned: Sequence[Planned], store: Store, *, quick: bool) -> None:
        self._jobs = {each.job.digest: each for each in reversed(planned)}
        self._quick = quick
        records = {digest: store.read(each.job) for digest, each in self._jobs.items()}
        self.missing = {digest for digest, record in records.items() if record is None}
        self._taken: dict[tuple[str, Hashable], list[float]] = {}
        for digest, record in records.items():
            if record is not None:
                self.note(digest, record["result"])

    def note(self, digest: str, result: Mapping[str, Any]) -> None:
        """Take the duration of a finished job into account for the other repeats of its cell."""
        self.missing.discard(digest)
        each = self._jobs[digest]
        seconds = float(result.get("seconds", 0.0)) + float(result.get("overhead", 0.0))
        self._taken.setdefault((each.study.name, each.cell.key), []).append(seconds)

    def seconds(self, digest: str) -> float:
        """The expected or measured duration of one job."""
        each = self._jobs[digest]
        taken = self._taken.get((each.study.name, each.cell.key))
        if taken:
            return statistics.fmean(taken)
        return _QUICK_SECONDS if self._quick else 60 * _CORES * each.study.minutes / len(each.study.cells)

    @property
    def left(self) -> float:
        """The expected seconds of all missing jobs, one after the other."""
        return sum(map(self.seconds, self.missing))

    def name(self, digest: str) -> str:
        """A job in words: study, cell, seed."""
        each = self._jobs[digest]
        return f"{each.study.name}: {each.cell.label}, {each.study.task.repeated} {each.repeat}"
