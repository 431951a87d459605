"""Pictures of a robot's camera, through rosbridge: sensor_msgs/CompressedImage and sensor_msgs/Image of ROS 1 and 2."""

from __future__ import annotations

import base64
import binascii
import io
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from digitlab.camera.address import reason_of, without_password
from digitlab.camera.colours import rgb_from_opencv
from digitlab.camera.rosbridge import Rosbridge, bridge_address
from digitlab.camera.source import Source
from digitlab.errors import SourceError
from digitlab.values import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RosCamera", "picture_of"]

_log = logging.getLogger(__name__)

_MOST_PIXELS = 50_000_000
_TURN = 0.2  # polling interval in seconds: a waiting `read` checks whether it was closed
_DRAINS_FOR = 0.1  # maximum seconds spent taking messages that have already arrived, to get to the newest picture
_MOST_BAD = 100  # consecutive messages that are not pictures, after which `read` fails
_LOCAL = "ws://localhost:9090"

# Encoding → channels, bytes per channel, and the conversion to RGB; None for RGB.
_ENCODINGS: dict[str, tuple[int, int, int | None]] = {
    "rgb8": (3, 1, None),
    "bgr8": (3, 1, cv2.COLOR_BGR2RGB),
    "8uc3": (3, 1, cv2.COLOR_BGR2RGB),
    "rgba8": (4, 1, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, 1, cv2.COLOR_BGRA2RGB),
    "8uc4": (4, 1, cv2.COLOR_BGRA2RGB),
    "mono8": (1, 1, cv2.COLOR_GRAY2RGB),
    "8uc1": (1, 1, cv2.COLOR_GRAY2RGB),
    "mono16": (1, 2, cv2.COLOR_GRAY2RGB),
    "16uc1": (1, 2, cv2.COLOR_GRAY2RGB),
    "yuv422": (2, 1, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, 1, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, 1, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (2, 1, cv2.COLOR_YUV2RGB_YUY2),
    # OpenCV names the pattern from its second row, ROS from its first.
    "bayer_rggb8": (1, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, 1, cv2.COLOR_BayerGB2RGB),
}


class RosCamera(Source):
    """`ros:ws://host:9090/TOPIC`, or `ros:/TOPIC` for a rosbridge on this machine.

    A topic that ends in "compressed" is subscribed as sensor_msgs/CompressedImage, any other as sensor_msgs/Image; the
    rosbridge of both ROS 1 and ROS 2 knows these names. `?type=sensor_msgs/msg/CompressedImage` overrides this.
    """

    rate = None  # a topic has the rate of its publisher
    realtime = True
    live = True

    def __init__(self, text: str) -> None:
        """Parse `text`; nothing is opened yet.

        Raises:
            SourceError: when it is no address, or names no topic.
            UsageError: for an invalid address of a rosbridge.
        """
        address = text[4:] if text.lower().startswith("ros:") else text
        try:
            parts = urlsplit(address if "://" in address else f"{_LOCAL}/{address.lstrip('/')}")
        except ValueError as error:
            raise SourceError(f"{without_password(text)}: not an address{reason_of(error, text)}") from None
        if "@" in address:
            raise SourceError(f"{without_password(text)}: a rosbridge takes no name and password; leave them out")
        self.topic = "/" + parts.path.strip("/")
        if self.topic == "/":
            raise SourceError(f"{text}: names no topic; expected ros:ws://host:9090/camera/image_raw/compressed")
        self.address = bridge_address(f"{parts.scheme}://{parts.netloc}")
        compressed = self.topic.endswith("compressed")
        guessed = "sensor_msgs/CompressedImage" if compressed else "sensor_msgs/Image"
        self.type = parse_qs(parts.query).get("type", [guessed])[0]
        self._bridge: Rosbridge | None = None
        self._closings = 0
        self._count = 0

    def open(self) -> None:
        """Connect and subscribe.

        Raises:
            MissingExtraError: when websockets is not installed.
            SourceError: when no rosbridge responds.
        """
        if self._bridge is not None:
            return
        bridge, closings = Rosbridge(self.address), self._closings
        bridge.open()
        if self._closings != closings:  # closed during the connection attempt
            bridge.close()
            return
        self._bridge, self._count = bridge, 0
        request = {"op": "subscribe", "topic": self.topic, "type": self.type}
        # A queue of one: over a slow connection, older pictures are then skipped, and the newest arrives.
        bridge.send({**request, "queue_length": 1, "throttle_rate": 0})

    def read(self) -> Frame | None:
        """Wait for the next picture, of several that have arrived the newest; None when closed.

        Raises:
            SourceError: when it was never opened, rosbridge is lost or reports an error, or sends no pictures.
        """
        bridge = self._bridge
        if bridge is None:
            if self._closings:
                return None
            raise SourceError(f"{self.address} was read before it was opened")
        bad = 0
        while (message := self._next_picture(bridge)) is not None:
            captured = time.monotonic()
            try:
                image = picture_of(message.get("msg"))
            except SourceError as error:
                bad += 1
                if bad == 1:
                    _log.warning("%s: %s", self.topic, error)
                if bad >= _MOST_BAD:
                    raise SourceError(f"{self.topic}: {error}; {bad} in a row") from error
                continue
            self._count += 1
            return Frame(image, captured, self._count - 1)
        return None

    def _next_picture(self, bridge: Rosbridge) -> dict[str, Any] | None:
        """Return the newest message of the topic that has arrived, or wait for one; None when closed.

        While a large picture is being decoded, others pile up in the connection, and would all pass for new ones.
        """
        newest, enough = None, float("inf")
        while self._bridge is bridge and time.monotonic() < enough:
            try:
                message = bridge.receive(_TURN if newest is None else 0.0)
            except SourceError:
                if newest is not None or self._bridge is not bridge:
                    break  # the error is raised again after this picture has been read
                raise
            if message is None and newest is not None:
                break
            message = message or {}
            if message.get("op") == "status" and message.get("level") == "error":
                raise SourceError(f"{self.address}: rosbridge refuses {self.topic} ({str(message.get('msg'))[:200]})")
            if message.get("op") == "publish" and message.get("topic") == self.topic:
                enough = time.monotonic() + _DRAINS_FOR if newest is None else enough
                newest = message
        return newest if self._bridge is bridge else None

    def close(self) -> None:
        """Disconnect; a waiting `read` returns None."""
        self._closings += 1
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()


def picture_of(message: Any) -> NDArray[np.uint8]:
    """Decode a sensor_msgs/Image or sensor_msgs/CompressedImage, as sent by rosbridge, to uint8 (H, W, 3) RGB.

    Raises:
        SourceError: for another message, a size that does not match the data, or an unsupported encoding.
    """
    if not isinstance(message, dict) or "data" not in message:
        raise SourceError("a message without a picture; expected sensor_msgs/Image or sensor_msgs/CompressedImage")
    data = _bytes(message["data"])
    try:
        return _raw(message, data) if "encoding" in message else _compressed(data)
    except cv2.error as error:
        raise SourceError(f"a picture that OpenCV cannot convert ({' '.join(str(error).split())[:200]})") from error


def _bytes(data: Any) -> bytes:
    """Decode the bytes of a field: base64 from most versions of rosbridge, a list of numbers from some."""
    try:
        if isinstance(data, int):  # `bytes` would make as many zeros of it
            raise TypeError("a number")
        return base64.b64decode(data, validate=True) if isinstance(data, str) else bytes(data)
    except (binascii.Error, TypeError, ValueError) as error:
        raise SourceError(f"a picture whose data cannot be decoded ({error})") from error


def _compressed(data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data)) as header:  # reads only the size, before decoding
            width, height = header.size
    except UnidentifiedImageError as error:
        raise SourceError("a compressed picture of no known kind") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"an invalid compressed picture ({error})") from error
    if width * height > _MOST_PIXELS:
        raise SourceError(f"a picture of {width}×{height}; expected at most {_MOST_PIXELS:,} pixels")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SourceError("a compressed picture that cannot be decoded")
    return rgb_from_opencv(np.asarray(image))


def _raw(message: dict[str, Any], data: bytes) -> NDArray[np.uint8]:
    encoding = str(message["encoding"]).lower()
    if encoding not in _ENCODINGS:
        raise SourceError(f"a picture in {encoding[:40]!r}; expected one of {', '.join(_ENCODINGS)}")
    channels, size, conversion = _ENCODINGS[encoding]
    try:
        width, height = int(message["width"]), int(message["height"])
        step = int(message.get("step") or 0) or width * channels * size
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SourceError(f"a picture without width or height ({error})") from error
    if min(width, height) < 1 or width * height > _MOST_PIXELS:
        raise SourceError(f"a picture of {width}×{height}")
    if channels == 2 and width % 2:  # two pixels share their colour
        raise SourceError(f"a picture of {width}×{height} in {encoding}; expected an even width")
    if step < width * channels * size or len(data) < step * height:
        raise SourceError(f"a picture of {width}×{height} in {encoding} with {len(data)} bytes, {step} per row")
    rows = np.frombuffer(data, np.uint8, step * height).reshape(height, step)[:, : width * channels * size]
    if size == 2:
        most_significant = 0 if message.get("is_bigendian") else 1
        rows = rows[:, most_significant::2]
    image = np.ascontiguousarray(rows).reshape(height, width, channels)
    return image if conversion is None else np.asarray(cv2.cvtColor(image, conversion), np.uint8)
