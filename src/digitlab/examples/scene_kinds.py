"""The kinds of synthetic sequences, each generated from a seed: `made_scene("paper", seed=3)`."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import load_dataset
from digitlab.errors import UsageError
from digitlab.examples.drawn_scenes import FIRST_OF_BENCH, Hand, Mark, Scene, Walk
from digitlab.examples.hand_and_light import Look
from digitlab.examples.strokes import DrawnDigit, Pace, drawn_digit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "made_scene"]

_SIZE = (320, 240)


def made_scene(kind: str, seed: int, *, size: tuple[int, int] = _SIZE) -> Scene:
    """Make a synthetic sequence; the same kind and seed give the same one.

    Seeds below `FIRST_OF_BENCH` draw MNIST's training digits, the others its test digits.

    Raises:
        UsageError: for an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no scene {kind!r}; expected one of {', '.join(KINDS)}")
    rng = np.random.default_rng((seed, list(KINDS).index(kind)))
    return KINDS[kind](_Writer(rng, seed, size), rng)


class _Writer:
    """A person with an individual pace, who draws digits of MNIST into a picture of a given size."""

    def __init__(self, rng: np.random.Generator, seed: int, size: tuple[int, int]) -> None:
        self.seed, self.size = seed, size
        self.digits = load_dataset("mnist").split("test" if seed >= FIRST_OF_BENCH else "train")
        self.pace = Pace.random(rng)
        self.tall = float(rng.uniform(0.3, 0.5)) * size[1]
        self._rng = rng

    def draw(self, height: float | None = None) -> DrawnDigit:
        """Draw a random digit."""
        row = int(self._rng.integers(len(self.digits)))
        image, label = self.digits.images[row], int(self.digits.labels[row])
        tall = (height or self.tall) * float(self._rng.uniform(0.9, 1.1))
        return drawn_digit(image, label, height=tall, pace=self.pace, rng=self._rng)

    def place(self, drawn: DrawnDigit, *, spread: float = 0.08) -> tuple[int, int]:
        """Return the position that puts a digit in the middle of the picture, or near it."""
        height, width = drawn.coverage.shape
        x = (self.size[0] - width) / 2 + self._rng.uniform(-spread, spread) * self.size[0]
        y = (self.size[1] - height) / 2 + self._rng.uniform(-spread, spread) * self.size[1]
        return round(x), round(y)


def _one_after_another(writer: _Writer, rng: np.random.Generator, count: int, wipe: tuple[float, float]) -> list[Mark]:
    """Make digits, each of which is erased before the next is begun."""
    now, marks = float(rng.uniform(0.3, 0.9)), []
    for _ in range(count):
        drawn = writer.draw()
        x, y = writer.place(drawn)
        gone = now + drawn.seconds + float(rng.uniform(1.2, 2.6))
        wiped = float(rng.uniform(*wipe))
        marks.append(Mark(drawn, x, y, now, gone, wiped))
        now = gone + wiped + float(rng.uniform(0.0, 0.9))
    return marks


def _canvas(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make a drawing program's canvas, cleared by a button: only ink, which disappears all at once."""
    marks = _one_after_another(writer, rng, 4, (0.0, 0.0))
    return Scene("canvas", writer.seed, _end(marks), writer.size, Look.random("canvas", rng), marks)


def _paper(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make a scene of a pen on paper under a hand-held camera; the digits are wiped away, as if on a board."""
    marks = _one_after_another(writer, rng, 4, (0.15, 0.6))
    look = Look.random("paper", rng)
    return Scene("paper", writer.seed, _end(marks), writer.size, look, marks, "pen", float(rng.uniform(0, 2.5)))


def _air(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make a scene of drawing in the air before a webcam: ink over a moving person."""
    marks = _one_after_another(writer, rng, 4, (0.0, 0.0))
    return Scene("air", writer.seed, _end(marks), writer.size, Look.random("air", rng), marks)


def _joined(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make digits drawn beside existing ones, then all wiped away, twice."""
    marks: list[Mark] = []
    now = float(rng.uniform(0.3, 0.9))
    writer.tall *= 0.75
    for _ in range(2):
        row, x = [], round(0.12 * writer.size[0])
        for _ in range(int(rng.integers(2, 4))):
            drawn = writer.draw()
            row.append((drawn, x, now))
            x += drawn.coverage.shape[1] + round(0.35 * writer.tall)
            now += drawn.seconds + float(rng.uniform(1.2, 2.2))
        y = round(0.5 * (writer.size[1] - writer.tall))
        marks += [Mark(drawn, x, y, start, now, 0.3) for drawn, x, start in row]
        now += 0.3 + float(rng.uniform(0.2, 1.0))
    look = Look.random("paper" if rng.random() < 0.6 else "canvas", rng)
    hand: Hand = "pen" if look.kind == "paper" else None
    return Scene("joined", writer.seed, now + 0.2, writer.size, look, marks, hand, float(rng.uniform(0, 1.5)))


def _corrected(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make corrections: several times, a digit is erased and another drawn in its place at once, on paper or canvas."""
    marks, now = [], float(rng.uniform(0.3, 0.9))
    for _ in range(4):
        drawn = writer.draw()
        x, y = writer.place(drawn, spread=0.01)
        gone = now + drawn.seconds + float(rng.uniform(1.2, 2.2))
        marks.append(Mark(drawn, x, y, now, gone, 0.0))
        now = gone + float(rng.uniform(0.02, 0.15))
    look = Look.random("paper" if rng.random() < 0.5 else "canvas", rng)
    return Scene("corrected", writer.seed, _end(marks), writer.size, look, marks)


def _pushed(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make sheets with a number, pushed into view one after another, slightly rotated, held by a shaking hand."""
    wide, high = writer.size
    marks, times, places, now = [], [], [], 0.0
    writer.tall *= 0.7
    for turn in range(5):
        if turn:  # the first place is empty paper
            marks += _number(writer, rng, int(rng.integers(1, 4)), turn * wide + 0.15 * wide, 0.35 * high)
        stay, glide = float(rng.uniform(1.3, 2.6)), float(rng.uniform(0.35, 0.8))
        times += [now, now + stay]
        places += [(turn * wide, 0), (turn * wide, 0)]
        now += stay + glide
    walk = Walk(np.array(times), np.array(places, float))
    return Scene("pushed", writer.seed, times[-1], writer.size, Look.random("paper", rng), marks, None,
                 float(rng.uniform(0.5, 3)), float(rng.uniform(-9, 9)), (5 * wide, high), walk)  # fmt: skip


def _lights(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make a number that stays all the time, while the light is switched and a finger passes."""
    writer.tall *= 0.8
    marks = _number(writer, rng, int(rng.integers(1, 4)), 0.15 * writer.size[0], 0.35 * writer.size[1])
    gains = [(float(at), float(rng.uniform(0.45, 1.0))) for at in np.sort(rng.uniform(1.2, 6.5, 3))]
    passing = [2.5 + float(rng.uniform(0, 1)), 5.0 + float(rng.uniform(0, 1))]
    return Scene("lights", writer.seed, 7.0, writer.size, Look.random("paper", rng), marks, None,
                 float(rng.uniform(0, 2)), gains=gains, passing=passing)  # fmt: skip


def _walk(writer: _Writer, rng: np.random.Generator) -> Scene:
    """Make a camera's walk over a page of numbers, there and back, so slow that they can be read."""
    wide, high = writer.size
    columns, rows = 4, 2
    writer.tall *= 0.5
    marks, numbers = [], []
    for row in range(rows):
        for column in range(columns):
            x, y = column * 0.95 * wide + 0.25 * wide, row * 0.85 * high + 0.3 * high
            own = _number(writer, rng, int(rng.integers(2, 4)), x, y)
            marks += own
            right = max(mark.x + mark.drawn.coverage.shape[1] for mark in own)
            text = "".join(str(mark.drawn.digit) for mark in own)
            numbers.append((text, own[0].x, min(mark.y for mark in own), right, max(mark.y for mark in own)))
    across, down = (columns - 1) * 0.95 * wide, (rows - 1) * 0.85 * high
    stops = [(0, 0), (across, 0), (across, down), (0, down), (0, 0)]
    times = np.cumsum([0.0, *(float(rng.uniform(1.0, 1.4)) + math.dist(a, b) / (0.22 * wide)
                              for a, b in pairwise(stops))])  # fmt: skip
    surface = round(across) + wide, round(down) + high
    return Scene("walk", writer.seed, float(times[-1]) + 1.0, writer.size, Look.random("paper", rng), marks, None, 1.0,
                 0.0, surface, Walk(times, np.array(stops, float)), brisk=9.0, numbers=numbers)  # fmt: skip


def _number(writer: _Writer, rng: np.random.Generator, digits: int, x: float, y: float) -> list[Mark]:
    """Make a number that is there from the beginning."""
    marks = []
    for _ in range(digits):
        drawn = writer.draw()
        marks.append(Mark(drawn, round(x), round(y + rng.uniform(-3, 3))))
        x += drawn.coverage.shape[1] + 0.3 * writer.tall * float(rng.uniform(0.8, 1.2))
    return marks


def _end(marks: list[Mark]) -> float:
    return marks[-1].gone + marks[-1].wiped + 0.5


KINDS: dict[str, Callable[[_Writer, np.random.Generator], Scene]] = {
    "canvas": _canvas,
    "paper": _paper,
    "air": _air,
    "joined": _joined,
    "corrected": _corrected,
    "pushed": _pushed,
    "lights": _lights,
    "walk": _walk,
}
