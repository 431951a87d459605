import logging
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from digitlab.camera import VideoFile
from digitlab.errors import SourceError


def drain(source):
    with source:
        return list(iter(source.read, None))


def levels(frames):
    return [round(float(frame.image.mean()) / 8) for frame in frames]


def test_a_video_gives_its_frames(write_video):
    source = VideoFile(write_video(), realtime=False)
    frames = drain(source)
    assert levels(frames) == list(range(20))
    assert [frame.number for frame in frames] == list(range(20))
    assert (source.rate, source.length) == (100, 20)
    assert frames[0].image.shape == (48, 64, 3)


def test_colours_are_rgb(write_video):
    red = np.zeros((48, 64, 3), np.uint8)
    red[:, :, 0] = 200
    frame = drain(VideoFile(write_video(images=[red] * 3), realtime=False))[0]
    assert frame.image[:, :, 0].mean() > 150
    assert frame.image[:, :, 2].mean() < 50


def test_in_real_time_it_plays_at_its_pace(write_video):
    frames = drain(VideoFile(write_video()))
    passed = np.array([frame.captured for frame in frames]) - frames[0].captured
    assert (passed >= np.arange(20) / 100 - 2e-3).all()


def test_it_can_be_played_twice(write_video):
    source = VideoFile(write_video(), realtime=False)
    assert levels(drain(source)) == levels(drain(source))


def test_closing_in_the_middle_ends_it(write_video):
    source = VideoFile(write_video(), realtime=False)
    source.open()
    source.read()
    source.close()
    assert source.read() is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.mp4: there is no such file"), VideoFile(tmp_path / "nowhere.mp4"):
        pass


def noise():
    return list(np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"Dear reader,\n" * 100, "not a video"),
        (b"\0" * 5000, "not a video"),
        (bytes(range(256)) * 40, "not a video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "thing.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught, VideoFile(path):
        pass
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(SourceError, match="not a file"), VideoFile(tmp_path):
        pass


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="not a file"), VideoFile(tmp_path / "pipe.mp4"):
        pass


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def test_a_video_without_its_index_is_refused(write_video):
    with pytest.raises(SourceError, match="truncated"), VideoFile(cut(write_video())):  # mp4 keeps its index at the end
        pass


def test_a_video_that_is_cut_off_plays_as_far_as_it_goes_and_says_so(write_video, caplog):
    path = write_video("noise.avi", "MJPG", noise())
    whole = drain(VideoFile(path, realtime=False))
    with caplog.at_level(logging.WARNING):
        seen = drain(VideoFile(cut(path), realtime=False))
    assert 5 < len(seen) < 15
    assert f"ends early: {len(seen)} of 20 frames" in caplog.text
    for frame, same in zip(seen[:-1], whole, strict=False):  # the last may be half a picture
        assert_array_equal(frame.image, same.image)


def test_ffmpeg_and_opencv_are_kept_off_stderr(write_video, tmp_path):
    (tmp_path / "text.mp4").write_text("Dear reader")
    program = """
import sys
from digitlab.camera import VideoFile
from digitlab.errors import SourceError
for path in sys.argv[1:]:
    try:
        with VideoFile(path, realtime=False) as source:
            while source.read():
                pass
    except SourceError as error:
        print(error)
"""
    half = cut(write_video("noise.avi", "MJPG", noise()))
    arguments = [str(path) for path in (tmp_path / "text.mp4", cut(write_video()), half)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.splitlines() == [line for line in done.stderr.splitlines() if "ends early" in line]


def test_a_video_with_a_header_and_no_frames_is_refused(write_video):
    whole = write_video("greys.avi", "MJPG")
    whole.write_bytes(whole.read_bytes()[: whole.read_bytes().index(b"movi") + 4])
    with pytest.raises(SourceError), VideoFile(whole):
        pass


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), 90_000.0])
def test_a_nonsensical_rate_becomes_the_usual_one(write_video, monkeypatch, rate):
    class Capture:  # not a subclass: OpenCV's bindings crash when one is freed
        def __init__(self, *arguments):
            self.real = real(*arguments)

        def get(self, name):
            return rate if name == cv2.CAP_PROP_FPS else self.real.get(name)

        def __getattr__(self, name):
            return getattr(self.real, name)

    path, real = write_video(), cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with VideoFile(path, realtime=False) as source:
        assert source.rate == 25.0


def test_a_name_that_looks_like_an_address_is_a_file(write_video, monkeypatch):
    path = write_video("concat:a.mp4")
    monkeypatch.chdir(path.parent)
    assert len(drain(VideoFile("concat:a.mp4", realtime=False))) == 20


def test_opening_leaves_the_log_level_of_opencv_alone(write_video):
    before = cv2.utils.logging.getLogLevel()
    drain(VideoFile(write_video(), realtime=False))
    assert cv2.utils.logging.getLogLevel() == before
