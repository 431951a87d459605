"""Synthetic pages for measuring speed: lines of MNIST test digits on shaded paper; and pathological pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets import load_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["bad_pictures", "digits_on_pages", "one_digit", "page"]

_PAPER, _INK = np.array((236, 232, 222), np.float32), np.array((40, 46, 88), np.float32)


def page(megapixels: float, *, lines: int = 5, columns: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a page, uint8 (H, W, 3), aspect ratio 3:4: lines of digits, with a shadow and sensor noise."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    rng = np.random.default_rng(seed)
    test = load_dataset("mnist").split("test")
    ink = np.zeros((height, width), np.float32)
    cell_high, cell_wide = height // lines, width // columns
    side = round(0.62 * min(cell_high, cell_wide))
    for line in range(lines):
        for column in range(columns):
            digit = cv2.resize(test.images[rng.integers(len(test))], (side, side), interpolation=cv2.INTER_CUBIC)
            top = line * cell_high + (cell_high - side) // 2 + int(rng.integers(-3, 4))
            left = column * cell_wide + (cell_wide - side) // 2
            ink[top : top + side, left : left + side] = np.clip(digit.astype(np.float32) / 255, 0, 1)
    light = np.linspace(1.0, 0.7, width, dtype=np.float32)[None, :, None]
    painted = (_PAPER * (1 - ink[..., None]) + _INK * ink[..., None]) * light
    painted += rng.normal(0, 3, (height, width, 1)).astype(np.float32)
    return np.asarray(np.clip(painted, 0, 255), np.uint8)


def one_digit(side: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a digit as if cut out of a form, uint8 (side, side), dark on light."""
    test = load_dataset("mnist").split("test")
    digit = test.images[np.random.default_rng(seed).integers(len(test))]
    return np.asarray(255 - cv2.resize(digit, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def digits_on_pages(count: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield MNIST's first test images with labels, each as dark ink in the middle of a white page, uint8 (84, 84)."""
    test = load_dataset("mnist").split("test")
    for image, label in zip(test.images[:count], test.labels[:count], strict=True):
        paper = np.full((84, 84), 255, np.uint8)
        paper[14:70, 14:70] = 255 - cv2.resize(image, (56, 56), interpolation=cv2.INTER_LINEAR)
        yield paper, int(label)


def bad_pictures(megapixels: float = 12) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield pathological pictures by name; the large ones with ``megapixels``."""
    rng = np.random.default_rng(0)
    side = round((megapixels * 1e6) ** 0.5)
    yield "nothing on it", np.full((side, side, 3), 230, np.uint8)
    yield "hundreds of digits", page(megapixels, lines=20, columns=30)
    yield "one giant digit", np.repeat(one_digit(side)[..., None], 3, axis=2)
    yield "one pixel", np.zeros((1, 1, 3), np.uint8)
    yield "a line of pixels", rng.integers(0, 256, (1, 20_000, 3), np.uint8)
    yield "upside down", np.ascontiguousarray(page(megapixels)[::-1, ::-1])
    yield "negative", 255 - page(megapixels)
    yield "noise", rng.integers(0, 256, (side, side, 3), np.uint8)
    salt = (rng.random((side, side)) < 0.02).astype(np.uint8) * 255
    yield "specks", np.repeat(salt[..., None], 3, axis=2)
    stripes = np.zeros((side, side, 3), np.uint8)
    stripes[::8] = 255
    yield "stripes", stripes
