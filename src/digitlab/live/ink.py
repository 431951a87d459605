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

Sight = Literal["same", "changed", "wiped", "erased", "covered"]
"""The ink is as it was; some came, or came and went; some became paper; all did; something else lies over it."""

_SIDE = 36  # pixels of a patch's longer side: a pen's stroke is two or three wide
_SIDE_OF_REGION = 64  # the digit is smaller than the region
_REACH = 5  # pixels of a patch by which the ink may have moved since, each way
_INKED, _TINGED = 0.5, 0.25  # of the way from the paper's colour to the ink's: surely ink, and perhaps
_ITS_COLOUR = 0.15  # of the square of the way to a pixel, by which it may lie beside the way to the ink
_NOISE = 300.0  # the same for pixels close to the paper's colour, in squared grey levels
_LIKE_PAPER = 0.08  # of the square of the way to the ink
_NEW_INK = 7  # pixels of a patch that came or went: a stroke that grew by a twelfth of a digit
_BARE = 0.5  # of the ink that is gone has become paper: else something covers it
_ERASED = 0.8  # of its ink that has become paper
_OTHER_COLOUR = 1.25  # by which one channel of the picture may have grown brighter than another
_LEAST_CONTRAST = 24.0  # grey levels: less is noise
_ACROSS = 17  # pixels of a patch: a median over this many shows the paper without the strokes
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
    paper: float32 (h, w, 3), the same without thin strokes
    ink: float32 (3,), the colour of the strokes
    """

    pixels: NDArray[np.uint8]
    box: Box
    margin: float
    scale: float
    paper: NDArray[np.float32]
    ink: NDArray[np.float32]


def cut_patch(image: NDArray[np.uint8], box: Box, margin: float) -> InkPatch | None:
    """The patch of a box in a frame, uint8 (H, W, 3); None where nothing of it is in the frame."""
    longest = max(box[2] - box[0], box[3] - box[1])
    scale = longest * (1.0 + 2.0 * margin) / (_SIDE if margin >= 0 else _SIDE_OF_REGION)
    pixels = _resampled(image, _grown(box, margin * longest), scale)
    if pixels is None or min(pixels.shape[:2]) < 6:
        return None
    blurred = cv2.medianBlur(pixels, _ACROSS)
    strength = cv2.absdiff(pixels, blurred).max(-1)
    contrast = max(_LEAST_CONTRAST, float(np.percentile(strength, 97)))
    strokes = strength >= 0.7 * contrast
    colour = np.median(pixels[strokes], axis=0) if strokes.any() else np.median(blurred, axis=(0, 1)) - contrast
    paper, ink = np.asarray(blurred, np.float32), np.asarray(colour, np.float32)
    if not strokes.all():
        paper = _without_thick_strokes(paper, np.median(pixels[~strokes], axis=0).astype(np.float32), ink)
    return InkPatch(pixels, box, margin, scale, paper, ink)


def _without_thick_strokes(
    paper: NDArray[np.float32], usual: NDArray[np.float32], ink: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The paper, (h, w, 3), of its usual colour, (3,), where a stroke was so thick that it is still seen."""
    way = ink - usual
    share = ((paper - usual) @ way) / max(1.0, float(way @ way))
    return np.where(share[..., None] > _TINGED, usual, paper)


def compared(patch: InkPatch, image: NDArray[np.uint8], box: Box) -> tuple[Sight, int]:
    """What became of a patch near the middle of `box`, and how many of its pixels lost or got ink."""
    right = (box[0] + box[2] - patch.box[0] - patch.box[2]) / 2.0
    down = (box[1] + box[3] - patch.box[1] - patch.box[3]) / 2.0
    there = patch.box[0] + right, patch.box[1] + down, patch.box[2] + right, patch.box[3] + down
    longest = max(patch.box[2] - patch.box[0], patch.box[3] - patch.box[1])
    height, width = patch.pixels.shape[:2]
    window = _resampled(image, _grown(there, patch.margin * longest + _REACH * patch.scale), patch.scale)
    if window is None:
        return "changed", height * width
    window = _at_least(window, height, width)
    x, y = cv2.minMaxLoc(cv2.matchTemplate(window, patch.pixels, cv2.TM_CCOEFF_NORMED))[3]
    now = window[y : y + height, x : x + width]
    if float(cv2.absdiff(now, patch.pixels).max()) < _TINGED * float(np.abs(patch.ink - patch.paper[0, 0]).max()):
        return "same", 0  # mostly so, and quickly said: no pixel can have got or lost ink
    came, went, _, count = _difference(patch, now)
    if came + went < _NEW_INK:
        return "same", came + went
    ratio = (np.median(now, axis=(0, 1)) + 8.0) / (np.median(patch.pixels, axis=(0, 1)) + 8.0)
    if float(ratio.max() / ratio.min()) > _OTHER_COLOUR and came < _NEW_INK:
        return "covered", went  # no light makes paper of another colour: something lies over all of it
    # Where the ink was, the best shift says nothing: asked is the middle of the window.
    y, x = (window.shape[0] - height) // 2, (window.shape[1] - width) // 2
    middle_came, middle_went, bare, _ = _difference(patch, window[y : y + height, x : x + width])
    if middle_came < _NEW_INK and bare >= max(_NEW_INK, _BARE * middle_went):
        return "erased" if bare >= _ERASED * count else "wiped", middle_went
    if came < _NEW_INK and min(bare, went) < _NEW_INK:
        return "covered", went
    return "changed", came + went


def _difference(patch: InkPatch, now: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Pixels that got ink, that lost it, of these the ones that are paper now; and those that had ink."""
    lit = np.median(now, axis=(0, 1)).astype(np.float32)
    level = np.median(patch.pixels, axis=(0, 1)).astype(np.float32)
    gain = float(np.clip((level.mean() + 1.0) / (lit.mean() + 1.0), 0.4, 2.5))
    fitted = (now.astype(np.float32) - lit) * np.float32(gain) + level
    share, is_now = _inkiness(fitted, patch.paper, patch.ink)
    had, was = _inkiness(patch.pixels.astype(np.float32), patch.paper, patch.ink)
    came = is_now & (share > _INKED) & ~_around(was & (had > _TINGED))
    went = was & (had > _INKED) & ~_around(is_now & (share > _TINGED))
    off = fitted - patch.paper
    way = patch.ink - patch.paper
    bare = went & ((off * off).sum(-1) < _LIKE_PAPER * (way * way).sum(-1) + _NOISE)
    return int(came.sum()), int(went.sum()), int(bare.sum()), int((was & (had > _INKED)).sum())


def _around(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and the pixels beside it."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _CROSS), bool)


def _inkiness(
    pixels: NDArray[np.float32], paper: NDArray[np.float32], ink: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """How far pixels, (h, w, 3), are on the way from the paper's colour to the ink's, and whether they are on it."""
    way, off = ink - paper, pixels - paper
    length = np.maximum((way * way).sum(-1), 1.0)
    share = (off * way).sum(-1) / length
    beside = (off * off).sum(-1) - share * share * length
    return share, beside < _ITS_COLOUR * share * share * length + _NOISE


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
        watched: what stands there: ink close to it does not count, nor, where there is any, what has another colour
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
        coloured = np.full_like(fresh, not watched)
        for patch in watched:
            share, is_ink = _inkiness(small.astype(np.float32), paper.astype(np.float32), patch.ink)
            coloured |= is_ink & (share > _TINGED)
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
