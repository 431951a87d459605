"""The cameras of this computer: the list of devices, and one of them as a source."""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2

from digitlab.camera.capture import LiveCapture, quiet_opencv
from digitlab.errors import SourceError, WrongSourceError

__all__ = ["Device", "Webcam", "captures_video", "list_devices"]

_SYSTEM = Path("/sys/class/video4linux")
_MOST_PROBED = 5  # if the system has no list, each number is tried, for up to a second each

# From linux/videodev2.h: VIDIOC_QUERYCAP reads a struct v4l2_capability of 104 bytes.
_QUERY_CAPABILITIES = 0x80685600
_CAPABILITIES_SIZE = 104
_CAPABILITIES_AT = 84  # offset of two words: capabilities of the whole device, and of this node
_CAPTURE = 0x00000001 | 0x00001000  # single-planar or multi-planar
_NODE_WORD_HOLDS = 0x80000000


@dataclass(frozen=True, slots=True)
class Device:
    """A camera of this computer.

    source: the value for `--source`: its number
    name: from its driver
    """

    source: str
    name: str


def list_devices(system: Path = _SYSTEM) -> tuple[Device, ...]:
    """List the cameras in the order of their numbers; on Linux, which has a list, none is opened.

    system: the folder in which Linux lists its video devices
    """
    if not sys.platform.startswith("linux"):
        return tuple(_probed())
    try:
        numbers = sorted(
            int(found[1]) for entry in system.iterdir() if (found := re.fullmatch(r"video(\d+)", entry.name))
        )
    except OSError:  # a kernel without video devices
        return ()
    return tuple(
        Device(str(number), _name(system / f"video{number}") or f"camera {number}")
        for number in numbers
        if captures_video(Path(f"/dev/video{number}")) is not False
    )


def _name(entry: Path) -> str:
    try:
        raw = (entry / "name").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return "".join(character for character in raw.strip() if character.isprintable())


def captures_video(node: Path) -> bool | None:
    """Return whether a Linux device node captures video (many cameras have a second one that does not); None: unknown.

    The query does not disturb other users of the camera.
    """
    import fcntl  # does not exist on Windows

    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError:
        return False  # in a container, /sys may list missing devices
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(descriptor, _QUERY_CAPABILITIES, bytes(_CAPABILITIES_SIZE))
    except OSError as error:
        return False if error.errno in (errno.ENOTTY, errno.EINVAL) else None  # not a video device at all
    finally:
        os.close(descriptor)
    device, this_node = struct.unpack_from("=II", answer, _CAPABILITIES_AT)
    return bool((this_node if device & _NODE_WORD_HOLDS else device) & _CAPTURE)


def _probed() -> list[Device]:
    found = []
    with quiet_opencv():
        for number in range(_MOST_PROBED):
            capture = cv2.VideoCapture(number)
            if capture.isOpened():
                found.append(Device(str(number), f"camera {number}"))
            capture.release()
    return found


_SILENT_FOR = 3  # seconds that OpenCV waits for a picture from a V4L2 device; its default is 10


class Webcam(LiveCapture):
    """A camera by its number, or by its device file (Linux), in its driver's default size.

    device: 0 is the first camera; or a path such as /dev/video0 or /dev/v4l/by-id/…
    size: width and height to request; drivers take the nearest supported one
    """

    def __init__(self, device: int | str | Path = 0, *, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.device = device
        self.size = size

    def _start(self) -> cv2.VideoCapture:
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_SILENT_FOR))
        if sys.platform.startswith("linux"):
            self._check_node()
        with quiet_opencv():
            if isinstance(self.device, int):
                system = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
                capture = cv2.VideoCapture(self.device, system)
            else:
                # The file selects the device whatever its number is.
                capture = cv2.VideoCapture(str(Path(self.device).resolve()), cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"{self}: cannot be opened; another program may be using it")
        if self.size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size[1])
        return capture

    def _check_node(self) -> None:
        node = Path(f"/dev/video{self.device}") if isinstance(self.device, int) else Path(self.device)
        advice = "`digitlab live --list` lists the cameras"
        if not node.exists():
            raise SourceError(f"{self}: there is no {node}; {advice}")
        if not node.is_char_device():
            raise WrongSourceError(f"{self}: {node} is not a device; {advice}")
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(
                f"{self}: permission denied for {node}; usually only members of the group video have access"
            )
        if captures_video(node) is False:
            raise WrongSourceError(f"{self}: {node} does not capture video; {advice}")

    def _lost(self) -> str:
        return f"{self}: no picture arrived; it was unplugged, or another program uses it"

    def __str__(self) -> str:
        """Return the name for messages."""
        return f"camera {self.device}"
