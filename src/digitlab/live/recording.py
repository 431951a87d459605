"""A session kept: the frames as a video, and beside it a line of JSON for each."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

import cv2

from digitlab.errors import StorageError, UsageError
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.live.session import LiveReading

    Item = tuple[NDArray[np.uint8], LiveReading] | None  # None ends the recording

__all__ = ["Recording"]

_log = logging.getLogger(__name__)

_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
_WAITING = 30  # frames that may wait to be written: a second, and 28 MB of VGA
_PATIENCE = 30.0  # seconds that `close` gives the writer


class Recording:
    """A thread that writes frames to a video and their readings to a file of lines beside it.

    Both have their names only when the recording is over and whole. A line's "video_frame" is the number of its frame
    in the video; frames of another size than the first are fitted into it.

    path: of the video; the lines have the same name with .jsonl
    problem: a line for people, or None
    written, lost: frames in the video, and frames that came faster than they could be written
    """

    def __init__(self, path: Path, rate: Callable[[], float]) -> None:
        """Begin.

        rate: says, when the first frame has come, with how many frames a second the video is to be played

        Raises:
            UsageError: for another ending than .mp4 and .avi.
            StorageError: when the folder cannot be written.
        """
        if path.suffix.lower() not in _CODECS:
            raise UsageError(f"{path}: expected a video's name that ends in {' or '.join(_CODECS)}")
        self.path = path
        self.problem: str | None = None
        self.written = self.lost = 0
        self._rate = rate
        self._waiting: queue.Queue[Item] = queue.Queue(_WAITING)
        self._files = contextlib.ExitStack()
        self._over = False
        self._lines = self._begin()
        self._thread = threading.Thread(target=self._run, name="digitlab-recording", daemon=True)
        self._thread.start()

    def offer(self, image: NDArray[np.uint8], live: LiveReading) -> None:
        """Take a frame, uint8 (H, W, 3) RGB, and its reading; never waits."""
        if self._over:
            return
        try:
            self._waiting.put_nowait((image, live))
        except queue.Full:
            self.lost += 1
            self.problem = f"the recording is too slow: {self.lost} frames are not in it"

    def close(self) -> None:
        """Write what waits, and give the files their names.

        Raises:
            StorageError: when they could not be written.
        """
        self._over = True
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=_PATIENCE)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() or (self.problem is not None and not self.lost):
            raise StorageError(self.problem or f"cannot write {self.path}: the disk does not answer")

    def _begin(self) -> Any:
        """Make both files under temporary names, so that a folder that cannot be written is refused at once."""
        with contextlib.ExitStack() as files:
            self._video = files.enter_context(atomic_path(self.path))
            lines = files.enter_context(atomic_path(self.path.with_suffix(".jsonl")))
            text = files.enter_context(lines.open("w", encoding="utf-8"))
            self._files = files.pop_all()
        return text

    def _run(self) -> None:
        try:
            with self._files:
                self._write_all()
        except (OSError, cv2.error, StorageError) as error:
            self._over = True
            self.problem = f"the recording {self.path} ended: {error}"
            _log.warning("%s", self.problem)

    def _write_all(self) -> None:
        writer: cv2.VideoWriter | None = None
        size = (0, 0)
        try:
            while (item := self._waiting.get()) is not None:
                image, live = item
                if writer is None:
                    size = image.shape[1] & ~1, image.shape[0] & ~1  # codecs want even sides
                    writer = self._open(size)
                writer.write(cv2.cvtColor(_fitted(image, size), cv2.COLOR_RGB2BGR))
                self._lines.write(json.dumps({"video_frame": self.written, **live.as_json()}) + "\n")
                self.written += 1
        finally:
            if writer is not None:
                writer.release()
        if writer is None:
            raise StorageError("it got no frame")

    def _open(self, size: tuple[int, int]) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*_CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._video), cv2.CAP_FFMPEG, codec, min(max(self._rate(), 1.0), 120.0), size)
        if not writer.isOpened():
            raise StorageError(f"a video of {size[0]}×{size[1]} cannot be written here")
        return writer


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> Any:
    if (image.shape[1], image.shape[0]) == size:
        return image
    if 0 <= image.shape[1] - size[0] <= 1 and 0 <= image.shape[0] - size[1] <= 1:
        return image[: size[1], : size[0]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
