"""The part of a frame that is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["Region", "box_of_text", "default_box"]

_DEFAULT_SIDE = 200 / 480  # S0: rows 140 to 340, columns 220 to 420 of 480 by 640, a centred square
_SMALLEST = 8  # pixels per side; smaller digits are illegible


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in fractions of a frame's width and height, so that it keeps its place when the frame's size changes.

    left, right: 0 … 1 of the width; top, bottom: 0 … 1 of the height

    >>> Region(0.25, 0.5, 0.75, 1.0).box((480, 640, 3))
    (160, 240, 480, 480)

    Raises:
        UsageError: when it is empty or not within the frame.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.left < self.right <= 1.0 and 0.0 <= self.top < self.bottom <= 1.0):
            shares = ", ".join(f"{share:g}" for share in (self.left, self.top, self.right, self.bottom))
            raise UsageError(f"region {shares}: expected left < right and top < bottom, each 0 to 1")

    @classmethod
    def default(cls, shape: tuple[int, ...]) -> Self:
        """Return the centred square of S0, for a frame of ``shape`` (H, W, …)."""
        height, width = shape[:2]
        x0, y0, x1, y1 = default_box(shape)  # in a small frame, less than `of_box` accepts
        return cls(x0 / width, y0 / height, x1 / width, y1 / height)

    @classmethod
    def of_box(cls, box: Box, shape: tuple[int, ...]) -> Self:
        """Return the region of a ``box`` in a frame of ``shape`` (H, W, …), clipped to the frame.

        Raises:
            UsageError: when it lies outside the frame, or less than 8 pixels of a side lie within.
        """
        height, width = shape[:2]
        x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
        if min(x1 - x0, y1 - y0) < min(_SMALLEST, width, height):
            raise UsageError(
                f"region {box[0]},{box[1]},{box[2] - box[0]},{box[3] - box[1]}: expected at least {_SMALLEST} pixels "
                f"per side within the frame of {width}×{height}"
            )
        return cls(x0 / width, y0 / height, x1 / width, y1 / height)

    def box(self, shape: tuple[int, ...]) -> Box:
        """Return (x0, y0, x1, y1) in pixels of a frame of ``shape`` (H, W, …); never empty."""
        height, width = shape[:2]
        x0, y0 = min(width - 1, round(self.left * width)), min(height - 1, round(self.top * height))
        return x0, y0, max(x0 + 1, round(self.right * width)), max(y0 + 1, round(self.bottom * height))

    def moved(self, right: float, down: float) -> Region:
        """Return the region moved by fractions of the frame's width and height, at most to the frame's edge."""
        right = min(max(right, -self.left), 1.0 - self.right)
        down = min(max(down, -self.top), 1.0 - self.bottom)
        return Region(
            *(min(1.0, max(0.0, each)) for each in (self.left + right, self.top + down)),
            *(min(1.0, max(0.0, each)) for each in (self.right + right, self.bottom + down)),
        )


def default_box(shape: tuple[int, ...]) -> Box:
    """Return the square of S0 in a frame of ``shape`` (H, W, …).

    >>> default_box((480, 640, 3))
    (220, 140, 420, 340)
    """
    height, width = shape[:2]
    side = max(1, round(_DEFAULT_SIDE * min(height, width * 3 / 4)))
    x0, y0 = (width - side) // 2, (height - side) // 2
    return x0, y0, x0 + side, y0 + side


def box_of_text(text: str) -> Box:
    """Parse a box from `x,y,w,h`, in pixels.

    >>> box_of_text("220,140,200,200")
    (220, 140, 420, 340)

    Raises:
        UsageError: for anything but four whole numbers, or an empty box.
    """
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"region {text!r}: expected x,y,w,h in pixels, e.g. 220,140,200,200") from None
    if min(x, y) < 0 or min(width, height) < 1:
        raise UsageError(f"region {text!r}: expected x and y from 0 and w and h from 1")
    return x, y, x + width, y + height
