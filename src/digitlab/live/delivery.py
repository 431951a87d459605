"""Whether the outlets of a session deliver: an outlet that fails silences neither the others nor itself."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.errors import counted, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from digitlab.live.live_reading import LiveReading

__all__ = ["Health", "HealthReport", "News", "Outlet", "deliver", "failure_of"]

_log = logging.getLogger(__name__)

_REPEATED_EVERY = 60.0  # seconds between two messages about an outlet that still fails


class Health:
    """The state of an outlet, set by its threads and read by the session's.

    name: of its option, without the dashes
    failures: how often it began to fail; lost: how many messages were not delivered and will not be
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = self.lost = 0
        self.since = 0.0  # on the monotonic clock: when the present problem began
        self._problem: str | None = None
        self._raised: str | None = None  # what `tell` raised for the last reading
        self._lock = threading.Lock()

    @property
    def problem(self) -> str | None:
        """Why nothing, or not everything, is delivered now, in one line; None while all is well."""
        return self._raised or self._problem

    def failed(self, problem: str, *, lost: int = 0) -> None:
        """Record a problem, which lasts until `works` is called."""
        with self._lock:
            self._count(lost)
            self._problem = problem

    def works(self) -> None:
        """Record that the problem is over."""
        self._problem = None

    def raised(self, error: Exception | None) -> None:
        """Record what `tell` raised for a reading; None: nothing."""
        with self._lock:
            if error is not None:
                self._count(1)
            self._raised = None if error is None else f"failed ({type(error).__name__}: {first_line(error)})"

    def lose(self, count: int) -> None:
        """Record messages that are not delivered, although the outlet works, or its problem is known."""
        with self._lock:
            self.lost += count

    def as_json(self) -> dict[str, Any]:
        """Return the state for JSON."""
        return {"problem": self.problem, "failures": self.failures, "lost": self.lost}

    def _count(self, lost: int) -> None:
        self.lost += lost
        if self.problem is None:
            self.failures += 1
            self.since = time.monotonic()


class Outlet(Protocol):
    """A receiver of readings (MQTT, ROS, a program): never blocks the reader, and closes quickly."""

    @property
    def health(self) -> Health:
        """Whether it delivers."""

    def tell(self, live: LiveReading, /) -> None:
        """Accept a reading."""

    def close(self) -> None:
        """Send the last messages and disconnect."""


def deliver(outlet: Outlet, live: LiveReading, say: Callable[[str], None]) -> None:
    """Pass a reading on. An error of the outlet is recorded and said; the next reading is tried all the same."""
    health = outlet.health
    before = health.problem
    try:
        outlet.tell(live)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one outlet, the others get the reading
        health.raised(error)
        if before is None:
            _log.debug("an outlet failed", exc_info=True)
            say(f"--{health.name}: {health.problem}; the next reading is tried again")
    else:
        health.raised(None)
        if before is not None and health.problem is None:
            say(f"--{health.name}: works again")


@dataclass(frozen=True, slots=True)
class News:
    """What is to be said about an outlet.

    problem: None if it works again
    seconds: how long the problem has lasted
    again: whether this has been said before
    """

    health: Health
    problem: str | None
    seconds: float
    again: bool

    def as_json(self) -> dict[str, Any]:
        """Return the object that `digitlab live --json` prints."""
        return {"outlet": self.health.name, "seconds": round(self.seconds, 1), **self.health.as_json()}

    def __str__(self) -> str:
        """Return the line for stderr."""
        lost = f"; {counted(self.health.lost, 'message')} lost" if self.health.lost else ""
        return f"--{self.health.name}: still failing after {self.seconds:.0f} s: {self.problem}{lost}"


class HealthReport:
    """Determines what is to be said about outlets: each change at once, and what still fails once a minute."""

    def __init__(self, healths: Iterable[Health]) -> None:
        self._healths = tuple(healths)
        self._said: dict[str, tuple[str | None, float]] = {}

    def news(self) -> Iterator[News]:
        """Yield what has changed since the last call, or is due again; to be called often."""
        now = time.monotonic()
        for health in self._healths:
            problem = health.problem
            before, at = self._said.get(health.name, (None, now))
            again = problem is not None and problem == before
            if problem != before or (again and now - at >= _REPEATED_EVERY):
                self._said[health.name] = (problem, now)
                yield News(health, problem, 0.0 if problem is None else max(0.0, now - health.since), again)


def failure_of(healths: Iterable[Health]) -> str | None:
    """Return what a session says at its end that did not deliver everything; None if it did."""
    texts = []
    for health in healths:
        if health.problem is not None or health.lost:
            lost = f" ({counted(health.lost, 'message')} lost)" if health.lost else ""
            texts.append(f"--{health.name}: {health.problem or 'failed in between'}{lost}")
    return "; ".join(texts) or None
