"""Signs as distance fields: each can be drawn at any size, slant and pen width with one warp and one lookup table.

A field holds, for each pixel of a small map, the distance to the nearest edge of the ink (an outline) or to the centre
line of the nearest stroke (a line); thresholding the warped field gives crisp ink at any scale (Green 2007, "Improved
Alpha-Tested Magnification for Vector Textures and Special Effects").
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["BODY", "STEPS", "ZERO", "Glyph", "bent", "of_coverage", "of_skeleton", "of_strokes", "skeletons"]

BODY = 56  # pixels of the map: the longest side of a digit, the height of a font's capitals
STEPS, ZERO = 12, 128  # a field's value is ZERO + STEPS * distance in pixels of the map, positive inside
_MARGIN = 10  # pixels of the map around the ink, as far as the field reaches
_FINER = 2
_BEARING = 3.0  # pixels of the map: the blank margin on either side of a letter made of strokes
_DIRECTIONS = np.stack([np.cos(angles := np.arange(16) * np.pi / 8), np.sin(angles)]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Glyph:
    """One sign.

    field: uint8 (H, W), see above; line: whether distances are from the centre lines of strokes
    points: float32 (P, 2), x and y in pixels of the map: the outermost of the ink (for a line, of the centre lines)
    label: 0 … 9, or -1 for any other sign; name: what it is
    origin: x and y in the map of the left end of its baseline; advance: pixels of the map to the next sign's origin
    """

    field: NDArray[np.uint8]
    line: bool
    points: NDArray[np.float32]
    label: int
    name: str
    origin: tuple[float, float]
    advance: float


def of_coverage(
    coverage: NDArray[np.uint8], label: int, name: str, *, origin: tuple[float, float] | None = None,
    advance: float | None = None,
) -> Glyph:  # fmt: skip
    """Make an outline glyph from the ink coverage of each pixel, uint8 (H, W), drawn at the map's scale.

    origin: in pixels of ``coverage``; the lower left corner of the ink unless given. advance: its width unless given
    """
    padded = cv2.copyMakeBorder(coverage, *(_MARGIN,) * 4, cv2.BORDER_CONSTANT)
    solid = cv2.threshold(cv2.resize(padded, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_CUBIC), 127, 1, 0)[1]
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    field = cv2.resize((inside - outside) / _FINER, (padded.shape[1], padded.shape[0]), interpolation=cv2.INTER_AREA)
    return _glyph(np.asarray(field, np.float32), padded > 127, label, name, line=False, origin=origin, advance=advance)


def of_strokes(
    strokes: Sequence[NDArray[np.float64]], label: int, name: str, *, baseline: float | None = None
) -> Glyph:
    """Make a line glyph from strokes, float64 (P, 2) each, x to the right and y down.

    baseline: for a letter with strokes in fractions of a capital's height: the y of its baseline. None: strokes are in
        any unit and are scaled to a digit's size; the baseline is at their lower end
    """
    low = np.min([points.min(axis=0) for points in strokes], axis=0)
    high = np.max([points.max(axis=0) for points in strokes], axis=0)
    scale = BODY / max(float((high - low).max()), 1e-6) if baseline is None else float(BODY)
    size = np.ceil((high - low) * scale).astype(int) + 1 + 2 * _MARGIN
    mask = np.zeros((size[1] * _FINER, size[0] * _FINER), np.uint8)
    for points in strokes:
        fixed = np.rint(((points - low) * scale + _MARGIN) * _FINER * 16).astype(np.int32)
        cv2.polylines(mask, [fixed], False, 1, 1, cv2.LINE_8, 4)
    distance = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) / _FINER
    field = cv2.resize(-distance, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    on_line = mask.reshape(int(size[1]), _FINER, int(size[0]), _FINER).max(axis=(1, 3)) > 0
    smooth = cv2.GaussianBlur(field, (0, 0), 0.7) + 0.3
    if baseline is None:
        return _glyph(smooth, on_line, label, name, line=True)
    wide = float((high - low)[0]) * scale
    origin = -_BEARING, (baseline - float(low[1])) * scale
    return _glyph(smooth, on_line, label, name, line=True, origin=origin, advance=wide + 2 * _BEARING)


def of_skeleton(
    skeleton: NDArray[np.uint8], label: int, name: str, *, origin: tuple[float, float] | None = None,
    advance: float | None = None,
) -> Glyph:  # fmt: skip
    """Make a line glyph from a skeleton, uint8 (H, W), 1 on the line; smoothed, because its pixels form steps.

    origin, advance: as in `of_coverage`
    """
    padded = cv2.copyMakeBorder(skeleton, *(_MARGIN,) * 4, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)
    field = 0.5 - cv2.GaussianBlur(distance, (0, 0), 1.5)
    return _glyph(field, padded > 0, label, name, line=True, origin=origin, advance=advance)


def bent(glyph: Glyph, by: float, rng: np.random.Generator) -> Glyph:
    """Vary a glyph as the same writer would: distort it smoothly, by about ``by`` pixels of the map."""
    high, wide = glyph.field.shape
    coarse = rng.normal(0.0, by, (4, 4, 2)).astype(np.float32)
    move = cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    field = cv2.remap(glyph.field, _places(high, wide) + move, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]  # a map with two channels needs no second map
    at = np.minimum(glyph.points, (wide - 1, high - 1)).astype(int)
    points = glyph.points - move[at[:, 1], at[:, 0]]
    return Glyph(np.asarray(field, np.uint8), glyph.line, points, glyph.label, glyph.name, glyph.origin, glyph.advance)


@functools.lru_cache(maxsize=512)
def _places(high: int, wide: int) -> NDArray[np.float32]:
    """Return the x and y of each pixel: float32 (H, W, 2)."""
    return np.stack(np.meshgrid(np.arange(wide), np.arange(high)), axis=-1).astype(np.float32)


def skeletons(solid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Thin strokes to centre lines one pixel wide: bool (N, H, W) → uint8 (N, H, W) (Zhang and Suen 1984)."""
    image = np.pad(solid, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    inner = image[:, 1:-1, 1:-1]
    while True:
        changed = False
        for first in (True, False):
            n, ne, e, se = image[:, :-2, 1:-1], image[:, :-2, 2:], image[:, 1:-1, 2:], image[:, 2:, 2:]
            s, sw, w, nw = image[:, 2:, 1:-1], image[:, 2:, :-2], image[:, 1:-1, :-2], image[:, :-2, :-2]
            around = (n, ne, e, se, s, sw, w, nw)
            count = sum(around[1:], around[0].copy())
            steps = sum(((around[i] == 0) & (around[(i + 1) % 8] == 1)).astype(np.uint8) for i in range(8))
            one, other = (n & e & s, e & s & w) if first else (n & e & w, n & s & w)
            free = (one == 0) & (other == 0)
            gone = (inner == 1) & (count >= 2) & (count <= 6) & (steps == 1) & free
            if gone.any():
                inner[gone] = 0
                changed = True
        if not changed:
            return inner.copy()


def _glyph(
    distance: NDArray[np.float32],
    ink: NDArray[np.bool_],
    label: int,
    name: str,
    *,
    line: bool,
    origin: tuple[float, float] | None = None,
    advance: float | None = None,
) -> Glyph:
    ys, xs = np.nonzero(ink)
    places = np.stack([xs, ys], axis=1).astype(np.float32) + 0.5
    outermost = np.unique((places @ _DIRECTIONS).argmax(axis=0))
    points = places[outermost]
    if origin is None:
        origin = (float(xs.min()), float(ys.max() + 1))
        advance = float(xs.max() + 1 - xs.min())
    else:
        origin = (origin[0] + _MARGIN, origin[1] + _MARGIN)
    field = np.clip(np.rint(ZERO + STEPS * distance), 0, 255).astype(np.uint8)
    return Glyph(field, line, points, label, name, origin, float(advance or 0.0))
