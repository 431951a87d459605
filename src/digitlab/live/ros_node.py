"""The topics of a native ROS node: the steady text, its digit, numbers, and the detections of each frame.

~reading      std_msgs/String: the JSON of `Announcement`; on each change, and once a second with its age
~digit        std_msgs/Int32: the digit, where there is exactly one; else -1
~number       std_msgs/String: each number of the page, reported once: {"number", "text", "box", "confidence"}
~detections   vision_msgs/Detection2DArray: the digits of each frame, where vision_msgs is installed

The first two are latched. A restarted master is noticed within two seconds, and everything is registered again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from digitlab.errors import SourceError
from digitlab.live.delivery import Health
from digitlab.live.live_reading import due

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.camera.ros_native import RosClient
    from digitlab.camera.ros_topic import RosTopic
    from digitlab.live.live_reading import LiveReading

__all__ = ["NodeOutlet"]

_log = logging.getLogger(__name__)

_CHECK_EVERY = 1.0  # seconds between two checks of the master
_NO_DIGIT = -1


class NodeOutlet:
    """Publishes readings as a node. `source`: the header of each picture is copied into its detections."""

    def __init__(
        self, client: RosClient, say: Callable[[str], None], *, topic: str, source: RosTopic | None = None
    ) -> None:
        self._client, self._say, self._source = client, say, source
        self.health = Health("ros-node")
        self._topic = topic.rstrip("/")
        self._published_at: float | None = None
        self._said_digit: int | None = None
        self._reading = client.publisher(f"{self._topic}/reading", "std_msgs/String", latched=True)
        self._digit = client.publisher(f"{self._topic}/digit", "std_msgs/Int32", latched=True)
        self._number = client.publisher(f"{self._topic}/number", "std_msgs/String", latched=False)
        self._detections: Callable[[Any], None] | None = None
        try:
            self._detections = client.publisher(
                f"{self._topic}/detections", "vision_msgs/Detection2DArray", latched=False
            )
        except SourceError:
            _log.info("vision_msgs is not installed: no detections are published")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="digitlab-ros-master", daemon=True)
        self._thread.start()
        names = "reading, digit, number" + (
            ", detections" if self._detections is not None else "; vision_msgs is not installed"
        )
        say(f"node {client.name} (ROS {client.version}) publishes {self._topic}/: {names}")

    def tell(self, live: LiveReading) -> None:
        """Publish a reading."""
        for number in live.numbers:
            self._number({"data": json.dumps(number.as_json())})
        if due(live, self._published_at):
            self._published_at = time.monotonic()
            news = live.announcement()
            self._reading({"data": json.dumps(news.as_json())})
            digit = _NO_DIGIT if news.digit is None else news.digit
            if digit != self._said_digit:
                self._digit({"data": digit})
                self._said_digit = digit
        if self._detections is not None:
            self._detections(self._array(live))

    def close(self) -> None:
        """Stop watching the master; closing the node itself is up to its creator."""
        self._closing.set()
        self._thread.join(5.0)

    def _watch(self) -> None:
        gone = False
        while not self._closing.wait(_CHECK_EVERY):
            registered = self._client.registered(f"{self._topic}/reading")
            if registered is None and self._client.version == 1 and not gone:
                gone = True
                self.health.failed("the ROS master does not answer; waiting for it")
                self._say("the ROS master does not answer; waiting for it")
            elif registered is False:
                try:
                    self._client.renew()
                    if self._source is not None:
                        self._source.renew()
                    self._say("registered with a ROS master that was restarted")
                    gone = False
                    self.health.works()
                except Exception as error:  # noqa: BLE001 - the master may die again at any moment
                    _log.warning("cannot register: %s", error)
                    self.health.failed(f"cannot register with the ROS master ({error})")
            elif registered:
                gone = False
                self.health.works()

    def _array(self, live: LiveReading) -> Any:
        array = self._client.message("vision_msgs/Detection2DArray")
        header = None if self._source is None else self._source.header_of(live.captured)
        if header is not None:
            array.header = header
        array.detections = [
            self._detection(found, array.header) for found in live.reading.digits if found.digit is not None
        ]
        return array

    def _detection(self, found: Any, header: Any) -> Any:
        """Make a Detection2D, whose fields differ between ROS 1 and the versions of ROS 2."""
        detection = self._client.message("vision_msgs/Detection2D")
        detection.header = header
        x0, y0, x1, y1 = found.box
        centre = detection.bbox.center
        place = centre.position if hasattr(centre, "position") else centre
        place.x, place.y = (x0 + x1) / 2.0, (y0 + y1) / 2.0
        detection.bbox.size_x, detection.bbox.size_y = float(x1 - x0), float(y1 - y0)
        result = self._client.message("vision_msgs/ObjectHypothesisWithPose")
        if hasattr(result, "hypothesis"):
            result.hypothesis.class_id, result.hypothesis.score = str(found.digit), float(found.confidence)
        else:
            result.id, result.score = int(found.digit), float(found.confidence)
        detection.results = [result]
        return detection
