"""Readings for robots and home automation, over MQTT.

TOPIC         the steady text as JSON, retained: {"text", "digit", "digits", "confidence", "time", "frame"}
TOPIC/state   "online" or "offline", retained; the broker says "offline" for us when we vanish

Both with quality of service 1. A broker that is away is asked again by itself; what is steady then is told at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from digitlab.errors import MissingExtraError, UsageError
from digitlab.live.announcement import announcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.session import LiveReading

__all__ = ["Broker", "MqttOutlet"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PASSWORD = "DIGITLAB_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
_KEEP_ALIVE = 20  # seconds; the broker says "offline" for us after one and a half times that
_LONGEST_PAUSE = 30  # seconds from one try to the next
_FAREWELL = 2.0  # seconds for the last messages


@dataclass(frozen=True, slots=True)
class Broker:
    """Where an MQTT broker is, and what to publish under.

    encrypted: TLS with the system's certificates
    """

    host: str
    port: int
    topic: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    encrypted: bool = False

    @classmethod
    def parse(cls, text: str) -> Broker:
        """Take mqtt://[user:password@]host[:port]/topic apart; mqtts:// is the same over TLS.

        A password that is not in it is taken from ``$DIGITLAB_MQTT_PASSWORD``: other users see command lines.

        Raises:
            UsageError: when it is something else.
        """
        expected = "expected mqtt://[user:password@]host[:port]/topic"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"--mqtt: {error}; {expected}") from None
        topic = unquote(parts.path).strip("/")
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise UsageError(f"--mqtt: no broker's address; {expected}")
        if not topic or set(topic) & set("+#\0") or len(topic.encode()) > 60_000:
            raise UsageError(f"--mqtt: {topic!r} is no topic to publish under; {expected}, without + and #")
        user = None if parts.username is None else unquote(parts.username)
        password = os.environ.get(_PASSWORD) if parts.password is None else unquote(parts.password)
        encrypted = parts.scheme == "mqtts"
        return cls(parts.hostname, port or _PORTS[parts.scheme], topic, user, password, encrypted)

    def __str__(self) -> str:
        """For messages: without user and password."""
        return f"{'mqtts' if self.encrypted else 'mqtt'}://{self.host}:{self.port}/{self.topic}"


class MqttOutlet:
    """Publishes each change of the steady text."""

    def __init__(self, broker: Broker, say: Callable[[str], None]) -> None:
        """Connect in the background.

        say: told when the broker is lost, refuses us, or is back

        Raises:
            MissingExtraError: without paho-mqtt.
        """
        try:
            from paho.mqtt import client as mqtt
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError as error:
            raise MissingExtraError("mqtt", needed_for="--mqtt") from error
        self._broker = broker
        self._say = say
        self._said: str | None = None
        self._last: str | None = None
        self._closing = False
        self._lock = threading.Lock()
        name = f"digitlab-{uuid.uuid4().hex[:12]}"
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.encrypted:
            client.tls_set()
        client.will_set(self._state, "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, _LONGEST_PAUSE)
        # While the broker is away nothing is queued but by us: the newest text alone.
        client.max_queued_messages_set(10)
        client.on_connect = self._connected
        client.on_connect_fail = self._not_found
        client.on_disconnect = self._disconnected
        client.connect_async(broker.host, broker.port, _KEEP_ALIVE)
        client.loop_start()

    @property
    def _state(self) -> str:
        return f"{self._broker.topic}/state"

    def tell(self, live: LiveReading) -> None:
        """Take a reading; never waits."""
        if live.changed:
            with self._lock:
                self._last = json.dumps(announcement(live).as_json())
                if self._client.is_connected():
                    self._client.publish(self._broker.topic, self._last, qos=1, retain=True)

    def close(self) -> None:
        """Say "offline" and disconnect."""
        self._closing = True
        if self._client.is_connected():
            with contextlib.suppress(RuntimeError, ValueError):  # lost this moment: then the broker says it for us
                self._client.publish(self._state, "offline", qos=1, retain=True).wait_for_publish(_FAREWELL)
        self._client.disconnect()
        self._client.loop_stop()

    # What follows runs in the client's own thread.

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:  # noqa: ARG002
        if reason.is_failure:
            self._tell_once(f"{self._broker} refuses us ({reason}); trying again")
            return
        with self._lock:
            client.publish(self._state, "online", qos=1, retain=True)
            if self._last is not None:
                client.publish(self._broker.topic, self._last, qos=1, retain=True)
        self._tell_once(f"publishing to {self._broker}")

    def _not_found(self, client: Any, userdata: Any) -> None:  # noqa: ARG002
        self._tell_once(f"{self._broker} does not answer; trying again")

    def _disconnected(
        self,
        client: Any,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        flags: Any,  # noqa: ARG002
        reason: Any,
        properties: Any,  # noqa: ARG002
    ) -> None:
        # A refusal is followed by a disconnection, and was said.
        if not self._closing and not (self._said or "").startswith(f"{self._broker} refuses"):
            self._tell_once(f"{self._broker} was lost ({reason}); trying again")

    def _tell_once(self, text: str) -> None:
        if text != self._said and not self._closing:
            self._said = text
            self._say(text)
