"""Select the least certain digits, and prepare what a person needs to review them."""

from __future__ import annotations

import base64
import heapq
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.archives.job import scaled
from digitlab.errors import ImageError, UsageError
from digitlab.reading import digit_image
from digitlab.reading.glyph import normalise
from digitlab.reading.images import load_reduced
from digitlab.reading.orientation import turned_box, turned_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Box

__all__ = ["Doubt", "Doubts", "Shown", "as_webp", "show_doubts"]

_MOST = 1000  # digits on a page: 5 MB of small pictures
_MARGIN = 0.2  # of the box's side: margin around a digit that is cropped alone
_FAINTEST = 8.0  # of 255: less contrast counts as none
_BESIDE, _ABOVE = 2.0, 0.6  # of the box's longer side: how much of its neighbours is shown
_HIGH, _WIDE = 120, 720  # pixels: largest size of what is shown


@dataclass(frozen=True, slots=True)
class Doubt:
    """A digit of a row of results; see `row_of`. turned: as `Reading.turned`, how its page was rotated upright."""

    path: str
    line: int
    position: int
    digit: int | None
    confidence: float
    guess: int | None
    second: int | None
    second_confidence: float | None
    box: Box
    turned: int = 0


class Doubts:
    """Keeps the least certain digits of any number of rows: those whose confidence is nearest to the threshold.

    A mark far below the threshold is certainly not a digit, one far above certainly is: neither needs checking.
    """

    def __init__(self, most: int, threshold: float) -> None:
        """Keep at most ``most`` digits.

        Raises:
            UsageError: for fewer than 1 or more than 1,000.
        """
        if not 1 <= most <= _MOST:
            raise UsageError(f"--most is {most}; expected 1 to {_MOST}")
        self._most, self._threshold, self._seen = most, threshold, 0
        self._heap: list[tuple[float, int, Doubt]] = []  # the most certain of those kept is on top

    def see(self, row: Mapping[str, Any]) -> None:
        """Consider the digits of a picture."""
        for digit in row["digits"]:
            self._seen += 1
            entry = (-abs(digit["confidence"] - self._threshold), -self._seen)
            if len(self._heap) < self._most:
                heapq.heappush(self._heap, (*entry, _doubt(row, digit)))
            elif entry > self._heap[0][:2]:
                heapq.heapreplace(self._heap, (*entry, _doubt(row, digit)))

    @property
    def seen(self) -> int:
        """The number of digits considered so far."""
        return self._seen

    def least_certain(self) -> list[Doubt]:
        """Return the digits kept, the least certain first."""
        return [doubt for *_, doubt in sorted(self._heap, reverse=True, key=lambda entry: entry[:2])]


def _doubt(row: Mapping[str, Any], digit: Mapping[str, Any]) -> Doubt:
    x0, y0, x1, y1 = digit["box"]
    names = ("line", "position", "digit", "confidence", "guess", "second", "second_confidence")
    fields = {name: digit[name] for name in names}
    return Doubt(path=row["path"], box=(x0, y0, x1, y1), turned=row["turned"], **fields)


@dataclass(frozen=True, slots=True)
class Shown:
    """A doubt with its pictures.

    crop: the digit among its neighbours, a WebP as data URI
    frame: where the digit is in that picture: left, top, width and height as fractions
    glyph: the digit as networks take it, 784 bytes in base64; None if no ink can be distinguished from its paper
    """

    doubt: Doubt
    crop: str
    frame: tuple[float, float, float, float]
    glyph: str | None


def show_doubts(
    doubts: Sequence[Doubt],
    on_progress: Callable[[int, int], None] | None = None,
    paths: Mapping[str, str] | None = None,
) -> Iterator[Shown]:
    """Return the doubts in order with their pictures; those whose file is gone by now are left out.

    on_progress: called with the number done and the total
    paths: name in the results → path, where they differ
    """
    by_path: dict[str, list[int]] = {}
    for index, doubt in enumerate(doubts):
        by_path.setdefault(doubt.path, []).append(index)
    shown: dict[int, Shown] = {}
    for path, indices in by_path.items():
        try:
            picture, size = load_reduced((paths or {}).get(path, path), None)
        except ImageError:
            continue
        shown.update({index: _shown(doubts[index], picture, size) for index in indices})
        if on_progress is not None:
            on_progress(len(shown), len(doubts))
    return (shown[index] for index in sorted(shown))


def _shown(doubt: Doubt, picture: NDArray[np.uint8], size: tuple[int, int]) -> Shown:
    """Show a doubt as it was read: a rotated page is shown rotated; `Doubt.box` still refers to the picture itself."""
    box = scaled(doubt.box, to=(picture.shape[1], picture.shape[0]), of=size)
    x0, y0, x1, y1 = box = turned_box(box, -doubt.turned % 4, (picture.shape[1], picture.shape[0]))
    picture = turned_picture(picture, -doubt.turned % 4) if doubt.turned else picture
    height, width = picture.shape[:2]
    side = max(x1 - x0, y1 - y0)
    left, right = max(0, round(x0 - _BESIDE * side)), min(width, round(x1 + _BESIDE * side))
    top, bottom = max(0, round(y0 - _ABOVE * side)), min(height, round(y1 + _ABOVE * side))
    wide, high = right - left, bottom - top
    frame = ((x0 - left) / wide, (y0 - top) / high, (x1 - x0) / wide, (y1 - y0) / high)
    return Shown(doubt, as_webp(picture[top:bottom, left:right]), frame, _glyph(picture, box))


def as_webp(pixels: NDArray[np.uint8], wide: int = _WIDE, high: int = _HIGH) -> str:
    """Encode a part of a picture, uint8 (H, W, 3), as data URI of a WebP of at most this many pixels, 720×120."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    scale = min(high / picture.height, wide / picture.width)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.BILINEAR).save(out, "WEBP", quality=70)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _glyph(picture: NDArray[np.uint8], box: Box) -> str | None:
    """Return the digit in the box, found again as the one digit of that piece of the picture; else its contrast."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    margin = max(2, round(_MARGIN * max(x1 - x0, y1 - y0)))
    region = picture[max(0, y0 - margin) : min(height, y1 + margin), max(0, x0 - margin) : min(width, x1 + margin)]
    image = digit_image(np.ascontiguousarray(region))
    if image is None:
        image = _contrast(region, picture[y0:y1, x0:x1])
    return None if image is None else base64.b64encode(image.tobytes()).decode("ascii")


def _contrast(region: NDArray[np.uint8], inside: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the difference of the box from the paper at the border of a piece around it, as a digit."""
    grey = region.mean(axis=2)
    paper = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = np.abs(inside.mean(axis=2) - paper)
    strongest = float(ink.max(initial=0.0))
    return None if strongest < _FAINTEST else normalise((ink / strongest).astype(np.float32))
