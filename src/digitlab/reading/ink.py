"""From a picture to its ink: how strongly each pixel differs from the paper around it, on the ink's side.

Pens darker and lighter than what they write on, coloured pens, shadows and lamps all end in one scale: 0 is paper, 1
is ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INK", "ink_map", "is_light_ink", "shrink"]

INK = 0.55  # from here up a pixel is ink: lower values join neighbours and keep folds, up to 0.65 measured alike

_POLARITY_SIDE = 64  # pixels; strokes and the run of the light survive, grain does not
_RING_WEIGHT = 4.0  # of "does not touch the border" against "is a minority"; from 2 to 6 measured alike

_CHROMA_WEIGHT = 1.5  # a lightness difference of 1.5 looks as strong to us as a chroma difference of 1 in Lab's units
_LEAST_CHROMA = 3.0  # below this standard deviation (of 255) colour is only the camera's noise

_DEEPEST_SHADE = 48.0  # of 255; below it there is more noise than light
_TINY = 32  # pixels, at half the size

_LEAST_CONTRAST = 14.0  # of 255; a hard pencil gives 25, the grain and folds of blank paper up to 12
_LEAST_SIGNAL = 6.0  # contrast in standard deviations of the paper; from 4 to 9 no open photo was lost


def ink_map(rgb: NDArray[np.uint8], window: int) -> NDArray[np.float32] | None:
    """How much of each pixel is ink: float32 (H, W), 0 … 1; None where the picture holds no ink.

    rgb: uint8 (H, W, 3), already reduced to the size to work at
    window: pixels; more than the widest stroke, less than the narrowest shadow
    """
    lab = _pixels(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab))
    lightness = lab[:, :, 0]
    if is_light_ink(lightness):
        lightness = 255 - lightness
    return _scaled(_darkness(lightness, window) + _colourfulness(lab[:, :, 1:], window))


def is_light_ink(grey: NDArray[np.uint8]) -> bool:
    """Whether what is written on uint8 (H, W) is lighter than its ground.

    Two signs are added. Ink is the minority, so the differences from a local median are skewed to its side; and ink
    seldom touches the border, so the middle differs to its side from a plane laid through the border. The first alone
    fails on bold digits that fill the picture, the second alone in uneven light.
    """
    small = shrink(grey, _POLARITY_SIDE)
    around = small.astype(np.float32) - _local_median(small, round(0.4 * max(small.shape)))
    above = small.astype(np.float32) - _border_plane(small)
    square = around * around
    skew = float((square * around).mean()) / (float(square.mean()) ** 1.5 + 1e-6)
    inside = float(above.mean()) / (float(above.std()) + 1e-6)
    return bool(skew + _RING_WEIGHT * inside > 0.0)


def shrink(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Reduced by area so that the longest side has at most ``side`` pixels; smaller pictures stay as they are."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1.0:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _pixels(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _pixels(image: Any) -> NDArray[np.uint8]:  # OpenCV's own types do not say the element type
    return np.asarray(image, np.uint8)


def _local_median(grey: NDArray[np.uint8], window: int) -> NDArray[np.float32]:
    """The median of a square around each pixel, float32 (H, W); the border's pixels are repeated outwards."""
    odd = max(3, window | 1)
    half = odd // 2
    padded = cv2.copyMakeBorder(grey, half, half, half, half, cv2.BORDER_REPLICATE)
    inner = cv2.medianBlur(padded, odd)[half:-half, half:-half]
    return inner.astype(np.float32)


def _border_plane(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The plane through the border's pixels, float32 (H, W), fitted again without those that lie far off it."""
    height, width = grey.shape
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    columns = np.concatenate([x, x, np.full(height, -1, np.float32), np.full(height, 1, np.float32)])
    rows = np.concatenate([np.full(width, -1, np.float32), np.full(width, 1, np.float32), y, y])
    levels = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).astype(np.float32)
    terms = np.stack([columns, rows, np.ones_like(rows)], axis=1)  # (2 H + 2 W, 3)
    near = np.ones(len(levels), np.bool_)
    for _ in range(3):
        chosen = terms[near]
        plane = np.linalg.solve(chosen.T @ chosen + 1e-3 * np.eye(3), chosen.T @ levels[near])
        distance = np.abs(levels - terms @ plane)
        near = distance <= 2.5 * np.median(distance) + 1.0
    fitted: NDArray[np.float32] = (plane[0] * x + plane[1] * y[:, None] + plane[2]).astype(np.float32)
    return fitted


def _darkness(lightness: NDArray[np.uint8], window: int) -> NDArray[np.float32]:
    """How much darker than the paper each pixel is, float32 (H, W), in units of 255 on the picture's lightest paper.

    The paper is what a closing leaves: it takes away whatever is darker and narrower than the window, however much of
    the picture that is, and keeps the edges of shadows. Found at half the size, as it is smooth.
    """
    half = shrink(lightness, max(32, max(lightness.shape) // 2))
    paper = _closed(half, max(3, round(window * max(half.shape) / max(lightness.shape))) | 1)
    # In the shade ink and paper are nearer to each other: the same share of the light is missing.
    levels = np.arange(256, dtype=np.float32)
    share = np.clip(np.percentile(paper[::2, ::2], 90) / np.maximum(levels, _DEEPEST_SHADE), 1.0, 3.0)
    paper = _pixels(cv2.resize(paper, lightness.shape[::-1], interpolation=cv2.INTER_LINEAR))
    return np.asarray(cv2.LUT(paper, share.astype(np.float32)) * cv2.subtract(paper, lightness), np.float32)


def _closed(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """A closing by a square of ``window`` pixels, of uint8 (H, W).

    Photos go on beyond their border as they end there, or every run of the light towards it would become ink. Tiny
    pictures are cropped to their digit, and a stroke along their border would go on as a shadow.
    """
    square = np.ones((window, window), np.uint8)
    if max(grey.shape) <= _TINY:
        return _pixels(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, square))
    beyond = cv2.copyMakeBorder(grey, window, window, window, window, cv2.BORDER_REPLICATE)
    return _pixels(cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, square)[window:-window, window:-window])


def _colourfulness(chroma: NDArray[np.uint8], window: int) -> NDArray[np.float32] | float:
    """How far each pixel's colour, uint8 (H, W, 2), is from the paper's: float32 (H, W); 0.0 for a grey picture."""
    channels = cv2.split(cv2.blur(chroma, (3, 3)))  # cameras see colour with more noise and less detail than light
    if max(float(channel.std()) for channel in channels) < _LEAST_CHROMA:
        return 0.0
    total = np.zeros(chroma.shape[:2], np.float32)
    for channel in channels:
        small = shrink(_pixels(channel), 96)
        paper = _local_median(small, round(window * max(small.shape) / max(channel.shape)))
        distance = channel - cv2.resize(paper, channel.shape[::-1], interpolation=cv2.INTER_LINEAR)
        total += distance * distance
    return np.asarray(_CHROMA_WEIGHT * np.sqrt(total), np.float32)


def _scaled(strength: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Map differences, float32 (H, W), so that the paper is 0 and the ink 1; None where nothing stands out."""
    pixels = _pixels(np.minimum(strength, 255.0))
    split, _ = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256]).ravel().astype(np.int64)  # exact: under 2²⁴ pixels
    levels = np.arange(256, dtype=np.float64)
    below = counts * (levels <= split)
    paper = _median(levels, below)
    grain = 1.4826 * _median(np.abs(levels - paper), below) + 1.0
    standing = np.maximum(levels - (paper + 3.0 * grain), 0.0)
    total = float(counts @ standing)
    if total <= 0.0:
        return None
    # Each pixel weighs as much as it stands out, so the strokes decide and not the many pixels of faint shadows.
    ink = float(counts @ standing**2) / total + 3.0 * grain
    if ink < max(_LEAST_CONTRAST, _LEAST_SIGNAL * grain):
        return None
    scale = np.clip((levels - paper - 0.2 * ink) / (0.55 * ink), 0.0, 1.0)  # 0 up to a fifth, 1 from three quarters
    return np.asarray(cv2.LUT(pixels, scale.astype(np.float32)), np.float32)


def _median(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """The median of ``values``, each taken as often as ``counts`` says."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(counts[order])
    return float(values[order[int(np.searchsorted(upto, upto[-1] / 2))]])
