"""Latency, endurance and steadiness of live reading.

Frames are drawn beforehand, so that the latency is the engine's: the time from a frame leaving its source to its
reading. Each measurement runs in a separate process,

    python -m digitlab.bench.live region 300

so that it can be pinned to a single core, and only its own memory is measured.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from digitlab.bench.machine import described, memory_megabytes, processor
from digitlab.camera import Recorded, open_source
from digitlab.camera.synthetic import SyntheticPage
from digitlab.errors import UsageError
from digitlab.live import LiveEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.camera import Source
    from digitlab.live import LiveReading, Mode

__all__ = ["MEASURES", "Endurance", "Latency", "LiveFigures", "Steadiness", "measure_live", "measure_steadiness"]

_RATE = 30.0
_HOUR = 108_000  # frames
_POLL = 1 / 60  # seconds between two snapshots, as for a window
_WARM = 30  # frames at the start that are not counted: one second
_SETTLED = 0.1  # share of the frames after which memory is the baseline: caches and pools are full by then
_LONGEST = 3600.0  # timeout of one measurement in seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from capture to reading, at 30 frames per second.

    read, dropped: numbers of frames
    """

    median: float
    p99: float
    most: float
    read: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Endurance:
    """Results of reading many frames as fast as possible.

    growth: growth of the process's memory in MB, from a tenth of the frames to the end
    threads: number of threads added or lost
    oldest_ms: age of the oldest frame that a window would have shown
    changes: number of changes of the steady text
    """

    frames: int
    seconds: float
    growth: float
    threads: int
    oldest_ms: float
    changes: int


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Results for a video with a known text.

    share: share of the frames after the first second in which the text was steady
    others: other texts that were steady at any time
    """

    frames: int
    share: float
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """Result of `digitlab bench live`."""

    machine: str
    region: Latency
    page: Latency
    endurance: Endurance

    def rows(self) -> list[list[str]]:
        """Return the table's rows: measure, value, target."""
        region, page, endurance = self.region, self.page, self.endurance
        return [
            ["640×480, region, one core: median", f"{region.median:.1f} ms", "≤ 8 ms"],
            ["640×480, region, one core: p99", f"{region.p99:.1f} ms", "≤ 15 ms"],
            ["1280×720, page of 10 digits: median", f"{page.median:.1f} ms", ""],
            ["1280×720, page of 10 digits: p99", f"{page.p99:.1f} ms", "≤ 60 ms"],
            [f"{endurance.frames:,} frames: took", f"{endurance.seconds:.0f} s", ""],
            ["  memory grew by", f"{endurance.growth:.1f} MB", "≤ 5 MB"],
            ["  threads left", str(endurance.threads), "0"],
            ["  oldest frame shown", f"{endurance.oldest_ms:.0f} ms", "≤ 200 ms"],
        ]


class Advice(Protocol):
    """A function for progress messages."""

    def __call__(self, text: str, /) -> None:
        """Show one line."""


def measure_live(*, quick: bool, on_progress: Advice) -> LiveFigures:
    """Measure everything: takes about ten minutes, or half a minute if ``quick``.

    Raises:
        UsageError: if a measurement failed.
    """
    seconds, frames = (5, 3_000) if quick else (30, _HOUR)
    on_progress(f"one digit of 640×480 on one core, {seconds} s …")
    region = Latency(**_apart("region", round(seconds * _RATE)))
    on_progress(f"ten digits of 1280×720, {seconds} s …")
    page = Latency(**_apart("page", round(seconds * _RATE)))
    on_progress(f"{frames:,} frames as fast as they are read …")
    return LiveFigures(_machine(), region, page, Endurance(**_apart("endurance", frames)))


def measure_steadiness(video: Path, expected: str, *, realtime: bool) -> Steadiness:
    """Read a video with a known text, and measure how steadily it is read.

    realtime: play at the video's own rate, always reading the newest frame; otherwise read every frame

    Raises:
        SourceError: if it cannot be read.
    """
    source = open_source(str(video), realtime=realtime)
    steady_texts: list[tuple[int, str | None]] = []
    _run(source, "page", lambda live: steady_texts.append((live.frame_number, live.steady)))
    rate = source.rate or _RATE
    later = [text for number, text in steady_texts if number >= rate]
    other_texts = {text for _, text in steady_texts if text not in (None, expected)}
    return Steadiness(
        len(steady_texts), later.count(expected) / max(1, len(later)), tuple(sorted(map(str, other_texts)))
    )


def _apart(measure: str, frames: int) -> dict[str, Any]:
    """Run a measurement in a separate process."""
    command = [sys.executable, "-m", __spec__.name, measure, str(frames)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    if result.returncode != 0:
        raise UsageError(
            f"measuring {measure} failed: {(result.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def _frames(text: str, size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Draw the frames of a page held in a hand, each uint8 (H, W, 3)."""
    page = SyntheticPage(text, size=size, frames=count, realtime=False)
    with page:
        return [frame.image for frame in iter(page.read, None)]


def _latency(mode: Mode, text: str, size: tuple[int, int], count: int) -> Latency:
    images = _frames(text, size, 60)
    source = Recorded(islice(cycle(images), count + _WARM), rate=_RATE, realtime=True)
    counted: list[float] = []

    def listen(live: LiveReading) -> None:
        if live.frame_number >= _WARM:
            counted.append(live.latency_ms)

    engine = _run(source, mode, listen)
    median, p99 = np.percentile(counted, (50, 99), method="inverted_cdf").tolist()
    return Latency(median, p99, max(counted), len(counted), engine.statistics.dropped)


def _run(source: Source, mode: Mode, listener: Callable[[LiveReading], None]) -> LiveEngine:
    engine = LiveEngine(source, mode=mode)
    engine.subscribe(listener)
    with engine:
        engine.wait()
        if engine.failure is not None:
            raise engine.failure
    return engine


def _region(frames: int) -> Latency:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return _latency("region", "5", (640, 480), frames)


def _page(frames: int) -> Latency:
    return _latency("page", "01234/56789", (1280, 720), frames)


def _endurance(frames: int) -> Endurance:
    """Read digits that appear and vanish while snapshots are taken; measure memory and threads."""
    threads_before = set(threading.enumerate())
    sizes: list[float] = []
    pictures = _coming_and_going()  # kept until memory has been measured
    source = Recorded(islice(cycle(pictures), frames), rate=_RATE, realtime=False)
    engine = LiveEngine(source, mode="region")
    settled = max(1, int(_SETTLED * frames))
    changes = 0

    def listen(live: LiveReading) -> None:
        nonlocal changes
        changes += live.changed
        if live.frame_number == settled:
            gc.collect()
            sizes.append(memory_megabytes())

    engine.subscribe(listen)
    start = time.perf_counter()
    oldest = 0.0
    with engine:
        while not engine.wait(_POLL):
            snapshot = engine.snapshot()
            if snapshot.read > _WARM and snapshot.state == "running" and snapshot.age_ms is not None:
                oldest = max(oldest, snapshot.age_ms)
        seconds = time.perf_counter() - start
        if engine.failure is not None:
            raise engine.failure
        gc.collect()
        sizes.append(memory_megabytes())
    del pictures
    remaining = set(threading.enumerate()) ^ threads_before
    return Endurance(engine.statistics.read, seconds, sizes[-1] - sizes[0], len(remaining), oldest, changes)


def _coming_and_going() -> list[NDArray[np.uint8]]:
    """Draw two seconds of a digit and one of blank paper, for all ten digits; 120 MB of pictures."""
    blank = _frames("", (640, 480), 10) * 3
    return list(chain.from_iterable(_frames(digit, (640, 480), 12) * 5 + blank for digit in "0123456789"))


def _machine() -> str:
    from importlib.metadata import version

    packages = ("onnxruntime", "opencv-python-headless", "numpy")
    return described(processor("unknown processor"), {package: version(package) for package in packages})


MEASURES: dict[str, Callable[[int], Latency | Endurance]] = {
    "region": _region,
    "page": _page,
    "endurance": _endurance,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(MEASURES[sys.argv[1]](int(sys.argv[2])))) + "\n")
