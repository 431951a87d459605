"""Records a session: the frames as a video, and one line of JSON per frame beside it."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import cv2

from digitlab.errors import StorageError, UsageError, counted
from digitlab.storage import atomic_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.live.live_reading import LiveReading

    Item = tuple[NDArray[np.uint8], dict[str, Any]]  # a frame and its line

__all__ = ["SessionRecorder"]

_log = logging.getLogger(__name__)

_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
_QUEUE = 30  # frames that may wait to be written: one second, and 28 MB of VGA
_PATIENCE = 30.0  # seconds that `close` waits for the writer
_TOLD_EVERY = 5.0  # seconds between two counts of the frames that are missing
_MEASURED_FOR = 1.0  # seconds of frames, two at least, that wait until their rate is known, which the header states
_SLOWEST, _FASTEST, _USUAL_RATE = 0.05, 120.0, 25.0  # frames per second


class SessionRecorder:
    """A thread that writes frames to a video and their readings to a JSON Lines file beside it.

    Both files get their final names only when the recording is complete. "video_frame" is the number of a line's frame
    in the video; frames of another size than the first are resized to it.

    path: of the video; the lines have the same name with .jsonl
    written, lost: number of frames in the video, and of frames that arrived faster than they could be written
    """

    def __init__(self, path: Path, rate: Callable[[], float | None]) -> None:
        """Start.

        rate: called once, after the first frames; returns the frames per second of the video; None: those at which
            these frames were captured

        Raises:
            UsageError: for a file name extension other than .mp4 and .avi.
            StorageError: when the folder cannot be written.
        """
        if path.suffix.lower() not in _CODECS:
            raise UsageError(f"{path}: expected a file name with the extension {' or '.join(_CODECS)}")
        self.path = path
        self._failure: str | None = None
        self.written = self.lost = 0
        self._told_lost, self._told_at = 0, -math.inf
        self._rate = rate
        self._waiting: queue.Queue[Item | None] = queue.Queue(_QUEUE)  # None ends the recording
        self._files = contextlib.ExitStack()
        self._closed = False
        self._lines = self._begin()
        self._thread = threading.Thread(target=self._run, name="digitlab-recording", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why it ended, or how many frames are missing, in one line of text; None without a problem.

        That number changes every few seconds at most, so that whoever prints what is new does not print each frame.
        """
        if self._failure is not None or not self.lost:
            return self._failure
        if time.monotonic() - self._told_at >= _TOLD_EVERY:
            self._told_lost, self._told_at = self.lost, time.monotonic()
        missing = counted(self._told_lost, "frame is", "frames are")
        return f"the disk is too slow for the recording: {missing} missing from it"

    def offer(self, image: NDArray[np.uint8], live: LiveReading) -> None:
        """Add a frame, uint8 (H, W, 3) RGB, and its reading; never blocks."""
        if self._closed:
            return
        try:
            self._waiting.put_nowait((image, live.as_json()))  # its age is that of now
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write the frames in the queue, and give the files their final names.

        Raises:
            StorageError: when they could not be written.
        """
        self._closed = True
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=_PATIENCE)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() or self._failure is not None:
            raise StorageError(self._failure or f"cannot write {self.path}: the disk does not respond")

    def _begin(self) -> Any:
        """Create both files under temporary names, so that a folder that cannot be written is reported at once."""
        with contextlib.ExitStack() as files:
            self._video, lines = files.enter_context(atomic_paths(self.path, self.path.with_suffix(".jsonl")))
            text = files.enter_context(lines.open("w", encoding="utf-8"))
            self._files = files.pop_all()
        return text

    def _run(self) -> None:
        try:
            with self._files:
                self._write_all()
        except (OSError, cv2.error, StorageError) as error:
            self._closed = True
            self._failure = f"the recording {self.path} ended: {error}"
            _log.warning("%s", self._failure)
            with contextlib.suppress(queue.Empty):  # else `close` would wait for room in a queue that nobody empties
                while True:
                    self._waiting.get_nowait()

    def _write_all(self) -> None:
        writer: cv2.VideoWriter | None = None
        size = (0, 0)
        try:
            first = self._first_items()
            rate = self._rate() or _rate_of([item[1] for item in first if item is not None]) or _USUAL_RATE
            for image, line in self._items(first):
                if writer is None:
                    size = image.shape[1] & ~1, image.shape[0] & ~1  # codecs need even sides
                    writer = self._open(size, rate)
                writer.write(cv2.cvtColor(_fitted(image, size), cv2.COLOR_RGB2BGR))
                self._lines.write(json.dumps({"video_frame": self.written, **line}) + "\n")
                self.written += 1
        finally:
            if writer is not None:
                writer.release()
        if writer is None:
            raise StorageError("it received no frame")

    def _first_items(self) -> list[Item | None]:
        """Wait for the frames by which their rate is measured."""
        first = [self._waiting.get()]
        until = time.monotonic() + _MEASURED_FOR
        with contextlib.suppress(queue.Empty):
            while first[-1] is not None and len(first) < _QUEUE:
                left = None if len(first) < 2 else max(0.0, until - time.monotonic())
                first.append(self._waiting.get(timeout=left))
        return first

    def _items(self, first: list[Item | None]) -> Iterator[Item]:
        """Yield these frames, then those in the queue."""
        while (item := first.pop(0) if first else self._waiting.get()) is not None:
            yield item

    def _open(self, size: tuple[int, int], rate: float) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*_CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._video), cv2.CAP_FFMPEG, codec, min(max(rate, _SLOWEST), _FASTEST), size)
        if not writer.isOpened():
            raise StorageError(f"a video of {size[0]}×{size[1]} cannot be written here")
        return writer


def _rate_of(lines: list[dict[str, Any]]) -> float | None:
    """Return the frames per second of these lines, by their times of capture; None of a single one."""
    seconds = lines[-1]["time"] - lines[0]["time"] if lines else 0.0
    return (len(lines) - 1) / seconds if seconds > 0 else None


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> Any:
    if (image.shape[1], image.shape[0]) == size:
        return image
    if 0 <= image.shape[1] - size[0] <= 1 and 0 <= image.shape[0] - size[1] <= 1:
        return image[: size[1], : size[0]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
