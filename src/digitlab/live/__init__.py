"""A source and a reader make a stream of readings, steady over time."""

from __future__ import annotations

from digitlab.live.engine import LiveEngine
from digitlab.live.frame_reading import MODES, Mode
from digitlab.live.region import Region, box_of_text
from digitlab.live.session import ImageReader, LiveReading, watch
from digitlab.live.settings import remembered_region
from digitlab.live.snapshot import Change, Snapshot
from digitlab.live.statistics import LiveStatistics
from digitlab.live.steady import Steady
from digitlab.live.tracks import Pace, Track, Tracker

__all__ = [
    "MODES",
    "Change",
    "ImageReader",
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
    "watch",
]
