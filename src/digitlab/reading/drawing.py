"""Draw what was read onto the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from digitlab.errors import StorageError
from digitlab.storage import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.values import Reading

__all__ = ["draw_reading", "save_drawing"]

_ANSWERED, _DECLINED = (0, 114, 178), (213, 94, 0)  # blue and vermilion, distinguishable with any colour vision


def draw_reading(picture: NDArray[np.uint8], reading: Reading) -> NDArray[np.uint8]:
    """Return a copy of ``picture`` (uint8 (H, W, 3) RGB) with a box and the answer at each digit, "?" if declined."""
    drawn = picture.copy()
    thickness = max(1, round(min(picture.shape[:2]) / 400))
    for read in reading.digits:
        x0, y0, x1, y1 = read.box
        colour = _DECLINED if read.digit is None else _ANSWERED
        cv2.rectangle(drawn, (x0, y0), (x1 - 1, y1 - 1), colour, thickness)
        text, scale = "?" if read.digit is None else str(read.digit), max(0.5, (y1 - y0) / 90)
        height = round(24 * scale)
        origin = (x0, y0 - 2 * thickness) if y0 > height else (x0, y1 + height)  # below, if there is no room above
        cv2.putText(drawn, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(2 * scale)), cv2.LINE_AA)
    return drawn


def save_drawing(path: Path, picture: NDArray[np.uint8], reading: Reading) -> None:
    """Write `draw_reading` as a PNG file, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    succeeded, encoded = cv2.imencode(".png", cv2.cvtColor(draw_reading(picture, reading), cv2.COLOR_RGB2BGR))
    if not succeeded:
        raise StorageError(f"cannot write {path}: its {picture.shape[1]}×{picture.shape[0]} pixels cannot be encoded")
    write_bytes(path, encoded.tobytes())
