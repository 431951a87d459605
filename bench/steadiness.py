"""Steadiness of live reading on synthetic sequences, and how its parameters are learned.

    python bench/steadiness.py learn                # counts the rates and tables of digitlab.live.digit_filter
    python bench/steadiness.py strip docs/pictures/steadiness.png      # sequences as strips, for docs/live.md
    digitlab bench steadiness                       # measures, on other seeds: see digitlab.bench.steadiness

Learning reads some ten minutes of synthetic sequences (seeds from 0 on; the benchmark has others) at several frame
rates, and counts for each state of the filter how often the ink changed, how confident the reader was, and how long
the state lasted. It prints the values to be entered in digit_filter.py.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitlab.examples.drawn_scenes import times_of_frames
from digitlab.examples.scene_kinds import made_scene
from digitlab.live.digit_filter import ANSWERS, DigitFilter, Seen
from digitlab.live.frame_reading import look
from digitlab.live.tracks import Tracker
from digitlab.reading import Reader

if TYPE_CHECKING:
    from digitlab.examples.drawn_scenes import Scene

_KINDS = ("canvas", "paper", "air", "corrected")  # with one digit at a time
_RATES = (10.0, 30.0)
_REGION = (60, 20, 260, 220)


def state_at(scene: Scene, at: float) -> str:
    """Return the state of the only digit."""
    for mark in scene.marks:
        if mark.start <= at < mark.end:
            return "stroke" if mark.drawn.touches(at - mark.start) else "pause"
    return {"standing": "finished", "drawing": "stroke"}.get(scene.truth(at).kind, "nothing")


class Counts:
    """Counts of observations in each state."""

    def __init__(self) -> None:
        self.answers: dict[str, Counter[str]] = defaultdict(Counter)
        self.changes: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.misread = self.read = 0
        self.state = "nothing"
        self.digit: int | None = None

    def filter(self, steadiness: object) -> DigitFilter:
        """Make a filter that reports its observations to these counts."""
        counts = self

        class Counting(DigitFilter):
            def step(self, seconds: float, seen: Seen) -> None:
                counts.see(seconds, seen)
                super().step(seconds, seen)

        return Counting(steadiness)  # type: ignore[arg-type]

    def see(self, seconds: float, seen: Seen) -> None:
        self.answers[self.state][seen.answer] += 1
        if seen.changed is not None and seconds > 0:
            self.seconds[self.state] += seconds  # type: ignore[assignment]
            self.changes[self.state] += seen.changed
        if self.state == "finished" and seen.answer in ("sure", "likely", "doubtful"):
            self.read += 1
            self.misread += int(np.argmax(seen.probabilities)) != self.digit


def learn(seeds: int, modes: tuple[str, ...]) -> None:
    """Count the observations, and print the rates."""
    reader, counts = Reader(threads=1), Counts()
    strokes, lasted = [], defaultdict(list)
    for seed in range(seeds):
        for kind in _KINDS:
            scene = made_scene(kind, seed)
            strokes += [len(mark.drawn.strokes) for mark in scene.marks]
            for mark in scene.marks:
                spans = mark.drawn.strokes
                lasted["stroke"] += [end - start for start, end in spans]
                lasted["pause"] += [b[0] - a[1] for a, b in pairwise(spans)]
            for mode, rate in ((mode, rate) for mode in modes for rate in _RATES):
                _count(scene, mode, rate, reader, counts)
            sys.stderr.write(f"{kind} {seed}\n")
    out = sys.stdout.write
    out(f"strokes of a digit: {np.mean(strokes):.2f}\n")
    for name, spans in lasted.items():
        out(f"{name}: {np.mean(spans):.2f} s, median {np.median(spans):.2f}\n")
    for state, answers in counts.answers.items():
        total = sum(answers.values())
        rate = counts.changes[state] / max(counts.seconds[state], 1e-9)
        out(
            f"{state:8s}: {rate:.2f} changes a second; "
            + ", ".join(f"{each} {answers[each] / total:.3f}" for each in ANSWERS)
        )
        out(f"; {total} frames\n")
    out(f"misread of those that stand: {counts.misread / max(1, counts.read):.3f}\n")


def _count(scene: Scene, mode: str, rate: float, reader: Reader, counts: Counts) -> None:
    tracker = Tracker(make_filter=counts.filter)
    for at in times_of_frames(scene.seconds, rate):
        image = scene.image(at)
        counts.state = state_at(scene, at)
        text = scene.truth(at).text
        counts.digit = int(text) if text else None
        tracker.add(look(image, mode, _REGION, reader).detections, at, image)  # type: ignore[arg-type]


# Kind of scene, seed, frames per second. Frames are shown from before the first digit until into the second.
_STRIPS = (("paper", 3, 10.0), ("canvas", 1, 6.0), ("joined", 0, 15.0), ("air", 1, 10.0), ("lights", 0, 30.0))
_SHOWN, _CELL = 11, (160, 120)
_GROUND, _DARK, _QUIET, _GOOD = (255, 255, 255), (29, 33, 41), (93, 100, 112), (0, 114, 178)


def strip(path: Path) -> None:
    """Draw sequences as rows of frames; beneath each frame: the truth, the reading of the frame, the steady text."""
    reader = Reader(threads=1)
    rows = [np.concatenate(_row(kind, seed, rate, reader), axis=1) for kind, seed, rate in _STRIPS]
    picture = Image.fromarray(np.concatenate(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(256).save(path, optimize=True)
    sys.stdout.write(f"{path}\n")


def _row(kind: str, seed: int, rate: float, reader: Reader) -> list[np.ndarray]:
    scene, tracker = made_scene(kind, seed), Tracker(whole=True)
    marks = scene.drawn()
    begin = marks[0].start - 0.3 if marks else 3.2
    end = marks[1].start + 0.6 * marks[1].drawn.seconds if len(marks) > 1 else 5.4
    targets = np.linspace(begin, end, _SHOWN)
    cells: list[np.ndarray] = []
    for at in times_of_frames(scene.seconds, rate):
        if at > end + 1 / rate:
            break
        image = scene.image(at)
        result = look(image, "page", _REGION, reader)
        tracker.add(result.detections, at, image)
        if len(cells) < _SHOWN and at >= targets[len(cells)]:
            lines = scene.truth(at).text, result.reading.text, tracker.steady
            cells.append(_cell(image, f"{kind}, {rate:g} frames/s" if not cells else f"{at - begin:.1f} s", lines))
    return [*cells, *[np.full_like(cells[0], 255)] * (_SHOWN - len(cells))]


def _cell(image: np.ndarray, title: str, lines: tuple[str | None, ...]) -> np.ndarray:
    """Draw a frame with its title and three lines of text."""
    small = Image.fromarray(image).resize(_CELL, Image.Resampling.LANCZOS)
    cell = Image.new("RGB", (_CELL[0] + 6, _CELL[1] + 74), _GROUND)
    cell.paste(small, (3, 18))
    pen, font = ImageDraw.Draw(cell), ImageFont.load_default(13)
    pen.text((4, 1), title, _QUIET, font)
    colours = (_DARK, _QUIET, _GOOD)
    for number, (name, text, colour) in enumerate(zip(("stands", "read", "steady"), lines, colours, strict=True)):
        shown = "…" if text is None else text.replace("\n", " ") or "nothing"
        pen.text((4, _CELL[1] + 21 + 16 * number), f"{name}: {shown}", colour, font)
    return np.asarray(cell)


def main() -> None:
    """Parse the command line; learn or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("learn", "strip"))
    parser.add_argument("picture", type=Path, nargs="?", default=Path("steadiness.png"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--modes", nargs="+", default=["page", "region"], choices=("page", "region"))
    options = parser.parse_args()
    if options.what == "strip":
        strip(options.picture)
    else:
        learn(options.seeds, tuple(options.modes))


if __name__ == "__main__":
    main()
