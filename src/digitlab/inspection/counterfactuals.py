"""Counterfactuals: the smallest shift, rotation and erased square that change the prediction.

Needs no network library: works with any function from images to probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.datasets.transforms.warp import about_centre, warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # uint8 (N, 28, 28) → (N, 10)
    Candidates = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]  # sizes, places, images

__all__ = ["FURTHEST", "Change", "smallest_changes", "smallest_patch", "smallest_rotation", "smallest_shift"]

Kind = Literal["shift", "rotation", "erased square"]

FURTHEST: dict[Kind, float] = {"shift": 10, "rotation": 90, "erased square": 20}  # pixels, degrees, side in pixels


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change of one kind that changes the prediction.

    size: length of the shift in pixels, degrees, side of the square in pixels
    place: (right, down) of a shift in pixels; (degrees,) of a rotation, clockwise; (left, top) of the square
    image: uint8 (28, 28), the changed image
    digit, confidence: the new prediction
    """

    kind: Kind
    size: float
    place: tuple[float, ...]
    image: NDArray[np.uint8]
    digit: int
    confidence: float

    def __str__(self) -> str:
        if self.kind == "shift":
            directions = zip(self.place, (("right", "left"), ("down", "up")), strict=True)
            parts = [f"{abs(far):g} {more if far > 0 else less}" for far, (more, less) in directions if far]
            return f"moved {' and '.join(parts)}"
        if self.kind == "rotation":
            return f"turned {abs(self.place[0]):g}° {'clockwise' if self.place[0] > 0 else 'counter-clockwise'}"
        left, top = self.place
        return f"erased {self.size:g}×{self.size:g}, {left:g} from the left, {top:g} from the top"

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON-serialisable values."""
        names = {"shift": ("right", "down"), "rotation": ("clockwise",), "erased square": ("column", "row")}[self.kind]
        parameters = dict(zip(names, self.place, strict=True))
        return {
            "kind": self.kind,
            "size": round(self.size, 3),
            **parameters,
            "digit": self.digit,
            "confidence": round(self.confidence, 4),
        }


def smallest_changes(answer: Answer, image: NDArray[np.uint8]) -> dict[Kind, Change | None]:
    """Find the smallest change of each kind; None where none up to FURTHEST changes the prediction."""
    return {
        "shift": smallest_shift(answer, image),
        "rotation": smallest_rotation(answer, image),
        "erased square": smallest_patch(answer, image),
    }


def smallest_shift(answer: Answer, image: NDArray[np.uint8]) -> Change | None:
    """Find the shortest whole-pixel shift, filled with black; of several, the most confident new prediction wins."""
    reach = int(FURTHEST["shift"])
    moves = [(x, y) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    shifts = sorted((x * x + y * y, x, y) for x, y in moves if 0 < x * x + y * y <= reach * reach)
    offsets = np.array([(x, y) for _, x, y in shifts], np.float64)
    still = np.broadcast_to(np.eye(2), (len(shifts), 2, 2))
    # warp maps result to source: the opposite direction.
    images = warp(np.repeat(image[None], len(shifts), axis=0), np.concatenate([still, -offsets[:, :, None]], axis=2))
    sizes = np.sqrt([square for square, _, _ in shifts])
    return _first_change(answer, image, "shift", iter([(sizes, offsets, images)]))


def smallest_rotation(answer: Answer, image: NDArray[np.uint8]) -> Change | None:
    """Find the smallest rotation by whole degrees, in either direction, about the centre of the image."""
    degrees = np.array([sign * turn for turn in range(1, int(FURTHEST["rotation"]) + 1) for sign in (1, -1)], float)
    angle = np.deg2rad(degrees)
    turns = np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
    images = warp(np.repeat(image[None], len(degrees), axis=0), about_centre(turns))
    return _first_change(answer, image, "rotation", iter([(np.abs(degrees), degrees[:, None], images)]))


def smallest_patch(answer: Answer, image: NDArray[np.uint8]) -> Change | None:
    """Find the smallest black square, at any position; of several, the most confident new prediction wins."""
    return _first_change(answer, image, "erased square", _erased(image))


def _erased(image: NDArray[np.uint8]) -> Iterator[Candidates]:
    """Erase squares of increasing side, each at every position where it hides ink."""
    for side in range(1, int(FURTHEST["erased square"]) + 1):
        corners = [
            (left, top)
            for top, left in np.ndindex(29 - side, 29 - side)
            if image[top : top + side, left : left + side].any()
        ]
        images = np.repeat(image[None], len(corners), axis=0)
        for erased, (left, top) in zip(images, corners, strict=True):
            erased[top : top + side, left : left + side] = 0
        yield np.full(len(corners), float(side)), np.array(corners, float).reshape(-1, 2), images


def _first_change(
    answer: Answer,
    image: NDArray[np.uint8],
    kind: Kind,
    candidates: Iterator[Candidates],
) -> Change | None:
    """Find the smallest change that alters the prediction; candidates are given in order of increasing size."""
    before = int(answer(image[None])[0].argmax())
    for sizes, all_parameters, images in candidates:
        probabilities = answer(images) if len(images) else np.empty((0, 10), np.float32)
        other = probabilities.argmax(axis=1) != before
        if not other.any():
            continue
        sure = np.where(other & (sizes == sizes[other].min()), probabilities.max(axis=1), -1)
        best = int(sure.argmax())
        digit = int(probabilities[best].argmax())
        parameters = tuple(float(far) for far in all_parameters[best])
        return Change(kind, float(sizes[best]), parameters, images[best], digit, float(probabilities[best, digit]))
    return None
