"""A picture as a beginner gives it to a network, and the same with some of its differences from MNIST corrected.

Each difference is measured on the picture, and corrected alone or with others. `DIFFERENCES` is in the order in which
they are corrected: numbers first, then light, then position and shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.reading.components import main_mark
from digitlab.reading.glyph import stroke_width
from digitlab.reading.ink import INK, ink_map, is_light_ink, shrink

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

__all__ = ["DIFFERENCES", "TURNS", "Picture", "measured", "shown"]

# Name → description for users.
DIFFERENCES = {
    "scale": "scale of the numbers",
    "polarity": "polarity",
    "background": "background",
    "grey level": "grey level",
    "transposition": "rows and columns",
    "rotation": "rotation",
    "crop": "crop",
    "box": "20×20 box",
    "centre": "centre of mass",
    "stroke width": "stroke width",
}
# Rotations that are tried if the answer is unsure: degrees, anticlockwise, that bring the digit upright.
TURNS = (90, 180, 270, 20, -20, 40, -40)

_WORKED_AT = 224  # working resolution in pixels: eight for each of the 28
_SIDE, _LONGEST = 28, 20
_NO_INK = 0.05
_WINDOW = 0.35  # fraction of the side: wider than bold strokes of a digit that fills the picture

# In MNIST's training images the background is 0 and the ink reaches 255; other limits are 1st and 99th percentiles.
_DARKEST_INK = 200.0  # minimum of the brightest pixel
_LIGHTEST_GROUND = 12.0  # maximum mean of the background
_SMALLEST, _SMALL, _LARGE = 14.0, 17.5, 22.5  # longest side of the ink in pixels of 28
_FARTHEST = 2.0  # centre of mass from the middle, in pixels of 28
_SQUARE = 1.2  # ratio of a picture's sides: beyond it, the digit is squeezed by more than handwriting varies
_THINNEST, _BOLD, _BOLDEST = 1.55, 4.0, 5.2  # mean width of strokes, in pixels of 28


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of one digit, and what was measured of it.

    grey: float32 (H, W), levels 0…255
    light: whether its ink is lighter than its background
    ground: bool (H, W): where there is no ink at all
    ink: float32 (H, W), 0…1: how much of each pixel is the digit's ink; None if there is none
    aspect: width divided by height of the whole picture
    numbers: the least and the largest of its numbers, if their range is not that of the network
    angle: degrees, anticlockwise, that bring the digit upright
    large: whether it is a photo rather than an image of a dataset
    """

    grey: NDArray[np.float32]
    light: bool
    ground: NDArray[np.bool_]
    ink: NDArray[np.float32] | None
    aspect: float
    numbers: tuple[float, float] | None = None
    angle: int = 0
    large: bool = False

    @classmethod
    def of(cls, levels: NDArray[Any], numbers: tuple[float, float] | None = None, *, large: bool = False) -> Picture:
        """Measure levels (H, W), 0…255."""
        pixels = shrink(_bytes(np.asarray(levels, np.float32)), _WORKED_AT)
        ink = ink_map(pixels, round(_WINDOW * max(pixels.shape)))
        ground = np.ones(pixels.shape, bool) if ink is None else ink < _NO_INK
        grey = np.asarray(levels, np.float32)
        grey = np.asarray(cv2.resize(grey, pixels.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
        return cls(
            grey,
            is_light_ink(pixels),
            ground,
            _of_the_digit(ink),
            levels.shape[1] / levels.shape[0],
            numbers,
            large=large,
        )

    def turned_by(self, angle: int) -> Picture:
        """Return the same picture, to be turned by this many degrees when rotation is corrected."""
        return replace(self, angle=angle)


def _of_the_digit(ink: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """Return the ink without dirt and other marks beside the digit."""
    mark = None if ink is None else main_mark(ink)
    if ink is None or mark is None:
        return None
    x0, y0, x1, y1 = mark[0].box
    part = np.s_[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1]  # with its soft edge
    digit = np.zeros_like(ink)
    digit[part] = ink[part]
    return digit


def _bytes(numbers: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(numbers), 0, 255).astype(np.uint8)


def measured(picture: Picture, *, inverted: bool = False) -> dict[str, str]:
    """Return the differences from MNIST's images, by name, each with what was measured.

    Rotation and transposition can only be detected with a network. Position and shape are measured at 28 × 28 pixels,
    with the light corrected. ``inverted``: the picture is given as 255 − its levels, for a network trained on dark ink.
    """
    differences: dict[str, str] = {}
    if picture.numbers is not None:
        differences["scale"] = "its numbers go from {:.3g} to {:.3g}".format(*picture.numbers)
    if not picture.light:
        differences["polarity"] = "light on dark" if inverted else "dark on light"
    if picture.ink is None:
        return differences
    grey = _as_light(picture, {*differences})
    ground, brightest = grey[picture.ground], float(grey.max())
    level = float(ground.mean()) if ground.size else 0.0
    if level > _LIGHTEST_GROUND:
        actual, expected = (255 - level, 255) if inverted else (level, 0)
        differences["background"] = f"level {actual:.0f} of 255, expected {expected}"
    reached = (brightest - level) * 255 / max(255 - level, 1)
    if reached < _DARKEST_INK:
        differences["grey level"] = f"contrast {reached:.0f} of 255"
    return differences | _of_position(shown(picture, differences), picture.aspect)


def _of_position(image: NDArray[np.uint8], aspect: float) -> dict[str, str]:
    """Measure position and shape in an image of 28 × 28 with correct light; ``aspect``: of the original picture."""
    differences: dict[str, str] = {}
    box = _box_of(image)
    if box is None:
        return differences
    longest = max(box[2] - box[0], box[3] - box[1])
    surplus = max(0.0, _width_of(image) - _BOLD)  # bold strokes make a digit larger, and are a difference of their own
    if longest < _SMALLEST:
        differences["crop"] = f"{longest} of 28 pixels, MNIST's have 20"
    elif not _SMALL <= longest - surplus <= _LARGE:
        differences["box"] = f"{longest} of 28 pixels, MNIST's have 20"
    elif not 1 / _SQUARE <= aspect <= _SQUARE:
        differences["box"] = f"squeezed into a square, {'across' if aspect > 1 else 'down'}, by {_share(aspect)}"
    x, y = _centre_of(image)
    away = float(np.hypot(x - _SIDE / 2, y - _SIDE / 2))
    if away > _FARTHEST:
        differences["centre"] = f"{away:.0f} of 28 pixels off the middle"
    width = _width_of(image) * (1 if surplus else _LONGEST / longest)
    if not _THINNEST <= width <= _BOLDEST:
        wide = f"{width:.1f} pixels of 28" if width >= 1 else "less than a pixel of 28"
        differences["stroke width"] = f"{wide}, MNIST's have 2 to 4"
    return differences


def _share(aspect: float) -> str:
    return f"{100 * (1 - min(aspect, 1 / aspect)):.0f} %"


def _width_of(image: NDArray[np.uint8]) -> float:
    """Return the mean width of the strokes in pixels of 28."""
    fine = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return stroke_width(np.asarray(fine, np.float32) / np.float32(255)) / 4


def shown(picture: Picture, mended: Collection[str]) -> NDArray[np.uint8]:
    """Return what the network is shown: uint8 (28, 28), with these differences corrected and the others left."""
    grey = _as_light(picture, mended)
    if "transposition" in mended:
        grey = np.ascontiguousarray(grey.T)
    if "rotation" in mended:
        grey = _turned(grey, picture.angle)
    if "crop" in mended or "box" in mended:
        grey = _cut_out(grey, picture, mended)
    image = _bytes(np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32))
    image = _centred(image) if "centre" in mended else image
    return _with_even_strokes(image) if "stroke width" in mended else image


def _as_light(picture: Picture, mended: Collection[str]) -> NDArray[np.float32]:
    """Return the grey levels with the differences of light corrected, float32 (H, W)."""
    grey = picture.grey
    if "polarity" in mended:
        grey = np.float32(255) - grey
    if "background" in mended and picture.ink is not None:
        level = _level_of(grey[picture.ground])
        grey = np.maximum(grey - level, 0) * np.float32(255 / max(255 - level, 1.0))
        grey = grey * np.minimum(picture.ink * 4, 1)  # everything that is not ink is paper, however uneven its light
    if "grey level" in mended:
        level = 0.0 if "background" in mended else _level_of(grey[picture.ground])
        stands_out = np.maximum(grey - level, 0) * np.float32((255 - level) / max(float(grey.max()) - level, 1.0))
        grey = np.minimum(grey, level) + stands_out
    return np.asarray(grey, np.float32)


def _level_of(ground: NDArray[np.float32]) -> float:
    """Return the level that nearly all of the background is below."""
    return float(np.quantile(ground, 0.98)) if ground.size else 0.0


def _turned(grey: NDArray[np.float32], angle: int) -> NDArray[np.float32]:
    if angle % 90 == 0:
        return np.ascontiguousarray(np.rot90(grey, angle // 90))
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    return np.asarray(cv2.warpAffine(grey, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _cut_out(grey: NDArray[np.float32], picture: Picture, mended: Collection[str]) -> NDArray[np.float32]:
    """Cut out a square of 28/20 of the ink's longest side around its centre of mass; the border extends the picture.

    If the digit is only scaled, and neither cropped nor centred, it stays as far off the centre as it was.
    """
    ink = picture.ink
    if ink is None:
        return grey
    if "transposition" in mended:
        ink = np.ascontiguousarray(ink.T)
    if "rotation" in mended:
        ink = _turned(ink, picture.angle)
    rows, columns = np.nonzero(ink >= INK)
    if not len(rows):
        return grey
    side = max(np.ptp(rows), np.ptp(columns)) * _SIDE / _LONGEST + _SIDE / _LONGEST
    beyond = int(side) + 1
    wide = cv2.copyMakeBorder(grey, beyond, beyond, beyond, beyond, cv2.BORDER_REPLICATE)
    starts = []
    for axis, indices in ((1, rows), (0, columns)):
        mass = ink.sum(axis=axis, dtype=np.float64)
        middle = float(mass @ (np.arange(len(mass)) + 0.5) / mass.sum())
        off = (middle / len(mass) - 0.5) * _SIDE  # pixels of 28
        if not {"crop", "centre"} & {*mended} and abs(off) > _FARTHEST / 2:
            middle -= off * side / _SIDE
        low, high = indices.max() + 1 - side, float(indices.min())  # the whole digit stays inside
        starts.append(round(min(max(middle - side / 2, low), high)) + beyond)
    y, x = starts
    return np.ascontiguousarray(wide[y : y + round(side), x : x + round(side)])


def _box_of(image: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """Return the bounding box, x0, y0, x1, y1, of the pixels that are clearly ink."""
    rows, columns = np.nonzero(image > max(40, 0.25 * float(image.max())))
    if not len(rows):
        return None
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _centre_of(image: NDArray[np.uint8]) -> tuple[float, float]:
    weights = image.astype(np.float64)
    positions = np.arange(_SIDE) + 0.5
    mass = weights.sum() + 1e-9
    return float((weights.sum(axis=0) @ positions) / mass), float((weights.sum(axis=1) @ positions) / mass)


def _centred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move the centre of mass to the middle of the image, by whole pixels, so that nothing is blurred."""
    x, y = _centre_of(image)
    matrix = np.array([[1, 0, round(_SIDE / 2 - x)], [0, 1, round(_SIDE / 2 - y)]], np.float64)
    return np.asarray(cv2.warpAffine(image, matrix, (_SIDE, _SIDE)), np.uint8)


def _with_even_strokes(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Change the stroke width to about 3 pixels."""
    width = _width_of(image)
    fine = np.asarray(cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), np.uint8)
    across = round((min(max(width, 2.6), 3.6) - width) * 4)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (abs(across) + 1, abs(across) + 1))
    changed = cv2.dilate(fine, brush) if across > 0 else cv2.erode(fine, brush)
    return np.asarray(cv2.resize(changed, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
