"""Pages without digits: isolated signs, free lines, rings, hatching, blots, dirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.ood.alphabet import curve
from digitlab.datasets.pages.drawing import NOT_A_DIGIT
from digitlab.datasets.pages.sheet import Sheet, sign

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["doodles", "letters", "specks"]


def letters(sheet: Sheet) -> None:
    """Write isolated signs that are not digits, large or small."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    tall = sheet.height(18, 150) if rng.random() < 0.7 else sheet.size * rng.uniform(0.4, 0.9)
    y = rng.uniform(0.9, 1.5) * tall
    while y < sheet.size + 0.3 * tall:
        x = rng.uniform(0.0, 0.6) * tall
        while x < sheet.size - 0.4 * tall:
            sign(sheet, ink, writer, x, y, tall * rng.uniform(0.8, 1.1))
            x += rng.uniform(1.1, 2.6) * tall
        y += rng.uniform(1.3, 2.6) * tall


def doodles(sheet: Sheet) -> None:
    """Draw free lines, rings, hatching and blots; sometimes an isolated sign, too."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    width = max(1.0, np.exp(rng.uniform(np.log(0.8), np.log(9))))
    for _ in range(int(rng.integers(1, 14))):
        reach = sheet.height(15, 260)
        x, y = rng.uniform(0, sheet.size, 2)
        kind = rng.random()
        if kind < 0.4:
            points = rng.random((int(rng.integers(4, 11)), 2)) * reach + (x, y) - reach / 2
            sheet.drawing.lines(ink, [curve(points) if rng.random() < 0.7 else points], width)
        elif kind < 0.55:
            far = rng.normal(0, reach, 2)
            sheet.drawing.lines(ink, [np.array([[x, y], [x + far[0], y + far[1]]])], width)
        elif kind < 0.65:
            time = np.linspace(0, 6.5, 30)
            ring = np.stack([np.cos(time), np.sin(time)], axis=1) * reach * rng.uniform(0.2, 0.5, 2)
            if reach > 90 or rng.random() < 0.3:  # small isolated rings would be zeros
                middle = np.array([x, y])
                sheet.drawing.lines(ink, [ring + middle], width)
                if rng.random() < 0.6:
                    sheet.drawing.lines(ink, [ring * rng.uniform(0.3, 0.7) + middle], width)
        elif kind < 0.75:
            _hatch(sheet, ink, x, y, reach, width)
        elif kind < 0.83:
            points = rng.random((int(rng.integers(3, 9)), 2)) * reach * 0.6 + (x, y)
            cv2.fillPoly(ink, [np.rint(points).astype(np.int32)], int(rng.uniform(100, 255)), cv2.LINE_AA)
        else:
            sign(sheet, ink, writer, x, y, min(reach, 120))
            continue
        if rng.random() < 0.5:
            half = reach * 0.5
            sheet.drawing.mark(x - half, y - half, x + half, y + half, NOT_A_DIGIT)


def _hatch(sheet: Sheet, ink: NDArray[np.uint8], x: float, y: float, reach: float, width: float) -> None:
    """Draw strokes back and forth, as over a crossed-out word."""
    rng = sheet.rng
    count = int(rng.integers(6, 26))
    along = np.linspace(0, reach, count)
    across = np.where(np.arange(count) % 2, 1.0, -1.0) * reach * rng.uniform(0.1, 0.3) + rng.normal(0, 2, count)
    turn = rng.uniform(0, 3.1)
    cos, sin = np.cos(turn), np.sin(turn)
    points = np.stack([x + along * cos - across * sin, y + along * sin + across * cos], axis=1)
    sheet.drawing.lines(ink, [points], width)


def specks(sheet: Sheet) -> None:
    """Draw dirt: small blots, dust and short hairs, as a camera sees them on empty paper."""
    rng, ink = sheet.rng, sheet.layer("pen")
    for _ in range(int(np.exp(rng.uniform(0.0, np.log(25))))):
        x, y = rng.uniform(0, sheet.size, 2)
        reach = float(np.exp(rng.uniform(np.log(1.5), np.log(14))))
        strength = int(rng.uniform(60, 255))
        if rng.random() < 0.75:
            turns = np.sort(rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(4, 10))))
            radius = 0.5 * reach * rng.uniform(0.6, 1.0, (len(turns), 1))
            edge = np.stack([np.cos(turns), np.sin(turns)], axis=1) * radius
            cv2.fillPoly(ink, [np.rint(edge * 8 + np.array([x, y]) * 8).astype(np.int32)], strength, cv2.LINE_AA, 3)
        else:
            hair = curve(rng.random((3, 2)) * min(reach, 8.0) + (x, y))
            sheet.drawing.lines(ink, [hair], rng.uniform(0.5, 1.2), strength)
        if rng.random() < 0.3:
            sheet.drawing.mark(x - reach / 2, y - reach / 2, x + reach / 2, y + reach / 2, NOT_A_DIGIT)
