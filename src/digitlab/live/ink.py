"""Whether the ink at a place changed: a small picture of it, found again in later frames.

It is found by normalised cross-correlation of some shifts, so a hand that shakes or a page that moves changes nothing;
it is fitted to the brightness of the frame, so light that is switched changes nothing either. What differs then by more
than a pixel's shift can explain is ink that came or went, or something that covers it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["FrameInk", "InkPatch", "Sight", "compared", "cut_patch"]

Sight = Literal["same", "changed", "erased", "covered"]
"""The ink is as it was; some came or went; all of it is gone; something that is neither ink nor paper lies over it."""

_SIDE = 36  # pixels of a patch's longer side: a pen's stroke is two or three wide
_SIDE_OF_REGION = 64  # the digit is smaller than the region
_REACH = 5  # pixels of a patch by which the ink may have moved since, each way
_DIFFERS = 0.3  # of the contrast: less is noise, blur and compression
_INKED = 0.35  # of the way from the paper's colour to the ink's
_ITS_COLOUR = 0.3  # of the square of that way, which a pixel may lie beside it
_NEW_INK = 8  # pixels of a patch that differ: a stroke that grew by a twelfth of a digit
_ERASED = 0.8  # of its ink that has become paper, while
_UNTOUCHED = 0.05  # of the rest at most differs: else something covers it
_LEAST_CONTRAST = 24.0  # grey levels: less is noise
_ACROSS = 11  # pixels of a patch: a median over so many shows the paper without the strokes
_FRAME = 192  # pixels of a whole frame's longer side
_FRAME_ACROSS = 5  # of a frame of half that size: thicker than a stroke
_OFTEN = 0.03  # seconds between two looks at whole frames: more often costs time and shows no more
_FRAME_INK = 12  # pixels that are new: a stroke of a tenth of a small digit
_RESTS = 0.06  # seconds for which new ink stays where it is; a finger does not
_DRIFTS = 2.0  # pixels by which a frame may have moved
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class InkPatch:
    """What a place looked like.

    pixels: uint8 (h, w, 3), of `scale` pixels of the frame each
    box: of the digit when it was cut, in pixels of the frame
    margin: paper around the box, as a share of its longest side; of a region, which is not to be left, negative
    contrast: between ink and paper, in grey levels
    paper: uint8 (h, w, 3), the same without thin strokes
    ink: float32 (3,), the colour of the strokes
    """

    pixels: NDArray[np.uint8]
    box: Box
    margin: float
    scale: float
    contrast: float
    paper: NDArray[np.uint8]
    ink: NDArray[np.float32]


def cut_patch(image: NDArray[np.uint8], box: Box, margin: float) -> InkPatch | None:
    """The patch of a box in a frame, uint8 (H, W, 3); None where nothing of it is in the frame."""
    longest = max(box[2] - box[0], box[3] - box[1])
    scale = longest * (1.0 + 2.0 * margin) / (_SIDE if margin >= 0 else _SIDE_OF_REGION)
    pixels = _resampled(image, _grown(box, margin * longest), scale)
    if pixels is None or min(pixels.shape[:2]) < 6:
        return None
    paper = np.asarray(cv2.medianBlur(pixels, _ACROSS), np.uint8)
    strength = np.abs(pixels.astype(np.int16) - paper).max(-1)
    contrast = max(_LEAST_CONTRAST, float(np.percentile(strength, 97)))
    ink = (
        np.median(pixels[strength >= max(1.0, 0.7 * contrast)], axis=0) if (strength >= 0.7 * contrast).any() else None
    )
    colour = np.zeros(3) if ink is None else ink
    return InkPatch(pixels, box, margin, scale, contrast, paper, np.asarray(colour, np.float32))


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
    differing = _differing(patch.pixels, now, patch.contrast)
    came = differing & like_ink(now, patch.paper, patch.ink)
    went = differing & like_ink(patch.pixels, patch.paper, patch.ink)
    count = int((came | went).sum())
    if count < _NEW_INK:
        return "same", count
    bare = went & ~_differing(patch.paper, now, patch.contrast)
    if int(came.sum()) < _NEW_INK and int(bare.sum()) < _NEW_INK:
        return "covered", count
    # Where the ink was, the best shift says nothing: compared is the middle of the window.
    y, x = (window.shape[0] - height) // 2, (window.shape[1] - width) // 2
    return ("erased" if _is_erased(patch, window[y : y + height, x : x + width]) else "changed"), count


def like_ink(pixels: NDArray[np.uint8], paper: NDArray[np.uint8], ink: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels, uint8 (h, w, 3), that are rather of the ink's colour than of the paper's, (h, w)."""
    ground = paper.astype(np.float32)
    way = ink - ground
    length = np.maximum((way * way).sum(-1), 1.0)
    off = pixels.astype(np.float32) - ground
    share = (off * way).sum(-1) / length
    beside = off - share[..., None] * way
    return np.asarray((share > _INKED) & ((beside * beside).sum(-1) < _ITS_COLOUR * length), bool)


def _is_erased(patch: InkPatch, now: NDArray[np.uint8]) -> bool:
    """Whether the ink has become paper, and nothing else changed."""
    strength = np.abs(patch.pixels.astype(np.int16) - patch.paper).max(-1)
    ink = strength > 0.5 * patch.contrast
    around = cv2.dilate(ink.astype(np.uint8), _CROSS, iterations=2).astype(bool)
    if not ink.any() or around.all():
        return False
    still = _differing(patch.paper, now, patch.contrast)
    rest = _differing(patch.pixels, now, patch.contrast)
    return float(still[ink].mean()) <= 1.0 - _ERASED and float(rest[~around].mean()) <= _UNTOUCHED


def _differing(before: NDArray[np.uint8], now: NDArray[np.uint8], contrast: float) -> NDArray[np.bool_]:
    """The pixels that no shift by a pixel and no change of the light explain, (h, w)."""
    old, new = before.astype(np.float32), now.astype(np.float32)
    level, lit = np.median(old, axis=(0, 1)), np.median(new, axis=(0, 1))
    gain = float(np.clip((lit.mean() + 1.0) / (level.mean() + 1.0), 0.4, 2.0))
    fitted = old * gain + (lit - level * gain)
    over = new - cv2.dilate(fitted, _CROSS)
    under = cv2.erode(fitted, _CROSS) - new
    return np.asarray(np.maximum(over, under).max(-1) > _DIFFERS * contrast * min(1.0, gain), bool)


class FrameInk:
    """Whether ink has appeared anywhere in a frame, also where the reader sees no digit in it yet. Not thread-safe."""

    def __init__(self) -> None:
        self._known: NDArray[np.uint8] | None = None
        self._before: deque[tuple[float, NDArray[np.uint8]]] = deque()
        self._drift = np.zeros(2)

    def new(
        self,
        image: NDArray[np.uint8],
        at: float,
        moved: tuple[float, float],
        watched: Sequence[InkPatch] = (),
    ) -> bool:
        """Whether there is ink that was not there when this was last true.

        image: uint8 (H, W, 3); at: seconds; moved: how far the page moved since the frame before, in pixels
        watched: what stands there: ink close to it does not count, nor does what has the colour of none of it
        """
        if self._before and at - self._before[-1][0] < _OFTEN:
            self._drift += np.asarray(moved)
            return False
        scale = _FRAME / max(image.shape[:2])
        small, paper, thin = _thin(image, scale)
        while len(self._before) > 1 and at - self._before[1][0] >= _RESTS:
            self._before.popleft()
        rests = self._before[0][1] if self._before else thin
        self._before.append((at, thin))
        self._drift += np.asarray(moved)
        if self._known is None or self._known.shape != thin.shape or np.abs(self._drift).max() * scale > _DRIFTS:
            self._known, self._drift = thin, np.zeros(2)
            return False
        contrast = max(_LEAST_CONTRAST, float(np.percentile(self._known, 99.5)))
        least = 0.4 * contrast
        around = cv2.dilate(self._known, _CROSS, iterations=2)
        fresh = (thin > least) & (cv2.dilate(rests, _CROSS) > least) & (around < 0.5 * least)
        if int(fresh.sum()) < _FRAME_INK:
            return False
        coloured = np.zeros_like(fresh)
        for patch in watched:
            coloured |= like_ink(small, paper, patch.ink)
        fresh &= coloured
        for patch in watched:
            reach = 0.3 * max(patch.box[2] - patch.box[0], patch.box[3] - patch.box[1])
            x0, y0, x1, y1 = (max(0, round(each * scale)) for each in _grown(patch.box, reach))
            fresh[y0 : y1 + 1, x0 : x1 + 1] = False
        if int(fresh.sum()) < _FRAME_INK:
            return False
        self._known, self._drift = thin, np.zeros(2)
        return True


def _thin(image: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """A frame at a coarser scale, the same without thin strokes, and how strong those are: (h, w, 3) and (h, w)."""
    step = max(1, int(0.5 / scale))
    height, width = image.shape[:2]
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(image[::step, ::step], size, interpolation=cv2.INTER_AREA)
    half = cv2.resize(small, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
    paper = cv2.resize(cv2.medianBlur(half, _FRAME_ACROSS), size)
    return (
        np.asarray(small, np.uint8),
        np.asarray(paper, np.uint8),
        np.asarray(cv2.absdiff(small, paper).max(-1), np.uint8),
    )


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
