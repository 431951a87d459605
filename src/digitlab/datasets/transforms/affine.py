"""Random affine augmentation: that of the report S1, and the real-time alternative of the thesis S0.

As in Keras' ImageDataGenerator: rotation · shift · shear · zoom about the image's centre, from positions in the result
to positions in the image, bilinear. It worked on floating-point images; these stay uint8. "nearest" and "reflect"
agree with Keras to the rounding; "constant" fades into 0 over a pixel where Keras cuts it off, and "wrap" repeats every
28 pixels where Keras, due to SciPy, repeats every 27.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.transforms.batches import require_images
from digitlab.datasets.transforms.sobel import sobel_images
from digitlab.datasets.transforms.warp import Fill, about_centre, require_fill, warp
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "POSE", "REALTIME", "S1_RANGES", "AffineRanges", "augment_affine", "draw_matrices", "realtime_images", "vary_pose",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AffineRanges:
    """Ranges of the transformations; each value is drawn uniformly from minus to plus its range.

    rotation, shear: degrees
    width_shift, height_shift: fractions of the 28 pixels
    zoom: about 1; drawn for x and y separately, below 1 enlarges
    """

    rotation: float = 0.0
    width_shift: float = 0.0
    height_shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        ranges = (self.rotation, self.width_shift, self.height_shift, self.shear, self.zoom)
        if not (all(0 <= reach < float("inf") for reach in ranges) and self.zoom < 1):
            raise UsageError(f"{self}: expected finite ranges of 0 or more, and a zoom below 1")


S1_RANGES = AffineRanges(rotation=8, width_shift=0.02, shear=0.1, zoom=0.08)  # S1 §3.2.12
REALTIME = AffineRanges(rotation=20, width_shift=0.2, height_shift=0.2, zoom=0.2)  # S0 §4.1.3
# Ours: wider than S1's, for long training. MNIST's digits stay inside the frame.
POSE = AffineRanges(rotation=10, width_shift=0.1, height_shift=0.1, shear=10, zoom=0.15)


def augment_affine(
    images: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    rotation: float = S1_RANGES.rotation,
    width_shift: float = S1_RANGES.width_shift,
    height_shift: float = S1_RANGES.height_shift,
    shear: float = S1_RANGES.shear,
    zoom: float = S1_RANGES.zoom,
    fill: Fill = "nearest",
) -> NDArray[np.uint8]:
    """Apply S1's augmentation (§3.2.12), by default with its ranges: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    Ranges as in `AffineRanges`; fill modes as in `warp.warp`.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
        UsageError: for a negative range, a zoom of 1 or more, or an unknown fill mode.
    """
    require_fill(fill)
    ranges = AffineRanges(rotation, width_shift, height_shift, shear, zoom)
    return warp(require_images(images), draw_matrices(rng, len(images), ranges), fill)


def vary_pose(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Transform images randomly within `POSE`, black outside: uint8 (N, 28, 28) → uint8 (N, 28, 28).

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
    """
    return warp(require_images(images), draw_matrices(rng, len(images), POSE), "constant")


def realtime_images(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Apply S0's real-time alternative to the handmade sets (§4.1.3): uint8 (N, 28, 28) → Sobel images of that shape.

    Its noise was added by the network's first layer, GaussianNoise, and is not added here.

    Raises:
        ShapeError: when the images are not uint8 (N, 28, 28).
    """
    return sobel_images(warp(require_images(images), draw_matrices(rng, len(images), REALTIME), "constant"))


def draw_matrices(rng: np.random.Generator, count: int, ranges: AffineRanges) -> NDArray[np.float64]:
    """Draw random matrices for `warp`, float64 (count, 2, 3); matrix i does not depend on ``count``."""
    drawn = rng.uniform(-1, 1, (count, 6))
    turn, slant = np.deg2rad(drawn[:, 0] * ranges.rotation), np.deg2rad(drawn[:, 1] * ranges.shear)
    shifts = drawn[:, 2:4] * (28 * ranges.width_shift, 28 * ranges.height_shift)
    zooms = 1 + drawn[:, 4:] * ranges.zoom
    rotation = _matrices(np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn))
    shear = _matrices(np.ones(count), -np.sin(slant), np.zeros(count), np.cos(slant))
    matrices = about_centre(rotation @ shear * zooms[:, None, :])
    matrices[:, :, 2] += np.einsum("nij,nj->ni", rotation, shifts)
    return matrices


def _matrices(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Build the matrices ((a, b), (c, d)): (N, 2, 2)."""
    return np.stack([a, b, c, d], axis=-1).reshape(-1, 2, 2)
