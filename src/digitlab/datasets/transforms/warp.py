"""Affine transformation and elastic deformation of many images at once, with bilinear interpolation.

The images are placed on one canvas, so that one call of OpenCV warps a hundred: no Python loop over images, and threads
do not wait for each other.

Elastic deformation (Simard, Steinkraus and Platt 2003) is a smooth random displacement of pixels. The paper smooths a
random field with a Gaussian; here random displacements on a coarse grid are interpolated by cubic splines, which is as
smooth at a fiftieth of the cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CENTRE", "PULL", "Fill", "about_centre", "deform", "draw_pulls", "require_fill", "sample_at", "warp"]

Fill = Literal["constant", "nearest", "reflect", "wrap"]

CENTRE = 13.5  # of 28 pixels, whose own centres lie at 0..27
_ACROSS = (
    10  # the canvas holds 10 x 10 images; on a larger one, rounding of float32 coordinates would change the last bit
)
_TOGETHER = _ACROSS * _ACROSS
_PITCH = 30  # 28 pixels and a border of one on each side


def warp(images: NDArray[np.uint8], matrices: NDArray[np.float64], fill: Fill = "constant") -> NDArray[np.uint8]:
    """Warp images: result[i] at (x, y) is images[i] at ``matrices[i] @ (x, y, 1)``.

    images: uint8 (N, 28, 28)
    matrices: float64 (N, 2, 3), from result to image coordinates, x (column) first, in pixels
    fill: the values outside the image ``abcd``: 000|abcd|000 constant, aaa|abcd|ddd nearest, cba|abcd|dcb reflect,
        bcd|abcd|abc wrap

    Returns:
        uint8 (N, 28, 28), rounded to the nearest level

    Raises:
        ShapeError: when there is not one matrix for each image.
        UsageError: when the fill mode is none of the four.
    """
    require_fill(fill)
    if matrices.shape != (len(images), 2, 3):
        raise ShapeError("matrices", expected=f"({len(images)}, 2, 3)", received=matrices.shape)
    results = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        positions = _within(_positions(matrices[rows]), fill)
        results[rows] = _sample(images[rows], positions, fill)
    return results


def sample_at(images: NDArray[np.uint8], positions: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Sample images (N, 28, 28) bilinearly at positions (N, 2, 28, 28), x first; 0 outside. uint8 (N, 28, 28)."""
    results = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        results[rows] = _sample(images[rows], _within(positions[rows], "constant"), "constant")
    return results


def about_centre(linear: NDArray[np.float64], shift: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
    """Build matrices for `warp`: ``linear`` (N, 2, 2) about the image's centre, after adding ``shift`` (N, 2)."""
    centre = np.full(2, CENTRE)
    offsets = np.einsum("nij,nj->ni", linear, np.broadcast_to(shift - centre, linear.shape[:2])) + centre
    return np.concatenate([linear, offsets[:, :, None]], axis=2)


def require_fill(fill: str) -> None:
    """Reject an unknown fill mode.

    Raises:
        UsageError: when the fill mode is none of the four.
    """
    if fill not in get_args(Fill):
        raise UsageError(f"fill mode is {fill!r}; expected one of {', '.join(get_args(Fill))}")


def _positions(matrices: NDArray[np.float64]) -> NDArray[np.float32]:
    """Compute the source position of each pixel of the result: float32 (N, 2, 28, 28), x first."""
    pixels = np.arange(28.0)
    along_x = matrices[:, :, :1] * pixels + matrices[:, :, 2:]  # (N, 2, 28)
    along_y = matrices[:, :, 1:2] * pixels
    return np.asarray(along_x[:, :, None, :].astype(np.float32) + along_y[:, :, :, None].astype(np.float32))


def _within(positions: NDArray[np.float32], fill: Fill) -> NDArray[np.float32]:
    """Map positions outside to positions in the image, or in its border, that have the same value."""
    if fill == "constant":
        return np.clip(positions, -1, 28)
    if fill == "reflect":
        # Mirrored at -0.5 and 27.5, with a period of 56 pixels.
        positions = np.abs(_folded(positions, 56) + np.float32(0.5)) - np.float32(0.5)
    if fill == "wrap":
        return _folded(positions - np.float32(14), 28) + np.float32(14)
    return np.asarray(np.clip(positions, 0, 27))


def _folded(positions: NDArray[np.float32], period: int) -> NDArray[np.float32]:
    """Reduce positions modulo ``period`` to a range centred at -0.5; ``%`` would be four times slower."""
    turns = np.floor((positions + np.float32(0.5)) / np.float32(period) + np.float32(0.5))
    return np.asarray(positions - turns * np.float32(period))


def _sample(images: NDArray[np.uint8], positions: NDArray[np.float32], fill: Fill) -> NDArray[np.uint8]:
    """Sample bilinearly at ``positions`` (N, 2, 28, 28), N up to 100: uint8 (N, 28, 28)."""
    count = len(images)
    canvas = np.zeros((_ACROSS, _PITCH, _ACROSS, _PITCH), np.uint8)
    cells = canvas.swapaxes(1, 2)  # a view: row, column of the canvas, then the pixels of one image
    numbers = np.arange(count)
    row, column = numbers // _ACROSS, numbers % _ACROSS
    if fill == "wrap":
        cells[row, column] = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    else:
        cells[row, column, 1:29, 1:29] = images
    across = positions[:, 0] + (column * _PITCH + 1).astype(np.float32)[:, None, None]
    down = positions[:, 1] + (row * _PITCH + 1).astype(np.float32)[:, None, None]
    flat = canvas.reshape(_ACROSS * _PITCH, _ACROSS * _PITCH)
    values = cv2.remap(flat, across.reshape(-1, 28), down.reshape(-1, 28), cv2.INTER_LINEAR)
    return np.asarray(values, np.uint8).reshape(count, 28, 28)


PULL = 0.9  # pixels; standard deviation of the displacement at a knot, for x and y
_KNOTS = 5  # along each side: seven pixels apart, about the scale of a stroke's bend
# The weight of each knot for each of 28 pixels.
_SHARES = cv2.resize(np.eye(_KNOTS, dtype=np.float32), (_KNOTS, 28), interpolation=cv2.INTER_CUBIC)


def deform(images: NDArray[np.uint8], rng: np.random.Generator, *, pull: float = PULL) -> NDArray[np.uint8]:
    """Deform images elastically, black outside: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: when the pull is not 0 to 10 pixels.
    """
    require_images(images)
    if not 0 <= pull <= 10:
        raise UsageError(f"pull is {pull}; expected 0 to 10 pixels")
    fields = np.asarray(_SHARES @ draw_pulls(rng, len(images), pull) @ _SHARES.T, np.float32)  # (N, 2, 28, 28)
    pixels = np.arange(28, dtype=np.float32)
    fields[:, 0] += pixels
    fields[:, 1] += pixels[:, None]
    return sample_at(images, fields)


def draw_pulls(rng: np.random.Generator, count: int, pull: float = PULL) -> NDArray[np.float32]:
    """Draw x and y displacements at each knot, float32 (count, 2, 5, 5), pixels; row i does not depend on ``count``."""
    return rng.standard_normal((count, 2, _KNOTS, _KNOTS), np.float32) * np.float32(pull)
