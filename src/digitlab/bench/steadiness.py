"""Steadiness at every frame rate, on synthetic sequences whose truth is known at every moment.

    digitlab bench steadiness             # 1,000 digits; --quick: one sequence of each kind

Each sequence is drawn and read once, at 60 frames per second. A subset of these frames, unevenly spaced and with a few
lost, is what a camera with 30, 15, 10, 5 or 3 frames per second would deliver; each has its own tracker. The counts of
each sequence are kept in a separate file, so that an interrupted run can be continued.
"""

from __future__ import annotations

import json
import math
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.machine import described, processor
from digitlab.bench.steady_counts import Moment, RateFigures, judged, judged_walk
from digitlab.examples.drawn_scenes import FIRST_OF_BENCH, times_of_frames
from digitlab.examples.scene_kinds import made_scene
from digitlab.jobs.events import Counted, Note
from digitlab.live.frame_reading import look
from digitlab.live.tracks import Tracker
from digitlab.reading import Reader
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from digitlab.examples.drawn_scenes import Scene
    from digitlab.jobs.events import Listener

__all__ = ["KINDS", "RATES", "SteadinessFigures", "follow", "measure_made_sequences"]

RATES = (3, 5, 10, 15, 30, 60)
KINDS = ("canvas", "paper", "air", "corrected", "joined", "pushed", "lights", "walk")
_FULL_RATE = 60
_LOST = 0.03  # share of the frames
_UNEVEN = 0.4  # share of the time between two frames by which one may be late
_COUNTED = 30  # frame rate of the camera whose digits are counted for the progress
_WALK_EVERY = 4  # rounds: a walk has eight numbers, and takes long
_REGION = (60, 20, 260, 220)  # in the scene's picture, in mode "region"
_WORK = "digits drawn and read"
_MADE_BY = ("live", "reading", "examples", "bench/steady_counts.py", "bench/steadiness.py")


@dataclass(frozen=True)
class SteadinessFigures:
    """Result of `digitlab bench steadiness`."""

    machine: str
    mode: str
    sequences: int
    rates: tuple[RateFigures, ...]
    by_kind: dict[str, tuple[RateFigures, ...]]

    HEADER = (
        "frames",
        "median",
        "95 %",
        "another steady",
        "told early",
        "told wrongly, twice, never",
        "right (read)",
        "not read",
    )

    ASKED = ("asked, from 5/s", "≤ 0.5 s", "≤ 0.9 s", "≤ 1 %", "≤ 2 %", "≤ 5 of 1,000, 0", "", "")
    WALKS = ("walks over a page", "numbers told wrongly", "twice", "never", "not read")

    def rows(self) -> list[list[str]]:
        """Return the rows of the table."""
        return [*(rate.row() for rate in self.rates if rate.told), list(self.ASKED)]

    def walk_rows(self) -> list[list[str]]:
        """Return the rows of the table of the walks; empty without any."""
        return [rate.walk_row() for rate in self.rates if rate.numbers]

    def kind_rows(self) -> list[list[str]]:
        """Return the median and 95th percentile of the time to a steady text, for each kind and rate."""
        return [
            [kind, *(f"{rate.median:.2f}, {rate.late:.2f}" for rate in rates)]
            for kind, rates in self.by_kind.items() if any(rate.told for rate in rates)
        ]  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        kinds = {kind: [rate.as_dict() for rate in all_rates] for kind, all_rates in self.by_kind.items()}
        return {"machine": self.machine, "mode": self.mode, "sequences": self.sequences, "kinds": kinds}


def measure_made_sequences(
    folder: Path,
    *,
    digits: int,
    mode: str = "page",
    kinds: tuple[str, ...] = KINDS,
    processes: int = 1,
    listener: Listener,
) -> SteadinessFigures:
    """Draw and read sequences, one of each kind in turn, until they contain this number of digits and numbers; count.

    Sequences that the same program has already counted in the folder are not counted again.

    Raises:
        StorageError: if the folder cannot be written.
    """
    # The processes start with the first sequence; if there is only one, it is this one.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn")) if processes > 1 else None
    try:
        return _measure(folder, digits, mode, kinds, pool, listener)
    finally:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _measure(
    folder: Path, digits: int, mode: str, kinds: tuple[str, ...], pool: ProcessPoolExecutor | None, listener: Listener
) -> SteadinessFigures:
    made_by = _fingerprint(mode)
    by_kind = {kind: _summed(()) for kind in kinds}
    done = stale = sequences = 0

    def add(kind: str, figures: tuple[RateFigures, ...]) -> None:
        nonlocal done, sequences
        sequences += 1
        by_kind[kind] = _summed((by_kind[kind], figures))
        done += figures[RATES.index(_COUNTED)].stood

    for batch in _rounds(kinds):
        paths = {sequence: folder / f"{mode}-{sequence[0]}-{sequence[1]}.json" for sequence in batch}
        stored = {sequence: _kept(path, made_by) for sequence, path in paths.items()}
        for (kind, _), figures in stored.items():
            if figures is not None:
                add(kind, figures)
        missing = [sequence for sequence in batch if stored[sequence] is None]
        stale += sum(paths[sequence].exists() for sequence in missing)
        if missing:  # what exists already is no measure of the time that the rest takes
            listener(Counted(_WORK, min(done, digits), digits, "digits", missing[0][0]))
        for sequence, figures in _found(missing, mode, pool):
            content = {"made_by": made_by, "rates": [rate_figures.as_dict() for rate_figures in figures]}
            write_text(paths[sequence], json.dumps(content) + "\n")
            add(sequence[0], figures)
            listener(Counted(_WORK, min(done, digits), digits, "digits", sequence[0]))
        if done >= digits:
            break
    if stale:
        listener(Note(f"{stale} sequences in {folder} were counted by another version; they are counted again"))
    machine = described(processor("unknown processor"), {})
    return SteadinessFigures(machine, mode, sequences, _summed(by_kind.values()), by_kind)


def _summed(parts: Iterable[tuple[RateFigures, ...]]) -> tuple[RateFigures, ...]:
    """Add up figures, separately for each rate."""
    totals = tuple(RateFigures(rate) for rate in RATES)
    for figures in parts:
        for total, part in zip(totals, figures, strict=True):
            total.add(part)
    return totals


def _rounds(kinds: tuple[str, ...]) -> Iterator[list[tuple[str, int]]]:
    """Yield rounds with a sequence of each kind: kinds and seeds."""
    alone = kinds == ("walk",)
    for number in count():
        seed = FIRST_OF_BENCH + number
        yield [(kind, seed) for kind in kinds if kind != "walk" or alone or number % _WALK_EVERY == 0]


def _found(
    missing: list[tuple[str, int]], mode: str, pool: ProcessPoolExecutor | None
) -> Iterator[tuple[tuple[str, int], tuple[RateFigures, ...]]]:
    """Draw and read each sequence, here or in other processes; yield them in the order of completion."""
    if pool is None:
        for kind, seed in missing:
            yield (kind, seed), _sequence(kind, seed, mode)
        return
    running = {pool.submit(_sequence, kind, seed, mode): (kind, seed) for kind, seed in missing}
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _sequence(kind: str, seed: int, mode: str) -> tuple[RateFigures, ...]:
    """Compute the figures of a sequence at all rates."""
    scene = made_scene(kind, seed)
    all_moments = follow(scene, mode, Reader(threads=1))
    judge = judged_walk if kind == "walk" else (lambda _, moments, rate: judged(moments, rate))
    return tuple(judge(scene, moments, rate) for rate, moments in all_moments.items())


def follow(scene: Scene, mode: str, reader: Reader) -> dict[int, list[Moment]]:
    """Follow a scene as cameras of all rates see it, frame by frame."""
    rng = np.random.default_rng((scene.seed, 5))
    trackers = {rate: Tracker(whole=mode == "page") for rate in RATES}
    times = list(times_of_frames(scene.seconds, _FULL_RATE))
    frames_taken = {rate: _taken(len(times), rate, rng) for rate in RATES}
    moments: dict[int, list[Moment]] = {rate: [] for rate in RATES}
    for number, time in enumerate(times):
        rates = [rate for rate in RATES if number in frames_taken[rate]]
        if not rates:
            continue
        image, truth = scene.image(time), scene.truth(time)
        look_result = look(image, mode, _REGION, reader)  # type: ignore[arg-type]
        read = look_result.reading.text.replace("\n", "")
        for rate in rates:
            tracker = trackers[rate]
            tracker.add(look_result.detections, time, image)
            steady = None if tracker.steady is None else tracker.steady.replace("\n", "")
            numbers = tuple(each.text for each in tracker.numbers)
            moments[rate].append(Moment(time, truth, read, steady, tracker.telling, numbers))
    return moments


def _taken(frames: int, rate: int, rng: np.random.Generator) -> set[int]:
    """Choose the frames of the full rate that a camera with this rate takes: any phase, unevenly, some are lost."""
    spacing = _FULL_RATE // rate
    regular = np.arange(int(rng.integers(spacing)), frames, spacing)
    delays = rng.integers(0, math.floor(_UNEVEN * spacing) + 1, len(regular))
    received = rng.random(len(regular)) >= _LOST
    return set((regular + delays)[received].tolist())


def _kept(path: Path, made_by: str) -> tuple[RateFigures, ...] | None:
    """Read the figures of a sequence counted before; None if there are none, or if another version counted them."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["made_by"] != made_by:
            return None
        return tuple(RateFigures.of_dict(rate) for rate in content["rates"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fingerprint(mode: str) -> str:
    """Compute a digest of everything that the figures depend on: the code that reads, tracks, draws, and counts."""
    root, digest = Path(__file__).parent.parent, sha256(mode.encode())
    for name in _MADE_BY:
        part = root / name
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if path.suffix in (".py", ".onnx"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
