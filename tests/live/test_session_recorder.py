"""A recorded session: the rate of its video, and a recording that fails."""

import json
import threading
import time

import cv2
import numpy as np
import pytest

from digitlab.camera import Recorded
from digitlab.errors import StorageError
from digitlab.live import LiveEngine, LiveReading
from digitlab.live.session_recorder import SessionRecorder
from digitlab.values import Reading


class SlowReader:
    """A reader that takes a fifth of a second for a frame."""

    def __init__(self, reader):
        self._reader = reader

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def classify(self, image):
        time.sleep(0.2)
        return self._reader.classify(image)


def rate_of(path):
    video = cv2.VideoCapture(str(path))
    return video.get(cv2.CAP_PROP_FPS)


def test_a_session_that_reads_slower_than_the_camera_is_played_at_its_own_pace(page_of, reader, tmp_path):
    """From its start on, when no rate has been measured yet: the camera's own would be far too high."""
    engine = LiveEngine(Recorded(page_of("5") * 9, rate=30.0), SlowReader(reader))  # type: ignore[arg-type]
    engine.record(tmp_path / "kept.mp4")
    with engine:
        engine.wait(10.0)
    lines = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    own = (len(lines) - 1) / (lines[-1]["time"] - lines[0]["time"])  # on a slow machine less than five
    assert own / 2.0 < rate_of(tmp_path / "kept.mp4") < 8.0
    assert lines[0]["age"] < lines[0]["latency_ms"] / 1000.0 + 0.6  # that of its reading, not of its writing


@pytest.mark.parametrize("seconds", [0.4, 3.0])
def test_frames_that_are_read_seconds_apart_keep_their_pace(tmp_path, seconds):
    recorder = SessionRecorder(tmp_path / "kept.mp4", lambda: None)
    image = np.zeros((48, 64, 3), np.uint8)
    recorder.offer(image, LiveReading(0, 0.0, 0.0, 1.0, Reading((), 1.0), None))
    time.sleep(1.2)
    recorder.offer(image, LiveReading(9, seconds, seconds, 1.0, Reading((), 1.0), None))
    recorder.close()
    assert rate_of(tmp_path / "kept.mp4") == pytest.approx(1.0 / seconds, rel=1e-3)


def test_a_file_that_is_read_as_fast_as_possible_keeps_its_rate(page_of, reader, tmp_path):
    engine = LiveEngine(Recorded(page_of("5") * 3, rate=7.0, realtime=False), reader)
    engine.record(tmp_path / "kept.mp4")
    with engine:
        engine.wait(10.0)
    assert rate_of(tmp_path / "kept.mp4") == pytest.approx(7.0)


def test_a_recording_that_fails_is_said_although_frames_were_lost_before(tmp_path, monkeypatch):
    full = threading.Event()

    def fails(*_):
        full.wait(10.0)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionRecorder, "_open", fails)
    recorder = SessionRecorder(tmp_path / "kept.mp4", lambda: 25.0)
    image, live = np.zeros((48, 64, 3), np.uint8), LiveReading(0, 0.0, 0.0, 1.0, Reading((), 1.0), None)
    while not recorder.lost:
        recorder.offer(image, live)
    assert "missing from it" in recorder.problem
    full.set()
    begun = time.monotonic()
    with pytest.raises(StorageError, match=r"kept\.mp4 ended"):
        recorder.close()
    assert time.monotonic() - begun < 15.0  # not the patience for a slow disk
    assert list(tmp_path.glob("kept.*")) == []


def test_frames_that_are_missing_from_a_recording_are_counted_at_its_end(page_of, reader, tmp_path):
    engine = LiveEngine(Recorded(page_of("5"), realtime=False), reader)
    engine.record(tmp_path / "kept.mp4")
    with engine:
        engine.wait(10.0)
        engine._loop.recording.lost += 4  # the disk was too slow
    assert engine.frames_not_recorded == 4


def test_the_number_of_missing_frames_is_told_once_in_some_seconds(tmp_path, monkeypatch):
    enough = threading.Event()
    monkeypatch.setattr(SessionRecorder, "_write_all", lambda _: enough.wait(10.0))
    recorder = SessionRecorder(tmp_path / "kept.mp4", lambda: 25.0)
    recorder.lost = 3
    assert "3 frames are missing" in recorder.problem
    recorder.lost = 60
    assert "3 frames are missing" in recorder.problem
    monkeypatch.setattr("digitlab.live.session_recorder._TOLD_EVERY", 0.0)
    assert "60 frames are missing" in recorder.problem
    enough.set()
    recorder.close()
