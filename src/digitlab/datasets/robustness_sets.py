"""Test sets with distribution shift: MNIST corrupted, rotated, translated; another dataset; OOD images."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets import mnist
from digitlab.datasets.catalogue import CORRUPTIONS, load_dataset
from digitlab.datasets.ood.test_images import draw_shapes
from digitlab.datasets.shuffling import joined
from digitlab.datasets.transforms.warp import about_centre, warp
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Digits

    Images = NDArray[np.uint8]
    Make = Callable[[], tuple[Images, Images | None]]

__all__ = ["HardSet", "hard_sets", "rotated", "shifted"]

ROTATIONS = tuple(degrees for degrees in range(-90, 91, 15) if degrees)
SHIFTS = tuple(pixels for pixels in range(-8, 9, 2) if pixels)
_WHOLE = 10_000  # MNIST's test images, and as many OOD images


@dataclass(frozen=True, slots=True)
class HardSet:
    """A test set and its distribution shift.

    kind: plain, corruption, rotation, shift-x, shift-y, other-hand or stranger
    place: degrees counter-clockwise, pixels to the right or pixels down; None for other kinds
    optional: may be missing on this machine
    load: function that generates or loads images uint8 (N, 28, 28) and labels uint8 (N,), or None for OOD images
    """

    kind: str
    name: str
    load: Make
    place: float | None = None
    optional: bool = False


def hard_sets(most: int = _WHOLE) -> tuple[HardSet, ...]:
    """List the sets, with at most ``most`` images each; nothing is generated or loaded yet.

    If that is below MNIST's 10,000, images are taken evenly from all of them: the first 5,000 are neater than the rest.
    digits-8x8 has 1,797, both splits together: no network here is trained on them.

    Raises:
        UsageError: for ``most`` below 1.
    """
    if most < 1:
        raise UsageError(f"{most} images of each set were requested; expected 1 or more")
    rows = _spread(_WHOLE, most)
    plain = functools.cache(lambda: mnist.load()[1][rows])
    return (
        HardSet("plain", "mnist", lambda: _pair(plain())),
        *(HardSet("corruption", name, functools.partial(_corrupted, name, rows)) for name in CORRUPTIONS),
        *_sweep("rotation", "turned {}° {}", ("right", "left"), ROTATIONS, plain, rotated),
        *_sweep(
            "shift-x", "moved {} px {}", ("left", "right"), SHIFTS, plain, lambda images, by: shifted(images, by, 0)
        ),
        *_sweep("shift-y", "moved {} px {}", ("up", "down"), SHIFTS, plain, lambda images, by: shifted(images, 0, by)),
        HardSet("other-hand", "digits-8x8", functools.partial(_other_hand, most)),
        HardSet("stranger", "fashion-mnist", functools.partial(_fashion, most), optional=True),
        HardSet("stranger", "shapes", lambda: (draw_shapes(min(most, _WHOLE), seed=0), None)),
    )


def rotated(images: Images, degrees: float) -> Images:
    """Rotate counter-clockwise about the centre, 0 outside: uint8 (N, 28, 28) → uint8 (N, 28, 28)."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return warp(images, about_centre(np.broadcast_to(turn, (len(images), 2, 2))))


def shifted(images: Images, right: int, down: int) -> Images:
    """Shift by whole pixels, fewer than 28, 0 outside: uint8 (N, 28, 28) → uint8 (N, 28, 28)."""
    moved = np.zeros_like(images)
    moved[:, max(0, down) : 28 + min(0, down), max(0, right) : 28 + min(0, right)] = images[
        :, max(0, -down) : 28 + min(0, -down), max(0, -right) : 28 + min(0, -right)
    ]
    return moved


def _sweep(
    kind: str,
    template: str,
    directions: tuple[str, str],
    amounts: Sequence[int],
    plain: Callable[[], Digits],
    change: Callable[[Images, int], Images],
) -> Iterator[HardSet]:
    """Yield a set for each number of degrees or pixels; ``directions``: names of the negative and the positive one."""
    for amount in amounts:
        name = template.format(abs(amount), directions[amount > 0])
        yield HardSet(kind, name, functools.partial(_changed, plain, change, amount), amount)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Select at most ``most`` of ``count`` rows, evenly spaced: int64 (≤ most,)."""
    selected = min(count, most)
    return np.arange(selected) * count // selected


def _pair(digits: Digits) -> tuple[Images, Images]:
    return digits.images, digits.labels


def _changed(plain: Callable[[], Digits], change: Callable[[Images, int], Images], by: int) -> tuple[Images, Images]:
    return change(plain().images, by), plain().labels


def _corrupted(name: str, rows: NDArray[np.int64]) -> tuple[Images, Images]:
    return _pair(load_dataset(f"mnist-c/{name}").split("test")[rows])


def _other_hand(most: int) -> tuple[Images, Images]:
    data = load_dataset("digits-8x8")
    digits = joined([data.split(split) for split in data.splits])
    return _pair(digits[_spread(len(digits), most)])


def _fashion(most: int) -> tuple[Images, None]:
    images = load_dataset("fashion-mnist").split("test").images
    return images[_spread(len(images), most)], None
