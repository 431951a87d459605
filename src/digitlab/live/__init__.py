"""Turn a source and a reader into a stream of readings that are steady over time.

The settings of a session cost nothing to import; the modules that read are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab.live.config import Mode, Steadiness
from digitlab.live.region import Region, box_of_text

if TYPE_CHECKING:
    from digitlab.live.engine import LiveEngine
    from digitlab.live.live_reading import LiveReading, LiveStatistics
    from digitlab.live.remembered import remembered_region
    from digitlab.live.tracks import Track, Tracker

__all__ = [
    "LiveEngine", "LiveReading", "LiveStatistics", "Mode",
    "Region", "Steadiness", "Track", "Tracker", "box_of_text", "remembered_region",
]  # fmt: skip

_MODULES = {
    "LiveEngine": "engine",
    **dict.fromkeys(("LiveReading", "LiveStatistics"), "live_reading"),
    "remembered_region": "remembered",
    **dict.fromkeys(("Track", "Tracker"), "tracks"),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.live' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.live.{_MODULES[name]}"), name)
