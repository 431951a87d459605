"""A source and a reader make a stream of readings, steady over time."""

from __future__ import annotations

from digitlab.live.session import ImageReader, LiveReading, watch
from digitlab.live.statistics import LiveStatistics
from digitlab.live.steady import Steady

__all__ = ["ImageReader", "LiveReading", "LiveStatistics", "Steady", "watch"]
