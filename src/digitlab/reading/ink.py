"""From a picture to its ink: how strongly each pixel differs from the paper around it, on the ink's side.

Pens darker and lighter than what they write on, coloured pens, shadows and lamps all end in one scale: 0 is paper, 1
is ink.
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

_DRAWN = 0.5  # of the pixels: a picture with more of exactly one level, its border's, is a drawing

_LEAST_CONTRAST = 14.0  # of 255; a hard pencil gives 25, the grain and folds of blank paper up to 12
_LEAST_SIGNAL = 6.0  # contrast in standard deviations of the paper; from 4 to 9 no open photo was lost

_NEAR = 1.5  # old pixels of a new one

_LEVELS = np.arange(256, dtype=np.float64)
_STEADY = 1e-3 * np.eye(3)  # keeps the border's plane solvable where the picture is a single row
_LIGHT_LEVELS = np.maximum(np.arange(256, dtype=np.float32), np.float32(_DEEPEST_SHADE))


def ink_map(picture: NDArray[np.uint8], window: int) -> NDArray[np.float32] | None:
    """How much of each pixel is ink: float32 (H, W), 0 … 1; None where the picture holds no ink.

    picture: uint8 (H, W, 3) RGB or (H, W) grey, already reduced to the size to work at
    window: pixels; more than the widest stroke, less than the narrowest shadow
    """
    return scaled(ink_strength(picture, window))


def ink_strength(
    picture: NDArray[np.uint8], window: int, *, page: bool = False, light: bool | None = None
) -> NDArray[np.uint8]:
    """How much each pixel differs from the paper, uint8 (H, W); ``page``: many strokes, rather than one large one.

    picture: uint8 (H, W, 3) RGB or (H, W) grey
    light: whether the ink is lighter than its ground, where that is known: of an empty place it cannot be seen
    """
    lightness = _lightness(picture, quick=page)
    strength = None if page else _away_from_ground(lightness)
    if strength is None:
        if light or (light is None and (is_light_writing if page else is_light_ink)(lightness)):
            lightness = _pixels(cv2.bitwise_not(lightness))
        strength = _pixels(cv2.convertScaleAbs(_darkness(lightness, window)))
    colour = None if picture.ndim == 2 else _colourfulness(picture, window)
    return strength if colour is None else _pixels(cv2.add(strength, colour))


def _away_from_ground(lightness: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Drawings and cut out digits, uint8 (H, W): how far each pixel is from the one level that most of them have.

    That there is no light to even out need not be found out by a closing. None for other pictures.
    """
    ground = _ground(lightness)
    if ground is None:
        return None
    strength = lightness - np.uint8(ground) if ground == lightness.min() else np.uint8(ground) - lightness
    return strength if cv2.countNonZero(strength) < _DRAWN * strength.size else None


def _ground(grey: NDArray[np.uint8]) -> int | None:
    """The level that all of the border has, where nothing is lighter than it, or nothing darker; else None."""
    border = _border(grey).tobytes()
    ground = border[0]
    if border.count(ground) < len(border):
        return None
    least, most, _, _ = cv2.minMaxLoc(grey)
    return ground if ground in (least, most) else None


def _lightness(picture: NDArray[np.uint8], *, quick: bool) -> NDArray[np.uint8]:
    """Lab's lightness, uint8 (H, W).

    quick: a colour counts as the grey of its luma, which is found in a fifth of the time; large pictures are to be
        quick, and the chroma that is added makes up for the difference
    """
    if picture.ndim == 3 and not quick:
        return _pixels(cv2.extractChannel(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), 0))
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return _pixels(cv2.LUT(grey, _lightness_of_greys()))


@functools.cache
def _lightness_of_greys() -> NDArray[np.uint8]:
    """Lab's lightness of the 256 greys, uint8 (256,): to look it up takes a tenth of computing it for each pixel."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    return np.ascontiguousarray(_pixels(cv2.cvtColor(greys, cv2.COLOR_RGB2Lab))[0, :, 0])


def is_light_ink(grey: NDArray[np.uint8]) -> bool:
    """Whether what is written on uint8 (H, W) is lighter than its ground.

    Two signs are added. Ink is the minority, so the differences from a local median are skewed to its side; and ink
    seldom touches the border, so the middle differs to its side from a plane laid through the border. The first alone
    fails on bold digits that fill the picture, the second alone in uneven light.
    """
    small = shrink(grey, _POLARITY_SIDE)
    if (ground := _ground(small)) is not None:
        return int(small.max()) > ground  # all that is written lies on one side
    border = _border(small)
    mean, deviation = cv2.meanStdDev(cv2.subtract(small, _plane_through(border, *small.shape), dtype=cv2.CV_32F))
    inside = float(mean[0, 0]) / (float(deviation[0, 0]) + 1e-6)
    return _skew(small, round(0.4 * max(small.shape))) + _RING_WEIGHT * inside > 0.0


def is_light_writing(grey: NDArray[np.uint8]) -> bool:
    """`is_light_ink` of a page, uint8 (H, W): its strokes are fine, and the run of the light is not what they follow.

    Thin strokes are a minority everywhere, so the first of the two signs decides where it is clear at a size that
    keeps them; large digits show no such sign there.
    """
    small = shrink(grey, _WRITING_SIDE)
    skew = _skew(small, round(_WRITING_WINDOW * max(small.shape)))
    return skew > 0.0 if abs(skew) > _CLEAR_SKEW else is_light_ink(grey)


def _skew(grey: NDArray[np.uint8], window: int) -> float:
    """How far the differences from the local median lean to the light side: their third moment, normalised."""
    around = np.asarray(cv2.subtract(grey, _local_median(grey, window), dtype=cv2.CV_32F), np.float32).ravel()
    square = around * around
    spread = float(around @ around) / len(around)
    skew: float = float(square @ around) / len(around) / (spread**1.5 + 1e-6)
    return skew


def shrink(image: NDArray[np.uint8], side: int, *, quick: bool = False) -> NDArray[np.uint8]:
    """Reduced by area so that the longest side has at most ``side`` pixels; smaller pictures stay as they are.

    quick: where less than halved, from the four nearest pixels each, which skips none: a sixth of the time
    """
    size = _within(image, side)
    if size is None:
        return image
    how = cv2.INTER_LINEAR if quick and size[0] > 0.5 * image.shape[1] else cv2.INTER_AREA
    return _pixels(cv2.resize(image, size, interpolation=how))


def halved_to(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """`shrink`, halved as often as that goes: a third of the time, and a pen's stroke is as dark.

    Where less than `_NEAR` is left, the four nearest pixels make each new one; from there on they leave some out.
    """
    size = _within(image, side)
    if size is None:
        return image
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = _pixels(cv2.resize(image[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA))
    left = max(image.shape[1] / size[0], image.shape[0] / size[1])
    return _pixels(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR if left < _NEAR else cv2.INTER_AREA))


def _within(image: NDArray[np.uint8], side: int) -> tuple[int, int] | None:
    """Width and height at which the longest side has ``side`` pixels; None where it has no more."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    return None if scale >= 1.0 else (max(1, round(width * scale)), max(1, round(height * scale)))


def _pixels(image: Any) -> NDArray[np.uint8]:  # OpenCV's own types do not say the element type
    return np.asarray(image, np.uint8)


def _local_median(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """The median of a square around each pixel, uint8 (H, W); the border's pixels are repeated outwards."""
    return _pixels(cv2.medianBlur(grey, max(3, window | 1)))


def _border(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pixels along the border, uint8 (2 W + 2 H,): the first and the last row, the first and the last column."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _plane_through(border: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """The plane through the border's pixels, float32 (H, W), fitted again without those that lie far off it."""
    x, y, terms = _border_terms(height, width)
    levels = border.astype(np.float64)
    chosen, wanted = terms, levels
    for last in (False, False, True):
        plane = cv2.solve(chosen.T @ chosen + _STEADY, (wanted @ chosen)[:, None])[1].ravel()
        if not last:
            distance = np.abs(levels - terms @ plane)
            middle = np.partition(distance, (len(levels) // 2 - 1, len(levels) // 2))
            near = distance <= 1.25 * (middle[len(levels) // 2 - 1] + middle[len(levels) // 2]) + 1.0  # 2.5 medians
            chosen, wanted = terms[near], levels[near]
    return np.asarray(np.add.outer(plane[1] * y + plane[2], plane[0] * x), np.float32)


@functools.lru_cache(maxsize=64)
def _border_terms(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where columns and rows stand, -1 … 1: float64 (W,) and (H,); and x, y, 1 of the border's pixels: (2 W + 2 H, 3).

    Kept by size: to make them takes as long as to fit the plane.
    """
    x, y = np.linspace(-1.0, 1.0, width), np.linspace(-1.0, 1.0, height)
    columns = np.concatenate([x, x, np.full(height, -1.0), np.full(height, 1.0)])
    rows = np.concatenate([np.full(width, -1.0), np.full(width, 1.0), y, y])
    return x, y, np.stack([columns, rows, np.ones_like(rows)], axis=1)


def _darkness(lightness: NDArray[np.uint8], window: int) -> NDArray[np.float32] | NDArray[np.uint8]:
    """How much darker than the paper each pixel is, (H, W), in units of 255 on the picture's lightest paper.

    The paper is what a closing leaves: it takes away whatever is darker and narrower than the window, however much of
    the picture that is, and keeps the edges of shadows. Found at half the size, as it is smooth.
    """
    half = shrink(lightness, max(32, max(lightness.shape) // 2))
    paper = _closed(half, max(3, round(window * max(half.shape) / max(lightness.shape))) | 1)
    darkest, lightest, _, _ = cv2.minMaxLoc(paper)
    if lightest == darkest:  # no light to even out
        return np.uint8(lightest) - np.minimum(lightness, np.uint8(lightest))
    # In the shade ink and paper are nearer to each other: the same share of the light is missing.
    brightest_tenth = quantile(counted(np.ascontiguousarray(paper[::2, ::2])), 0.9)
    share = np.minimum(np.maximum(brightest_tenth / _LIGHT_LEVELS, 1.0), 3.0)
    paper = _pixels(cv2.resize(paper, lightness.shape[::-1], interpolation=cv2.INTER_LINEAR))
    # Into memory that is there already: to be given new pages of it takes longer than to multiply.
    darkness = cv2.LUT(paper, share)
    cv2.multiply(darkness, cv2.subtract(paper, lightness), dst=darkness, dtype=cv2.CV_32F)
    return np.asarray(darkness, np.float32)


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


def _colourfulness(rgb: NDArray[np.uint8], window: int) -> NDArray[np.uint8] | None:
    """How far each pixel's colour is from the paper's, uint8 (H, W); None for a picture without colours.

    Found at half the size: cameras see colour with more noise and less detail than light.
    """
    height, width = rgb.shape[:2]
    half = shrink(rgb, max(64, max(height, width) // 2))
    chroma = [_pixels(plane) for plane in cv2.split(cv2.cvtColor(half, cv2.COLOR_RGB2Lab))[1:]]
    # No deviation is larger than half of the range, so most grey pictures need not be looked at more closely.
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
    away = cv2.convertScaleAbs(cv2.sqrt(cv2.add(squares[0], squares[1])), alpha=_CHROMA_WEIGHT)
    return _pixels(cv2.resize(away, (width, height), interpolation=cv2.INTER_LINEAR))


def scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Map differences, uint8 (H, W), so that the paper is 0 and the ink 1; None where nothing stands out."""
    scale = ink_scale(pixels)
    return None if scale is None else np.asarray(cv2.LUT(pixels, scale), np.float32)


def ink_scale(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """What `scaled` makes of each of the 256 differences, float32 (256,); None where nothing stands out."""
    split, _ = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    counts = counted(pixels)
    below = counts[: int(split) + 1]
    paper, away = median_and_spread(below)
    grain = 1.4826 * away + 1.0
    standing = np.maximum(_LEVELS - (paper + 3.0 * grain), 0.0)
    total = float(counts @ standing)
    if total <= 0.0:
        return None
    # Each pixel weighs as much as it stands out, so the strokes decide and not the many pixels of faint shadows.
    ink = float(counts @ (standing * standing)) / total + 3.0 * grain
    if ink < max(_LEAST_CONTRAST, _LEAST_SIGNAL * grain):
        return None
    scale = (_LEVELS - (paper + 0.2 * ink)) / (0.55 * ink)  # 0 up to a fifth, 1 from three quarters
    return np.minimum(np.maximum(scale, 0.0), 1.0).astype(np.float32)
