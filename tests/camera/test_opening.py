from pathlib import Path

import numpy as np
import pytest

from digitlab.camera import (
    FrameRecorder,
    ImageFolder,
    MjpegStream,
    Recording,
    RtspStream,
    SyntheticPage,
    VideoFile,
    Webcam,
    open_source,
)
from digitlab.errors import SourceError
from digitlab.values import Frame


@pytest.mark.parametrize("realtime", [True, False])
def test_a_file_is_a_video(write_video, realtime):
    source = open_source(str(write_video()), realtime=realtime)
    assert isinstance(source, VideoFile)
    assert source.realtime is realtime


def test_a_folder_is_a_folder_of_pictures(write_pictures):
    assert isinstance(open_source(str(write_pictures("1.png")), realtime=True), ImageFolder)


def test_a_folder_with_times_is_a_recording(tmp_path):
    with FrameRecorder(tmp_path / "kept") as recorder:
        recorder.add(Frame(np.zeros((8, 8, 3), np.uint8), captured=0.0, number=0))
    source = open_source(str(tmp_path / "kept"), realtime=False)
    assert isinstance(source, Recording)
    assert not source.realtime


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", Webcam),
        (" 12 ", Webcam),
        ("/dev/video0", Webcam),
        ("http://phone:4747/video", MjpegStream),
        ("HTTPS://phone/", MjpegStream),
        ("rtsp://camera/1", RtspStream),
        ("synthetic", SyntheticPage),
        ("synthetic:6885", SyntheticPage),
    ],
)
def test_the_form_tells_the_kind(text, kind):
    source = open_source(text, realtime=False)
    assert isinstance(source, kind)
    assert source.live is (kind is not SyntheticPage)
    assert source.realtime is source.live


@pytest.mark.parametrize("name", ["ice", "ros", "http"])
def test_a_folder_called_as_a_kind_of_address_is_a_folder(write_pictures, monkeypatch, name):
    folder = write_pictures("1.png")
    folder.rename(folder.parent / name)
    monkeypatch.chdir(folder.parent)
    assert isinstance(open_source(name, realtime=True), ImageFolder)


def test_a_folder_that_may_not_be_looked_into_is_refused_in_a_sentence(tmp_path, monkeypatch):
    def denied(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)
    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(SourceError, match="Permission denied"), open_source(str(tmp_path), realtime=True):
        pass


@pytest.mark.parametrize("text", ["ros:ws://[::1/camera", "http://[::1/video", "rtsp://[::1/1"])
def test_an_address_that_cannot_be_parsed_is_refused_in_a_sentence(text):
    with pytest.raises(SourceError, match="not an address"):
        open_source(text, realtime=True)


@pytest.mark.parametrize("text", ["", "no/such/file.mp4", "~nobody/x.mp4", "x" * 5000, "1234", "a\0b"])
def test_nothing_there(text):
    with pytest.raises(SourceError, match="no such file or folder"):
        open_source(text, realtime=True)


@pytest.mark.parametrize("text", ["ftp://host/film.mp4", "concat://a|b", "file:///etc/passwd"])
def test_other_addresses_are_refused(text):
    with pytest.raises(SourceError, match=r"are not supported; expected a camera's number.*rtsp"):
        open_source(text, realtime=True)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("synthetic,30fps", "expected synthetic:,30fps, or in general synthetic:DIGITS,640x480,30fps"),
        ("Synthetic 6885/42", "expected synthetic:6885/42, or in general synthetic:DIGITS,640x480,30fps"),
        ("synthetic=68,25fps", "expected synthetic:68,25fps, or in general"),
        ("rtsp//phone/live", "expected rtsp://phone/live, or in general rtsp://HOST:PORT/PATH"),
        (
            "ice cameraA:tcp -h localhost -p 9999",
            "expected ice:cameraA:tcp -h localhost -p 9999, or in general ice:",
        ),
        ("ros/camera/image_raw", "expected ros:camera/image_raw, or in general ros:ws://HOST:9090/TOPIC"),
        ("192.168.1.20:4747/video", "expected http://192.168.1.20:4747/video, or rtsp://… for RTSP"),
    ],
)
def test_what_lacks_its_colon_is_told_its_right_form(text, form):
    with pytest.raises(SourceError) as caught:
        open_source(text, realtime=True)
    assert form in str(caught.value)
    meant = str(caught.value).partition("; expected ")[2].partition(", or ")[0]
    assert open_source(meant, realtime=False) is not None, "what is proposed can be used"


def test_no_password_is_shown_of_what_lacks_its_colon():
    with pytest.raises(SourceError) as caught:
        open_source("rtsp//me:secret@phone/live", realtime=True)
    assert "expected rtsp://phone/live" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_called_so_is_a_file(write_video, monkeypatch):
    path = write_video()
    path.rename(path.with_name("synthetic,30fps"))
    monkeypatch.chdir(path.parent)
    assert isinstance(open_source("synthetic,30fps", realtime=True), VideoFile)


def test_a_file_with_the_name_of_a_camera_is_written_with_its_folder(write_video, monkeypatch):
    path = write_video()
    path.rename(path.with_name("0"))
    monkeypatch.chdir(path.parent)
    assert isinstance(open_source("./0", realtime=True), VideoFile)
