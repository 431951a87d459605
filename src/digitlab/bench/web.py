"""Throughput, latency and memory of `digitlab serve`.

The server is started as a user would, in one process; the clients are another process (`web_client`). Both share this
machine's cores, so the figures are lower than for a server alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import describe_machine, memory_megabytes
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["WebFigures", "measure_web"]

_ASKED_RATE, _ASKED_P99 = 1500.0, 10.0
_ASKED_AGE, _ASKED_MEMORY = 500.0, 600.0
_CONNECTIONS = 16
_FRAMES_A_SECOND = 5.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class WebFigures:
    """Result; in milliseconds and megabytes.

    rate, ms: for /v1/classify, each of 16 connections sending its next request after the response
    processor_ms: CPU time of the server, per request
    paced_ms: at half of 1,500 requests per second, counted from the time each was due
    age_ms: age of live results, from sending the frame; stale_ms: until the client's next result
    answered, sent: numbers of frames
    live_memory: peak with all clients connected
    pages_read: frames of 320×240 with three digits, per second; page_age_ms: age of their results
    memory: after each twentieth of the mixed requests
    """

    machine: str
    rate: float
    ms: dict[str, float]
    processor_ms: float
    paced_rate: float
    paced_ms: dict[str, float]
    refused: int
    clients: int
    answered: int
    sent: int
    age_ms: dict[str, float]
    stale_ms: dict[str, float]
    live_memory: float
    page_clients: int
    pages_read: float
    page_age_ms: dict[str, float]
    mixed: int
    server_errors: int
    memory: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @property
    def growth(self) -> float:
        """Growth in megabytes from a quarter of the mixed requests to their end."""
        return self.memory[-1] - self.memory[len(self.memory) // 4]

    def rows(self) -> list[list[str]]:
        """Return the rows of the table: measure, value, target."""
        return [
            ["classify 28×28 PNG, requests/s", f"{self.rate:,.0f}", f"≥ {_ASKED_RATE:,.0f}"],
            ["… median, p99 (ms)", f"{self.ms['median']:.1f}, {self.ms['p99']:.1f}", ""],
            ["… the server's processor time (ms)", f"{self.processor_ms:.2f}", ""],
            [f"classify at {self.paced_rate:,.0f}/s, p99 (ms)", f"{self.paced_ms['p99']:.1f}", f"≤ {_ASKED_P99:g}"],
            ["… median (ms)", f"{self.paced_ms['median']:.1f}", ""],
            [f"{self.clients} live clients at {_FRAMES_A_SECOND:g}/s, oldest answer (ms)", f"{self.age_ms['most']:.0f}",
             f"≤ {_ASKED_AGE:.0f}"],
            ["… median (ms)", f"{self.age_ms['median']:.0f}", ""],
            ["… oldest picture on a client's screen (ms)", f"{self.stale_ms['most']:.0f}", ""],
            ["… frames answered, of sent", f"{self.answered:,} of {self.sent:,}", ""],
            ["… memory (MB)", f"{self.live_memory:.0f}", f"≤ {_ASKED_MEMORY:.0f}"],
            [f"{self.page_clients} clients with pages of 320×240: answers/s", f"{self.pages_read:.0f}", ""],
            ["… oldest answer (ms)", f"{self.page_age_ms['most']:.0f}", f"≤ {_ASKED_AGE:.0f}"],
            [f"memory over {self.mixed:,} mixed requests (MB more)", f"{self.growth:.1f}", "flat"],
            ["… answered with 5xx", str(self.server_errors), "0"],
        ]  # fmt: skip


def measure_web(seconds: float, clients: int, requests: int, on_progress: Callable[[str], None]) -> WebFigures:
    """Start a server, send it requests, stop it.

    Raises:
        UsageError: for numbers that are too small, or if the server does not start.
    """
    if seconds < 1 or clients < 1 or requests < 100:
        raise UsageError("expected at least 1 second, 1 client and 100 requests")
    with _server() as (process, address):
        _ask(address, "closed", _CONNECTIONS, 1)  # the first second is warm-up
        on_progress("classifying as fast as possible …")
        before = _processor_seconds(process.pid)
        fast = _ask(address, "closed", _CONNECTIONS, seconds)
        busy = _processor_seconds(process.pid) - before
        on_progress(f"{fast['rate']:,.0f} requests/s; now at {_ASKED_RATE / 2:,.0f}/s …")
        paced = _ask(address, "paced", _ASKED_RATE / 2, seconds)
        on_progress(f"{clients} live clients …")
        with _most_memory(process.pid) as most:
            live = _ask(address, "live", clients, _FRAMES_A_SECOND, seconds)
        on_progress("… and whole pages, from a tenth of the clients …")
        pages = _ask(address, "pages", max(1, clients // 10), _FRAMES_A_SECOND, seconds)
        on_progress(f"{requests:,} mixed requests …")
        mixed = _ask(address, "mixed", requests)
    return WebFigures(
        machine=describe_machine(),
        rate=fast["rate"],
        ms=fast["ms"],
        processor_ms=1000.0 * busy / max(1, fast["requests"]),
        paced_rate=paced["rate"],
        paced_ms=paced["ms"],
        refused=fast["refused"] + paced["refused"],
        clients=clients - live["failed"],
        answered=live["answers"],
        sent=live["sent"],
        age_ms=live["age"],
        stale_ms=live["stale"],
        live_memory=most[0],
        page_clients=max(1, clients // 10) - pages["failed"],
        pages_read=pages["answers"] / seconds,
        page_age_ms=pages["age"],
        mixed=mixed["requests"],
        server_errors=mixed["server_errors"],
        memory=[size / _MEGABYTE for size in mixed["memory"]],
    )


@contextlib.contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "digitlab", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "http" not in line:
            raise UsageError("the server did not start; run `digitlab serve` to see why")
        yield process, line.split()[-1]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _ask(address: str, measure: str, *numbers: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "digitlab.bench.web_client", address, measure, *map(str, numbers)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise UsageError(
            f"the measurement failed: {(result.stderr.strip().splitlines() or ['no reason given'])[-1][:200]}"
        )
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def _processor_seconds(process: int) -> float:
    """Return the CPU seconds that a process has used so far; 0 if unknown."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _most_memory(process: int) -> Iterator[list[float]]:
    """Sample the memory of a process ten times per second; yield a list whose only item is its peak (MB)."""
    peak, over = [0.0], threading.Event()

    def sample() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                peak[0] = max(peak[0], memory_megabytes(process))
            time.sleep(0.1)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
