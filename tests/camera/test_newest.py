import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.camera import NewestFrame, Recorded, Source, SourceState
from digitlab.errors import MissingExtraError, SourceError, WrongSourceError
from digitlab.values import Frame


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if "digitlab-frames" in thread.name and thread not in before]
    assert not left


def taken(frames, pause=0.0):
    """The numbers of all frames that a consumer of this slowness gets."""
    numbers = []
    while (frame := frames.get(timeout=10)) is not None:
        numbers.append(frame.number)
        time.sleep(pause)
    return numbers


def join_readers():
    for thread in threading.enumerate():
        if thread.name == "digitlab-frames-reader":
            thread.join(5)


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


def test_a_source_that_cannot_be_opened_says_so():
    class Locked(Silent):
        def open(self):
            raise SourceError("in use")

    with NewestFrame(Locked(), reconnect=True) as frames:
        with pytest.raises(SourceError, match="in use"):
            frames.get(timeout=10)
        assert frames.state is SourceState.ENDED
        assert frames.problem == "in use"


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
    with NewestFrame(Stubborn()):
        time.sleep(0.05)
    assert "keeps running" in caplog.text
    let_go.set()
    join_readers()


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


class Camera(Silent):
    """A live source that does what it is told: each `open` takes the next script, a list of seconds before each frame.

    A script that ends in an error raises it; one that just ends waits for ever. An error instead of a script is raised
    by `open`.
    """

    live = True

    def __init__(self, *scripts):
        super().__init__()
        self.scripts = iter(scripts)
        self.opened = []

    def open(self):
        super().open()
        self.opened.append(time.monotonic())
        script = next(self.scripts, [])
        if isinstance(script, Exception):
            raise script
        self.steps, self.number = iter(script), 0

    def read(self):
        step = next(self.steps, 1000.0)
        if isinstance(step, Exception):
            raise step
        if self.closed.wait(step):
            return None
        self.number += 1
        return Frame(np.zeros((4, 4, 3), np.uint8), captured=time.monotonic(), number=self.number - 1)


GONE = SourceError("the cable came out")


@pytest.fixture
def quick(monkeypatch):
    """Seconds become hundredths."""
    monkeypatch.setattr("digitlab.camera.newest.STALLED_AFTER", 0.2)
    monkeypatch.setattr("digitlab.camera.newest.GIVEN_UP_AFTER", 0.4)
    monkeypatch.setattr("digitlab.camera.newest.FIRST_FRAME_WITHIN", 1.2)
    monkeypatch.setattr("digitlab.camera.newest.pause", lambda failures: 0.02 * failures)


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_camera_that_breaks_is_had_again(quick):
    told = []
    source = Camera([0.0, 0.0, GONE], SourceError("not there"), OSError("nor now"), [0.0, 0.0])
    with NewestFrame(source, keep="all", reconnect=True, on_change=told.append) as frames:
        assert [frames.get(timeout=10).number for _ in range(4)] == [0, 1, 2, 3]
        assert frames.state is SourceState.RUNNING
    assert frames.reconnects == 1
    assert frames.captured == 4
    assert [(status.state.value, status.problem) for status in told] == [
        ("connecting", None),
        ("running", None),
        ("reconnecting", "the cable came out"),
        ("reconnecting", "not there"),
        ("reconnecting", "nor now"),
        ("running", None),
        ("ended", None),
    ]
    assert [status.since for status in told] == sorted(status.since for status in told)


def test_without_reconnecting_the_error_is_the_end(quick):
    with NewestFrame(Camera([0.0, GONE], [0.0])) as frames:
        frames.get(timeout=10)
        with pytest.raises(SourceError, match="cable"):
            frames.get(timeout=10)


def test_a_file_is_not_had_again(greys):
    with NewestFrame(Recorded(breaking(greys, 1), realtime=False), reconnect=True) as frames:
        frames.get(timeout=10)
        with pytest.raises(SourceError, match="cable"):
            frames.get(timeout=10)


def test_one_that_insists_waits_for_a_camera_that_was_never_there(quick):
    with NewestFrame(Camera(GONE, GONE, [0.0]), reconnect=True, insist=True) as frames:
        assert frames.get(timeout=10).number == 0
        assert frames.reconnects == 0


@pytest.mark.parametrize("error", [WrongSourceError("not a proxy"), MissingExtraError("ice", needed_for="Ice")])
def test_what_no_further_attempt_can_mend_ends_at_once_even_one_that_insists(quick, error):
    source = Camera(error, [0.0])
    with NewestFrame(source, reconnect=True, insist=True) as frames:
        with pytest.raises(type(error), match=str(error)[:12]):
            frames.get(timeout=10)
        assert (frames.state, frames.problem) == (SourceState.ENDED, str(error))
    assert len(source.opened) == 1


def test_a_camera_that_was_there_is_tried_again_whatever_it_answers(quick):
    """A password may be unknown to a camera that is just starting."""
    with NewestFrame(Camera([0.0, GONE], WrongSourceError("rejects"), [0.0]), reconnect=True) as frames:
        assert [frames.get(timeout=10).number for _ in range(2)] == [0, 1]


def test_a_slow_camera_that_does_not_tell_its_rate_is_reconnected_twice_at_most(quick):
    """Twice as slow as the time after which a fast one is lost; the first two frames come at once, as from some."""
    connection = [0.0, 0.0, *[0.8] * 9]
    source = Camera(connection, connection, connection)
    with NewestFrame(source, keep="all", reconnect=True) as frames:
        read = 0
        while frames.get(timeout=10) is not None:
            read += 1
            if read >= 9:
                break
        assert 1 <= frames.reconnects <= 2
        assert frames.state is SourceState.RUNNING  # by now its rate is known
    assert len(source.opened) == frames.reconnects + 1


def test_a_slow_camera_that_falls_silent_is_lost_after_three_of_its_intervals(quick):
    told = []
    source = Camera([0.0, *[0.3] * 5], [0.0])
    with NewestFrame(source, keep="all", reconnect=True, on_change=told.append) as frames:
        for _ in range(7):
            assert frames.get(timeout=10) is not None
    lost = next(status for status in told if status.state is SourceState.RECONNECTING)
    seconds = float(lost.problem.removeprefix("no frame for ").removesuffix(" s"))
    assert 0.9 <= seconds < 1.1 + 1.0  # the machine may be busy


def test_a_fast_camera_is_still_lost_at_once(quick):
    told = []
    source = Camera([0.0, *[0.01] * 8], [0.0])
    with NewestFrame(source, keep="all", reconnect=True, on_change=told.append) as frames:
        for _ in range(10):
            assert frames.get(timeout=10) is not None
    assert "no frame for 0.4 s" in [status.problem for status in told if status.state is SourceState.RECONNECTING]


def test_a_fault_of_the_program_is_not_tried_again(quick):
    with NewestFrame(Camera([0.0, ZeroDivisionError("bug")], [0.0]), reconnect=True) as frames:
        frames.get(timeout=10)
        with pytest.raises(ZeroDivisionError):
            frames.get(timeout=10)


def test_a_camera_that_falls_silent_is_stalled_and_runs_on(quick):
    told = []
    with NewestFrame(Camera([0.0, 0.5, 0.0]), on_change=told.append) as frames:
        assert frames.get(timeout=10).number == 0
        until(lambda: frames.state is SourceState.STALLED)
        assert frames.problem == "no frame for 0.2 s"
        assert frames.latest.number == 0
        assert frames.get(timeout=10) is not None
        until(lambda: frames.problem is None)
    assert [status.state.value for status in told][:4] == ["connecting", "running", "stalled", "running"]


def test_a_camera_that_stays_silent_is_asked_again(quick):
    told = []
    with NewestFrame(Camera([0.0], [0.0]), reconnect=True, on_change=told.append) as frames:
        assert frames.get(timeout=10).number == 0
        assert frames.get(timeout=10).number == 1
    assert [status.state.value for status in told][:5] == [
        "connecting",
        "running",
        "stalled",
        "reconnecting",
        "running",
    ]


@pytest.mark.parametrize("how", ["suspended", "asleep"])
def test_what_a_camera_kept_while_we_were_stopped_is_not_taken_for_new(quick, monkeypatch, how):
    """Both threads of ours stand still meanwhile, so that the one that reads may be the first to go on."""
    slept = [0.0]
    monkeypatch.setattr("digitlab.camera.newest.seconds_asleep", lambda: slept[0])

    class Keeping(Camera):
        def read(self):
            if len(self.opened) == 1 and self.number == 2:  # its third picture waited for us
                if how == "asleep":
                    slept[0] += 3600.0
                else:
                    attempts[0].last_sign -= 60.0
            return super().read()

    attempts = []
    real = NewestFrame._see_through

    def see_through(self, attempt):
        attempts.append(attempt)
        return real(self, attempt)

    monkeypatch.setattr(NewestFrame, "_see_through", see_through)
    told = []
    source = Keeping([0.0, 0.05, 0.05, 0.05], [0.05] * 3)
    with NewestFrame(source, reconnect=True, on_change=told.append) as frames:
        until(lambda: frames.reconnects == 1)
        until(lambda: frames.captured >= 4)
        assert len(source.opened) == 2
    assert any("suspended" in (status.problem or "") for status in told)


def test_a_camera_without_a_first_frame_is_given_up(monkeypatch):
    monkeypatch.setattr("digitlab.camera.newest.FIRST_FRAME_WITHIN", 0.1)
    with NewestFrame(Camera([])) as frames, pytest.raises(SourceError, match=r"no frame within 0\.1 s"):
        frames.get(timeout=10)


def test_a_consumer_that_takes_its_time_does_not_stall_the_source(quick):
    with NewestFrame(Camera([0.0] * 5), keep="all") as frames:
        frames.get(timeout=10)
        time.sleep(0.5)
        assert frames.state is SourceState.RUNNING


def test_a_source_slower_than_the_limit_is_not_stalled(quick):
    with NewestFrame(Recorded([np.zeros((4, 4, 3), np.uint8)] * 3, rate=3)) as frames:
        frames.get(timeout=10)
        time.sleep(0.3)
        assert frames.state is SourceState.RUNNING


def test_a_read_that_hangs_is_left_behind_and_does_not_disturb(quick, caplog):
    caplog.set_level("INFO")
    let_go = threading.Event()

    class Hanging(Camera):
        def read(self):
            if len(self.opened) == 1 and self.number == 1:
                self.number += 1
                let_go.wait()
                return Frame(np.full((4, 4, 3), 255, np.uint8), captured=time.monotonic(), number=1)
            return super().read()

    with NewestFrame(Hanging([0.0, 0.0], [0.0, 0.3, 0.3]), keep="all", reconnect=True) as frames:
        assert frames.get(timeout=10).number == 0
        assert frames.get(timeout=10).number == 1
        let_go.set()  # the old one comes back with a white frame
        assert frames.get(timeout=10).image.max() == 0
    assert "keeps running" in caplog.text
    join_readers()


def test_closing_while_the_source_is_asked_again(quick):
    with NewestFrame(Camera([0.0, GONE], *[GONE] * 500), reconnect=True) as frames:
        frames.get(timeout=10)
        until(lambda: frames.state is SourceState.RECONNECTING)
        before = time.monotonic()
    assert time.monotonic() - before < 1.0
    assert (frames.state, frames.problem, frames.latest) == (SourceState.ENDED, None, None)
    assert frames.get(timeout=0) is None


def test_pauses_grow_and_count_from_try_to_try(monkeypatch):
    monkeypatch.setattr("digitlab.camera.newest.pause", lambda failures: 0.05 * 2.0 ** (failures - 1))
    source = Camera([0.0, GONE], GONE, GONE, GONE, [0.0])
    with NewestFrame(source, reconnect=True) as frames:
        frames.get(timeout=10)
        assert frames.get(timeout=10).number == 1
    pauses = np.diff(source.opened)
    assert len(pauses) == 4
    assert (pauses >= np.array([0.05, 0.1, 0.2, 0.4]) - 0.005).all()


def test_a_listener_that_fails_harms_nobody(quick, caplog):
    def fail(status):
        raise RuntimeError("no window")

    with NewestFrame(Camera([0.0]), on_change=fail) as frames:
        assert frames.get(timeout=10) is not None
    assert "no window" in caplog.text


def test_a_listener_may_close():
    def close(status):
        if status.state is SourceState.RUNNING:
            frames.close()

    frames = NewestFrame(Camera([0.0]), on_change=close)
    with frames:
        until(lambda: frames.state is SourceState.ENDED)
