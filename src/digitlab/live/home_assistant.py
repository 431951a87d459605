"""Home Assistant's discovery messages, which make it show the readings of an MQTT topic automatically.

One device with five entities: the number, its confidence and age, the last good number, and whether somebody draws.
They become unavailable when the session ends, and when nothing has been confirmed for `_EXPIRES` seconds.
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["discovery"]

_PREFIX = "homeassistant"
_EXPIRES = 10  # seconds; readings are confirmed every second

# Component, object, and its settings beside those that all have in common. "nothing": an empty state would be ignored.
_ENTITIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "sensor",
        "number",
        {
            "name": "Number",
            "icon": "mdi:draw",
            "value_template": "{{ 'nothing' if value_json.text == '' else value_json.text }}",
        },
    ),
    (
        "sensor",
        "confidence",
        {
            "name": "Confidence",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "value_template": "{{ None if value_json.confidence is none else (100 * value_json.confidence) | int }}",
        },
    ),
    (
        "sensor",
        "age",
        {
            "name": "Age",
            "unit_of_measurement": "s",
            "device_class": "duration",
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.age }}",
        },
    ),
    (
        "sensor",
        "last_good",
        {
            "name": "Last good number",
            "icon": "mdi:history",
            "value_template": "{{ None if value_json.last is none else value_json.last.text }}",
        },
    ),
    (
        "binary_sensor",
        "drawing",
        {
            "name": "Somebody draws",
            "icon": "mdi:pencil",
            "payload_on": "ON",
            "payload_off": "OFF",
            "value_template": "{{ 'ON' if value_json.drawing else 'OFF' }}",
        },
    ),
)


def discovery(topic: str) -> Iterator[tuple[str, str]]:
    """Yield the discovery messages for what is published to ``topic``, as topics and payloads; all must be retained.

    >>> [place.rsplit("/", 2)[1] for place, _ in discovery("robot/digits")]
    ['number', 'confidence', 'age', 'last_good', 'drawing']
    """
    # Home Assistant ignores a message whose topic has other characters than ASCII letters, digits, _ and -.
    own = re.sub(r"\W+", "_", topic, flags=re.ASCII)[:40] + "_" + sha256(topic.encode()).hexdigest()[:6]
    device = {
        "identifiers": [f"digitlab_{own}"],
        "name": f"Digits ({topic})",
        "manufacturer": "digitlab",
        "sw_version": VERSION,
    }
    for component, name, about in _ENTITIES:
        says = {
            **about,
            "unique_id": f"digitlab_{own}_{name}",
            "object_id": f"digitlab_{own}_{name}",
            "state_topic": topic,
            "availability_topic": f"{topic}/state",
            "payload_available": "online",
            "payload_not_available": "offline",
            "expire_after": _EXPIRES,
            "device": device,
        }
        if name in ("number", "last_good"):
            says["json_attributes_topic"] = topic
        yield f"{_PREFIX}/{component}/digitlab_{own}/{name}/config", json.dumps(says)
