"""What the filters of a first layer look for, told by S2's bank of classical filters.

A filter is compared with every kernel of the bank by the cosine between them: 1 for the same pattern, −1 for its
negative, which finds the same edges. The two Sobel kernels are turned to any angle by mixing them (Freeman and Adelson,
1991), so that a diagonal edge, which the bank lacks, is found as well. A filter that is no more like a kernel than nine
in ten filters of random numbers are is read as nothing: of 32 untrained ones, three would be read as something.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from digitlab.datasets.transforms import BANK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.inspection.filters import Filters

__all__ = ["READINGS", "FilterReading", "read_filters"]

Reading = Literal["horizontal", "vertical", "diagonal", "blob", "nothing"]
READINGS: tuple[Reading, ...] = ("horizontal", "vertical", "diagonal", "blob", "nothing")

_EDGE = "edge"
_SOBEL = ("sobel-horizontal", "sobel-vertical")
_LOOKS_FOR: dict[str, Reading] = {
    "lines-horizontal": "horizontal", "lines-vertical": "vertical", "lines-45": "diagonal", "lines-135": "diagonal",
    "laplacian-4": "blob", "laplacian-8": "blob", "laplacian-of-gaussian": "blob", "mean": "blob", "gaussian": "blob",
}  # fmt: skip
_RANDOM_FILTERS, _BETTER_THAN = 20_000, 0.9


@dataclass(frozen=True, slots=True)
class FilterReading:
    """What one filter looks for.

    number: from 1, as S0 counts
    reads: horizontal, vertical or diagonal edges or lines, a blob (a spot, or the mean of a place), or nothing
    nearest: the bank's kernel that it is most like; "edge" for a mixture of the two Sobel kernels
    likeness: 0 … 1, the cosine with that, its sign left out
    angle: of an edge, degrees: 0 for one that runs horizontally, 45 for one that rises to the right
    """

    number: int
    reads: Reading
    nearest: str
    likeness: float
    angle: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = {
            "filter": self.number,
            "reads": self.reads,
            "nearest": self.nearest,
            "likeness": round(self.likeness, 4),
        }
        return told | ({} if self.angle is None else {"angle": round(self.angle, 1)})


def read_filters(filters: Filters) -> list[FilterReading]:
    """What each filter of a layer that sees the grey image looks for; none for a layer that is deeper."""
    height, width, depth, number = filters.kernel.shape
    if depth != 1 or min(height, width) < 2:
        return []
    kernels = filters.kernel[:, :, 0].reshape(-1, number).T  # (number, height · width)
    names, likeness, angles = _compared(kernels, (height, width))
    best = likeness.argmax(axis=1)
    enough = _of_random_filters((height, width))
    readings = []
    for place, (at, weak) in enumerate(zip(best, filters.weak, strict=True)):
        name, like = names[at], float(likeness[place, at])
        angle = float(angles[place]) if name == _EDGE else None
        reads = "nothing" if weak or like < enough else _direction(angle) if angle is not None else _LOOKS_FOR[name]
        readings.append(FilterReading(place + 1, reads, name, like, angle))
    return readings


def _direction(angle: float) -> Reading:
    """Of an edge at so many degrees."""
    turned = min(abs(angle - straight) for straight in (0, 180))
    if turned <= 22.5:
        return "horizontal"
    return "vertical" if abs(angle - 90) <= 22.5 else "diagonal"


def _compared(
    kernels: NDArray[np.float32], shape: tuple[int, int]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The bank's names, the likeness of each kernel to each, float64 (number, names), and the angles of edges."""
    lengths = np.linalg.norm(kernels, axis=1, keepdims=True)
    units = kernels / np.maximum(lengths, np.finfo(np.float32).tiny)
    names = [_EDGE, *_LOOKS_FOR]
    horizontal, vertical = (units @ _patterns(name, shape).T for name in _SOBEL)  # (number, places)
    strength = np.hypot(horizontal, vertical)
    place = strength.argmax(axis=1)[:, None]
    shares = (np.take_along_axis(each, place, 1)[:, 0] for each in (vertical, horizontal))
    angles = np.degrees(np.arctan2(*shares)) % 180
    others = [np.abs(units @ _patterns(name, shape).T).max(axis=1) for name in _LOOKS_FOR]
    return names, np.stack([strength.max(axis=1), *others], axis=1), angles


@functools.cache
def _patterns(name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """A kernel of the bank as it looks to filters of ``shape``: (places, height · width).

    The smaller of the two lies on the larger at every place where it fits; what sticks out counts as missed.
    """
    kernel = BANK[name].astype(np.float64)
    kernel /= np.linalg.norm(kernel)
    missing = [max(0, size - held) for size, held in zip(shape, kernel.shape, strict=True)]
    framed = np.pad(kernel, [(each, each) for each in missing])
    return sliding_window_view(framed, shape).reshape(-1, shape[0] * shape[1])


@functools.cache
def _of_random_filters(shape: tuple[int, int]) -> float:
    """The likeness that one in ten filters of random numbers exceeds."""
    random = np.random.default_rng(0).standard_normal((_RANDOM_FILTERS, shape[0] * shape[1]))
    _, likeness, _ = _compared(random.astype(np.float32), shape)
    return float(np.quantile(likeness.max(axis=1), _BETTER_THAN))
