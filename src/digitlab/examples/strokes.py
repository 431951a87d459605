"""Simulate drawing: an MNIST image is thinned to strokes, in drawing order, and every pixel of ink gets a time.

The finished drawing is the MNIST digit itself. While it is being drawn, each pixel appears at its time, which is when
the pen passes the nearest point of the thinned digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.examples.handwriting import stroke

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DrawnDigit", "Pace", "drawn_digit", "strokes_of", "thinned"]

_FINE = 4.0  # pixels of the thinned digit per pixel of MNIST
_SPUR = 9  # pixels: a shorter branch is an artefact of the stroke's edge, not a stroke
_AHEAD = 4  # pixels over which a line may be interrupted by one drawn before, where the two cross
_LOOK_BACK = 8  # pixels over which the direction of the pen is measured


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace at which a person draws.

    height_seconds: seconds for a stroke as long as the digit is tall
    pause: seconds between two strokes
    unevenness: relative variation of the pen's speed
    """

    height_seconds: float = 0.4
    pause: float = 0.22
    unevenness: float = 0.3

    @classmethod
    def random(cls, rng: np.random.Generator) -> Pace:
        """Choose a person at random, from a quick to a slow hand."""
        return cls(
            float(np.exp(rng.normal(np.log(0.4), 0.45))),
            float(np.clip(np.exp(rng.normal(np.log(0.22), 0.4)), 0.06, 0.6)),
            float(rng.uniform(0.1, 0.5)),
        )


@dataclass(frozen=True, slots=True)
class DrawnDigit:
    """A digit with the time at which each pixel is inked.

    digit: 0 … 9
    coverage: float32 (h, w), 0..1: the finished drawing, cropped to its ink
    when: float32 (h, w), seconds from the first touch until the pixel is inked
    path: float64 (N, 3), the pen's path: seconds, x, y in pixels of `coverage`; between two strokes it is lifted
    strokes: start and end of each, in seconds
    """

    digit: int
    coverage: NDArray[np.float32]
    when: NDArray[np.float32]
    path: NDArray[np.float64]
    strokes: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """Duration from the first touch to the last."""
        return self.strokes[-1][1]

    def ink(self, seconds: float, softness: float = 0.02) -> NDArray[np.float32]:
        """Return the ink `seconds` after the first touch, float32 (h, w), 0..1."""
        if seconds >= self.seconds + softness:
            return self.coverage
        return np.asarray(self.coverage * np.clip((seconds - self.when) / softness, 0.0, 1.0), np.float32)

    def pen(self, seconds: float) -> tuple[float, float]:
        """Return the pen's position, x and y in pixels of `coverage`."""
        times = self.path[:, 0]
        return float(np.interp(seconds, times, self.path[:, 1])), float(np.interp(seconds, times, self.path[:, 2]))

    def touches(self, seconds: float) -> bool:
        """Return whether the pen is drawing, rather than lifted between two strokes."""
        return any(start <= seconds <= end for start, end in self.strokes)


def drawn_digit(
    image: NDArray[np.uint8], digit: int, *, height: float, pace: Pace, rng: np.random.Generator
) -> DrawnDigit:
    """Convert an MNIST image, uint8 (28, 28), to a drawing of about this height in pixels.

    Raises:
        ShapeError: when there is no ink in the image.
    """
    fine = stroke(image, _FINE)
    lines = strokes_of(thinned(fine >= 0.5))
    scale = height / max(fine.shape)
    coverage = stroke(image, _FINE * scale)
    zoom = np.array((coverage.shape[1] / fine.shape[1], coverage.shape[0] / fine.shape[0]))
    path, spans = _timed([line * zoom for line in lines], height, pace, rng)
    when = _time_of_ink(coverage.shape, path, spans)
    return DrawnDigit(digit, coverage, when, path, spans)


def _timed(
    lines: list[NDArray[np.float64]], height: float, pace: Pace, rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[tuple[float, float], ...]]:
    """Return the pen's path with its times, and the start and end of each stroke."""
    now, parts, spans = 0.0, [], []
    for line in lines:
        steps = np.linalg.norm(np.diff(line, axis=0, prepend=line[:1]), axis=1)
        slow = np.exp(pace.unevenness * np.sin(np.linspace(0, rng.uniform(2, 9), len(line)) + rng.uniform(0, 6)))
        times = now + np.cumsum(steps * slow) * pace.height_seconds / height
        times[-1] = max(times[-1], now + 0.03)
        parts.append(np.column_stack((times, line)))
        spans.append((now, float(times[-1])))
        now = float(times[-1]) + pace.pause * float(rng.uniform(0.6, 1.5))
    return np.concatenate(parts), tuple(spans)


def _time_of_ink(
    shape: tuple[int, ...], path: NDArray[np.float64], spans: tuple[tuple[float, float], ...]
) -> NDArray[np.float32]:
    """Compute for each pixel the time at which the pen passes the nearest point of its path: float32 (h, w)."""
    times = np.full(shape, -1.0, np.float32)
    for start, end in spans:
        own = path[(path[:, 0] >= start) & (path[:, 0] <= end)]
        dense = np.linspace(start, end, max(2, 3 * len(own)))
        xs = np.clip(np.rint(np.interp(dense, own[:, 0], own[:, 1])), 0, shape[1] - 1).astype(int)
        ys = np.clip(np.rint(np.interp(dense, own[:, 0], own[:, 2])), 0, shape[0] - 1).astype(int)
        fresh = times[ys, xs] < 0
        times[ys[fresh], xs[fresh]] = dense[fresh]
    passed = times >= 0
    _, labels = cv2.distanceTransformWithLabels(
        np.where(passed, 0, 255).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(labels.max()) + 1, np.float32)
    of_label[labels[passed]] = times[passed]
    return np.asarray(of_label[labels], np.float32)


def thinned(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin ink to its centre line, one pixel wide: bool (h, w). T. Y. Zhang, C. Y. Suen, CACM 27 (1984), 236-239."""
    image = np.pad(ink, 1).astype(np.uint8)
    while True:
        removed = 0
        for turn in (0, 1):
            around = [np.roll(image, shift, (0, 1)) for shift in _RING]  # P2 … P9, clockwise from the north
            count = sum(each.astype(np.int8) for each in around)
            rises = sum(
                ((a == 0) & (b == 1)).astype(np.int8) for a, b in zip(around, around[1:] + around[:1], strict=True)
            )
            north, east, south, west = around[0], around[2], around[4], around[6]
            first = north * east * south if turn == 0 else north * east * west
            second = east * south * west if turn == 0 else north * south * west
            gone = (image == 1) & (count >= 2) & (count <= 6) & (rises == 1) & (first == 0) & (second == 0)
            removed += int(gone.sum())
            image[gone] = 0
        if not removed:
            return image[1:-1, 1:-1].astype(bool)


_RING = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))


def strokes_of(line: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the strokes of a thinned digit in the order in which a person might draw them: float64 (N, 2), x and y.

    Each begins at a free end, the highest first, and continues as straight as it can where lines cross.
    """
    left = {(int(x), int(y)) for y, x in np.argwhere(line)}
    strokes: list[NDArray[np.float64]] = []
    while left:
        ends = [at for at in left if len(_beside(at, left)) <= 1]
        start = min(ends or left, key=lambda at: at[1] + 0.3 * at[0])
        path = _followed(start, left)
        if len(path) >= _SPUR or not strokes:
            strokes.append(np.array(path, np.float64))
    return strokes


def _beside(at: tuple[int, int], left: set[tuple[int, int]], reach: int = 1) -> list[tuple[int, int]]:
    x, y = at
    span = range(-reach, reach + 1)
    return [(x + i, y + j) for i in span for j in span if (i or j) and (x + i, y + j) in left]


def _followed(start: tuple[int, int], left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pixels of one stroke, and remove them from `left`."""
    path = [start]
    left.discard(start)
    while True:
        here, before = path[-1], path[max(0, len(path) - _LOOK_BACK)]
        way = np.array((here[0] - before[0], here[1] - before[1]), float)
        found = _straightest(here, way, _beside(here, left), -0.5) or (
            _straightest(here, way, _beside(here, left, _AHEAD), 0.7) if len(path) > _LOOK_BACK else None
        )
        if found is None:
            return path
        left.discard(found)
        for near in _beside(here, left):  # the corner of a staircase
            if abs(near[0] - found[0]) + abs(near[1] - found[1]) == 1 and len(_beside(near, left)) <= 1:
                left.discard(near)
        path.append(found)


def _straightest(
    here: tuple[int, int], way: NDArray[np.float64], near: list[tuple[int, int]], least: float
) -> tuple[int, int] | None:
    """Return the pixel closest to the previous direction; None if the cosine of the turn is below `least` for all."""
    if not near:
        return None
    length = float(np.hypot(*way))
    if not length:
        return min(near, key=lambda at: (at[1], at[0]))

    def cosine(at: tuple[int, int]) -> float:
        step = at[0] - here[0], at[1] - here[1]
        return float((step[0] * way[0] + step[1] * way[1]) / (length * np.hypot(*step)))

    best = max(near, key=lambda at: (round(cosine(at), 2), -abs(at[0] - here[0]) - abs(at[1] - here[1])))
    return best if cosine(best) >= least else None
