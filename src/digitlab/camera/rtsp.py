"""RTSP cameras, read by the FFmpeg inside OpenCV."""

from __future__ import annotations

import cv2

from digitlab.camera.address import Address
from digitlab.camera.capture import LiveCapture, quiet_opencv
from digitlab.errors import SourceError

__all__ = ["RtspStream"]

_OPENS_WITHIN = 8_000  # milliseconds; FFmpeg decodes some pictures before the stream counts as open
_SILENT_FOR = 4_000


class RtspStream(LiveCapture):
    """An IP camera at an rtsp:// or rtsps:// address, which may contain name and password."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = Address.given(address)
        if self.address.scheme not in ("rtsp", "rtsps"):
            raise SourceError(f"{self.address}: not an rtsp address")

    def _start(self) -> cv2.VideoCapture:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPENS_WITHIN, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _SILENT_FOR]
        with quiet_opencv():
            capture = cv2.VideoCapture(self.address.text, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            # FFmpeg does not tell the reason.
            raise SourceError(
                f"{self}: gives no stream (waited up to {_OPENS_WITHIN / 1000:g} s); "
                "check host, port, path, name and password"
            )
        return capture

    def _lost(self) -> str:
        return f"{self}: the stream broke off"

    def __str__(self) -> str:
        """The address for messages: without the password."""
        return str(self.address)
