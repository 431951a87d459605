"""Detect whether the ink at a place changed, with a small picture of it that is located again in later frames.

It is located by normalised cross-correlation over a few shifts, so a shaking hand or a moving page makes no difference;
it is fitted to the brightness of the frame, so switching the light makes none either. What still differs by more than a
shift of one pixel can explain is ink that was added or removed, or something that covers it.
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
"""Unchanged; some ink was added, or added and removed; some became paper; all became paper; something covers it."""

_SIDE = 36  # pixels of a patch's longer side: a pen's stroke is two or three wide
_SIDE_OF_REGION = 64  # the same for a region, in which the digit is smaller
_REACH = 5  # pixels of a patch by which the ink may have moved since, in each direction
_INKED, _TINGED = 0.5, 0.25  # fraction of the way from the paper's colour to the ink's: certainly ink, and possibly ink
_ITS_COLOUR = 0.15  # maximum squared distance from the line between paper and ink, relative to that along it
_NOISE = 300.0  # tolerance added for pixels close to the paper's colour, in squared grey levels
_LIKE_PAPER = 0.08  # maximum squared distance from the paper's colour, relative to that of the ink
_NEW_INK = 7  # pixels of a patch that gained or lost ink: a stroke that grew by a twelfth of a digit
_BARE = 0.5  # fraction of the lost ink that has become paper: if less, something covers it
_ERASED = 0.8  # fraction of its ink that has become paper
_OTHER_COLOUR = 1.25  # factor by which one channel of the picture may have brightened more than another
_LEAST_CONTRAST = 24.0  # grey levels: less is noise
_ACROSS = 17  # pixels of a patch: a median filter of this size leaves the paper without the strokes
_FRAME = 192  # pixels of a whole, downscaled frame's longer side
_FRAME_ACROSS = 5  # pixels of the median filter for a frame of half that size: thicker than a stroke
_OFTEN = 0.03  # minimum seconds between two comparisons of whole frames: more often costs time and shows no more
_FRAME_INK = 12  # new pixels: a stroke of a tenth of a small digit
_RESTS = 0.06  # seconds for which new ink must stay in place; a finger does not
_DRIFTS = 2.0  # pixels by which a downscaled frame may have moved
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class InkPatch:
    """The stored appearance of a place.

    pixels: uint8 (h, w, 3); one pixel spans `scale` pixels of the frame
    box: bounding box of the digit when the patch was cut, in pixels of the frame
    margin: paper around the box, as a fraction of its longest side; negative for a region, so as to stay inside it
    paper: float32 (h, w, 3), `pixels` without the strokes
    ink: float32 (3,), the colour of the strokes
    """

    pixels: NDArray[np.uint8]
    box: Box
    margin: float
    scale: float
    paper: NDArray[np.float32]
    ink: NDArray[np.float32]


def cut_patch(image: NDArray[np.uint8], box: Box, margin: float) -> InkPatch | None:
    """Cut the patch of a box out of a frame, uint8 (H, W, 3); None if hardly anything of it is in the frame."""
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
    """Fill the paper, (h, w, 3), with its usual colour, (3,), where a stroke is so thick that it is still visible."""
    way = ink - usual
    share = ((paper - usual) @ way) / max(1.0, float(way @ way))
    return np.where(share[..., None] > _TINGED, usual, paper)


def compared(patch: InkPatch, image: NDArray[np.uint8], box: Box) -> tuple[Sight, int]:
    """Compare a patch with a frame near the middle of `box`; return what became of it, and how many pixels changed."""
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
        return "same", 0  # the usual case, quickly decided: no pixel can have gained or lost ink
    came, went, _, count = _difference(patch, now)
    if came + went < _NEW_INK:
        return "same", came + went
    ratio = (np.median(now, axis=(0, 1)) + 8.0) / (np.median(patch.pixels, axis=(0, 1)) + 8.0)
    if float(ratio.max() / ratio.min()) > _OTHER_COLOUR and came < _NEW_INK:
        return "covered", went  # light does not change the paper's colour so much: something covers all of it
    # Where ink was removed, the best shift is meaningless, so the middle of the window is compared.
    y, x = (window.shape[0] - height) // 2, (window.shape[1] - width) // 2
    middle_came, middle_went, bare, _ = _difference(patch, window[y : y + height, x : x + width])
    if middle_came < _NEW_INK and bare >= max(_NEW_INK, _BARE * middle_went):
        return "erased" if bare >= _ERASED * count else "wiped", middle_went
    if came < _NEW_INK and min(bare, went) < _NEW_INK:
        return "covered", went
    return "changed", came + went


def _difference(patch: InkPatch, now: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Count the pixels that gained ink, that lost it, that lost it and are paper now, and that had ink before."""
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
    """Dilate the mask by one pixel."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _CROSS), bool)


def _inkiness(
    pixels: NDArray[np.float32], paper: NDArray[np.float32], ink: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return how far pixels, (h, w, 3), are on the way from the paper's colour to the ink's, and if they lie on it."""
    way, off = ink - paper, pixels - paper
    length = np.maximum((way * way).sum(-1), 1.0)
    share = (off * way).sum(-1) / length
    beside = (off * off).sum(-1) - share * share * length
    return share, beside < _ITS_COLOUR * share * share * length + _NOISE


class FrameInk:
    """Detects ink that has appeared anywhere in a frame, even where the reader finds no digit yet. Not thread-safe."""

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
        """Return whether there is ink that was not there when this was last true.

        image: uint8 (H, W, 3); at: seconds; moved: how far the page moved since the previous frame, in pixels
        watched: patches of the known digits: ink close to them does not count; if there are any, nor does ink of
            another colour
        """
        if self._before and at - self._before[-1][0] < _OFTEN:
            self._drift += np.asarray(moved)
            return False
        scale = _FRAME / max(image.shape[:2])
        small, paper, thin = _thin(image, scale)
        if self._before and self._before[-1][1].shape != thin.shape:  # the camera was turned, or set to another size
            self._before.clear()
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
    """Return a frame at a coarser scale, the same without thin strokes, and their strength: (h, w, 3) and (h, w)."""
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
    """Resample a part of a frame at this scale: uint8 (h, w, 3); None if hardly anything of it is in the frame."""
    height, width = image.shape[:2]
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[2])), min(height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    size = max(1, round((x1 - x0) / scale)), max(1, round((y1 - y0) / scale))
    small = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    return np.asarray(small, np.uint8)


def _at_least(window: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pad to at least this size: at the frame's edge the window is cut off, or rounding took a pixel."""
    short = max(0, height - window.shape[0]), max(0, width - window.shape[1])
    return np.pad(window, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge") if any(short) else window
