import pytest

from digitlab.camera import ImageFolder, VideoFile, open_source
from digitlab.errors import SourceError


@pytest.mark.parametrize("realtime", [True, False])
def test_a_file_is_a_video(write_video, realtime):
    source = open_source(str(write_video()), realtime=realtime)
    assert isinstance(source, VideoFile)
    assert source.realtime is realtime


def test_a_folder_is_a_folder_of_pictures(write_pictures):
    assert isinstance(open_source(str(write_pictures("1.png")), realtime=True), ImageFolder)


@pytest.mark.parametrize(
    "text", ["0", "12", "/dev/video0", "http://phone:4747/video", "rtsp://camera/1", "ice:cameraA:tcp -p 9999"]
)
def test_what_does_not_work_yet_is_said_with_what_does(text):
    with pytest.raises(SourceError, match=r"cannot be read in this version.*video file.*folder of pictures"):
        open_source(text, realtime=True)


@pytest.mark.parametrize("text", ["", "no/such/file.mp4", "~nobody/x.mp4"])
def test_nothing_there(text):
    with pytest.raises(SourceError, match="no such file or folder"):
        open_source(text, realtime=True)
