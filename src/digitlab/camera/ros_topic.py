"""Pictures of a robot's camera, directly from its topic: sensor_msgs/Image and CompressedImage, of ROS 1 and ROS 2."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.camera.ros import picture_of
from digitlab.camera.source import Source
from digitlab.errors import SourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.camera.ros_native import RosClient

__all__ = ["RosTopic"]

_log = logging.getLogger(__name__)

_FIELDS = ("data", "encoding", "width", "height", "step", "is_bigendian")
_MOST_BAD = 100  # consecutive messages that are not pictures, after which `read` fails
_HEADERS_KEPT = 256  # of the last pictures: four seconds at 60 per second, longer than one is being read
# The lens models of OpenCV's undistortion, the first also for a camera that names none; others, e.g. a fisheye's
# "equidistant", give their coefficients another meaning.
_LENS_MODELS = ("plumb_bob", "rational_polynomial", "")


class RosTopic(Source):
    """A topic that carries pictures.

    compressed: whether it is a sensor_msgs/CompressedImage; None: if its name ends in "compressed"
    info: the topic of its sensor_msgs/CameraInfo; if that reports lens distortion, pictures are undistorted before they
        are read. It is mostly sent once, latched. None: `camera_info` next to the pictures' topic; "": no such topic
    """

    rate = None
    realtime = True
    live = True

    def __init__(
        self, client: RosClient, topic: str, *, compressed: bool | None = None, info: str | None = None
    ) -> None:
        self.topic = "/" + topic.strip("/")
        if self.topic == "/":
            raise SourceError("names no topic of pictures; expected e.g. /camera/image_raw")
        self.compressed = self.topic.endswith("compressed") if compressed is None else compressed
        self.info = _info_beside(self.topic) if info is None else info
        self._client = client
        self._ends: list[Callable[[], None]] = []
        self._arrived = threading.Condition()
        self._message: Any = None
        self._headers: deque[tuple[float, Any]] = deque(maxlen=_HEADERS_KEPT)  # with the arrival times of the pictures
        self._open = False
        self._asked = False
        self._number = 0
        self._lens = _Lens()

    def open(self) -> None:
        """Subscribe.

        Raises:
            SourceError: when there is no master.
        """
        if self._open:
            return
        self._open = self._asked = True
        self._number, self._message = 0, None
        try:
            self._subscribe()
        except SourceError:
            self.close()
            raise

    def renew(self) -> None:
        """Subscribe again, with a restarted master; a waiting `read` keeps waiting.

        Raises:
            SourceError: when there is no master.
        """
        if self._open:
            self._end()
            self._subscribe()

    def _subscribe(self) -> None:
        kind = "sensor_msgs/CompressedImage" if self.compressed else "sensor_msgs/Image"
        self._ends = [self._client.subscribe(self.topic, kind, self._take)]
        if self.info:
            self._ends.append(self._client.subscribe(self.info, "sensor_msgs/CameraInfo", self._lens.learn))

    def _end(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            end()

    def read(self) -> Frame | None:
        """Wait for the next picture; None when closed.

        Raises:
            SourceError: if it was not opened, the node was shut down, or a hundred messages in a row are no pictures.
        """
        if not self._asked:
            raise SourceError(f"{self.topic} was read before it was opened")
        for bad in range(1, _MOST_BAD + 1):
            message, captured = self._next()
            if message is None:
                return None
            try:
                picture = picture_of({name: getattr(message, name) for name in _FIELDS if hasattr(message, name)})
            except SourceError as error:
                problem = error
                if bad == 1:
                    _log.warning("%s: %s", self.topic, error)
                continue
            with self._arrived:
                self._headers.append((captured, getattr(message, "header", None)))
            self._number += 1
            return Frame(self._lens.straightened(picture), captured, self._number - 1)
        raise SourceError(f"{self.topic}: {problem}; {_MOST_BAD} in a row")

    def header_of(self, captured: float) -> Any:
        """Return the header of the message whose frame has this `captured`, to be copied into what is published of it.

        None if it is unknown. Newer pictures may have been read meanwhile, so it is not that of the last message.
        """
        with self._arrived:
            return next((header for arrived, header in reversed(self._headers) if arrived == captured), None)

    def close(self) -> None:
        """End the subscription; a waiting `read` returns None."""
        self._open = False
        self._end()
        with self._arrived:
            self._arrived.notify_all()

    def _take(self, message: Any) -> None:
        with self._arrived:
            self._message = (message, time.monotonic())
            self._arrived.notify_all()

    def _next(self) -> tuple[Any, float]:
        """Return the newest message and its arrival time; the message is None when closed."""
        with self._arrived:
            while self._open:
                if self._message is not None:
                    taken, self._message = self._message, None
                    return taken[0], taken[1]
                if self._client.is_over():
                    raise SourceError(f"{self.topic}: the node was shut down")
                self._arrived.wait(0.2)
        return None, 0.0


class _Lens:
    """Undistorts pictures with the lens parameters that the camera reports."""

    def __init__(self) -> None:
        self._unknown = ""  # the lens model that is not supported
        self._maps: tuple[Any, Any] | None = None
        self._size = (0, 0)

    def learn(self, info: Any) -> None:
        """Use a sensor_msgs/CameraInfo; if it reports no distortion, pictures are left unchanged."""
        matrix = np.asarray(getattr(info, "K", getattr(info, "k", ())), np.float64)
        bends = np.asarray(getattr(info, "D", getattr(info, "d", ())), np.float64)
        size = int(info.width), int(info.height)
        model = str(getattr(info, "distortion_model", ""))
        if model not in _LENS_MODELS and bends.any():
            if model != self._unknown:
                _log.warning("lens model %r is not supported: pictures are read without rectifying them", model[:40])
            self._maps, self._unknown = None, model
            return
        if matrix.size != 9 or not matrix[0] or len(bends) not in (4, 5, 8) or not bends.any() or min(size) < 1:
            self._maps = None
            return
        matrix = matrix.reshape(3, 3)
        self._maps = cv2.initUndistortRectifyMap(matrix, bends, None, matrix, size, cv2.CV_16SC2)
        self._size = size

    def straightened(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Undistort the picture; return it unchanged if its size is not the one for which the lens was calibrated."""
        maps = self._maps
        if maps is None or (picture.shape[1], picture.shape[0]) != self._size:
            return picture
        return np.asarray(cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _info_beside(topic: str) -> str:
    """Return the usual CameraInfo topic for a topic of pictures; "" if they are rectified already.

    >>> _info_beside("/cam/image_raw"), _info_beside("/cam/image_raw/compressed"), _info_beside("/cam/image_rect")
    ('/cam/camera_info', '/cam/camera_info', '')
    """
    parts = topic.removesuffix("/compressed").strip("/").split("/")
    if "rect" in parts[-1]:  # rectified already
        return ""
    return "/" + "/".join([*parts[:-1], "camera_info"])
