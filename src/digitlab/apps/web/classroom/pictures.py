"""From the picture that a phone sends to the one that the wall shows, and to the 28×28 image for a network.

No part of an uploaded file is passed on: the wall gets a picture that is encoded anew from the pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.apps.web.pictures import picture_of
from digitlab.errors import ImageError
from digitlab.reading.ink import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_BYTES", "MOST_PIXELS", "on_the_wall", "sketched"]

MOST_BYTES, MOST_PIXELS = 32_768, 76_800  # the page's pad sends 320 by 240 pixels, about 2 kB
_WALL = 96  # pixels of a picture's longer side on the wall
_PNG = b"\x89PNG\r\n\x1a\n"
_PAPER, _INK = 250, 128  # grey levels: brighter is paper; darker is ink


def sketched(content: bytes) -> NDArray[np.uint8]:
    """Decode a PNG file from a pad to uint8 (H, W, 3), dark on light.

    Raises:
        ImageError: for another kind of file, a damaged one, or one of more than MOST_BYTES or MOST_PIXELS.
    """
    if len(content) > MOST_BYTES or not content.startswith(_PNG):
        raise ImageError(f"expected a PNG file of at most {MOST_BYTES:,} bytes, as the page's pad sends")
    return picture_of(content, MOST_PIXELS)


def on_the_wall(picture: NDArray[np.uint8]) -> bytes | None:
    """Encode a picture, uint8 (H, W, 3), as a small grey PNG file; None if there is no ink."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    if int(grey.min()) >= _INK:
        return None
    small = shrink(grey, _WALL)
    small = np.where(small >= _PAPER, 255, small).astype(np.uint8)
    return cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
