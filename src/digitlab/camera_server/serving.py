"""A served camera: runs in the background and sends each picture to all waiting clients."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.camera.ice.pixels import packed
from digitlab.camera.newest import NewestFrame
from digitlab.camera.source import SourceState, pause
from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.camera.source import Source, SourceStatus
    from digitlab.camera_server.settings import CameraSettings

    Taker = Callable[["ServedPicture | str"], None]

__all__ = ["ServedCamera", "ServedPicture"]

_log = logging.getLogger(__name__)

# Maximum number of waiting requests: of all clients, and of one connection. Ice buffers responses that a client does
# not fetch, so a client must not request more than it can receive.
_MOST_WAITING = 256
_MOST_WAITING_OF_ONE = 2


class ServedPicture:
    """A picture as it is served.

    image: uint8 (H, W, 3) RGB
    taken: seconds since 1970
    """

    def __init__(self, image: NDArray[np.uint8], taken: float) -> None:
        self.image = image
        self.taken = taken
        self._packed: dict[str, bytes] = {}
        self._md5sums: dict[str, str] = {}

    def packed(self, name: str) -> bytes:
        """Return the bytes in a format; encoded once for all clients."""
        if name not in self._packed:
            self._packed[name] = packed(self.image, name)
        return self._packed[name]

    def md5sum(self, name: str) -> str:
        """Return the MD5 sum of these bytes; computed once for all clients."""
        if name not in self._md5sums:
            self._md5sums[name] = hashlib.md5(self.packed(name), usedforsecurity=False).hexdigest()
        return self._md5sums[name]


class ServedCamera:
    """A source that runs in the background, and the clients that wait for its next picture.

    As in JdeRobot, a request is answered with the next picture, so clients get each picture once, at the camera's rate
    or at the configured one, whichever is lower. A file starts again at its end. A source that fails is retried
    indefinitely.

    source: creates a new source, or raises an error
    on_change: called with "running", or the problem, whenever that changes, in a thread of this class
    """

    def __init__(
        self, settings: CameraSettings, source: Callable[[], Source], on_change: Callable[[str], None] | None = None
    ) -> None:
        self.settings = settings
        self.served = 0
        self._source = source
        self._on_change = on_change
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Taker]] = []
        self._problem: str | None = None
        self._said: str | None = None
        self._due = 0.0
        self._closing = threading.Event()
        self._frames: NewestFrame | None = None
        self._thread = threading.Thread(target=self._run, name=f"digitlab-{settings.name}", daemon=True)

    def start(self) -> None:
        """Start in the background."""
        self._thread.start()

    def close(self) -> None:
        """Close the source; waiting clients get an error."""
        self._closing.set()
        with self._lock:
            frames = self._frames
        if frames is not None:
            frames.close()
        if self._thread.ident is not None:
            self._thread.join(3.0)
        self._give_all("the camera server is shutting down")

    def ask(self, client: str, take: Taker) -> None:
        """Arrange for `take` to be called with the next picture or a problem: once, soon, and in any thread.

        client: its connection; while it has two waiting requests, the next one gets an error at once
        """
        with self._lock:
            refusal = "the camera server is shutting down" if self._closing.is_set() else self._problem
            if refusal is None and self._crowded(client):
                refusal = "too many requests at once: earlier ones are still waiting"
            if refusal is None:
                self._waiting.append((client, take))
        if refusal is not None:
            take(refusal)

    def _crowded(self, client: str) -> bool:
        of_this = sum(1 for waiting, _ in self._waiting if waiting == client)
        return of_this >= _MOST_WAITING_OF_ONE or len(self._waiting) >= _MOST_WAITING

    def _give_all(self, given: ServedPicture | str) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._problem = given if isinstance(given, str) else None
        for _, take in waiting:
            try:
                take(given)
            except Exception:  # noqa: BLE001 - one client's error must not affect the others
                _log.exception("%s: a picture could not be sent", self.settings.name)
        self._say(given if isinstance(given, str) else "running")

    def _say(self, state: str) -> None:
        if state != self._said and not self._closing.is_set():
            self._said = state
            _log.info("%s: %s", self.settings.name, state)
            if self._on_change is not None:
                try:
                    self._on_change(state)
                except Exception:  # noqa: BLE001 - a listener's error must not end the camera
                    _log.exception("the listener of %s failed", self.settings.name)

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            before = self.served
            try:
                self._play()
                failures = 0 if self.served > before else failures + 1
            except DigitlabError as error:
                failures = failures + 1
                self._give_all(str(error))
            except Exception as error:  # noqa: BLE001 - whatever a source raises, the other cameras keep running
                _log.exception("%s failed", self.settings.uri)
                failures = failures + 1
                self._give_all(f"{self.settings.uri}: {type(error).__name__}")
            if failures:
                self._closing.wait(pause(failures))

    def _play(self) -> None:
        """Serve the source from its start to its end (a camera has none)."""
        frames = NewestFrame(self._source(), keep="newest", reconnect=True, insist=True, on_change=self._source_changed)
        with self._lock:
            self._frames = frames
        with frames:
            while not self._closing.is_set():
                frame = frames.get(timeout=0.5)
                if frame is not None:
                    self._publish(frame.image, frame.captured)
                elif frames.ended:
                    return

    def _source_changed(self, status: SourceStatus) -> None:
        if status.state in (SourceState.STALLED, SourceState.RECONNECTING) and status.problem:
            self._give_all(status.problem)

    def _publish(self, image: NDArray[np.uint8], captured: float) -> None:
        """Send a frame, unless it is too early for the configured rate."""
        now, interval = time.monotonic(), 1.0 / self.settings.rate
        if now < self._due:
            return
        # The next interval starts when this frame was due, which keeps the mean rate; missed frames are skipped.
        self._due = max(self._due + interval, now)
        self.served += 1
        self._give_all(ServedPicture(_fitted(image, self.settings), time.time() - (now - captured)))


def _fitted(image: NDArray[np.uint8], settings: CameraSettings) -> NDArray[np.uint8]:
    """Resize to the served size, and mirror if configured; uint8 (H, W, 3), contiguous."""
    size = settings.width, settings.height
    if image.shape[1::-1] != size:
        smaller = image.shape[1] > settings.width
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))
    return np.ascontiguousarray(image[:, ::-1] if settings.mirror else image)
