"""Readings for robots with ROS 1 or ROS 2, through rosbridge.

TOPIC/reading   std_msgs/String: the steady text as JSON (`Announcement.as_json`); on each change, and once a second
TOPIC/digit     std_msgs/Int32: the digit, where there is exactly one; else -1

Both are latched: later subscribers get the last one. A lost connection to rosbridge is retried.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from digitlab.camera.rosbridge import Rosbridge, bridge_address
from digitlab.camera.source import pause
from digitlab.errors import SourceError, UsageError, first_line
from digitlab.live.delivery import Health
from digitlab.live.live_reading import due

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.live_reading import Announcement, LiveReading

__all__ = ["DEFAULT_TOPIC", "RosOutlet"]

_log = logging.getLogger(__name__)

DEFAULT_TOPIC = "/digitlab"

_NAME = re.compile(r"/?[A-Za-z~][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")  # names of both ROS 1 and ROS 2
_NO_DIGIT = -1
_CHECK_EVERY = 1.0  # seconds for which a lost connection may go unnoticed while there is nothing to publish
_FAREWELL = 2.0


class RosOutlet:
    """Publishes each change of the steady text."""

    def __init__(self, address: str, say: Callable[[str], None], *, topic: str = DEFAULT_TOPIC) -> None:
        """Connect in the background.

        address: ws://host:9090
        say: called with a message when rosbridge is lost, reports an error, or is back

        Raises:
            UsageError: for an invalid address or topic.
            MissingExtraError: when websockets is not installed.
        """
        if not _NAME.fullmatch(topic):
            raise UsageError(f"--topic {topic!r}: expected a ROS name such as {DEFAULT_TOPIC}")
        self._address = bridge_address(address)
        self._topic = f"/{topic.strip('/')}" if not topic.startswith("~") else topic
        self._say = say
        self._said: str | None = None
        self.health = Health("ros")
        self._published_at: float | None = None
        self._digit: int | None = None  # the last one that was published
        self._next: Announcement | None = None
        self._last: Announcement | None = None
        self._closing = False
        self._changed = threading.Condition()
        Rosbridge.check()
        self._thread = threading.Thread(target=self._run, name="digitlab-ros", daemon=True)
        self._thread.start()

    def tell(self, live: LiveReading) -> None:
        """Publish a reading; never blocks."""
        if due(live, self._published_at):
            self._published_at = time.monotonic()
            with self._changed:
                self._next = live.announcement()
                self._changed.notify_all()

    def close(self) -> None:
        """Publish the last text, and disconnect."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(2.0 * _FAREWELL)
        if self._next is not None:
            self.health.failed(self.health.problem or f"{self._address}: the last text was not published", lost=1)

    def _run(self) -> None:
        failures = 0
        while not self._closing:
            begun = time.monotonic()
            try:
                with Rosbridge(self._address) as bridge:
                    self._advertise(bridge)
                    self.health.works()
                    self._tell_once(f"publishing to {self._address} as {self._topic}/reading and {self._topic}/digit")
                    failures = 0
                    self._publish_all(bridge)
            except SourceError as error:
                failures += 1
                self._fails(f"{error}; retrying")
            except Exception as error:  # noqa: BLE001 - the thread must live on: without it, nothing is published
                failures += 1
                _log.debug("publishing failed", exc_info=True)
                reason = f"{type(error).__name__}: {first_line(error)}"
                self._fails(f"{self._address}: publishing failed ({reason}); retrying")
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closing, max(0.05, begun + pause(max(1, failures)) - time.monotonic())
                )

    def _advertise(self, bridge: Rosbridge) -> None:
        self._digit = None
        for name, kind in (("reading", "std_msgs/String"), ("digit", "std_msgs/Int32")):
            bridge.send({"op": "advertise", "topic": f"{self._topic}/{name}", "type": kind, "latch": True})
        if self._last is not None and self._next is None:
            self._next = self._last  # a restarted rosbridge has no latched message

    def _publish_all(self, bridge: Rosbridge) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._closing, _CHECK_EVERY)
                news, self._next = self._next, None
                closing = self._closing
            if news is not None:
                self._last = news
                digit = _NO_DIGIT if news.digit is None else news.digit
                self._publish(bridge, "reading", json.dumps(news.as_json()))
                if digit != self._digit:
                    self._publish(bridge, "digit", digit)
                    self._digit = digit
            while (answer := bridge.receive(0.0)) is not None:
                if answer.get("op") == "status" and answer.get("level") == "error":
                    self._fails(f"{self._address} reports an error: {str(answer.get('msg'))[:200]}")
            if closing:
                for name in ("reading", "digit"):
                    bridge.send({"op": "unadvertise", "topic": f"{self._topic}/{name}"})
                return

    def _publish(self, bridge: Rosbridge, name: str, data: Any) -> None:
        bridge.send({"op": "publish", "topic": f"{self._topic}/{name}", "msg": {"data": data}})

    def _fails(self, text: str) -> None:
        self.health.failed(text)
        self._tell_once(text)

    def _tell_once(self, text: str) -> None:
        if text != self._said and not self._closing:
            self._said = text
            self._say(text)
