"""Video files, decoded by the FFmpeg inside OpenCV."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from digitlab.camera.capture import quiet_opencv, sensible_rate
from digitlab.camera.colours import rgb_from_opencv
from digitlab.camera.playback import Playback
from digitlab.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.camera.playback import Images

__all__ = ["VideoFile"]

_log = logging.getLogger(__name__)

_USUAL_RATE = 25.0
_WHOLE = 0.95  # share of the frames that counts as complete: some containers only estimate their number


class VideoFile(Playback):
    """A video file, played at its own rate (by the frames' time stamps), or as fast as it is read.

    path: any file that FFmpeg can decode; frames are rotated upright according to its metadata
    """

    def __init__(self, path: str | Path, *, realtime: bool = True) -> None:
        super().__init__(rate=None, realtime=realtime)
        self.path = Path(path)
        self.length: int | None = None  # frames, from the file's header; None until it is open

    def _images(self) -> Images:
        capture = _open_capture(self.path)
        first = _next_image(capture)
        if first is None:
            capture.release()
            raise SourceError(f"{self.path}: no frame of this video can be decoded; it may be truncated or damaged")
        self._rate = sensible_rate(capture.get(cv2.CAP_PROP_FPS)) or _USUAL_RATE
        length = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(length) if length > 0 else None
        return self._play(capture, first, 1.0 / self._rate)

    def _play(self, capture: cv2.VideoCapture, first: NDArray[np.uint8], interval: float) -> Images:
        image: NDArray[np.uint8] | None = first
        start = due = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        count = 0
        try:
            while image is not None:
                count += 1
                yield image, due - start
                image = _next_image(capture)
                stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
                # Streams without time stamps give 0 for every frame.
                due = stamp if stamp > due else due + interval
            self._warn_if_short(count)
        finally:
            capture.release()

    def _warn_if_short(self, count: int) -> None:
        if self.length is not None and count < _WHOLE * self.length:
            _log.warning("%s ends early: %d of %d frames could be decoded", self.path, count, self.length)


def _open_capture(path: Path) -> cv2.VideoCapture:
    """Open a regular file.

    Raises:
        SourceError: when it is missing, empty, not readable, or not a video.
    """
    _check_file(path)
    with quiet_opencv():
        # An absolute path cannot be mistaken for an FFmpeg protocol ("concat:…").
        capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise SourceError(f"{path}: not a video that can be decoded, or a truncated one")
    return capture


def _check_file(path: Path) -> None:
    if not path.exists():
        raise SourceError(f"{path}: there is no such file")
    if not path.is_file():
        raise SourceError(f"{path}: not a file; expected a video")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty; expected a video")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: permission denied")


def _next_image(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    """Return the next frame, uint8 (H, W, 3) RGB, or None."""
    decoded, image = capture.read()
    return rgb_from_opencv(image) if decoded else None
