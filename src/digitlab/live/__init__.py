"""Live reading: frames of a camera in, a stream of readings and a steady text out."""

from __future__ import annotations

from digitlab.live.engine import LiveEngine
from digitlab.live.frame_reading import MODES, Mode
from digitlab.live.live_reading import LiveReading, LiveStatistics
from digitlab.live.region import Region, box_of_text
from digitlab.live.settings import remembered_region
from digitlab.live.snapshot import Change, Snapshot
from digitlab.live.tracks import Pace, Steady, Track, Tracker

__all__ = [
    "MODES",
    "Change",
    "LiveEngine",
    "LiveReading",
    "LiveStatistics",
    "Mode",
    "Pace",
    "Region",
    "Snapshot",
    "Steady",
    "Track",
    "Tracker",
    "box_of_text",
    "remembered_region",
]
