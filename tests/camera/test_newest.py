import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.camera import NewestFrame, Recorded, Source
from digitlab.errors import SourceError
from digitlab.values import Frame


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread.name == "digitlab-frames" and thread not in before]
    assert not left


def taken(frames, pause=0.0):
    """The numbers of all frames that a consumer of this slowness gets."""
    numbers = []
    while (frame := frames.get(timeout=10)) is not None:
        numbers.append(frame.number)
        time.sleep(pause)
    return numbers


class Silent(Source):
    """A camera that never gives a frame."""

    rate = None
    realtime = True

    def __init__(self):
        self.closed = threading.Event()

    def open(self):
        self.closed.clear()

    def read(self):
        self.closed.wait()

    def close(self):
        self.closed.set()


def breaking(images, after):
    yield from images[:after]
    raise SourceError("the cable came out")


def test_a_slow_consumer_gets_newer_frames_and_the_rest_is_dropped(greys):
    with NewestFrame(Recorded(greys, rate=200)) as frames:
        numbers = taken(frames, pause=0.02)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == len(greys) - 1
    assert frames.captured == len(greys)
    assert frames.dropped == len(greys) - len(numbers) > 0


def test_a_frame_taken_late_is_the_newest(greys):
    with NewestFrame(Recorded(greys, rate=1000)) as frames:
        while frames.captured < len(greys):
            time.sleep(0.005)
        assert frames.get(timeout=10).number == len(greys) - 1
        assert frames.get(timeout=10) is None


@pytest.mark.parametrize("realtime", [True, False])
def test_nothing_is_dropped_where_all_are_kept(greys, realtime):
    with NewestFrame(Recorded(greys, rate=500, realtime=realtime), keep="all") as frames:
        assert taken(frames, pause=0.003) == list(range(len(greys)))
    assert (frames.captured, frames.dropped) == (len(greys), 0)


def test_what_is_kept_follows_the_source():
    assert NewestFrame(Recorded([], realtime=True)).keep == "newest"
    assert NewestFrame(Recorded([], realtime=False)).keep == "all"


@given(count=st.integers(0, 12), takes=st.integers(0, 14), keep=st.sampled_from(["newest", "all"]))
@settings(deadline=None, max_examples=40)
def test_once_closed_every_captured_frame_was_taken_or_dropped(count, takes, keep):
    images = [np.zeros((2, 2, 3), np.uint8)] * count
    with NewestFrame(Recorded(images, realtime=False), keep=keep) as frames:
        got = [frame for frame in (frames.get(timeout=5) for _ in range(takes)) if frame is not None]
    assert frames.captured == len(got) + frames.dropped


def test_the_end_is_told_from_a_wait(greys):
    with NewestFrame(Recorded(greys[:2], rate=4)) as frames:
        assert frames.get(timeout=10).number == 0
        assert frames.get(timeout=0.001) is None
        assert not frames.ended
        assert frames.get(timeout=10).number == 1
        assert frames.get(timeout=10) is None
        assert frames.ended


def test_an_empty_source_ends():
    with NewestFrame(Recorded([])) as frames:
        assert frames.get(timeout=10) is None
        assert frames.ended
    assert frames.first_captured is None


def test_a_source_that_breaks_gives_its_frames_first_and_then_its_error(greys):
    with NewestFrame(Recorded(breaking(greys, 3), realtime=False)) as frames:
        assert [frames.get(timeout=10).number for _ in range(3)] == [0, 1, 2]
        for _ in range(2):
            with pytest.raises(SourceError, match="the cable came out"):
                frames.get(timeout=10)
        assert not frames.ended


def test_a_source_that_cannot_be_opened_says_so_and_starts_no_thread():
    class Locked(Silent):
        def open(self):
            raise SourceError("in use")

    with pytest.raises(SourceError, match="in use"), NewestFrame(Locked()):
        pass


def test_a_source_without_a_first_frame_costs_only_the_timeout():
    with NewestFrame(Silent()) as frames:
        before = time.monotonic()
        assert frames.get(timeout=0.05) is None
        assert 0.04 < time.monotonic() - before < 5.0
        assert not frames.ended


def test_closing_frees_a_consumer_that_waits():
    with NewestFrame(Silent()) as frames:
        threading.Timer(0.05, frames.close).start()
        assert frames.get(timeout=30) is None
        assert frames.ended


def test_closing_frees_a_source_that_waits_for_room(greys):
    with NewestFrame(Recorded(greys, realtime=False)) as frames:
        while frames.captured < 1:
            time.sleep(0.001)
    assert frames.captured == frames.dropped == 1


def test_closing_frees_a_source_that_waits_for_the_time(greys):
    before = time.monotonic()
    with NewestFrame(Recorded(greys, rate=0.01)) as frames:
        assert frames.get(timeout=10).number == 0
    assert time.monotonic() - before < 5.0


def test_a_complaint_about_being_closed_is_no_error():
    class Complaining(Silent):
        def read(self):
            self.closed.wait()
            raise OSError("bad file descriptor")

    with NewestFrame(Complaining()) as frames:
        pass
    assert frames.get(timeout=0) is None


def test_close_may_come_twice_and_before_the_start():
    frames = NewestFrame(Silent())
    frames.close()
    with NewestFrame(Silent()) as frames:
        frames.close()


def test_a_stubborn_source_does_not_hold_up_closing(monkeypatch, caplog):
    let_go = threading.Event()

    class Stubborn(Silent):
        def read(self):
            let_go.wait()

    monkeypatch.setattr("digitlab.camera.newest._PATIENCE", 0.05)
    with NewestFrame(Stubborn()) as frames:
        pass
    assert "did not stop" in caplog.text
    let_go.set()
    frames._thread.join(5)


def test_the_time_of_the_first_frame_is_known_even_if_nobody_saw_it(greys):
    class Stamped(Silent):
        def __init__(self):
            super().__init__()
            self.stamps = iter(range(5))

        def read(self):
            stamp = next(self.stamps, None)
            return None if stamp is None else Frame(greys[0], captured=100.0 + stamp, number=stamp)

    with NewestFrame(Stamped(), keep="newest") as frames:
        while frames.captured < 5:
            time.sleep(0.001)
    assert frames.first_captured == 100.0
