import json
import threading
import time

import cv2
import numpy as np
import pytest

from digitlab.camera import Recorded, Source
from digitlab.errors import DigitlabError, SourceError, StorageError, UsageError
from digitlab.live import LiveEngine, Region, remembered_region
from digitlab.reading import Reader
from digitlab.values import Frame


class Camera(Source):
    """A camera that the test works by hand."""

    rate = 30.0
    realtime = True
    live = True

    def __init__(self):
        self.pictures = []
        self.arrived = threading.Condition()
        self.closed = False
        self.count = 0

    def open(self):
        self.closed = False

    def show(self, *images):
        with self.arrived:
            self.pictures.extend(images)
            self.arrived.notify_all()

    def read(self):
        with self.arrived:
            self.arrived.wait_for(lambda: self.pictures or self.closed)
            if self.closed:
                return None
            self.count += 1
            return Frame(self.pictures.pop(0), time.monotonic(), self.count - 1)

    def close(self):
        with self.arrived:
            self.closed = True
            self.arrived.notify_all()


def read_all(engine):
    """Everything that a file gives; the list of its readings."""
    lives = []
    engine.subscribe(lives.append)
    with engine:
        assert engine.wait(60)
        if engine.failure is not None:
            raise engine.failure
    return lives


def test_one_digit_in_the_region(camera, page_of, reader):
    engine = LiveEngine(camera(page_of("5") * 4), reader, mode="region")
    lives = read_all(engine)
    seen = engine.snapshot()
    assert [live.frame_number for live in lives] == list(range(48))
    assert seen.steady == "5"
    assert seen.region == (220, 140, 420, 340)
    assert seen.glyph.shape == (28, 28)
    assert seen.glyph.dtype == np.uint8
    assert int(np.argmax(seen.probabilities)) == 5
    assert [(track.digit, track.box) for track in seen.tracks] == [(5, seen.region)]
    assert {live.steady for live in lives} == {None, "5"}
    assert [live.changed for live in lives].count(True) == 1
    assert [change.text for change in seen.history] == ["5"]
    assert seen.latency_ms > 0
    assert (seen.captured, seen.read, seen.dropped) == (48, 48, 0)
    assert str(seen.state) == "ended"
    assert seen.problem is None


class Slow(Reader):
    """A reader that takes twenty milliseconds at least."""

    def __init__(self, reader):  # not the base's: it loads no network
        self._reader = reader
        self.classifier, self.threshold = reader.classifier, reader.threshold

    def classify(self, image):
        time.sleep(0.02)
        return self._reader.classify(image)


def test_a_slow_reader_of_a_live_source_keeps_up_by_dropping(page_of, reader):
    engine = LiveEngine(Recorded(page_of("5") * 4, rate=200), Slow(reader))
    lives = read_all(engine)
    numbers = [live.frame_number for live in lives]
    assert numbers == sorted(set(numbers))
    assert engine.statistics.captured == 48
    assert engine.statistics.dropped == 48 - len(lives) > 0
    assert engine.statistics.latency()["median"] >= 20.0


def test_times_are_measured(page_of, reader):
    before = time.monotonic()
    lives = read_all(LiveEngine(Recorded(page_of("5")[:5], rate=50), Slow(reader), keep="all"))
    after = time.monotonic()
    assert [live.frame_number for live in lives] == list(range(5))
    assert lives[0].seconds == 0.0
    for number, live in enumerate(lives):
        assert live.latency_ms >= 20.0
        assert live.seconds >= number / 50 - 1e-3
        assert before <= live.captured <= live.captured + live.latency_ms / 1000 <= after


def test_a_file_has_its_own_clock_however_fast_it_is_read(camera, page_of, reader):
    lives = read_all(LiveEngine(camera(page_of("5")[:6], rate=4.0), reader))
    assert [live.seconds for live in lives] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]

    class Simple(Source):  # one that gives no times
        rate, realtime, pages = 2.0, False, page_of("5")[:3]

        def open(self):
            self.left = list(enumerate(self.pages))

        def read(self):
            return (
                Frame(page[1], time.monotonic(), page[0]) if (page := self.left.pop(0) if self.left else None) else None
            )

        def close(self):
            self.left = []

    assert [live.seconds for live in read_all(LiveEngine(Simple(), reader))] == [0.0, 0.5, 1.0]


def test_an_interrupted_session_counts_every_frame(page_of, reader, eventually):
    with LiveEngine(Recorded(page_of("5") * 100, rate=100), reader) as engine:
        eventually(lambda: engine.statistics.read > 0)
    assert engine.statistics.captured == engine.statistics.read + engine.statistics.dropped < 1200


def test_many_digits_of_a_page(camera, page_of, reader):
    engine = LiveEngine(camera(page_of("68/85") * 3), reader, mode="page")
    read_all(engine)
    seen = engine.snapshot()
    assert seen.steady == "68\n85"
    assert seen.region is None
    assert [track.digit for track in seen.tracks] == [6, 8, 8, 5]
    assert len({track.identity for track in seen.tracks}) == 4
    assert seen.glyph is not None


def test_a_blank_page_is_surely_nothing(camera, blank, reader):
    engine = LiveEngine(camera([blank] * 12), reader, mode="region")
    read_all(engine)
    seen = engine.snapshot()
    assert seen.steady == ""
    assert seen.glyph is None
    assert seen.probabilities == (0.0,) * 10
    assert seen.tracks == ()


def test_digits_come_and_go(camera, page_of, reader, blank):
    pages = page_of("3") * 3 + [blank] * 24 + page_of("8") * 3
    engine = LiveEngine(camera(pages), reader, mode="region")
    read_all(engine)
    assert [change.text for change in engine.snapshot().history] == ["3", "", "8"]


def test_a_digit_of_the_test_images_is_drawn_stroke_by_stroke(camera, blank, reader):
    """The ink of a 4 appears from the top: what is said before it is whole is nothing."""
    strokes = [((250, 190), (240, 260)), ((240, 260), (340, 260)), ((310, 190), (305, 320))]
    pictures, page = [blank.copy()] * 10, blank.copy()
    for start, end in strokes:
        for share in np.linspace(0.05, 1.0, 12):
            there = tuple(round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
            cv2.line(page, start, there, (30, 30, 60), 12, cv2.LINE_AA)
            pictures.append(page.copy())
    pictures += [page] * 30
    lives = read_all(LiveEngine(camera(pictures), reader, mode="region"))
    early = {live.steady for live in lives[:46]}
    assert early <= {"", None}
    assert lives[-1].steady == "4"


def test_the_region_may_be_moved_and_is_remembered(page_of, reader, eventually):
    camera = Camera()
    with LiveEngine(camera, reader, mode="region") as engine:
        camera.show(page_of("5")[0])
        eventually(lambda: engine.snapshot().read == 1)
        engine.set_region((0, 0, 100, 50))
        camera.show(page_of("5")[1])
        eventually(lambda: engine.snapshot().read == 2)
        assert engine.snapshot().region == (0, 0, 100, 50)
        assert engine.snapshot().probabilities == (0.0,) * 10
    assert remembered_region().box((480, 640)) == (0, 0, 100, 50)
    with LiveEngine(camera, reader) as engine:
        engine.set_region(None)
    assert remembered_region() is None


def test_a_region_outside_the_frame_is_said_and_the_usual_one_read(camera, page_of, reader):
    engine = LiveEngine(camera(page_of("5")), reader, region=(900, 900, 950, 950))
    read_all(engine)
    assert "within the frame of 640×480" in engine.snapshot().problem
    assert engine.snapshot().region == (220, 140, 420, 340)


def test_frames_may_change_their_size(camera, page_of, reader):
    pages = [*page_of("5")[:3], *page_of("5", size=(320, 240))[:3], *page_of("5", size=(1280, 720))[:3]]
    engine = LiveEngine(camera(pages), reader, region=Region(0.25, 0.25, 0.75, 0.75))
    lives = read_all(engine)
    assert len(lives) == 9
    assert engine.snapshot().region == (320, 180, 960, 540)


def test_a_phone_may_be_turned_while_its_page_is_read(camera, page_of, reader):
    lying, upright = page_of("5")[:3], page_of("5", size=(480, 640))[:3]
    engine = LiveEngine(camera([*lying, *upright, *lying]), reader, mode="page")
    assert len(read_all(engine)) == 9
    assert engine.snapshot().problem is None


def test_paused_it_reads_nothing_and_keeps_what_it_showed(page_of, reader, eventually):
    camera, pages = Camera(), page_of("5")
    with LiveEngine(camera, reader) as engine:
        camera.show(pages[0])
        eventually(lambda: engine.snapshot().read == 1)
        engine.pause()
        time.sleep(0.25)  # a wait for a frame that was under way is over
        before = engine.snapshot()
        camera.show(*pages[1:4])
        time.sleep(0.1)
        seen = engine.snapshot()
        assert seen.paused
        assert (seen.number, seen.frame) == (before.number, before.frame)
        engine.resume()
        eventually(lambda: engine.snapshot().read == 2)
        assert engine.snapshot().frame.number == 3  # the newest


def test_of_a_camera_that_is_gone_nothing_is_sure_any_more(page_of, reader, eventually):
    camera, lives = Camera(), []
    with LiveEngine(camera, reader) as engine:
        engine.subscribe(lives.append)
        number = 0
        while engine.snapshot().steady != "5":
            assert number < 400
            camera.show(page_of("5")[number % 12])
            number += 1
            time.sleep(0.03)
        eventually(lambda: engine.snapshot().state == "stalled")
        eventually(lambda: engine.snapshot().steady is None)
        seen = engine.snapshot()
    assert seen.frame is not None
    assert seen.tracks == ()
    assert (lives[-1].steady, lives[-1].changed, lives[-1].reading.digits) == (None, True, ())


def test_another_source_and_back(camera, page_of, reader, eventually):
    with LiveEngine(camera(page_of("5") * 3), reader) as engine:
        assert engine.wait(30)
        assert engine.snapshot().steady == "5"
        engine.set_source(camera(page_of("8") * 3))
        eventually(lambda: engine.snapshot().steady == "8")
        assert engine.wait(30)
        engine.set_source("there is no such file.mp4")
        eventually(lambda: engine.snapshot().problem is not None)
        seen = engine.snapshot()
        assert "there is no such file.mp4" in seen.problem
        assert str(seen.state) == "ended"
        assert isinstance(engine.failure, SourceError)
        assert seen.frame is None
        assert [change.text for change in seen.history] == ["5", "8"]
        engine.set_source(camera(page_of("5") * 3))
        eventually(lambda: engine.snapshot().steady == "5")
        assert engine.snapshot().problem is None


def test_another_way_of_reading(page_of, reader, eventually):
    camera = Recorded(page_of("68") * 1000, rate=200)
    with LiveEngine(camera, reader, mode="region") as engine:
        eventually(lambda: engine.snapshot().read > 2)
        engine.set_mode("page")
        eventually(lambda: engine.snapshot().steady == "68")
        assert engine.snapshot().mode == "page"
        with pytest.raises(UsageError, match="expected one of region, page, thesis"):
            engine.set_mode("book")  # type: ignore[arg-type]


def test_another_model_is_loaded_beside_it(page_of, reader, eventually, tmp_path):
    camera = Recorded(page_of("5") * 1000, rate=100)
    with LiveEngine(camera, reader) as engine:
        eventually(lambda: engine.snapshot().read > 2)
        engine.set_model("no such model")
        eventually(lambda: "no such model" in (engine.snapshot().problem or ""))
        before = engine.snapshot().read
        eventually(lambda: engine.snapshot().read > before)
        engine.set_model("reader")
        eventually(lambda: engine.snapshot().problem is None)
        assert engine.snapshot().model


def test_of_two_models_the_one_asked_for_last_is_used_whichever_is_loaded_first(
    page_of, reader, eventually, foreign_model, monkeypatch
):
    from digitlab.reading.reader import Reader

    goes_on, loaded = threading.Event(), []

    def loading(model, **settings):
        made = Reader(model, **settings)
        if model == "reader":  # asked for first, ready last
            goes_on.wait(10.0)
        loaded.append(model)
        return made

    monkeypatch.setattr("digitlab.reading.reader.Reader", loading)
    with LiveEngine(Recorded(page_of("5") * 1000, rate=100), reader) as engine:
        engine.set_model("reader")
        engine.set_model(foreign_model)
        eventually(lambda: engine.reader.classifier.path == foreign_model)
        goes_on.set()
        eventually(lambda: len(loaded) == 2)
        eventually(lambda: "digitlab-model" not in {each.name for each in threading.enumerate()})
        assert engine.reader.classifier.path == foreign_model


def test_a_model_for_other_images_is_refused_in_the_mode_of_s0(camera, page_of, reader):
    engine = LiveEngine(camera(page_of("5")), reader, mode="thesis")
    with engine:
        assert engine.wait(30)
    assert "mode thesis needs a network for Sobel images" in str(engine.failure)
    assert "mode thesis needs" in engine.snapshot().problem


def test_an_unknown_model_ends_it_with_the_reason(camera, page_of):
    engine = LiveEngine(camera(page_of("5")), model="no such model")
    with engine:
        assert engine.wait(30)
        assert "no such model" in engine.snapshot().problem
    assert engine.failure is not None


def test_a_source_that_breaks_is_said_after_its_frames(camera, page_of, reader):
    def breaking():
        yield from page_of("5")[:3]
        raise SourceError("the cable came out")

    engine = LiveEngine(camera(breaking()), reader)
    with engine:
        assert engine.wait(30)
        seen = engine.snapshot()
    assert seen.read == 3
    assert seen.problem == "the cable came out"


def test_a_frame_that_cannot_be_read_does_not_end_it(camera, page_of, reader, caplog):
    class Stumbling:
        classifier, threshold = reader.classifier, reader.threshold
        count = 0

        def classify(self, image):
            self.count += 1
            if self.count == 5:  # two are of the warming up
                raise RuntimeError("out of memory")
            return reader.classify(image)

    engine = LiveEngine(camera(page_of("5")[:6]), Stumbling())  # type: ignore[arg-type]
    lives = read_all(engine)
    assert len(lives) == 5
    assert engine.snapshot().problem is None
    assert "a frame could not be read" in caplog.text


def test_what_was_steady_is_withdrawn_while_no_frame_can_be_read(page_of, reader, eventually):
    class Failing:
        classifier, threshold, fails = reader.classifier, reader.threshold, False

        def classify(self, image):
            if self.fails:
                raise RuntimeError("out of memory")
            return reader.classify(image)

    camera, lives, failing = Camera(), [], Failing()
    with LiveEngine(camera, failing) as engine:  # type: ignore[arg-type]
        engine.subscribe(lives.append)

        def show(until):
            number, latest = 0, time.monotonic() + 30
            while not until():
                assert time.monotonic() < latest
                camera.show(page_of("5")[number % 12])
                number += 1
                time.sleep(0.03)

        show(lambda: engine.snapshot().steady == "5")
        failing.fails = True
        show(lambda: engine.snapshot().steady is None)
        seen = engine.snapshot()
        assert seen.state == "running"
        assert "could not be read" in (seen.problem or "")
    assert (lives[-1].steady, lives[-1].changed) == (None, True)
    assert lives[-1].age >= 2.0


def test_a_session_that_breaks_down_does_not_pass_for_one_at_its_end(camera, page_of, reader, monkeypatch):
    engine = LiveEngine(camera(page_of("5")), reader)
    monkeypatch.setattr(engine._loop, "_publish", lambda *_: 1 / 0)
    with pytest.raises(DigitlabError, match="ended unexpectedly \\(ZeroDivisionError"):
        read_all(engine)


def test_a_listener_that_fails_is_dropped_and_named(camera, page_of, reader, caplog):
    told = []

    def failing(live):
        told.append(live)
        raise ValueError("no room")

    engine = LiveEngine(camera(page_of("5")), reader)
    engine.subscribe(failing)
    assert len(read_all(engine)) == 12
    assert len(told) == 1
    assert "no room" in engine.snapshot().problem


def test_a_listener_may_leave(camera, page_of, reader):
    told = []
    engine = LiveEngine(camera(page_of("5")), reader)
    leave = engine.subscribe(told.append)
    leave()
    read_all(engine)
    assert told == []


def test_a_snapshot_never_waits_for_a_reader_that_hangs(page_of, reader, eventually):
    held = threading.Event()

    class Hanging:
        classifier, threshold = reader.classifier, reader.threshold
        count = 0

        def classify(self, image):
            self.count += 1
            if self.count > 3:
                held.wait()
            return reader.classify(image)

    camera = Camera()
    with LiveEngine(camera, Hanging()) as engine:  # type: ignore[arg-type]
        camera.show(*page_of("5")[:2])
        eventually(lambda: engine.snapshot().read == 1)
        times = []
        for _ in range(200):
            begun = time.perf_counter()
            engine.snapshot()
            times.append(time.perf_counter() - begun)
        assert sorted(times)[100] < 0.001
        held.set()


def test_before_it_starts_there_is_nothing_to_see(reader):
    engine = LiveEngine("0", reader)
    seen = engine.snapshot()
    assert (seen.frame, seen.reading, seen.age_ms, seen.steady) == (None, None, None, None)
    assert str(seen.state) == "connecting"
    assert seen.source == "0"
    engine.close()


def test_what_is_shown_cannot_be_changed(camera, page_of, reader):
    engine = LiveEngine(camera(page_of("5")), reader)
    read_all(engine)
    seen = engine.snapshot()
    for array in (seen.frame.image, seen.glyph):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_the_first_frame_does_not_pay_for_the_loading(camera, page_of):
    lives = read_all(LiveEngine(Recorded(page_of("5"), rate=30)))
    first, *others = (live.latency_ms for live in lives)
    assert first < 5 * max(others) + 20


def test_a_session_is_recorded(camera, page_of, reader, tmp_path):
    engine = LiveEngine(camera(page_of("5") * 2), reader)
    engine.record(tmp_path / "kept.mp4")
    with pytest.raises(UsageError, match="is being recorded"):
        engine.record(tmp_path / "other.mp4")
    assert engine.snapshot().recording == tmp_path / "kept.mp4"
    read_all(engine)
    assert engine.snapshot().recording is None
    lines = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    video = cv2.VideoCapture(str(tmp_path / "kept.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == len(lines) > 0
    assert [line["video_frame"] for line in lines] == list(range(len(lines)))
    assert lines[-1]["text"] == "5"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["kept.jsonl", "kept.mp4"]


def test_a_recording_is_stopped_by_hand(page_of, reader, eventually, tmp_path):
    with LiveEngine(Recorded(page_of("5") * 1000, rate=60), reader) as engine:
        eventually(lambda: engine.snapshot().read > 1)
        engine.record(tmp_path / "kept.avi")
        before = engine.snapshot().read
        eventually(lambda: engine.snapshot().read > before + 5)
        assert engine.stop_recording() == tmp_path / "kept.avi"
        assert engine.stop_recording() is None
    assert (tmp_path / "kept.avi").stat().st_size > 1000


@pytest.mark.parametrize(("name", "error"), [("kept.txt", UsageError), ("file/kept.mp4", StorageError)])
def test_what_cannot_be_recorded_is_refused_at_once(reader, tmp_path, name, error):
    (tmp_path / "file").write_text("")
    engine = LiveEngine("0", reader)
    with pytest.raises(error):
        engine.record(tmp_path / name)
    engine.close()


def test_a_recording_without_a_frame_leaves_no_file(camera, reader, tmp_path):
    engine = LiveEngine(camera([]), reader)
    engine.record(tmp_path / "kept.mp4")
    assert read_all(engine) == []
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_a_frame_is_saved_with_its_reading(camera, page_of, reader, tmp_path):
    engine = LiveEngine(camera(page_of("5") * 4), reader)
    with pytest.raises(UsageError, match="no frame yet"):
        engine.save_snapshot(tmp_path / "early.png")
    read_all(engine)
    path = engine.save_snapshot(tmp_path / "frame")
    assert path == tmp_path / "frame.png"
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(picture, engine.snapshot().frame.image)
    assert json.loads((tmp_path / "frame.json").read_text())["steady"] == "5"


def test_what_was_seen_is_saved_although_the_source_is_another_by_now(
    camera, page_of, blank, reader, eventually, tmp_path
):
    with LiveEngine(camera(page_of("5") * 4), reader) as engine:
        assert engine.wait(30)
        seen = engine.snapshot()
        engine.set_source(camera([blank] * 9))
        eventually(lambda: engine.snapshot().steady == "")
        path = engine.save_snapshot(tmp_path / "frame.png", seen)
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(picture, seen.frame.image)
    saved = json.loads((tmp_path / "frame.json").read_text())
    assert (saved["steady"], saved["frame"], saved["time"]) == ("5", 47, round(seen.seconds, 3))


def test_thesis_reads_as_s0_did(page_of, sobel_model, eventually):
    from digitlab.reading import Reader

    camera = Recorded(page_of("5") * 100, rate=60)
    with LiveEngine(camera, Reader(sobel_model), mode="thesis") as engine:
        times = []
        engine.subscribe(lambda _: times.append(time.monotonic()))
        eventually(lambda: engine.snapshot().read >= 5)
        seen = engine.snapshot()
    assert (times[-1] - times[0]) / (len(times) - 1) > 0.12
    assert seen.glyph.min() == 0
    assert seen.glyph.max() == 255
    assert sum(seen.probabilities) == pytest.approx(1.0, abs=1e-4)


class Breaking(Camera):
    """Another picture from each connection; it breaks off when it is told to."""

    def __init__(self, *pages):
        super().__init__()
        self.pages, self.opened, self.broken = pages, 0, False

    def open(self):
        super().open()
        self.opened += 1

    def read(self):
        time.sleep(0.01)
        if self.broken:
            self.broken = False
            raise SourceError("the cable came out")
        self.count += 1
        return (
            None
            if self.closed
            else Frame(self.pages[min(self.opened, len(self.pages)) - 1], time.monotonic(), self.count - 1)
        )


def test_another_camera_under_the_old_name_begins_with_nothing_decided(page_of, reader, eventually, monkeypatch):
    monkeypatch.setattr("digitlab.camera.newest.pause", lambda _: 0.0)  # back before anybody misses it
    camera = Breaking(page_of("5")[0], page_of("8")[0])
    steady = []
    with LiveEngine(camera, reader, mode="region") as engine:
        engine.subscribe(lambda live: steady.append(live.steady) if live.changed else None)
        eventually(lambda: engine.snapshot().steady == "5")
        camera.broken = True
        eventually(lambda: engine.snapshot().steady == "8")
    assert steady[:3] == ["5", None, "8"] or steady[1:4] == ["5", None, "8"]


def test_after_an_hour_of_sleep_what_was_read_is_an_hour_old(page_of, reader, eventually, monkeypatch):
    slept = [0.0]
    for room in ("digitlab.camera.newest", "digitlab.live.loop"):
        monkeypatch.setattr(f"{room}.seconds_asleep", lambda: slept[0])
    camera = Camera()
    with LiveEngine(camera, reader, mode="region") as engine:

        def shown():
            camera.show(page_of("5")[0])
            return engine.snapshot().steady == "5"

        eventually(shown)
        eventually(lambda: not camera.pictures)
        slept[0] = 3600.0
        eventually(lambda: (engine.snapshot().age_ms or 0.0) > 3_600_000)
        seen = engine.snapshot()
        assert (seen.steady, seen.stale, seen.last[0]) == (None, True, "5")
        assert 3600.0 <= seen.last[1] < 3620.0
        eventually(shown)  # the camera is asked anew


def test_a_warning_is_no_reason_why_a_source_ended(page_of, reader):
    with LiveEngine(Recorded(page_of("5"), realtime=False), reader) as engine:
        engine.wait(10.0)
        assert not engine.snapshot().only_warning
        engine._loop.warning = "cannot write settings.json: permission denied"
        seen = engine.snapshot()
    assert (str(seen.state), seen.problem, seen.only_warning) == ("ended", engine._loop.warning, True)
