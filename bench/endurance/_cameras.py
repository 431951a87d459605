"""A camera that fails on purpose, drawn pictures for it, and `digitlab live` as a separate process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.camera.capture import LiveCapture
from digitlab.camera.synthetic import SyntheticPage
from digitlab.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RATE", "WAYS", "LosingCamera", "Reading", "connection_of", "drawn", "jpeg"]

RATE = 5.0  # frames per second of video time
WAYS = (
    "end of stream", "empty frames", "exception", "hang", "device gone", "other size", "noise for pictures",
    "opening refused", "index reused", "pictures of an odd kind",
)  # fmt: skip
GONE_FOR = 0.8  # seconds for which a device is absent or refuses to open


def drawn(text: str, count: int = 12) -> list[np.ndarray]:
    """Draw frames of a page of 320×240, uint8 BGR as OpenCV delivers them."""
    with SyntheticPage(text, size=(320, 240), frames=count, realtime=False) as page:
        return [cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR) for frame in iter(page.read, None)]


class LosingCamera(LiveCapture):
    """A local camera as OpenCV delivers it, as fast as it is read, that fails when the test says so.

    connection: how often it was opened; encoded in the first two pixels of each picture
    lost: when it failed, or, if it was away after that, when it became available again; None: it has not failed
    lost_connection: pictures of later connections show that it is back; after merely odd pictures it resumes by itself
    """

    realtime = False  # as fast as it is read; its frames are timed by their number

    def __init__(self, pictures: list[np.ndarray], others: list[np.ndarray], frame_limit: int) -> None:
        super().__init__()
        self.pictures, self.others = pictures, others
        self.connection, self.delivered, self.frame_limit = 0, 0, frame_limit
        self.way: str | None = None
        self.lost: float | None = None
        self.lost_connection = 0
        self.away_until = 0.0
        self.over = threading.Event()

    def _start(self) -> cv2.VideoCapture:
        if time.monotonic() < self.away_until:
            raise SourceError("there is no such device") if self.connection % 2 else OSError(111, "refused")
        self.connection += 1
        return _Capture(self, self.connection)  # type: ignore[return-value]

    def _lost(self) -> str:
        return "no picture arrived"

    @property
    def rate(self) -> float:
        return RATE

    def lose(self, way: str) -> None:
        """Fail in this way at the next picture."""
        self.way = way


class _Capture:
    """Stand-in for the cv2.VideoCapture that `LiveCapture` uses."""

    def __init__(self, camera: LosingCamera, number: int) -> None:
        self.camera, self.number, self.odd, self.released = camera, number, 0, threading.Event()

    def get(self, _: int) -> float:
        return RATE

    def release(self) -> None:
        self.released.set()

    def read(self) -> tuple[bool, np.ndarray | None]:
        camera = self.camera
        way, camera.way = camera.way, None
        if way is not None and camera.connection == self.number:
            answer = self._fail(way)
            if answer is not None:
                return answer
        if camera.delivered >= camera.frame_limit:
            camera.over.wait(30.0)
            return False, None
        camera.delivered += 1
        if self.odd:
            self.odd -= 1
            return True, _odd(self.odd, camera.pictures[0])
        return True, self._picture()

    def _fail(self, way: str) -> tuple[bool, np.ndarray | None] | None:
        camera = self.camera
        camera.lost, camera.lost_connection = time.monotonic(), self.number
        if way in ("device gone", "opening refused"):
            camera.away_until = camera.lost + GONE_FOR
            camera.lost = camera.away_until
        if way == "index reused":
            camera.pictures, camera.others = camera.others, camera.pictures
        if way == "hang":
            old = self._picture()
            self.released.wait(4.0)  # OpenCV cannot be interrupted
            return True, old
        if way == "empty frames":
            return True, np.empty((0, 0, 3), np.uint8)
        if way == "exception":
            raise cv2.error("assertion failed")
        if way in ("other size", "noise for pictures"):
            self.odd, camera.lost_connection = 8, self.number - 1
            return None
        if way == "pictures of an odd kind":
            return True, np.zeros((240, 320, 7), np.float64)
        return False, None

    def _picture(self) -> np.ndarray:
        pictures = self.camera.pictures
        picture = pictures[self.camera.delivered % len(pictures)].copy()
        picture[0, :2] = [self.number // 256, self.number % 256, 7], [1, 2, 3]
        return picture


def connection_of(image: np.ndarray) -> int | None:
    """Decode the connection number in a picture; None for an odd picture."""
    (red, green, blue), mark = image[0, 0].tolist(), image[0, 1].tolist()
    return blue * 256 + green if (red, mark) == (7, [3, 2, 1]) else None


def _odd(number: int, like: np.ndarray) -> np.ndarray:
    if number % 2:
        return cv2.resize(like, (like.shape[1] * (2 + number) // 3, like.shape[0] * (2 + number) // 4))
    return np.random.default_rng(number).integers(0, 255, like.shape, np.uint8)


def jpeg(text: str) -> bytes:
    """Make a 640×480 picture with the noise of a dark room: 200 kB, so that what the system buffers is soon old."""
    large = cv2.resize(drawn(text, 1)[0], (640, 480)).astype(np.int16)
    grain = np.random.default_rng(0).normal(0, 9, large.shape)
    return bytes(
        cv2.imencode(".jpg", np.clip(large + grain, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    )


class Reading:
    """`digitlab live --json` on an address, as a process; its output lines are kept with their times of arrival."""

    def __init__(self, source: str, *more: str, inside: Sequence[str] = ()) -> None:
        command = [*inside, sys.executable, "-m", "digitlab", "live", "--source", source, "--headless", "--json", *more]
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "DIGITLAB_CONFIG": self.folder.name},
        )  # fmt: skip
        self.lines: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            with contextlib.suppress(ValueError):
                self.lines.put((time.monotonic(), json.loads(line)))

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> list[tuple[float, dict[str, Any]]]:
        """Return all lines up to and including a wanted one; TimeoutError if none comes in time."""
        received, until = [], time.monotonic() + seconds
        while (seconds_left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                received.append(self.lines.get(timeout=seconds_left))
                if wanted(received[-1][1]):
                    return received
        raise TimeoutError(f"not within {seconds:g} s; the last lines: {[line for _, line in received[-2:]]}")

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._thread.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.folder.cleanup()
