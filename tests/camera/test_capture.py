"""Cameras that OpenCV reads: with a capture that stands in for OpenCV's, for there is no camera here."""

import threading
import time

import cv2
import numpy as np
import pytest

from digitlab.camera import NewestFrame, RtspStream, SourceState, Webcam
from digitlab.errors import SourceError


class Capture:
    """What `cv2.VideoCapture` does, as far as we use it."""

    def __init__(self, *images, opened=True, hangs=None):
        self.images = iter(images)
        self.opened = opened
        self.hangs = hangs
        self.released = threading.Event()
        self.settings = {}

    def isOpened(self):  # noqa: N802 - OpenCV's
        return self.opened

    def get(self, what):
        return 30.0 if what == cv2.CAP_PROP_FPS else 0.0

    def set(self, what, value):
        self.settings[what] = value

    def read(self):
        assert not self.released.is_set()
        if self.hangs is not None:
            self.hangs.wait()
        image = next(self.images, None)
        return image is not None, image

    def grab(self):
        time.sleep(0.02)  # as long as to wait for a picture
        self.image = next(self.images, None)
        return self.image is not None

    def retrieve(self):
        return True, self.image

    def release(self):
        self.released.set()


@pytest.fixture
def plug(monkeypatch, tmp_path):
    """Make a capture the one that OpenCV opens."""

    def plugged(capture):
        monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
        monkeypatch.setattr(Webcam, "_check_node", lambda _: None)
        return capture

    return plugged


COLOUR = np.dstack([np.full((4, 6), value, np.uint8) for value in (1, 2, 3)])  # BGR


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (COLOUR, [3, 2, 1]),
        (np.dstack([COLOUR, COLOUR[:, :, 0]]), [3, 2, 1]),
        (np.full((4, 6), 9, np.uint8), [9, 9, 9]),
        (np.full((4, 6, 1), 9, np.uint8), [9, 9, 9]),
        (np.full((4, 6), 9 << 8, np.uint16), [9, 9, 9]),
        (np.full((4, 6, 2), 128, np.uint8), [130, 130, 130]),
        (COLOUR[::-1, ::-1], [3, 2, 1]),
    ],
)
def test_whatever_the_driver_gives_frames_are_rgb(plug, image, pixel):
    plug(Capture(image))
    with Webcam(0) as camera:
        frame = camera.read()
    assert frame.image.shape == (4, 6, 3)
    assert frame.image[0, 0].tolist() == pixel


def test_frames_may_change_their_size(plug):
    plug(Capture(COLOUR, np.zeros((10, 20, 3), np.uint8)))
    with Webcam(0) as camera:
        assert [camera.read().image.shape for _ in range(2)] == [(4, 6, 3), (10, 20, 3)]


@pytest.mark.parametrize(
    "image", [np.zeros((4, 6, 5), np.uint8), np.zeros((4, 6), np.float32), np.zeros((0, 6, 3), np.uint8)]
)
def test_a_frame_of_another_kind_is_an_error(plug, image):
    plug(Capture(image))
    with Webcam(0) as camera, pytest.raises(SourceError, match="expected grey or colour"):
        camera.read()


def test_a_camera_that_is_unplugged(plug):
    capture = plug(Capture(COLOUR))
    with Webcam(0) as camera:
        assert camera.read().number == 0
        assert camera.rate == 30.0
        with pytest.raises(SourceError, match=r"^camera 0: no picture arrived"):
            camera.read()
    assert capture.released.is_set()
    assert camera.read() is None


def test_a_busy_camera(plug):
    plug(Capture(opened=False))
    with pytest.raises(SourceError, match="another program may be using it"), Webcam(0):
        pass


def test_the_size_is_asked_for(plug):
    capture = plug(Capture(COLOUR))
    with Webcam(0, size=(1280, 720)):
        assert capture.settings == {cv2.CAP_PROP_FRAME_WIDTH: 1280, cv2.CAP_PROP_FRAME_HEIGHT: 720}


def test_a_capture_that_hangs_does_not_hold_up_closing_and_is_released_later(plug):
    lets_go = threading.Event()
    capture = plug(Capture(COLOUR, hangs=lets_go))
    camera, got = Webcam(0), []
    camera.open()
    reader = threading.Thread(target=lambda: got.append(camera.read()))
    reader.start()
    time.sleep(0.05)
    before = time.monotonic()
    camera.close()
    assert time.monotonic() - before < 5.0  # not when it lets go: that is never
    assert not capture.released.is_set()  # OpenCV's are not to be freed while they read
    camera.close()

    again = plug(Capture(COLOUR))
    camera.open()
    lets_go.set()
    reader.join(5)
    assert capture.released.is_set()
    assert got == [None]
    assert camera.read().number == 0
    camera.close()
    assert again.released.is_set()


def test_one_that_was_closed_while_it_was_opened_is_released(plug, monkeypatch):
    capture = plug(Capture(COLOUR))
    camera = Webcam(0)

    def slow(*arguments):
        camera.close()
        return capture

    monkeypatch.setattr(cv2, "VideoCapture", slow)
    camera.open()
    assert capture.released.is_set()
    assert camera.read() is None


@pytest.mark.parametrize("device", [97, "/dev/video97"])
def test_no_camera(device):
    with pytest.raises(SourceError, match=r"there is no /dev/video97; `digitlab live --list`"), Webcam(device):
        pass


def test_a_file_is_no_camera(tmp_path):
    (tmp_path / "video0").write_text("")
    with pytest.raises(SourceError, match="is not a device"), Webcam(tmp_path / "video0"):
        pass


def test_reading_before_opening_is_an_error():
    with pytest.raises(SourceError, match="before it was opened"):
        Webcam(0).read()


def test_an_rtsp_camera_is_asked_with_limits(monkeypatch):
    asked = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda *arguments: asked.extend(arguments) or Capture(COLOUR))  # type: ignore[func-returns-value]
    with RtspStream("rtsp://me:secret@camera/1") as camera:
        assert camera.read().image.shape == (4, 6, 3)
        with pytest.raises(SourceError, match=r"^rtsp://camera/1: the stream was interrupted"):
            camera.read()
    assert asked[:2] == ["rtsp://me:secret@camera/1", cv2.CAP_FFMPEG]
    assert set(asked[2][::2]) == {cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC}


def test_an_rtsp_server_that_never_answers_is_given_up(monkeypatch):
    import socket

    monkeypatch.setattr("digitlab.camera.capture._OPENS_WITHIN", 300)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        before = time.monotonic()
        with (
            pytest.raises(SourceError, match="sent no stream"),
            RtspStream(f"rtsp://127.0.0.1:{deaf.getsockname()[1]}/1"),
        ):
            pass
        assert time.monotonic() - before < 5.0


class Queue(Capture):
    """A stream of 20 pictures a second, of which those wait that were not taken in time; on a clock of its own.

    slower: how much more slowly than their time stamps tell they arrive
    """

    def __init__(self, clock, slower=1.0):
        super().__init__()
        self.clock = clock
        self.slower = slower
        self.begun = clock.now
        self.number = -1

    def get(self, what):
        return {cv2.CAP_PROP_POS_MSEC: 50.0 * self.number, cv2.CAP_PROP_FPS: 20.0}.get(what, 0.0)

    def grab(self):
        time.sleep(0.001)  # for the other threads
        self.number += 1
        self.clock.now = max(self.clock.now, self.begun + 0.05 * self.number * self.slower) + 0.002
        return True

    def retrieve(self):
        return True, np.full((4, 6, 3), self.number % 256, np.uint8)

    @property
    def missed(self):
        """How many pictures have arrived since the last one that was taken."""
        return int((self.clock.now - self.begun) / (0.05 * self.slower)) - self.number


class Clock:
    """Stands for the module `time`: seconds pass only where a test says so."""

    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    standing = Clock()
    monkeypatch.setattr("digitlab.camera.capture.time", standing)
    return standing


def test_a_slow_reader_gets_the_newest_of_a_stream_that_is_queued(plug, clock):
    capture = plug(Queue(clock))
    clock.now += 1.0  # while the format was determined
    with RtspStream("rtsp://camera/1") as camera:
        for count in range(10):
            frame = camera.read()
            assert frame.number == count
            assert frame.image.max() == capture.number
            assert capture.missed <= 2, "older ones are passed over"
            clock.now += 0.5
            assert capture.missed >= 9
        assert camera.passed == capture.number - 9 > 80


def test_a_stream_that_is_read_in_time_is_read_whole(plug, clock):
    capture = plug(Queue(clock))
    with RtspStream("rtsp://camera/1") as camera:
        for count in range(100):
            assert camera.read().number == count
            clock.now += 0.03
        assert camera.passed == capture.number - 99 == 1  # the first, which was already there


def test_a_stream_whose_pictures_arrive_in_pairs_loses_none(plug, clock):
    capture = plug(Queue(clock))
    with RtspStream("rtsp://camera/1") as camera:
        for _ in range(50):
            camera.read()
            clock.now += 0.07 if capture.number % 2 else 0.0
        assert camera.passed == 1


def test_a_stream_that_is_delivered_more_slowly_than_it_is_taken_is_reopened(plug, clock):
    camera = RtspStream("rtsp://camera/1")
    plug(Queue(clock, slower=2.0))
    with NewestFrame(camera, reconnect=True) as frames:
        until = time.monotonic() + 30.0
        while frames.state is not SourceState.RECONNECTING:
            assert time.monotonic() < until
            frames.get(timeout=0.01)
        assert "s old, since they arrive or are decoded more slowly than they are taken" in frames.problem
        plug(Queue(clock))  # the new connection begins with what is seen now
        while frames.reconnects == 0:
            assert time.monotonic() < until
            frames.get(timeout=0.1)
        for _ in range(20):
            frames.get(timeout=10.0)
        assert (frames.state, frames.reconnects) == (SourceState.RUNNING, 1)
