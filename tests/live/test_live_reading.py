import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.live import LiveReading, LiveStatistics, Track
from digitlab.values import ReadDigit, Reading


def reading(seconds, latency_ms):
    return LiveReading(0, 100.0 + seconds, seconds, latency_ms, Reading((), 1.0), None)


def collected(latencies):
    statistics = LiveStatistics()
    for number, latency in enumerate(latencies):
        statistics.add(reading(number * 0.1, latency))
    statistics.count(captured=2 * len(latencies), dropped=len(latencies))
    return statistics


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=200))
def test_latencies_are_ordered_and_are_ones_that_occurred(latencies):
    spread = collected(latencies).latency()
    assert set(spread.values()) <= set(latencies)
    assert spread["median"] <= spread["p95"] <= spread["p99"] <= spread["max"] == max(latencies)


def test_percentiles_of_a_hundred():
    assert collected(range(1, 101)).latency() == {"median": 50, "p95": 95, "p99": 99, "max": 100}


def test_the_rate_is_readings_over_the_time_until_the_last_was_ready():
    statistics = collected([100.0] * 10)  # captured at 0, 0.1 … 0.9 s
    assert statistics.summary()["seconds"] == 1.0
    assert statistics.summary()["frames_per_second"] == 10.0


def test_one_line_for_people():
    assert collected([100.0] * 10).describe() == (
        "20 frames captured, 10 read, 10 dropped; 10.0 frames/s over 1.0 s; "
        "latency median 100.0, p95 100.0, p99 100.0, max 100.0 ms"
    )


def test_nothing_is_claimed_where_nothing_was_read():
    statistics = LiveStatistics()
    assert statistics.describe() == "0 frames captured, 0 read, 0 dropped"
    assert json.loads(json.dumps(statistics.summary(), allow_nan=False)) == {
        "captured": 0,
        "read": 0,
        "dropped": 0,
        "seconds": 0.0,
        "frames_per_second": None,
        "latency_ms": None,
    }


def test_the_form_for_programs():
    digit = ReadDigit(4, 0.123456, (1, 2, 30, 40), 0)
    declined = ReadDigit(None, 0.3, (50, 2, 60, 40), 0)
    track = Track(3, (1, 2, 30, 40), 4, (0.0, 0.1, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0), 0, 7, changing=False)
    live = LiveReading(12, 1000.5, 0.40049, 33.3333, Reading((digit, declined), 21.987), "4", (track,), changed=True)
    form = json.loads(json.dumps(live.as_json()))
    assert form.pop("age") == pytest.approx(time.monotonic() - 1000.5, abs=5)
    assert form == {
        "frame": 12,
        "time": 0.4,
        "text": "4?",
        "steady": "4",
        "drawing": False,
        "digits": [
            {"digit": 4, "confidence": 0.1235, "box": [1, 2, 30, 40], "line": 0},
            {"digit": None, "confidence": 0.3, "box": [50, 2, 60, 40], "line": 0},
        ],
        "tracks": [{"track": 3, "digit": 4, "confidence": 0.9, "box": [1, 2, 30, 40], "line": 0}],
        "latency_ms": 33.33,
        "ms": 21.99,
    }
