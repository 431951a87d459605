"""The hand that holds the phone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MARGIN", "hand_motion", "held_still"]

MARGIN = 48  # pixels of sheet around the picture, more than the motion below ever shows of a picture 1,000 wide

_DRIFT = 10.0  # pixels
_TURN = math.radians(2.0)
_ZOOM = 0.015
_FREQUENCIES = (0.11, 0.29, 0.73)  # hertz: slow sway, breath, tremor
_WEIGHTS = (0.6, 0.3, 0.1)


def held_still() -> NDArray[np.float64]:
    """The pose of a camera that does not move, float64 (2, 3): the middle of the sheet."""
    return np.array(((1.0, 0.0, -MARGIN), (0.0, 1.0, -MARGIN)))


def hand_motion(frames: int, *, fps: float, size: tuple[int, int], seed: int) -> NDArray[np.float64]:
    """The camera's pose in each frame: up to 10 pixels of drift, 2 degrees of turn, 1.5 % of zoom.

    Returns:
        float64 (frames, 2, 3), from pixels of the sheet to pixels of the picture.
    """
    rng = np.random.default_rng((seed, 1))
    seconds = np.arange(frames) / fps
    right, down, turn, zoom = (_sway(seconds, rng) for _ in range(4))
    angle, scale = turn * _TURN, 1.0 + zoom * _ZOOM
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    x, y = size[0] / 2.0, size[1] / 2.0
    shift_x = x + right * _DRIFT - cosine * (x + MARGIN) + sine * (y + MARGIN)
    shift_y = y + down * _DRIFT - sine * (x + MARGIN) - cosine * (y + MARGIN)
    rows = ((cosine, -sine, shift_x), (sine, cosine, shift_y))
    return np.moveaxis(np.array(rows), -1, 0)


def _sway(seconds: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth wandering between −1 and 1: float64 (frames,)."""
    phases = rng.uniform(0.0, 2.0 * math.pi, len(_FREQUENCIES))
    waves = np.sin(2.0 * math.pi * np.outer(_FREQUENCIES, seconds) + phases[:, None])
    return np.asarray(np.array(_WEIGHTS) @ waves, np.float64)
