"""Readings for robots and home automation, over MQTT.

TOPIC          the steady text as JSON (`Announcement.as_json`), retained; on each change, and once a second
TOPIC/number   each number of the page, reported once: {"number", "text", "box", "confidence"}
TOPIC/state    "online" or "offline", retained; "offline" is also the last will, which the broker publishes for us

All with quality of service 1. The client reconnects automatically, and then publishes the current steady text.

paho keeps what the broker has not confirmed, and sends it again after a reconnection, behind what is published in
`on_connect`. So only one text is on its way at a time, and the next one is published when it is confirmed: after a
broker has hung, it gets the newest text alone, and last of all.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from digitlab.camera.address import reason_of
from digitlab.errors import MissingExtraError, UsageError, first_line
from digitlab.live.delivery import Health
from digitlab.live.home_assistant import discovery
from digitlab.live.live_reading import due

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.live_reading import Announcement, LiveReading

__all__ = ["NOTHING_READ", "Broker", "MqttOutlet"]

_log = logging.getLogger(__name__)

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PASSWORD = "DIGITLAB_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
_KEEP_ALIVE = 20  # seconds; the broker publishes the last will after one and a half times that
_LONGEST_PAUSE = 30  # seconds between two attempts to connect
_FAREWELL = 2.0  # seconds for the last messages
_TURN = 0.2  # polling interval in seconds: a wait for a confirmation checks whether the session ends
_MOST_TEXTS = 100  # changes of the text that wait to be published
_MOST_WAITING = 1000  # messages, nearly all of them numbers, that wait for a confirmation: 200 kB
# What is retained from an earlier session must not pass for a reading of this one.
NOTHING_READ: dict[str, Any] = {
    "text": None, "digit": None, "digits": [], "confidence": None, "time": None, "age": None, "drawing": False,
    "last": None, "frame": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broker:
    """The address of an MQTT broker, and the topic.

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
        """Parse mqtt://[user:password@]host[:port]/topic; mqtts:// is the same over TLS.

        If it has no password, that of ``$DIGITLAB_MQTT_PASSWORD`` is used, because other users can see command lines.

        Raises:
            UsageError: when it is not such an address.
        """
        expected = "expected mqtt://[user:password@]host[:port]/topic"
        if "#" in text or "?" in text:  # else what follows would be cut off
            raise UsageError(f"--mqtt: # and ? are written as %23 and %3F, and no topic has #; {expected}")
        try:
            parts = urlsplit(text)
            port = parts.port
            (parts.hostname or "").encode("idna")  # as on connecting, where it would end the client's thread
        except ValueError as error:
            raise UsageError(f"--mqtt: not the address of a broker{reason_of(error, text)}; {expected}") from None
        topic = unquote(parts.path).strip("/")
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise UsageError(f"--mqtt: not the address of a broker; {expected}")
        if not topic or set(topic) & set("+#\0") or len(topic.encode()) > 60_000:
            raise UsageError(f"--mqtt: {topic!r} is not a topic to publish to; {expected}, without + and #")
        user = None if parts.username is None else unquote(parts.username)
        password = os.environ.get(_PASSWORD) if parts.password is None else unquote(parts.password)
        encrypted = parts.scheme == "mqtts"
        return cls(parts.hostname, port or _PORTS[parts.scheme], topic, user, password, encrypted)

    def __str__(self) -> str:
        """Return the address for messages, without user and password."""
        return f"{'mqtts' if self.encrypted else 'mqtt'}://{self.host}:{self.port}/{self.topic}"


class MqttOutlet:
    """Publishes each change of the steady text, and repeats it every second."""

    def __init__(self, broker: Broker, say: Callable[[str], None], *, announced: bool = False) -> None:
        """Connect in the background.

        announced: whether the readings are announced to Home Assistant
        say: called with a message when the broker is lost, refuses the connection, or is back

        Raises:
            MissingExtraError: when paho-mqtt is not installed.
        """
        try:
            from paho.mqtt import client as mqtt
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError as error:
            raise MissingExtraError("mqtt", needed_for="--mqtt") from error
        self._broker = broker
        self._say = say
        self._said: str | None = None
        self.health = Health("mqtt")
        self._unconfirmed = False  # whether a text was published that the broker has not confirmed
        self._news: deque[Announcement] = deque(maxlen=_MOST_TEXTS)  # to be published, the newest last
        self._last: Announcement | None = None  # the one published before them
        self._online: Any = None  # paho's record of the message "online" of this connection; None without one
        self._published_at: float | None = None
        self._announced = announced
        self._full = mqtt.MQTT_ERR_QUEUE_SIZE
        self._closing, self._until = False, float("inf")
        self._changed = threading.Condition()
        name = f"digitlab-{uuid.uuid4().hex[:12]}"
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.encrypted:
            client.tls_set()
        client.will_set(self._state, "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, _LONGEST_PAUSE)
        client.max_queued_messages_set(_MOST_WAITING)
        client.on_connect = self._connected
        client.on_connect_fail = self._not_found
        client.on_disconnect = self._disconnected
        client.connect_async(broker.host, broker.port, _KEEP_ALIVE)
        client.loop_start()
        self._sender = threading.Thread(target=self._publish_texts, name="digitlab-mqtt", daemon=True)
        self._sender.start()

    @property
    def _state(self) -> str:
        return f"{self._broker.topic}/state"

    def tell(self, live: LiveReading) -> None:
        """Publish a reading; never blocks."""
        for number in live.numbers:
            if not self._client.is_connected():
                self.health.lose(1)
            else:
                sent = self._client.publish(f"{self._broker.topic}/number", json.dumps(number.as_json()), qos=1)
                if sent.rc == self._full:
                    self.health.lose(1)
                    self._tell_once(f"{self._broker} confirms nothing; numbers are dropped")
        if due(live, self._published_at):
            self._published_at = time.monotonic()
            with self._changed:
                if self._news and not live.changed:  # the same text, seen again
                    self._news.pop()
                self._news.append(live.announcement())
                if self._online is None:
                    self._keep_newest()
                self._changed.notify_all()

    def close(self) -> None:
        """Publish the last text and "offline", and disconnect."""
        with self._changed:
            if self._news:  # of a session so short that it has not connected yet
                self._changed.wait_for(lambda: self._online is not None or self._said is not None, _FAREWELL)
            self._closing, self._until = True, time.monotonic() + _FAREWELL
            self._changed.notify_all()
        self._sender.join(2.0 * _FAREWELL)
        client, confirmed = self._client, True
        if client.is_connected():
            sent = client.publish(self._state, "offline", qos=1, retain=True)
            confirmed = self._is_confirmed(sent)
        if confirmed:
            client.disconnect()
        elif (connection := client.socket()) is not None:
            # Without a farewell, the broker publishes the last will.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # type: ignore[arg-type]  # a socket, or TLS on one
        if self._news or self._unconfirmed or not confirmed:
            self.health.failed(self.health.problem or f"{self._broker}: the last text was not confirmed", lost=1)
        # It waits for the client's thread, which may be looking up a host name.
        ending = threading.Thread(target=client.loop_stop, name="digitlab-mqtt-closing", daemon=True)
        ending.start()
        ending.join(_FAREWELL)

    # The sender's thread.

    def _publish_texts(self) -> None:
        """Publish what `tell` is given, until closed; an unexpected error must not silence the session."""
        while True:
            try:
                self._publish_until_closed()
            except Exception as error:  # noqa: BLE001
                _log.debug("a text could not be published", exc_info=True)
                self.health.lose(1)
                reason = f"{type(error).__name__}: {first_line(error)}"
                self._fails(f"{self._broker}: a text could not be published ({reason})")
            else:
                return

    def _publish_until_closed(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or (self._news and self._online is not None))
                if not self._news or self._online is None:
                    return
                online = self._online
            # When that is confirmed, all that was unconfirmed before this connection has been sent again.
            confirmed = self._is_confirmed(online)
            with self._changed:
                if not confirmed and not self._closing:  # disconnected again
                    self._changed.wait(_TURN)
                    continue
                self._last = news = self._news.popleft()
            self._unconfirmed = not self._is_confirmed(self._publish(json.dumps(news.as_json())))
            if not self._unconfirmed:
                self.health.works()

    def _keep_newest(self) -> None:
        while len(self._news) > 1:
            self._news.popleft()

    def _publish(self, payload: str) -> Any:
        return self._client.publish(self._broker.topic, payload, qos=1, retain=True)

    def _is_confirmed(self, sent: Any) -> bool:
        """Wait until the broker has confirmed a message, however often we reconnect; when closing, not for long.

        Returns False if it is not sent at all: the connection has just been lost.
        """
        try:
            while not sent.is_published() and time.monotonic() < self._until:
                sent.wait_for_publish(_TURN)
            return bool(sent.is_published())
        except (RuntimeError, ValueError):
            return False

    # Callbacks: run in the client's own thread.

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:  # noqa: ARG002
        if reason.is_failure:
            self._fails(f"{self._broker} refuses the connection ({reason}); retrying")
            return
        for place, payload in discovery(self._broker.topic) if self._announced else ():
            client.publish(place, payload, qos=1, retain=True)
        with self._changed:
            self._keep_newest()
            if not self._news and self._last is not None:
                self._news.append(self._last)
            elif not self._news:
                self._publish(json.dumps(NOTHING_READ))
            self._online = client.publish(self._state, "online", qos=1, retain=True)
            self._changed.notify_all()
        self.health.works()
        self._tell_once(f"publishing to {self._broker}")

    def _not_found(self, client: Any, userdata: Any) -> None:  # noqa: ARG002
        self._fails(f"{self._broker} does not respond; retrying")

    def _disconnected(
        self,
        client: Any,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        flags: Any,  # noqa: ARG002
        reason: Any,
        properties: Any,  # noqa: ARG002
    ) -> None:
        with self._changed:
            self._online = None
        # A refusal, which has been reported already, is followed by a disconnection.
        if not self._closing and not (self._said or "").startswith(f"{self._broker} refuses"):
            self._fails(f"{self._broker}: connection lost ({reason}); retrying")

    def _fails(self, text: str) -> None:
        if not self._closing:
            self.health.failed(text)
        self._tell_once(text)

    def _tell_once(self, text: str) -> None:
        if text != self._said and not self._closing:
            self._said = text
            with contextlib.suppress(OSError):  # an error would end paho's thread, and with it the connection
                self._say(text)
            with self._changed:
                self._changed.notify_all()
