import json

from hypothesis import given
from hypothesis import strategies as st

from digitlab.live import LiveReading, LiveStatistics
from digitlab.values import Reading


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
