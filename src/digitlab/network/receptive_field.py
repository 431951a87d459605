"""Receptive fields: which pixels of the 28×28 image one unit of a layer can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.values import Box

__all__ = ["SIDE", "WHOLE_IMAGE", "ReceptiveField", "Window", "same_padding"]

SIDE = 28


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a convolution or pooling, as (down, across) pairs; ``padding`` is the one before the first unit."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The receptive fields of a layer's units, as (down, across) pairs in pixels of the image.

    size: of one unit's field; step: the distance between neighbouring fields; middle: the centre of the first field
    whole: each unit sees the whole image, as after a dense layer

    >>> convolved = ReceptiveField().behind(Window((3, 3))).behind(Window((2, 2), (2, 2)))
    >>> convolved.size, convolved.step, convolved.middle, convolved.box(1, 0), str(convolved)
    ((4, 4), (2, 2), (1.5, 1.5), (0, 2, 4, 6), '4×4')
    """

    size: tuple[int, int] = (1, 1)
    step: tuple[int, int] = (1, 1)
    middle: tuple[float, float] = (0.0, 0.0)
    whole: bool = False

    def __str__(self) -> str:
        """Return the text to display: "5×5", or "all".

        >>> str(WHOLE_IMAGE)
        'all'
        """
        return "all" if self.whole else f"{self.size[0]}×{self.size[1]}"

    def behind(self, window: Window) -> ReceptiveField:
        """Return the fields of a following layer, whose units each see a ``window`` of units with these fields."""
        size, step, middle = [], [], []
        for axis in (0, 1):
            extent = (window.size[axis] - 1) * window.dilation[axis]
            size.append(self.size[axis] + extent * self.step[axis])
            middle.append(self.middle[axis] + (extent / 2 - window.padding[axis]) * self.step[axis])
            step.append(self.step[axis] * window.stride[axis])
        return ReceptiveField((size[0], size[1]), (step[0], step[1]), (middle[0], middle[1]))

    def joined(self, other: ReceptiveField) -> ReceptiveField | None:
        """Return the fields of units that sum two branches; None if the branches differ in stride."""
        if self.whole or other.whole:
            return WHOLE_IMAGE
        if self.step != other.step:
            return None
        lows = [min(each.middle[a] - (each.size[a] - 1) / 2 for each in (self, other)) for a in (0, 1)]
        highs = [max(each.middle[a] + (each.size[a] - 1) / 2 for each in (self, other)) for a in (0, 1)]
        size = [round(high - low) + 1 for low, high in zip(lows, highs, strict=True)]
        middle = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
        return ReceptiveField((size[0], size[1]), self.step, (middle[0], middle[1]))

    def box(self, row: int, column: int) -> Box:
        """Return the field of one unit, clipped to the image: left, top, right, bottom; the last two exclusive."""
        low, high = [], []
        for axis, index in enumerate((row, column)):
            middle = self.middle[axis] + index * self.step[axis]
            begin = round(middle - (self.size[axis] - 1) / 2)
            low.append(min(max(begin, 0), SIDE))
            high.append(min(max(begin + self.size[axis], 0), SIDE))
        return low[1], low[0], high[1], high[0]


WHOLE_IMAGE = ReceptiveField((SIDE, SIDE), whole=True)


def same_padding(size: int, outputs: int, window: int, stride: int, dilation: int) -> int:
    """Return the total "same" padding along one axis, before and after, that gives ``outputs`` units from ``size``."""
    return max((outputs - 1) * stride + (window - 1) * dilation + 1 - size, 0)
