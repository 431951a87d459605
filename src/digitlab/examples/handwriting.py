"""Convert digits of 28×28 pixels to pen strokes of any size, and to lines of handwriting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ShapeError, UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box, Digits

__all__ = ["BODY", "PITCH", "Written", "broken_stroke", "extent", "moved_to_touch", "stroke", "write_lines"]

BODY = 20  # MNIST fits each digit into 20 by 20 pixels

_INK = 64  # grey level from which a pixel counts as ink
# Coverage rises from 0 to 1 between these levels. With them a stroke keeps its area (1.04 times that of the pixels
# above 127), and 14 of the first 3,000 test digits break into more parts than they had.
_EDGE = (0.40, 0.62)
_FAINTEST = 0.3  # a stroke fainter than this stays faint: it is a smear


def extent(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the bounding box of the ink, (x0, y0, x1, y1) in pixels, x1 and y1 exclusive.

    image: uint8 (28, 28), light ink on dark

    Raises:
        ShapeError: when there is no ink.
    """
    ys, xs = np.nonzero(image >= _INK)
    if not len(ys):
        raise ShapeError("digit", expected="an image with ink in it", received="an empty one")
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def stroke(image: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """Enlarge a digit by the factor `scale`, with smooth edges.

    image: uint8 (28, 28), light ink on dark

    Returns:
        float32 (h, w), the ink coverage of each pixel, 0..1, cropped to the ink.
    """
    x0, y0, x1, y1 = extent(image)
    padded = np.pad(image, 2)[y0 : y1 + 4, x0 : x1 + 4].astype(np.float32) / 255.0
    size = round(padded.shape[1] * scale), round(padded.shape[0] * scale)
    large = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
    # The original's pixels show as steps of `scale`; a blur of a third of a step removes them and keeps the stroke.
    smooth = cv2.GaussianBlur(large, (0, 0), max(0.3, 0.35 * scale))
    return _cropped(_smoothstep(_evened(np.asarray(smooth, np.float32), scale)))


def _evened(values: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Raise thin strokes, which are grey in MNIST, to the level of thick ones: a pen has one colour."""
    reach = int(4 * scale) | 1
    around = cv2.blur(cv2.dilate(values, np.ones((reach, reach), np.uint8)), (reach, reach))
    return np.asarray(values / np.clip(around, _FAINTEST, 1.0), np.float32)


def _smoothstep(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = _EDGE
    rise = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(rise * rise * (3.0 - 2.0 * rise), np.float32)


def _cropped(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """Crop to the pixels of which at least half is ink."""
    ys, xs = np.nonzero(coverage >= 0.5)
    return coverage[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]


_GAP = (0.3, 0.75)  # between digits, in digit heights
PITCH = (1.5, 2.1)  # from line to line, in digit heights
_TOUCHING_SHARE = 0.4  # fraction of the digits that touch the previous one, on a page of touching digits


@dataclass(frozen=True, slots=True)
class Written:
    """A digit on the page: coverage float32 (h, w) 0..1, and the position of its upper left corner."""

    coverage: NDArray[np.float32]
    x: int
    y: int

    @property
    def box(self) -> Box:
        """The bounding box in pixels of the page, (x0, y0, x1, y1), ends exclusive."""
        return self.x, self.y, self.x + self.coverage.shape[1], self.y + self.coverage.shape[0]


def write_lines(
    lines: Sequence[Digits],
    tall: float,
    size: tuple[int, int],
    *,
    touching: bool,
    broken: bool,
    rng: np.random.Generator,
) -> list[list[Written]]:
    """Write the lines on a page of this size (width, height); return each as a list from left to right.

    tall: the digits' height in pixels; touching, broken: whether some of them are

    Raises:
        UsageError: when a line does not fit.
    """
    scale = tall / BODY
    pitch = min(rng.uniform(*PITCH) * tall, (size[1] - 1.2 * tall) / max(1, len(lines)))
    top = (size[1] - pitch * (len(lines) - 1)) / 2.0
    slope = rng.uniform(-0.025, 0.025)
    written = []
    for number, line in enumerate(lines):
        row: list[Written] = []
        x = rng.uniform(0.06, 0.12) * size[0]
        for image in line.images:
            coverage = stroke(broken_stroke(image, rng) if broken else image, scale * rng.uniform(0.88, 1.0))
            y = (
                top
                + number * pitch
                + slope * (x - size[0] / 2)
                - coverage.shape[0] / 2
                + rng.uniform(-0.05, 0.05) * tall
            )
            place = Written(coverage, round(x), round(y))
            if touching and row and rng.random() < _TOUCHING_SHARE:
                place = moved_to_touch(row[-1], place)
            if place.box[2] > size[0] - 4:
                raise UsageError(f"a line of {counted(len(line), 'digit')} does not fit on {size[0]} pixels")
            row.append(place)
            x = place.box[2] + tall * rng.uniform(*_GAP)
        written.append(row)
    return written


def moved_to_touch(left: Written, right: Written) -> Written:
    """Move the right digit to the left until a few pixels of the two strokes overlap."""
    reach = left.coverage.shape[1] + right.coverage.shape[1]
    for x in range(left.box[2] + 4, left.box[2] - reach // 3, -1):
        top, bottom = max(left.y, right.y), min(left.box[3], right.y + right.coverage.shape[0])
        start, stop = max(left.x, x), min(left.box[2], x + right.coverage.shape[1])
        if top >= bottom or start >= stop:
            continue
        one = left.coverage[top - left.y : bottom - left.y, start - left.x : stop - left.x]
        other = right.coverage[top - right.y : bottom - right.y, start - x : stop - x]
        if float(np.minimum(one, other).sum()) >= 6.0:
            return Written(right.coverage, x, right.y)
    return Written(right.coverage, left.box[2], right.y)


def broken_stroke(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cut a straight gap of 1.5 pixels through the digit's ink at a random place."""
    ys, xs = np.nonzero(image > 127)
    pick = rng.integers(len(ys))
    angle = rng.uniform(0.0, np.pi)
    rows, columns = np.mgrid[0:28, 0:28]
    away = np.abs((columns - xs[pick]) * np.cos(angle) + (rows - ys[pick]) * np.sin(angle))
    near = np.hypot(columns - xs[pick], rows - ys[pick]) < 4.0
    return np.where((away < 0.8) & near, np.uint8(0), image)
