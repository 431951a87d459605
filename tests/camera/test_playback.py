import threading
import time

import numpy as np
import pytest

from digitlab.camera import Recorded
from digitlab.errors import ShapeError, SourceError, UsageError


def drain(source):
    with source:
        return list(iter(source.read, None))


def test_frames_come_in_order_and_then_none(greys):
    source = Recorded(greys, rate=1000)
    with source:
        frames = list(iter(source.read, None))
        assert source.read() is None
    assert [frame.number for frame in frames] == list(range(len(greys)))
    assert [int(frame.image[0, 0, 0]) // 8 for frame in frames] == list(range(len(greys)))


def test_in_real_time_no_frame_leaves_before_it_is_due(greys):
    frames = drain(Recorded(greys, rate=200, realtime=True))
    passed = np.array([frame.captured for frame in frames]) - frames[0].captured
    assert (passed >= np.arange(len(frames)) / 200 - 1e-3).all()


def test_a_late_reader_does_not_slow_a_source_in_real_time(greys, monkeypatch):
    now = time.monotonic
    with Recorded(greys, rate=0.5) as source:
        source.read()
        monkeypatch.setattr(time, "monotonic", lambda: now() + 60)  # all frames are due by now, the last after 38 s
        before = now()
        assert len(list(iter(source.read, None))) == len(greys) - 1
    assert now() - before < 1.5  # less than to wait for a single one


def test_without_real_time_nothing_waits(greys):
    before = time.monotonic()
    assert len(drain(Recorded(greys, rate=0.5, realtime=False))) == len(greys)
    assert time.monotonic() - before < 2.0  # in real time: 38 s


def test_close_ends_a_read_that_waits_for_its_frame(greys):
    source = Recorded(greys, rate=0.01)
    source.open()
    source.read()
    threading.Timer(0.05, source.close).start()
    before = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - before < 5.0


def test_opened_again_it_starts_again(greys):
    source = Recorded(greys, realtime=False)
    assert len(drain(source)) == len(drain(source)) == len(greys)


def test_open_and_close_may_be_said_twice(greys):
    source = Recorded(greys, realtime=False)
    source.open()
    source.read()
    source.open()
    assert source.read().number == 1
    source.close()
    source.close()
    assert source.read() is None


def test_closing_an_unopened_source_does_nothing():
    Recorded([]).close()


def test_reading_before_opening_is_an_error(greys):
    with pytest.raises(SourceError, match="before it was opened"):
        Recorded(greys).read()


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_must_be_a_rate(rate):
    with pytest.raises(UsageError, match="frames per second"):
        Recorded([], rate)


def test_a_grey_picture_is_no_frame():
    with Recorded([np.zeros((4, 4), np.uint8)]) as source, pytest.raises(ShapeError):
        source.read()
