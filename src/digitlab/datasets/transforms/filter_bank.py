"""The classical filters of the Oviedo slides (S2; "Filters, kernels", "More filters"): lines, edges, spots, smoothing.

``BANK`` holds the kernels by name, float32, odd and square. They are applied as S2 defines it, by true convolution,
G[i, j] = Σ F[i-k, j-l] · W[k, l]: the kernel is rotated by 180°. Convolution layers, and OpenCV's filter2D, compute
the cross-correlation instead; here only the signs of the two Sobel results differ, the other kernels are symmetric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BANK", "apply_bank", "convolve"]


def _kernel(*rows: tuple[float, ...], divisor: float = 1.0) -> NDArray[np.float32]:
    kernel = np.array(rows, np.float32) / np.float32(divisor)
    kernel.setflags(write=False)
    return kernel


BANK: dict[str, NDArray[np.float32]] = {
    "lines-horizontal": _kernel((-1, -1, -1), (2, 2, 2), (-1, -1, -1)),
    "lines-vertical": _kernel((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)),
    "lines-45": _kernel((-1, -1, 2), (-1, 2, -1), (2, -1, -1)),
    "lines-135": _kernel((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
    "sobel-horizontal": _kernel((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "sobel-vertical": _kernel((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "laplacian-4": _kernel((0, -1, 0), (-1, 4, -1), (0, -1, 0)),
    "laplacian-8": _kernel((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "laplacian-of-gaussian": _kernel(
        (0, 0, -1, 0, 0), (0, -1, -2, -1, 0), (-1, -2, 16, -2, -1), (0, -1, -2, -1, 0), (0, 0, -1, 0, 0)
    ),
    "mean": _kernel((1, 1, 1), (1, 1, 1), (1, 1, 1), divisor=9),
    "gaussian": _kernel((1, 2, 1), (2, 4, 2), (1, 2, 1), divisor=16),
}


def apply_bank(image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Apply every filter of ``BANK`` to one image: uint8 (H, W) → by name, float32 (H, W), negative values kept.

    Raises:
        ShapeError: when the image is not uint8 (H, W).
    """
    return {name: convolve(image, kernel) for name, kernel in BANK.items()}


def convolve(image: NDArray[np.uint8], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute a true convolution of the same size, mirrored at the border: uint8 (H, W) → float32 (H, W).

    Raises:
        ShapeError: when the image is not uint8 (H, W) or has no pixel.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or not image.size:
        raise ShapeError("image", expected="uint8 (H, W)", received=f"{image.dtype} {image.shape}")
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    return np.asarray(cv2.filter2D(image, cv2.CV_32F, turned, borderType=cv2.BORDER_REFLECT_101), np.float32)
