"""Metrics for Prometheus, in its text format: few enough to be counted without its package."""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from digitlab.live.metrics import MEDIA_TYPE, head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MEDIA_TYPE", "Metrics"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts of one server. Changed only in the event loop."""

    def __init__(self) -> None:
        self.began, self.running_since = time.time(), time.monotonic()  # the clock may be set meanwhile
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)
        self.gauges: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; ``route`` is the path's pattern, one of few."""
        self._requests[method, route, status] += 1
        self._times[route][bisect_left(_BUCKETS, seconds)] += 1
        self._sums[route] += seconds

    def text(self) -> str:
        """Return all metrics, one per line."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from head("digitlab_requests_total", "counter", "Answered requests.")
        for (method, route, status), count in sorted(self._requests.items()):
            yield f'digitlab_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield from head("digitlab_request_seconds", "histogram", "Seconds from a request's headers to its answer.")
        for route, counts in sorted(self._times.items()):
            total = 0
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), counts, strict=True):
                total += count
                yield f'digitlab_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}'
            yield f'digitlab_request_seconds_sum{{route="{route}"}} {self._sums[route]:.6f}'
            yield f'digitlab_request_seconds_count{{route="{route}"}} {total}'
        yield from _plain("counter", self.counts)
        yield from _plain("gauge", {**self.gauges, "process_start_time_seconds": round(self.began, 3), **_memory()})


def _plain(kind: str, numbers: Mapping[str, float]) -> Iterator[str]:
    for name, value in sorted(numbers.items()):
        full = name if name.startswith("process_") else f"digitlab_{name}"
        yield f"# TYPE {full} {kind}"
        yield f"{full} {value}"


def _memory() -> dict[str, int]:
    """Return the resident memory in bytes: the current one if the system reports it, else the peak."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - nothing a Path makes clearer
            import resource

            return {"process_resident_memory_bytes": int(file.read().split()[1]) * resource.getpagesize()}
    except OSError:
        if sys.platform == "win32":
            return {}
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return {"process_resident_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
