"""The ink of a picture: how strongly each pixel differs from the paper around it, in the ink's direction.

Pens darker or lighter than what they write on, coloured pens, shadows and lamps are all mapped to one scale: 0 is
paper, 1 is ink.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.reading.histogram import counted, median_and_spread, quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "INK", "halved_to", "ink_map", "ink_scale", "ink_strength", "is_light_ink", "is_light_writing", "scaled", "shrink",
]  # fmt: skip

INK = 0.55  # threshold of ink: lower ones join neighbours and keep folds; up to 0.65 measured equally well

_POLARITY_SIDE = 64  # pixels; strokes and gradients of the light survive, grain does not
_RING_WEIGHT = 4.0  # of "does not touch the border" relative to "is a minority"; 2 to 6 measured equally well

_WRITING_SIDE = 320  # pixels; strokes of small digits survive
_WRITING_WINDOW = 0.08  # of that side
_CLEAR_SKEW = 0.7

_CHROMA_WEIGHT = 1.5  # a lightness difference of 1.5 looks as strong to us as a chroma difference of 1 in Lab's units
_LEAST_CHROMA = 3.0  # below this standard deviation (of 255) colour is only camera noise

_DEEPEST_SHADE = 48.0  # of 255; below it there is more noise than light
_TINY = 32  # pixels, at half the size

_DRAWN = 0.5  # of the pixels: a picture in which more have exactly the border's grey level is a drawing

_LEAST_CONTRAST = 14.0  # of 255; a hard pencil gives 25, the grain and folds of blank paper up to 12
_LEAST_SIGNAL = 6.0  # contrast in standard deviations of the paper; from 4 to 9 no open photo was lost

_NEAR = 1.5  # old pixels per new pixel

_LEVELS = np.arange(256, dtype=np.float64)
_REGULARISATION = 1e-3 * np.eye(3)  # keeps the border's plane solvable where the picture is a single row
_LIGHT_LEVELS = np.maximum(np.arange(256, dtype=np.float32), np.float32(_DEEPEST_SHADE))


def ink_map(picture: NDArray[np.uint8], window: int) -> NDArray[np.float32] | None:
    """Return how much of each pixel is ink: float32 (H, W), 0 … 1; None if the picture holds no ink.

    picture: uint8 (H, W, 3) RGB or (H, W) grey, already reduced to the working size
    window: pixels; more than the widest stroke, less than the narrowest shadow
    """
    return scaled(ink_strength(picture, window))


def ink_strength(
    picture: NDArray[np.uint8], window: int, *, page: bool = False, light: bool | None = None
) -> NDArray[np.uint8]:
    """Return how much each pixel differs from the paper, uint8 (H, W); ``page``: many strokes, not one large one.

    picture: uint8 (H, W, 3) RGB or (H, W) grey
    light: whether the ink is lighter than its ground, if that is known: an empty place does not show it
    """
    lightness = _lightness(picture, quick=page)
    strength = None if page else _distance_from_ground(lightness)
    if strength is None:
        if light or (light is None and (is_light_writing if page else is_light_ink)(lightness)):
            lightness = _pixels(cv2.bitwise_not(lightness))
        strength = _pixels(cv2.convertScaleAbs(_darkness(lightness, window)))
    colour = None if picture.ndim == 2 else _colourfulness(picture, window)
    return strength if colour is None else _pixels(cv2.add(strength, colour))


def _distance_from_ground(lightness: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return each pixel's distance from the uniform ground of a drawing or a cut-out digit, uint8 (H, W).

    Such a picture has no uneven light, so no closing is needed. None for other pictures.
    """
    ground = _ground(lightness)
    if ground is None:
        return None
    strength = lightness - np.uint8(ground) if ground == lightness.min() else np.uint8(ground) - lightness
    return strength if cv2.countNonZero(strength) < _DRAWN * strength.size else None


def _ground(grey: NDArray[np.uint8]) -> int | None:
    """Return the border's level, if it is uniform and the lightest or the darkest of the picture; else None."""
    border = _border(grey).tobytes()
    ground = border[0]
    if border.count(ground) < len(border):
        return None
    least, most, _, _ = cv2.minMaxLoc(grey)
    return ground if ground in (least, most) else None


def _lightness(picture: NDArray[np.uint8], *, quick: bool) -> NDArray[np.uint8]:
    """Return Lab's lightness, uint8 (H, W).

    quick: approximate a colour by the grey of its luma, in a fifth of the time; meant for large pictures, where the
        chroma that is added makes up for the difference
    """
    if picture.ndim == 3 and not quick:
        return _pixels(cv2.extractChannel(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), 0))
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return _pixels(cv2.LUT(grey, _lightness_of_greys()))


@functools.cache
def _lightness_of_greys() -> NDArray[np.uint8]:
    """Return Lab's lightness of the 256 greys, uint8 (256,): a look-up takes a tenth of computing it per pixel."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    return np.ascontiguousarray(_pixels(cv2.cvtColor(greys, cv2.COLOR_RGB2Lab))[0, :, 0])


def is_light_ink(grey: NDArray[np.uint8]) -> bool:
    """Return whether what is written on a grey picture, uint8 (H, W), is lighter than its ground.

    Two cues are added. Ink is the minority, so the differences from a local median are skewed to its side; and ink
    seldom touches the border, so the interior differs to its side from a plane fitted to the border. The first alone
    fails on bold digits that fill the picture, the second alone in uneven light.
    """
    small = shrink(grey, _POLARITY_SIDE)
    if (ground := _ground(small)) is not None:
        return int(small.max()) > ground  # all ink lies on one side of the ground
    border = _border(small)
    mean, deviation = cv2.meanStdDev(cv2.subtract(small, _plane_through(border, *small.shape), dtype=cv2.CV_32F))
    contrast = float(mean[0, 0]) / (float(deviation[0, 0]) + 1e-6)
    return _skew(small, round(0.4 * max(small.shape))) + _RING_WEIGHT * contrast > 0.0


def is_light_writing(grey: NDArray[np.uint8]) -> bool:
    """Return `is_light_ink` for a page, uint8 (H, W): its strokes are fine, and do not follow gradients of the light.

    Thin strokes are a minority everywhere, so the first of the two cues decides if it is clear at a size that keeps
    them; large digits show no such cue there.
    """
    small = shrink(grey, _WRITING_SIDE)
    skew = _skew(small, round(_WRITING_WINDOW * max(small.shape)))
    return skew > 0.0 if abs(skew) > _CLEAR_SKEW else is_light_ink(grey)


def _skew(grey: NDArray[np.uint8], window: int) -> float:
    """Return the normalised third moment of the differences from the local median; positive: towards light."""
    differences = np.asarray(cv2.subtract(grey, _local_median(grey, window), dtype=cv2.CV_32F), np.float32).ravel()
    squares = differences * differences
    spread = float(differences @ differences) / len(differences)
    skew: float = float(squares @ differences) / len(differences) / (spread**1.5 + 1e-6)
    return skew


def shrink(image: NDArray[np.uint8], side: int, *, quick: bool = False) -> NDArray[np.uint8]:
    """Downscale by area so that the longest side has at most ``side`` pixels; smaller pictures stay as they are.

    quick: bilinear where less than halved, which skips no pixel: a sixth of the time
    """
    size = _reduced_size(image, side)
    if size is None:
        return image
    interpolation = cv2.INTER_LINEAR if quick and size[0] > 0.5 * image.shape[1] else cv2.INTER_AREA
    return _pixels(cv2.resize(image, size, interpolation=interpolation))


def halved_to(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Downscale like `shrink`, by halving as often as possible: a third of the time, and a pen's stroke stays as dark.

    If a factor below `_NEAR` remains, scaling is bilinear; from there on bilinear scaling would skip pixels.
    """
    size = _reduced_size(image, side)
    if size is None:
        return image
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = _pixels(cv2.resize(image[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA))
    factor = max(image.shape[1] / size[0], image.shape[0] / size[1])
    return _pixels(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR if factor < _NEAR else cv2.INTER_AREA))


def _reduced_size(image: NDArray[np.uint8], side: int) -> tuple[int, int] | None:
    """Return width and height for a longest side of ``side`` pixels; None if it has no more."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    return None if scale >= 1.0 else (max(1, round(width * scale)), max(1, round(height * scale)))


def _pixels(image: Any) -> NDArray[np.uint8]:  # OpenCV's own types do not say the element type
    return np.asarray(image, np.uint8)


def _local_median(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Return the median of a square around each pixel, uint8 (H, W); border pixels are replicated."""
    return _pixels(cv2.medianBlur(grey, max(3, window | 1)))


def _border(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels along the border, uint8 (2 W + 2 H,): the first and last row, the first and last column."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _plane_through(border: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Fit a plane to the border's pixels, float32 (H, W), and refit it without outliers."""
    x, y, terms = _border_terms(height, width)
    levels = border.astype(np.float64)
    used, targets = terms, levels
    for last in (False, False, True):
        plane = cv2.solve(used.T @ used + _REGULARISATION, (targets @ used)[:, None])[1].ravel()
        if not last:
            distance = np.abs(levels - terms @ plane)
            middle = np.partition(distance, (len(levels) // 2 - 1, len(levels) // 2))
            inliers = distance <= 1.25 * (middle[len(levels) // 2 - 1] + middle[len(levels) // 2]) + 1.0  # 2.5 medians
            used, targets = terms[inliers], levels[inliers]
    return np.asarray(np.add.outer(plane[1] * y + plane[2], plane[0] * x), np.float32)


@functools.lru_cache(maxsize=64)
def _border_terms(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x of columns and y of rows, -1 … 1: float64 (W,), (H,); and x, y, 1 of border pixels: (2 W + 2 H, 3).

    Cached by size: making them takes as long as fitting the plane.
    """
    x, y = np.linspace(-1.0, 1.0, width), np.linspace(-1.0, 1.0, height)
    columns = np.concatenate([x, x, np.full(height, -1.0), np.full(height, 1.0)])
    rows = np.concatenate([np.full(width, -1.0), np.full(width, 1.0), y, y])
    return x, y, np.stack([columns, rows, np.ones_like(rows)], axis=1)


def _darkness(lightness: NDArray[np.uint8], window: int) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Return how much darker than the paper each pixel is, (H, W), in grey levels as on the picture's lightest paper.

    The paper is estimated by a morphological closing: it removes whatever is darker and narrower than the window,
    however much of the picture that is, and keeps the edges of shadows. Done at half the size, as the result is smooth.
    """
    half = shrink(lightness, max(32, max(lightness.shape) // 2))
    paper = _closed(half, max(3, round(window * max(half.shape) / max(lightness.shape))) | 1)
    darkest, lightest, _, _ = cv2.minMaxLoc(paper)
    if lightest == darkest:  # uniform light
        return np.uint8(lightest) - np.minimum(lightness, np.uint8(lightest))
    # In the shade, ink and paper differ less, as both reflect the same smaller share of the light.
    brightest_tenth = quantile(counted(np.ascontiguousarray(paper[::2, ::2])), 0.9)
    share = np.minimum(np.maximum(brightest_tenth / _LIGHT_LEVELS, 1.0), 3.0)
    paper = _pixels(cv2.resize(paper, lightness.shape[::-1], interpolation=cv2.INTER_LINEAR))
    # Into an existing buffer: allocating new pages of memory takes longer than the multiplication.
    darkness = cv2.LUT(paper, share)
    cv2.multiply(darkness, cv2.subtract(paper, lightness), dst=darkness, dtype=cv2.CV_32F)
    return np.asarray(darkness, np.float32)


def _closed(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Apply a morphological closing by a square of ``window`` pixels to uint8 (H, W).

    Photos are padded by replicating their border, or every gradient of the light towards it would become ink. Tiny
    pictures are not: they are cropped to their digit, and a stroke along their border would be extended as a shadow.
    """
    square = np.ones((window, window), np.uint8)
    if max(grey.shape) <= _TINY:
        return _pixels(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, square))
    padded = cv2.copyMakeBorder(grey, window, window, window, window, cv2.BORDER_REPLICATE)
    return _pixels(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, square)[window:-window, window:-window])


def _colourfulness(rgb: NDArray[np.uint8], window: int) -> NDArray[np.uint8] | None:
    """Return how far each pixel's colour is from the paper's, uint8 (H, W); None for a picture without colours.

    Done at half the size: cameras record colour with more noise and less detail than light.
    """
    height, width = rgb.shape[:2]
    half = shrink(rgb, max(64, max(height, width) // 2))
    chroma = [_pixels(plane) for plane in cv2.split(cv2.cvtColor(half, cv2.COLOR_RGB2Lab))[1:]]
    # A standard deviation is at most half of the range, so most grey pictures are recognised by this cheap test.
    if all(int(channel.max()) - int(channel.min()) < 2.0 * _LEAST_CHROMA for channel in chroma):
        return None
    blurred = [_pixels(cv2.blur(channel, (3, 3))) for channel in chroma]
    if max(cv2.meanStdDev(channel)[1].max() for channel in blurred) < _LEAST_CHROMA:
        return None
    squares = []
    for channel in blurred:
        small = shrink(channel, 96)
        paper = _local_median(small, round(window * max(small.shape) / max(height, width)))
        smooth = cv2.resize(paper.astype(np.float32), channel.shape[::-1], interpolation=cv2.INTER_LINEAR)
        distance = cv2.subtract(channel, smooth, dtype=cv2.CV_32F)
        squares.append(cv2.multiply(distance, distance))
    strength = cv2.convertScaleAbs(cv2.sqrt(cv2.add(squares[0], squares[1])), alpha=_CHROMA_WEIGHT)
    return _pixels(cv2.resize(strength, (width, height), interpolation=cv2.INTER_LINEAR))


def scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Map differences, uint8 (H, W), so that the paper is 0 and the ink 1; None where nothing stands out."""
    scale = ink_scale(pixels)
    return None if scale is None else np.asarray(cv2.LUT(pixels, scale), np.float32)


def ink_scale(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the look-up table of `scaled` for the 256 differences, float32 (256,); None if nothing stands out."""
    split, _ = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    counts = counted(pixels)
    below = counts[: int(split) + 1]
    paper, spread = median_and_spread(below)
    grain = 1.4826 * spread + 1.0
    excess = np.maximum(_LEVELS - (paper + 3.0 * grain), 0.0)
    total = float(counts @ excess)
    if total <= 0.0:
        return None
    # Pixels are weighted by how far they stand out, so that strokes decide, not the many pixels of faint shadows.
    ink = float(counts @ (excess * excess)) / total + 3.0 * grain
    if ink < max(_LEAST_CONTRAST, _LEAST_SIGNAL * grain):
        return None
    scale = (_LEVELS - (paper + 0.2 * ink)) / (0.55 * ink)  # 0 up to a fifth, 1 from three quarters
    return np.minimum(np.maximum(scale, 0.0), 1.0).astype(np.float32)
