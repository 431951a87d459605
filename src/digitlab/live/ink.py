"""Whether the ink at a place changed: a small picture of it, found again in later frames.

It is found by normalised cross-correlation of some shifts, so a hand that shakes or a page that moves changes nothing;
it is fitted to the brightness of the frame, so light that is switched changes nothing either. What differs then by more
than a pixel's shift can explain is ink that came or went, or something that covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["InkPatch", "Sight", "compared", "cut_patch"]

Sight = Literal["same", "changed", "erased"]

_SIDE = 36  # pixels of a patch's longer side: a pen's stroke is two or three wide
_REACH = 5  # pixels of a patch by which the ink may have moved since, each way
_DIFFERS = 0.3  # of the contrast: less is noise, blur and compression
_NEW_INK = 8  # pixels of a patch that differ: a stroke that grew by a twelfth of a digit
_TRACES = 0.02  # of a patch may differ from paper where the ink was erased
_LEAST_CONTRAST = 24.0  # grey levels: less is noise
_ACROSS = 11  # pixels of a patch: a median over so many shows the paper without the strokes
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class InkPatch:
    """What a place looked like.

    pixels: uint8 (h, w, 3), of `scale` pixels of the frame each
    box: of the digit when it was cut, in pixels of the frame
    margin: paper around the box, as a share of its longest side; of a region, which is not to be left, negative
    contrast: between ink and paper, in grey levels
    paper: uint8 (h, w, 3), the same without thin strokes
    """

    pixels: NDArray[np.uint8]
    box: Box
    margin: float
    scale: float
    contrast: float
    paper: NDArray[np.uint8]


def cut_patch(image: NDArray[np.uint8], box: Box, margin: float) -> InkPatch | None:
    """The patch of a box in a frame, uint8 (H, W, 3); None where nothing of it is in the frame."""
    longest = max(box[2] - box[0], box[3] - box[1])
    scale = longest * (1.0 + 2.0 * margin) / _SIDE
    pixels = _resampled(image, _grown(box, margin * longest), scale)
    if pixels is None or min(pixels.shape[:2]) < 6:
        return None
    paper = np.asarray(cv2.medianBlur(pixels, _ACROSS), np.uint8)
    strength = np.abs(pixels.astype(np.int16) - paper).max(-1)
    contrast = max(_LEAST_CONTRAST, float(np.percentile(strength, 97)))
    return InkPatch(pixels, box, margin, scale, contrast, paper)


def compared(patch: InkPatch, image: NDArray[np.uint8], box: Box) -> tuple[Sight, int]:
    """What became of a patch near the middle of `box`, and how many of its pixels differ."""
    right = (box[0] + box[2] - patch.box[0] - patch.box[2]) / 2.0
    down = (box[1] + box[3] - patch.box[1] - patch.box[3]) / 2.0
    there = patch.box[0] + right, patch.box[1] + down, patch.box[2] + right, patch.box[3] + down
    longest = max(patch.box[2] - patch.box[0], patch.box[3] - patch.box[1])
    height, width = patch.pixels.shape[:2]
    window = _resampled(image, _grown(there, patch.margin * longest + _REACH * patch.scale), patch.scale)
    if window is None:
        return "changed", height * width
    window = _at_least(window, height, width)
    place = cv2.minMaxLoc(cv2.matchTemplate(window, patch.pixels, cv2.TM_CCOEFF_NORMED))[3]
    now = window[place[1] : place[1] + height, place[0] : place[0] + width]
    differ = _differing(patch.pixels, now, patch.contrast)
    if differ < _NEW_INK:
        return "same", differ
    if _differing(patch.paper, now, patch.contrast) <= _TRACES * height * width:
        return "erased", differ
    return "changed", differ


def _differing(before: NDArray[np.uint8], now: NDArray[np.uint8], contrast: float) -> int:
    """The number of pixels that no shift by a pixel and no change of the light explain."""
    old, new = before.astype(np.float32), now.astype(np.float32)
    spread = float(old.std())
    gain = float(np.clip(new.std() / spread, 0.4, 2.0)) if spread > 1.0 else 1.0
    fitted = (old - np.median(old, axis=(0, 1))) * gain + np.median(new, axis=(0, 1))
    over = new - cv2.dilate(fitted, _CROSS)
    under = cv2.erode(fitted, _CROSS) - new
    return int((np.maximum(over, under).max(-1) > _DIFFERS * contrast * min(1.0, gain)).sum())


def _grown(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _resampled(
    image: NDArray[np.uint8], box: tuple[float, float, float, float], scale: float
) -> NDArray[np.uint8] | None:
    """A part of a frame at a coarser scale: uint8 (h, w, 3); None where nothing of it is in the frame."""
    height, width = image.shape[:2]
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[2])), min(height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    size = max(1, round((x1 - x0) / scale)), max(1, round((y1 - y0) / scale))
    small = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    return np.asarray(small, np.uint8)


def _at_least(window: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """At least this large: at the frame's edge the window is cut off, or rounding took a pixel."""
    short = max(0, height - window.shape[0]), max(0, width - window.shape[1])
    return np.pad(window, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge") if any(short) else window
