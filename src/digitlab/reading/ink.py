"""From a picture to its ink: how strongly each pixel differs from the paper around it, on the ink's side.

Pens darker and lighter than what they write on, coloured pens, shadows and lamps all end in one scale: 0 is paper, 1
is ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.reading.rules import without_rules
from digitlab.reading.sheet import only_the_sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INK", "ink_map", "ink_strength", "is_light_ink", "is_light_writing", "page_ink", "scaled", "shrink"]

INK = 0.55  # from here up a pixel is ink: lower values join neighbours and keep folds, up to 0.65 measured alike

_POLARITY_SIDE = 64  # pixels; strokes and the run of the light survive, grain does not
_RING_WEIGHT = 4.0  # of "does not touch the border" against "is a minority"; from 2 to 6 measured alike

_WRITING_SIDE = 320  # pixels; strokes of small digits survive
_WRITING_WINDOW = 0.08  # of it
_CLEAR_SKEW = 0.7

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
    return scaled(ink_strength(rgb, window))


def page_ink(rgb: NDArray[np.uint8], window: int) -> NDArray[np.float32] | None:
    """`ink_map` of a page: without what lies beyond the sheet, and without ruled lines."""
    return scaled(without_rules(ink_strength(only_the_sheet(rgb), window, page=True)))


def ink_strength(rgb: NDArray[np.uint8], window: int, *, page: bool = False) -> NDArray[np.uint8]:
    """How much each pixel differs from the paper, uint8 (H, W); ``page``: many strokes, rather than one large one."""
    lab = _pixels(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab))
    lightness = lab[:, :, 0]
    if (is_light_writing if page else is_light_ink)(lightness):
        lightness = 255 - lightness
    return _pixels(cv2.convertScaleAbs(_darkness(lightness, window) + _colourfulness(lab[:, :, 1:], window)))


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


def is_light_writing(grey: NDArray[np.uint8]) -> bool:
    """`is_light_ink` of a page, uint8 (H, W): its strokes are fine, and the run of the light is not what they follow.

    Thin strokes are a minority everywhere, so the first of the two signs decides where it is clear at a size that
    keeps them; large digits show no such sign there.
    """
    small = shrink(grey, _WRITING_SIDE)
    around = small.astype(np.float32) - _local_median(small, round(_WRITING_WINDOW * max(small.shape)))
    square = around * around
    skew = float((square * around).mean()) / (float(square.mean()) ** 1.5 + 1e-6)
    return skew > 0.0 if abs(skew) > _CLEAR_SKEW else is_light_ink(grey)


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
    if grey[0, 0] == grey[0].max() == grey[-1].max() == grey[:, 0].max() == grey[:, -1].max() and (
        grey[0, 0] == grey[0].min() == grey[-1].min() == grey[:, 0].min() == grey[:, -1].min()
    ):  # drawings and cut out digits: no need to fit
        return np.full(grey.shape, grey[0, 0], np.float32)
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
    share = np.clip(_brightest_tenth(paper[::2, ::2]) / np.maximum(levels, _DEEPEST_SHADE), 1.0, 3.0)
    paper = _pixels(cv2.resize(paper, lightness.shape[::-1], interpolation=cv2.INTER_LINEAR))
    return np.asarray(cv2.LUT(paper, share.astype(np.float32)) * cv2.subtract(paper, lightness), np.float32)


def _brightest_tenth(grey: NDArray[np.uint8]) -> float:
    """Where the brightest tenth begins: `np.percentile(grey, 90)`, at a tenth of its cost for tiny pictures."""
    ordered = np.sort(grey, axis=None)
    place = 0.9 * (ordered.size - 1)
    below = int(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below]) + (place - below) * (float(ordered[above]) - float(ordered[below]))


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
    half = shrink(np.ascontiguousarray(chroma), max(64, max(chroma.shape) // 2))
    channels = cv2.split(cv2.blur(half, (3, 3)))  # cameras see colour with more noise and less detail than light
    if max(float(channel.std()) for channel in channels) < _LEAST_CHROMA:
        return 0.0
    total = np.zeros(half.shape[:2], np.float32)
    for channel in channels:
        small = shrink(_pixels(channel), 96)
        paper = _local_median(small, round(window * max(small.shape) / max(chroma.shape)))
        distance = channel - cv2.resize(paper, channel.shape[::-1], interpolation=cv2.INTER_LINEAR)
        total += distance * distance
    away = _CHROMA_WEIGHT * cv2.sqrt(total)
    return np.asarray(cv2.resize(away, chroma.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Map differences, uint8 (H, W), so that the paper is 0 and the ink 1; None where nothing stands out."""
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
