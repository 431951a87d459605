"""Work that keeps one core busy for a given time, to measure the overhead of a pool of workers."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.scheduling.protocol import Inputs, Report
    from digitlab.stopping import StopRequest

__all__ = ["VARIABLES", "BusyJob", "check", "do", "environment", "inputs"]

VARIABLES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class BusyJob:
    """A job that takes this many CPU seconds on one core; number: distinguishes it from the others."""

    number: int
    seconds: float

    @property
    def digest(self) -> str:
        """Identity of the job."""
        return hashlib.sha256(json.dumps(self.as_dict()).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """Return the job as values for JSON."""
        return {"number": self.number, "seconds": self.seconds}


def environment() -> dict[str, Any]:
    """Return an empty dictionary: the result depends on nothing."""
    return {}


def inputs(job: dict[str, Any]) -> Inputs:  # noqa: ARG001 - as the others have it
    """Return no inputs."""
    return {}


def check(job: dict[str, Any]) -> None:
    """Accept every job."""


def do(job: dict[str, Any], *, inputs: Inputs, report: Report, stop: StopRequest, keep_state: bool) -> dict[str, Any]:  # noqa: ARG001
    """Compute for that long; return the seconds that it took."""
    start, until = time.monotonic(), time.process_time() + job["seconds"]
    while time.process_time() < until and not stop.asked:
        sum(range(10_000))
    return {"seconds": time.monotonic() - start}
