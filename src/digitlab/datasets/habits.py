"""Ones with an upstroke and sevens with a bar, as much of the world writes them and few of MNIST's hands did.

Made from MNIST's own ones and sevens: a stroke as wide as the digit's is drawn onto each, and the whole is brought back
to the size and place that MNIST's makers gave it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.distractors.pen import CANVAS, as_mnist, draw_lines
from digitlab.datasets.transforms.batches import by_blocks
from digitlab.values import Digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["with_habits"]

_FINER = 3  # pixels of the canvas for each of the image's
_INK = 100  # of 255
_FOOT = 0.3  # share of the ones that stand on a foot


def with_habits(digits: Digits, *, seed: int = 0) -> Digits:
    """The digits, and behind them every second one and seven once more, with an upstroke or a bar."""
    rows = np.concatenate([np.flatnonzero(digits.labels == label)[::2] for label in (1, 7)])
    labels = digits.labels[rows]
    plain = digits.images[rows]
    drawn = np.concatenate(
        [
            by_blocks(change, np.ascontiguousarray(plain[labels == label]), (seed, label), jobs=os.cpu_count() or 1)
            for label, change in ((1, _with_upstrokes), (7, _with_bars))
        ]
    )
    return Digits(np.concatenate([digits.images, drawn]), np.concatenate([digits.labels, labels]))


def _with_upstrokes(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.array([_with_upstroke(image, rng) for image in images], np.uint8).reshape(-1, 28, 28)


def _with_bars(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.array([_with_bar(image, rng) for image in images], np.uint8).reshape(-1, 28, 28)


def _with_upstroke(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """From the stem's top to the left and down, a quarter to more than half of the height; perhaps a foot, too."""
    canvas, (top, bottom, _, _), width = _canvas(image)
    height = bottom - top
    start = np.array([_middle(canvas, top + 1), top + width / 2])
    angle, length = rng.uniform(0.45, 1.1), rng.uniform(0.25, 0.6) * height
    strokes = [np.array([start, start + length * np.array([-np.sin(angle), np.cos(angle)])])]
    if rng.random() < _FOOT:
        foot, half = np.array([_middle(canvas, bottom - 1), bottom - width / 2]), rng.uniform(0.12, 0.3) * height
        strokes.append(foot + np.array([[-half, rng.normal(0, 1)], [half, rng.normal(0, 1)]]))
    draw_lines(canvas, strokes, rng, width)
    return as_mnist(canvas)


def _with_bar(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Across the stem, somewhat below the middle of the height."""
    canvas, (top, bottom, left, right), width = _canvas(image)
    row = top + rng.uniform(0.4, 0.65) * (bottom - top)
    middle, half = _middle(canvas, round(row)), rng.uniform(0.18, 0.4) * max(right - left, (bottom - top) / 2)
    tilt = rng.normal(0, 0.15) * half
    draw_lines(canvas, [np.array([[middle - half, row + tilt], [middle + half, row - tilt]])], rng, width)
    return as_mnist(canvas)


def _canvas(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[int, int, int, int], float]:
    """The digit on a canvas; its box there (top, bottom, left, right), ends exclusive; and its strokes' width."""
    margin = (CANVAS - 28 * _FINER) // 2
    large = cv2.resize(image, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    canvas = np.asarray(cv2.copyMakeBorder(large, *(margin,) * 4, cv2.BORDER_CONSTANT), np.uint8)
    ink = canvas >= _INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    distance = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    width = 4.0 * float(distance[ink].mean()) - 1.0  # across a stroke the distances average a quarter of its width
    box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return canvas, box, float(np.clip(width, 3, 15))


def _middle(canvas: NDArray[np.uint8], row: int) -> float:
    """The middle of the ink of a row, or of the canvas where it has none."""
    columns = np.flatnonzero(canvas[row] >= _INK)
    return float(columns.mean()) if len(columns) else CANVAS / 2
