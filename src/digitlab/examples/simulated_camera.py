"""The simulated camera: paper, light, lens, sensor noise, and the motion of the hand that holds it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MARGIN", "blank_paper", "hand_motion", "held_still", "light_on", "photograph"]

_LENS_BLUR = 0.8  # pixels, standard deviation
_NOISE = 2.2  # grey levels, standard deviation: a phone indoors


def blank_paper(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Render paper under even light: float32 (H, W, 3) RGB, 0..1, slightly warm, with its texture."""
    tint = np.array((1.0, 0.985 - rng.uniform(0.0, 0.015), 0.965 - rng.uniform(0.0, 0.05)), np.float32)
    fibres = _mottle(shape, 0.9, rng) * 0.009 + _mottle(shape, 25.0, rng) * 0.008
    return np.asarray((rng.uniform(0.84, 0.92) + fibres)[:, :, None] * tint, np.float32)


def _mottle(shape: tuple[int, int], size: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Make smooth noise of standard deviation 1 whose spots are about `size` pixels wide: float32 (H, W)."""
    # Large spots are drawn small and enlarged: a wide blur at full size would take most of the time.
    shrink = max(1, int(size / 2))
    small = shape[0] // shrink + 2, shape[1] // shrink + 2
    noise = cv2.GaussianBlur(rng.standard_normal(small, np.float32), (0, 0), size / shrink)
    noise = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)


def light_on(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Render the illumination: float32 (H, W, 1), about 0.5..1: a lamp to one side and a soft shadow."""
    height, width = shape
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0.0, 2.0 * math.pi)
    gradient = 1.0 - rng.uniform(0.06, 0.16) * (1.0 + math.cos(angle) * xs + math.sin(angle) * ys)
    return np.asarray((gradient * _shadow(xs, ys, rng))[:, :, None], np.float32)


def _shadow(xs: NDArray[np.float32], ys: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Render the soft shadow of a hand or a phone over one edge: float32 (H, W), 0.7..1."""
    angle = rng.uniform(0.0, 2.0 * math.pi)
    edge = rng.uniform(0.45, 0.9)
    softness = rng.uniform(0.08, 0.2)
    bend = 0.15 * np.sin(2.0 * (xs - ys) + angle)
    inside = (math.cos(angle) * xs + math.sin(angle) * ys + bend - edge) / softness
    return np.asarray(1.0 - rng.uniform(0.1, 0.28) / (1.0 + np.exp(-np.clip(inside, -30.0, 30.0))), np.float32)


def photograph(
    sheet: NDArray[np.float32], pose: NDArray[np.float64], size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Simulate a photo of a sheet, with lens blur, vignette and sensor noise.

    sheet: float32 (H, W, 3) RGB, 0..1
    pose: float64 (2, 3), from pixels of the sheet to pixels of the picture
    size: width and height of the picture

    Returns:
        uint8 (height, width, 3) RGB
    """
    seen = cv2.warpAffine(sheet, pose, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    seen = cv2.GaussianBlur(seen, (0, 0), _LENS_BLUR) * _vignette(size) * 255.0
    width, height = size
    grey = rng.standard_normal((height, width, 1), np.float32) * _NOISE
    colour = rng.standard_normal((height // 2, width // 2, 3), np.float32) * (_NOISE / 2.0)
    noisy = seen + grey + cv2.resize(colour, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def _vignette(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the vignette, float32 (H, W, 1): 1 in the middle, 0.84 in the corners."""
    width, height = size
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.asarray((1.0 - 0.08 * (xs * xs + ys * ys))[:, :, None], np.float32)


MARGIN = 48  # pixels of sheet around the picture, more than the motion ever uncovers at a width of 1,000

_DRIFT = 10.0  # pixels
_TURN = math.radians(2.0)
_ZOOM = 0.015
_FREQUENCIES = (0.11, 0.29, 0.73)  # hertz: slow sway, breath, tremor
_WEIGHTS = (0.6, 0.3, 0.1)


def held_still() -> NDArray[np.float64]:
    """Return the pose of a camera that does not move, float64 (2, 3): the middle of the sheet."""
    return np.array(((1.0, 0.0, -MARGIN), (0.0, 1.0, -MARGIN)))


def hand_motion(frames: int, *, fps: float, size: tuple[int, int], seed: int) -> NDArray[np.float64]:
    """Return the camera's pose in each frame: up to 10 pixels of drift, 2 degrees of rotation, 1.5 % of zoom.

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
    """Return a smooth random motion between −1 and 1: float64 (frames,)."""
    phases = rng.uniform(0.0, 2.0 * math.pi, len(_FREQUENCIES))
    waves = np.sin(2.0 * math.pi * np.outer(_FREQUENCIES, seconds) + phases[:, None])
    return np.asarray(np.array(_WEIGHTS) @ waves, np.float64)
