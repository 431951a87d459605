"""What real webcams do, at the boundary that we own: `cv2.VideoCapture` gives frames, and nothing else reaches us.

Where the kernel has a loopback device (v4l2loopback), /dev/video* is read itself. Elsewhere the exchange with a device
is played back: MJPG and YUYV frames as OpenCV hands them out when it is asked not to convert, rows padded to 32 bytes,
frames of 0 bytes, frames cut off, and the device pulled out.
"""

import shutil
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlab.camera import NewestFrame, SourceState, open_source
from digitlab.camera.colours import rgb_from_opencv
from digitlab.camera.webcam import Webcam
from digitlab.errors import SourceError


def loopback():
    """A loopback device that may be written, or the reason why there is none."""
    devices = sorted(Path("/sys/class/video4linux").glob("video*"))
    for device in devices:
        if "loopback" in (device / "name").read_text().lower():
            return Path("/dev") / device.name
    return None


def test_a_loopback_device_is_read(page_of_pictures):
    device = loopback()
    if device is None:
        pytest.skip("no loopback device: the kernel here has no v4l2loopback (modprobe v4l2loopback)")
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg, which writes to the loopback device, is not installed")
    words = [program, "-re", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x240", "-r", "30", "-i", "-",
             "-f", "v4l2", "-pix_fmt", "yuyv422", str(device)]  # fmt: skip
    writer = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with NewestFrame(open_source(device.name.removeprefix("video"), realtime=True)) as frames:
            for number in range(60):
                writer.stdin.write(page_of_pictures[number % 2].tobytes())
            assert frames.get(timeout=20).image.shape == (240, 320, 3)
    finally:
        writer.kill()
        writer.wait(10)


@pytest.fixture
def page_of_pictures():
    rng = np.random.default_rng(0)
    return [cv2.GaussianBlur(rng.integers(0, 255, (240, 320, 3), dtype=np.uint8), (9, 9), 3) for _ in range(2)]


class Device:
    """A webcam as OpenCV shows it: a list of answers to `read`, one after the other, then silence or the end."""

    def __init__(self, answers, rate=30.0):
        self.answers, self.rate = list(answers), rate
        self.released = False

    def isOpened(self):  # noqa: N802 - OpenCV's
        return not self.released

    def read(self):
        time.sleep(0.005)
        return self.answers.pop(0) if self.answers else (False, None)

    def get(self, _):
        return self.rate

    def set(self, *_):
        return True

    def release(self):
        self.released = True


class Player(Webcam):
    """A webcam whose device is played back; each opening takes the next."""

    def __init__(self, *devices):
        super().__init__(0)
        self.devices = list(devices)

    def _start(self):
        if not self.devices:
            raise SourceError("camera 0 is not there")
        return self.devices.pop(0)


def good(pictures, count):
    return [(True, cv2.cvtColor(pictures[number % 2], cv2.COLOR_RGB2BGR)) for number in range(count)]


def test_frames_with_padded_rows_are_what_they_show(page_of_pictures):
    """A driver that aligns rows: OpenCV's array is then a view with gaps between its rows."""
    bgr = cv2.cvtColor(page_of_pictures[0], cv2.COLOR_RGB2BGR)
    wide = np.zeros((240, 352, 3), np.uint8)
    wide[:, :320] = bgr
    with Player(Device([(True, wide[:, :320])])) as camera:
        frame = camera.read()
    np.testing.assert_array_equal(frame.image, page_of_pictures[0])
    assert frame.image.flags.c_contiguous


def test_grey_and_four_channels_are_pictures_too():
    grey = np.full((4, 6), 90, np.uint8)
    assert rgb_from_opencv(grey).shape == (4, 6, 3)
    assert rgb_from_opencv(np.dstack([grey] * 3 + [grey])).shape == (4, 6, 3)
    with pytest.raises(SourceError, match="5×4 in YUYV; expected an even width"):
        rgb_from_opencv(np.zeros((4, 5, 2), np.uint8))


@pytest.mark.parametrize("nothing", [None, np.zeros((0, 0, 3), np.uint8), np.zeros((0, 320, 3), np.uint8)])
def test_a_frame_of_0_bytes_is_a_lost_camera_that_is_asked_for_again(page_of_pictures, nothing):
    broken = Device([*good(page_of_pictures, 3), (True, nothing)])
    camera = Player(broken, Device(good(page_of_pictures, 500)))
    with NewestFrame(camera, reconnect=True) as frames:
        until = time.monotonic() + 20
        while not frames.reconnects and time.monotonic() < until:
            frames.get(timeout=0.2)
        assert frames.reconnects == 1
        assert frames.get(timeout=5).image.shape == (240, 320, 3)
    assert broken.released


def test_a_device_that_is_pulled_out_and_put_in_again(page_of_pictures):
    states = []
    pulled = Device(good(page_of_pictures, 4))  # then OpenCV's read fails, as with ENODEV
    camera = Player(pulled, Device(good(page_of_pictures, 500)))
    with NewestFrame(camera, reconnect=True, on_change=lambda status: states.append(status.state)) as frames:
        until = time.monotonic() + 20
        while not frames.reconnects and time.monotonic() < until:
            frames.get(timeout=0.2)
    assert states[: states.index(SourceState.RECONNECTING) + 2][-2:] == [SourceState.RECONNECTING, SourceState.RUNNING]
    assert pulled.released


def test_a_device_that_raises_is_lost_and_no_crash(page_of_pictures):
    class Raising(Device):
        def read(self):
            raise cv2.error("VIDIOC_DQBUF: No such device")

    with NewestFrame(Player(Raising([]))) as frames, pytest.raises(SourceError, match="No such device"):
        frames.get(timeout=10)


def mjpg(picture, *, cut=0):
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    return data[: len(data) - cut] if cut else data


def test_what_a_decoder_makes_of_a_cut_off_jpeg_is_still_a_picture_or_none(page_of_pictures):
    """Webcams send MJPG; on a busy bus its end is missing. OpenCV then gives a picture with a grey part, or none."""
    for cut in (1, 50, 2000):
        decoded = cv2.imdecode(np.frombuffer(mjpg(page_of_pictures[0], cut=cut), np.uint8), cv2.IMREAD_COLOR)
        if decoded is not None:
            assert rgb_from_opencv(decoded).shape == (240, 320, 3)


def test_yuyv_as_devices_send_it_is_the_picture(page_of_pictures):
    """Two bytes a pixel: what a capture that does not convert hands out."""
    bgr = cv2.cvtColor(page_of_pictures[0], cv2.COLOR_RGB2BGR)
    yuyv = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUY2)
    assert yuyv.shape == (240, 320, 2)
    with Player(Device([(True, yuyv)])) as camera:
        frame = camera.read()
    assert np.abs(frame.image.astype(int) - page_of_pictures[0]).mean() < 6
