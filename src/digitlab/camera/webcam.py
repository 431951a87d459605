"""Cameras of this computer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2

from digitlab.camera.capture import LiveCapture, quiet_opencv
from digitlab.camera.devices import captures_video
from digitlab.errors import SourceError

__all__ = ["Webcam"]

_SILENT_FOR = 3  # seconds that OpenCV waits for a picture of a V4L2 device; 10 unless told


class Webcam(LiveCapture):
    """A camera by its number, or by its device file (Linux), in the size that its driver prefers.

    device: 0 is the first camera; or a path such as /dev/video0 or /dev/v4l/by-id/…
    size: width and height to ask for; drivers take the nearest that they have
    """

    def __init__(self, device: int | str | Path = 0, *, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.device = device
        self.size = size

    def _start(self) -> cv2.VideoCapture:
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_SILENT_FOR))
        if sys.platform.startswith("linux"):
            self._check_node()
        with quiet_opencv():
            if isinstance(self.device, int):
                system = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
                capture = cv2.VideoCapture(self.device, system)
            else:
                # By its file the device is taken whatever its number is.
                capture = cv2.VideoCapture(str(Path(self.device).resolve()), cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"{self}: cannot be opened; another program may be using it")
        if self.size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size[1])
        return capture

    def _check_node(self) -> None:
        node = Path(f"/dev/video{self.device}") if isinstance(self.device, int) else Path(self.device)
        advice = "`digitlab live --list` shows the cameras that are there"
        if not node.exists():
            raise SourceError(f"{self}: there is no {node}; {advice}")
        if not node.is_char_device():
            raise SourceError(f"{self}: {node} is no device; {advice}")
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(f"{self}: permission denied for {node}; on most systems members of the group video may")
        if captures_video(node) is False:
            raise SourceError(f"{self}: {node} gives no pictures; {advice}")

    def _lost(self) -> str:
        return f"{self}: no picture came; it was unplugged, or another program took it"

    def __str__(self) -> str:
        """The name for messages."""
        return f"camera {self.device}"
