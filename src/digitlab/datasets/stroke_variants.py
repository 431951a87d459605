"""Digit forms that are rare in MNIST and common elsewhere: ones with upstroke, barred sevens, slashed zeros.

They are made from MNIST's digits: a stroke of the digit's width is added, and the result is scaled and centred as in
MNIST. Drawn from scratch are ones and sevens of straight lines, as by mouse, stylus or print, zeros whose line ends in
a point, and digits in the forms of several countries.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.ood.alphabet import strokes_of
from digitlab.datasets.ood.pen import CANVAS, as_mnist, blank, draw_lines, placed, shaken
from digitlab.datasets.pages.hands import FORMS
from digitlab.datasets.transforms.batches import by_blocks
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Change = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

__all__ = ["with_habits"]

_FINER = 3  # pixels of the canvas per pixel of the image
_INK = 100  # of 255
_FOOT = 0.3  # share of the ones with a serif at the bottom
_LEANING = (-15.0, 40.0)  # degrees to the right, of a one that is a single line; flatter lines are "/" or "-"
_MERE = 0.3  # share of the straight ones that are a single line
_BARRED = 0.3  # share of the straight sevens with a bar
_BROADEST = 11.0  # pixels of the canvas: the broadest pen for rings
_LONG = 0.25  # share of the upstrokes that are nearly as long as the stem, and as flat as a seven's top


def with_habits(digits: Digits, *, seed: int = 0) -> Digits:
    """Add digits in the other forms to the given ones; return all of them in random order.

    Added are every second one with an upstroke, every second seven with a bar, every fourth zero with a slash; a
    straight digit for every fourth one and every eighth seven; a pointed zero for every fourth zero; and, for every
    eighth digit of the other classes, one in a form of `digitlab.datasets.pages.hands`. (Varied ones and sevens of
    those forms are too similar: what most people write as a one was then read as a seven.)
    """
    forms: list[tuple[int, int, Change]] = [
        (1, 2, _with_upstroke), (7, 2, _with_bar), (0, 4, _with_slash), (1, 4, _ruled_one), (7, 8, _ruled_seven),
        (0, 4, _pointed_zero),
    ]  # fmt: skip
    forms += [(label, 8, _in_a_form_of(label)) for label in FORMS if label not in (1, 7)]
    drawn = [_drawn(digits, label, every, change, seed) for label, every, change in forms]
    images = np.concatenate([digits.images, *(variant.images for variant in drawn)])
    labels = np.concatenate([digits.labels, *(variant.labels for variant in drawn)])
    # Shuffled, because `hold_out` takes the last images of each class, which would all be added forms.
    order = np.random.default_rng([seed, len(labels)]).permutation(len(labels))
    return Digits(images[order], labels[order])


def _drawn(digits: Digits, label: int, every: int, change: Change, seed: int) -> Digits:
    rows = np.flatnonzero(digits.labels == label)[::every]

    def change_all(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        return np.array([change(image, rng) for image in images], np.uint8).reshape(-1, 28, 28)

    plain = np.ascontiguousarray(digits.images[rows])
    stream = zlib.crc32(change.__name__.encode())  # one stream per form, or two forms of a class would be alike
    drawn = by_blocks(change_all, plain, (seed, label, stream), jobs=os.cpu_count() or 1)
    return Digits(drawn, digits.labels[rows])


def _with_upstroke(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add an upstroke from the stem's top to the lower left, a quarter to most of the height; sometimes a serif."""
    canvas, (top, bottom, _, _), width = _canvas(image)
    height = bottom - top
    start = np.array([_middle(canvas, top + 1), top + width / 2])
    strokes = [np.array([start, start + height * _upstroke(rng)])]
    if rng.random() < _FOOT:
        foot, half = np.array([_middle(canvas, bottom - 1), bottom - width / 2]), rng.uniform(0.12, 0.3) * height
        strokes.append(foot + np.array([[-half, rng.normal(0, 1)], [half, rng.normal(0, 1)]]))
    draw_lines(canvas, strokes, rng, width)
    return as_mnist(canvas)


def _with_bar(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add a bar across the stem, a little below the middle."""
    canvas, (top, bottom, left, right), width = _canvas(image)
    row = top + rng.uniform(0.4, 0.65) * (bottom - top)
    middle, half = _middle(canvas, round(row)), rng.uniform(0.18, 0.4) * max(right - left, (bottom - top) / 2)
    tilt = rng.normal(0, 0.15) * half
    draw_lines(canvas, [np.array([[middle - half, row + tilt], [middle + half, row - tilt]])], rng, width)
    return as_mnist(canvas)


def _with_slash(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add a slash through the ring from lower left to upper right, inside or beyond it."""
    canvas, (top, bottom, left, right), width = _canvas(image)
    middle = np.array([left + right, top + bottom]) / 2 + rng.normal(0, 1.5, 2)
    angle, half = rng.uniform(0.4, 1.0), rng.uniform(0.3, 0.55) * (bottom - top)
    reach = half * np.array([np.sin(angle), -np.cos(angle)])
    thin = max(3.0, 0.7 * width)  # a broad pen would fill a narrow ring
    draw_lines(canvas, [np.array([middle - reach, middle + reach])], rng, thin)
    return as_mnist(canvas)


def _ruled_one(_: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a straight one, with a pen of any width up to a marker's; most with an upstroke, some with a serif."""
    height = CANVAS * 2 / 3
    mere = rng.random() < _MERE
    lean = np.deg2rad(rng.uniform(*_LEANING) if mere else rng.normal(3.0, 6.0))
    top, foot = (CANVAS / 2 + side * height / 2 * np.array([np.sin(lean), -np.cos(lean)]) for side in (1, -1))
    strokes = [np.array([top, foot])]
    if not mere:
        strokes.append(np.array([top, top + height * _upstroke(rng)]))
        if rng.random() < _FOOT:
            half = rng.uniform(0.12, 0.3) * height
            strokes.append(foot + np.array([[-half, 0.0], [half, 0.0]]))
    return _ruled(strokes, rng)


def _upstroke(rng: np.random.Generator) -> NDArray[np.float64]:
    """Sample the vector from the top of a one to the start of its upstroke, in digit heights."""
    long = rng.random() < _LONG
    angle, length = (
        rng.uniform(*((0.9, 1.35) if long else (0.45, 1.25))),
        rng.uniform(*((0.6, 1.0) if long else (0.2, 0.7))),
    )
    return float(length) * np.array([-np.sin(angle), np.cos(angle)])


def _ruled_seven(_: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a straight seven, so that not every straight digit is a one."""
    height = CANVAS * 2 / 3
    lean, wide = rng.uniform(0.05, 0.6), rng.uniform(0.45, 0.8) * height
    corner = np.array([CANVAS / 2 + wide / 2, CANVAS / 2 - height / 2])
    foot = corner + height * np.array([-np.tan(lean), 1.0])
    strokes = [np.array([corner + np.array([-wide, rng.normal(0, 0.06) * height]), corner, foot])]
    if rng.random() < _BARRED:
        middle, half = corner + rng.uniform(0.45, 0.6) * (foot - corner), rng.uniform(0.15, 0.3) * height
        strokes.append(middle + np.array([[-half, 0.0], [half, 0.0]]))
    return _ruled(strokes, rng)


def _pointed_zero(_: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a ring whose line begins and ends in a point, mostly at the bottom or top, and crosses itself a little."""
    middle = np.pi * rng.choice([0.5, 1.5], p=[0.6, 0.4])  # the angle of the point; y runs down: π / 2 is below
    start = middle + rng.uniform(-0.9, 0.9)
    angle = np.linspace(0.0, 2 * np.pi, 40)
    distance = np.minimum(angle, 2 * np.pi - angle) / rng.uniform(0.3, 0.7)
    radius = 1.0 + rng.uniform(0.1, 0.6) * np.exp(-distance)
    ring = np.stack([rng.uniform(0.55, 1.0) * radius * np.cos(start + angle), radius * np.sin(start + angle)], axis=-1)
    begin, end = (
        rng.uniform(0.0, 0.4) * (ring[a] - ring[b]) / np.hypot(*(ring[a] - ring[b])) for a, b in ((0, 2), (-1, -3))
    )
    return _ruled(placed(shaken([np.concatenate([[ring[0] + begin], ring, [ring[-1] + end]])], rng)), rng, _BROADEST)


def _in_a_form_of(label: int) -> Change:
    """Make a function that draws this digit in one of its forms, as `digitlab.datasets.ood` draws non-digits."""
    forms = [strokes_of(form) for form in FORMS[label]]

    def draw(_: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        strokes = placed(shaken(forms[int(rng.integers(len(forms)))], rng))
        return _ruled(strokes, rng, _BROADEST)  # a broader pen would fill the rings of an 8

    return draw


def _ruled(strokes: list[NDArray[np.float64]], rng: np.random.Generator, broadest: float = 18.0) -> NDArray[np.uint8]:
    canvas = blank()
    draw_lines(canvas, strokes, rng, float(rng.uniform(3, broadest)))
    return as_mnist(canvas)


def _canvas(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[int, int, int, int], float]:
    """Put the digit on a canvas; find its box (top, bottom, left, right), ends exclusive, and its stroke width."""
    margin = (CANVAS - 28 * _FINER) // 2
    large = cv2.resize(image, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    canvas = np.asarray(cv2.copyMakeBorder(large, *(margin,) * 4, cv2.BORDER_CONSTANT), np.uint8)
    ink = canvas >= _INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    distance = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    width = 4.0 * float(distance[ink].mean()) - 1.0  # the mean distance to the border is a quarter of the stroke width
    box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return canvas, box, float(np.clip(width, 3, 15))


def _middle(canvas: NDArray[np.uint8], row: int) -> float:
    """Find the centre of the ink in a row, or of the canvas if it has none."""
    columns = np.flatnonzero(canvas[row] >= _INK)
    return float(columns.mean()) if len(columns) else CANVAS / 2
