"""What the filters of a first layer detect: matched with a bank of classical kernels of the same size.

The bank holds edges, lines, spots (Laplacian of Gaussian) and means of the filter's size, sharp and soft, centred and
off-centre; for 3×3 and 5×5 also the kernels of the Oviedo slides (S2). Smaller kernels are not used: they would ignore
most of a larger filter. Likeness is the cosine similarity of filter and pattern: 1 for the same pattern, −1 for
its negative, which detects the same edges. Edges of any angle are sums of two (steerable filters, Freeman and Adelson,
1991).

A filter gets no name in doubtful cases: where the pattern explains less than half of the filter's energy, where 1 % of
random filters match a pattern just as well, or where patterns of two names match almost equally well.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.datasets.transforms import BANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from digitlab.inspection.filters import Filters

__all__ = ["READINGS", "FilterReading", "read_filters"]

Reading = Literal["horizontal", "vertical", "diagonal", "blob", "nothing"]
READINGS: tuple[Reading, ...] = ("horizontal", "vertical", "diagonal", "blob", "nothing")

Pattern = Literal["edge", "line", "spot", "mean"]
_OF_BANK: dict[str, tuple[Pattern, Reading]] = {
    "lines-horizontal": ("line", "horizontal"), "lines-vertical": ("line", "vertical"),
    "lines-45": ("line", "diagonal"), "lines-135": ("line", "diagonal"),
    "laplacian-4": ("spot", "blob"), "laplacian-8": ("spot", "blob"), "laplacian-of-gaussian": ("spot", "blob"),
    "mean": ("mean", "blob"), "gaussian": ("mean", "blob"),
}  # fmt: skip
_SOBEL = BANK["sobel-horizontal"].astype(np.float64)
_ANGLES = range(0, 180, 15)  # degrees, of lines
_WIDTHS = (1 / 6, 1 / 4)  # a pattern's standard deviation as a share of the filter's size: sharp and soft
_RANDOM_FILTERS, _BETTER_THAN = 5_000, 0.99
_HALF_OF_THE_ENERGY = 0.5**0.5
_CLEARLY = 0.05  # minimum lead over patterns of other names


@dataclass(frozen=True, slots=True)
class FilterReading:
    """What one filter detects.

    number: from 1
    reads: horizontal, vertical or diagonal edges or lines, a blob (a spot or a local mean), or nothing certain
    nearest: the most similar pattern
    likeness: 0 … 1, the absolute cosine similarity with it
    angle: of an edge, degrees: 0 for one that runs horizontally, 45 for one that rises to the right
    """

    number: int
    reads: Reading
    nearest: Pattern
    likeness: float
    angle: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The reading as JSON-serialisable values."""
        entry = {
            "filter": self.number,
            "reads": self.reads,
            "nearest": self.nearest,
            "likeness": round(self.likeness, 4),
        }
        return entry | ({} if self.angle is None else {"angle": round(self.angle, 1)})


def read_filters(filters: Filters) -> list[FilterReading]:
    """What each filter of a first layer detects; empty for deeper layers."""
    height, width, depth, number = filters.kernel.shape
    if depth != 1 or min(height, width) < 2:
        return []
    bank = _bank((height, width))
    kernels = filters.kernel[:, :, 0].reshape(-1, number).T  # (number, height · width)
    likeness, angles = bank.compare(kernels)
    readings = []
    for index, (likes, angle, weak) in enumerate(zip(likeness, angles.tolist(), filters.weak, strict=True)):
        names = [_direction(angle), *bank.names]
        best = int(likes.argmax())
        of_another = max(float(each) for each, name in zip(likes, names, strict=True) if name != names[best])
        sure = not weak and likes[best] >= bank.enough and likes[best] - of_another >= _CLEARLY
        nearest: Pattern = bank.patterns[best - 1] if best else "edge"
        readings.append(
            FilterReading(
                index + 1, names[best] if sure else "nothing", nearest, float(likes[best]), None if best else angle
            )
        )
    return readings


def _direction(angle: float) -> Reading:
    """The name of an edge's or line's direction, from its angle in degrees."""
    if min(angle, 180 - angle) <= 22.5:
        return "horizontal"
    return "vertical" if abs(angle - 90) <= 22.5 else "diagonal"


class _Bank:
    """All patterns for filters of one shape, as unit vectors over height · width.

    down, right: (edges, height · width): light below, light on the right; same position and width
    patterns, names, kernels: all others
    enough: the smallest likeness at which a filter is named
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        edges, patterns = [], [
            (*_OF_BANK[name], kernel.astype(np.float64))
            for name, kernel in BANK.items()
            if name in _OF_BANK and kernel.shape == shape
        ]  # fmt: skip
        for x, y, width in _centred_grids(shape):
            bell = np.exp(-(x**2 + y**2) / (2 * width**2))
            edges.append((y * bell, x * bell))
            for angle in _ANGLES:
                turn = np.deg2rad(angle)
                away = (x * np.sin(turn) + y * np.cos(turn)) / width  # distance from a line that rises to the right
                patterns.append(("line", _direction(angle), _without_mean((1 - away**2) * np.exp(-(away**2) / 2))))
            away = (x**2 + y**2) / width**2
            patterns.append(("spot", "blob", _without_mean((2 - away) * bell)))
            patterns.append(("mean", "blob", np.exp(-away / 8)))
        if shape == _SOBEL.shape:
            edges.append((_SOBEL, _SOBEL.T))
        self.down, self.right = (_rows([pair[axis] for pair in edges]) for axis in (0, 1))
        self.patterns: tuple[Pattern, ...] = tuple(pattern for pattern, _, _ in patterns)
        self.names: tuple[Reading, ...] = tuple(name for _, name, _ in patterns)
        self.kernels = _rows([kernel for _, _, kernel in patterns])
        random = np.random.default_rng(0).standard_normal((_RANDOM_FILTERS, shape[0] * shape[1]))
        by_chance = np.quantile(self.compare(random)[0].max(axis=1), _BETTER_THAN)
        self.enough = max(float(by_chance), _HALF_OF_THE_ENERGY)

    def compare(self, kernels: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Likeness of filters (number, height · width) to an edge and each pattern, (number, 1 + patterns); angles."""
        lengths = np.linalg.norm(kernels, axis=1, keepdims=True)
        units = kernels / np.maximum(lengths, np.finfo(np.float32).tiny)
        along, across = units @ self.down.T, units @ self.right.T  # (number, edges)
        strength = np.hypot(along, across)
        best = strength.argmax(axis=1)[:, None]
        shares = (np.take_along_axis(each, best, 1)[:, 0] for each in (across, along))
        angles = np.degrees(np.arctan2(*shares)).round(6) % 180
        edges = np.take_along_axis(strength, best, 1)
        return np.hstack([edges, np.abs(units @ self.kernels.T)]), angles


_bank = functools.cache(_Bank)


def _centred_grids(shape: tuple[int, int]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], float]]:
    """Grids x (to the right) and y (down) from a pattern's centre, (height, width), and its width."""
    height, width = shape
    reach_down, reach_right = ((size - 1) // 4 for size in shape)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    for down in range(-reach_down, reach_down + 1):
        for right in range(-reach_right, reach_right + 1):
            for share in _WIDTHS:
                yield columns - (width - 1) / 2 - right, rows - (height - 1) / 2 - down, share * min(shape)


def _without_mean(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the mean, so that there is no response to a uniform surface."""
    return np.asarray(kernel - kernel.mean())


def _rows(kernels: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    rows = np.stack([kernel.ravel() for kernel in kernels])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float64).tiny))
