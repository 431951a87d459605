import json
import threading
import time

import numpy as np
import pytest

from digitlab.camera import Recorded, Source
from digitlab.errors import SourceError
from digitlab.live import LiveReading, LiveStatistics, Steady, Track, watch
from digitlab.values import ReadDigit, Reading


@pytest.fixture
def images():
    """Thirty pictures; the reader below reads 7 in each."""
    return [np.full((4, 6, 3), 7, np.uint8)] * 30


class LevelReader:
    """Reads the grey level of a picture as its digit."""

    def __init__(self, pause=0.0):
        self.pause = pause

    def read(self, image):
        time.sleep(self.pause)
        return Reading((ReadDigit(int(image[0, 0, 0]), 0.98765, (1, 0, 5, 4), 0),), self.pause * 1000)


class Broken:
    def read(self, image):
        raise ValueError(f"the model is broken at {image.shape}")


class Silent(Source):
    rate = None
    realtime = True

    def __init__(self):
        self.closed = threading.Event()

    def open(self):
        pass

    def read(self):
        self.closed.wait()

    def close(self):
        self.closed.set()


def breaking(images):
    yield from images[:3]
    raise SourceError("the cable came out")


def test_every_frame_is_read_where_there_is_time(images):
    statistics = LiveStatistics()
    lives = list(watch(Recorded(images, realtime=False), LevelReader(), statistics=statistics))
    assert [live.frame_number for live in lives] == list(range(30))
    assert {live.reading.text for live in lives} == {"7"}
    assert (statistics.captured, statistics.read, statistics.dropped) == (30, 30, 0)


def test_a_slow_reader_of_a_live_source_keeps_up_by_dropping(images):
    statistics = LiveStatistics()
    lives = list(watch(Recorded(images, rate=200), LevelReader(pause=0.02), statistics=statistics))
    numbers = [live.frame_number for live in lives]
    assert numbers == sorted(set(numbers))
    assert statistics.dropped == 30 - len(lives) > 0
    assert statistics.captured == 30
    assert statistics.latency()["median"] >= 20.0


def test_times_are_measured(images):
    before = time.monotonic()
    lives = list(watch(Recorded(images[:5], rate=50), LevelReader(pause=0.01), keep="all"))
    after = time.monotonic()
    assert lives[0].seconds == 0.0
    for number, live in enumerate(lives):
        assert live.latency_ms >= 10.0
        assert live.seconds >= number / 50 - 1e-3
        assert before <= live.captured <= live.captured + live.latency_ms / 1000 <= after


def test_steadiness_comes_with_the_fourth_frame(images):
    lives = list(watch(Recorded(images[:6], realtime=False), LevelReader()))
    assert [live.steady for live in lives] == [None] * 3 + ["7"] * 3


def test_another_rule_of_steadiness_may_be_given(images):
    lives = watch(Recorded(images[:2], realtime=False), LevelReader(), steady=Steady(1, 1))
    assert [live.steady for live in lives] == ["7", "7"]


def test_an_interrupted_session_closes_its_source(images):
    statistics = LiveStatistics()
    lives = watch(Recorded(images, rate=100), LevelReader(), statistics=statistics)
    next(lives)
    lives.close()
    assert statistics.read == 1
    assert statistics.captured == statistics.read + statistics.dropped


def test_a_source_that_breaks_says_so_after_its_frames(images):
    lives = watch(Recorded(breaking(images), realtime=False), LevelReader())
    assert [next(lives).frame_number for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="the cable came out"):
        next(lives)


def test_a_reader_that_breaks_ends_the_session(images):
    with pytest.raises(ValueError, match="the model is broken"):
        list(watch(Recorded(images), Broken()))


def test_an_empty_source_gives_no_reading():
    assert list(watch(Recorded([]), LevelReader())) == []


def test_a_source_without_frames_is_given_up():
    with pytest.raises(SourceError, match=r"no frame for 0\.05 s"):
        list(watch(Silent(), LevelReader(), patience=0.05))


def test_a_slow_source_is_given_its_time(images):
    assert len(list(watch(Recorded(images[:2], rate=10), LevelReader(), patience=0.01))) == 2


def test_the_form_for_programs():
    digit = ReadDigit(4, 0.123456, (1, 2, 30, 40), 0)
    declined = ReadDigit(None, 0.3, (50, 2, 60, 40), 0)
    track = Track(3, (1, 2, 30, 40), 4, (0.0, 0.1, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0), 0, 7, changing=False)
    live = LiveReading(12, 1000.5, 0.40049, 33.3333, Reading((digit, declined), 21.987), "4", (track,), changed=True)
    assert json.loads(json.dumps(live.as_json())) == {
        "frame": 12,
        "time": 0.4,
        "text": "4?",
        "steady": "4",
        "digits": [
            {"digit": 4, "confidence": 0.1235, "box": [1, 2, 30, 40], "line": 0},
            {"digit": None, "confidence": 0.3, "box": [50, 2, 60, 40], "line": 0},
        ],
        "tracks": [{"track": 3, "digit": 4, "confidence": 0.9, "box": [1, 2, 30, 40], "line": 0}],
        "latency_ms": 33.33,
        "ms": 21.99,
    }
