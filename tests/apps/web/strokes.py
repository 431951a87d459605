"""Digits as a hand draws them: strokes of a few points each, in shares of the width and height of a square."""

from __future__ import annotations

import math

__all__ = ["STROKES", "Stroke"]

Stroke = list[tuple[float, float]]


def _bow(middle: tuple[float, float], radii: tuple[float, float], start: float, end: float, count: int = 9) -> Stroke:
    """A piece of an ellipse; angles in degrees, 0 to the right, clockwise on the screen."""
    angles = [math.radians(start + (end - start) * step / count) for step in range(count + 1)]
    return [(middle[0] + radii[0] * math.cos(angle), middle[1] + radii[1] * math.sin(angle)) for angle in angles]


STROKES: dict[int, list[Stroke]] = {
    0: [_bow((0.5, 0.5), (0.3, 0.44), -100, 262, 14)],
    1: [[(0.36, 0.24), (0.54, 0.06), (0.52, 0.5), (0.5, 0.95)]],
    2: [[*_bow((0.48, 0.32), (0.28, 0.26), 190, 395), (0.5, 0.7), (0.18, 0.93), (0.84, 0.91)]],
    3: [[*_bow((0.45, 0.28), (0.28, 0.22), 200, 440), *_bow((0.45, 0.72), (0.32, 0.24), -80, 160)]],
    4: [[(0.3, 0.06), (0.18, 0.52), (0.82, 0.54)], [(0.66, 0.08), (0.62, 0.5), (0.6, 0.95)]],
    5: [[(0.74, 0.08), (0.3, 0.1), (0.26, 0.44), *_bow((0.44, 0.68), (0.32, 0.27), -110, 150)]],
    6: [[(0.66, 0.06), (0.42, 0.26), (0.26, 0.56), *_bow((0.5, 0.7), (0.26, 0.24), 180, -190, 12)]],
    7: [[(0.18, 0.12), (0.5, 0.1), (0.82, 0.1), (0.6, 0.5), (0.42, 0.95)]],
    8: [[*_bow((0.5, 0.28), (0.22, 0.2), 90, 450, 11), *_bow((0.5, 0.72), (0.27, 0.24), -90, 270, 11)]],
    9: [[*_bow((0.48, 0.32), (0.25, 0.25), 0, 360, 11), (0.72, 0.6), (0.64, 0.95)]],
}
