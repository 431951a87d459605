"""Create a source from the text that a user gives with `--source`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.camera.address import without_password
from digitlab.camera.capture import RtspStream
from digitlab.camera.folder import ImageFolder
from digitlab.camera.mjpeg import MjpegStream
from digitlab.camera.recording import Recording, is_recording
from digitlab.camera.synthetic import SyntheticPage
from digitlab.camera.video import VideoFile
from digitlab.camera.webcam import Webcam
from digitlab.errors import SourceError

if TYPE_CHECKING:
    from digitlab.camera.source import Source

__all__ = ["is_camera", "open_source"]

_CAMERA = re.compile(r"[0-9]{1,3}\Z|/dev/video|(https?|rtsps?|ice|ros):", re.IGNORECASE)
_FORMS = {  # of the sources that begin with a word
    "synthetic": "synthetic:DIGITS,640x480,30fps",
    "http": "http://HOST:PORT/video",
    "https": "https://HOST:PORT/video",
    "rtsp": "rtsp://HOST:PORT/PATH",
    "rtsps": "rtsps://HOST:PORT/PATH",
    "ice": "ice:NAME:tcp -h HOST -p PORT",
    "ros": "ros:ws://HOST:9090/TOPIC",
}
_NO_COLON = re.compile(rf"({'|'.join(_FORMS)})[\s,;=/]+(.*)", re.IGNORECASE | re.DOTALL)
_NO_SCHEME = re.compile(r"([\w.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}(/.*)?", re.IGNORECASE | re.DOTALL)
_EXPECTED = (
    "expected a camera's number, a video file, a folder of pictures, http://…, rtsp://…, ice:PROXY, "
    "ros:ws://HOST:9090/TOPIC, or synthetic"
)


def is_camera(text: str) -> bool:
    """Return whether `text` names a camera rather than a file, a folder or a drawn page.

    >>> is_camera("0"), is_camera("rtsp://phone/live"), is_camera("page.mp4"), is_camera("synthetic")
    (True, True, False, False)
    """
    text = text.strip()
    if _CAMERA.match(text):
        return True
    path = Path(text)
    return bool(text) and _exists(path) and path.is_char_device()


def open_source(text: str, *, realtime: bool) -> Source:
    """Create the source named by `text`; a `with` statement opens it.

    - `0`, `1`, … or `/dev/video0`: a camera of this computer
    - `http://HOST:PORT/PATH` (or https): MJPEG; `rtsp://HOST/PATH` (or rtsps): RTSP; `NAME:PASSWORD@` before HOST
    - `ice:cameraA:tcp -h HOST -p PORT`: a JdeRobot camera server
    - `ros:ws://HOST:9090/TOPIC`: a robot's camera through rosbridge
    - `synthetic`, `synthetic:6885/42,1280x720,30fps`: a drawn page, see `SyntheticPage.parse`
    - the path of a video file, of a recording, or of a folder of pictures (25 frames per second); a file whose name
      looks like one of the above must be written with its folder: `./0`

    realtime: whether files play at their own rate; cameras always do

    Raises:
        SourceError: for any other text, and for a path that does not exist.
    """
    text = text.strip()
    if (source := _by_its_form(text, realtime=realtime)) is not None:
        return source
    path = Path(text)
    if not text or not _exists(path):
        if (form := _right_form(text)) is not None:
            raise SourceError(f"{without_password(text)}: there is no such file or folder; {form}")
        raise SourceError(f"{text or '(nothing)'}: there is no such file or folder; {_EXPECTED}")
    if path.is_char_device():
        return Webcam(path)
    if path.is_dir():
        kind = Recording if is_recording(path) else ImageFolder
        return kind(path, realtime=realtime)
    return VideoFile(path, realtime=realtime)


def _by_its_form(text: str, *, realtime: bool) -> Source | None:
    """Create the source if the form of the text excludes a path; else return None."""
    scheme, colon, _ = text.lower().partition(":")
    if re.fullmatch(r"[0-9]{1,3}", text):
        return Webcam(int(text))
    if text.startswith("/dev/video"):
        return Webcam(text)
    if scheme == "synthetic":
        return SyntheticPage.parse(text, realtime=realtime)
    if not colon:  # a file or folder that is called ice or ros
        return None
    if scheme == "ice":
        from digitlab.camera.ice import IceCamera

        return IceCamera(text.partition(":")[2])
    if scheme == "ros":
        from digitlab.camera.ros import RosCamera

        return RosCamera(text)
    if scheme in ("http", "https"):
        return MjpegStream(text)
    if scheme in ("rtsp", "rtsps"):
        return RtspStream(text)
    if "://" in text:
        raise SourceError(f"{text.partition('://')[0][:20]}://…: addresses of this kind are not supported; {_EXPECTED}")
    return None


def _right_form(text: str) -> str | None:
    """Return how a source is written that lacks its colon or its scheme; None if the text resembles none.

    >>> _right_form("synthetic,30fps")
    'expected synthetic:,30fps, or in general synthetic:DIGITS,640x480,30fps'
    >>> _right_form("192.168.1.20:4747/video")
    'expected http://192.168.1.20:4747/video, or rtsp://… for RTSP'
    """
    if (found := _NO_COLON.fullmatch(text)) is not None:
        word, rest = found[1].lower(), found[2]
        if word == "synthetic" and not re.match(r"[0-9/]+(,|$)|blank", rest):  # the digits may be left out
            rest = f",{rest}"
        meant = f"{word}{'://' if word[:4] in ('http', 'rtsp') else ':'}{rest}"
        return f"expected {without_password(meant)}, or in general {_FORMS[word]}"
    if _NO_SCHEME.fullmatch(text) is not None:
        return f"expected {without_password(f'http://{text}')}, or rtsp://… for RTSP"
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the name is too long, or the folder is unreadable
        return False
