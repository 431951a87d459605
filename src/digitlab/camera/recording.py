"""A recorded stream: frames with their times, to be played again at those times.

A recording is a folder of two append-only files, so that everything recorded before a power cut can still be played:

    frames.mjpeg    the frames, one JPEG picture after the other (video players can show it)
    frames.jsonl    one line per frame: {"time": 0.0334, "start": 18230, "length": 18411}

`time` is in seconds since the first frame, `start` and `length` are bytes in frames.mjpeg; other keys are ignored.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from digitlab.camera.colours import rgb_from_jpeg
from digitlab.camera.jpeg_parts import JpegParts
from digitlab.camera.playback import Playback
from digitlab.errors import SourceError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from numpy.typing import NDArray

    from digitlab.camera.playback import Images
    from digitlab.values import Frame

__all__ = ["FrameRecorder", "Recording", "is_recording"]

_log = logging.getLogger(__name__)

_PICTURES = "frames.mjpeg"
_TIMES = "frames.jsonl"
_LONGEST_PICTURE = 64_000_000  # bytes
_USUAL_RATE = 25.0


def is_recording(folder: Path) -> bool:
    """Return whether a folder contains a recording; False if it may not be looked into."""
    try:
        return (folder / _TIMES).is_file()
    except OSError:
        return False


class FrameRecorder:
    """Writes a recording. A context manager; used by one thread.

    folder: created if it is missing; must not contain a recording yet
    quality: JPEG quality, 1 to 100
    frames: number of frames written so far
    """

    def __init__(self, folder: str | Path, *, quality: int = 95) -> None:
        self.folder = Path(folder)
        self.frames = 0
        self._quality = quality
        self._start: float | None = None
        self._at = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._pictures: BinaryIO = (self.folder / _PICTURES).open("xb")
            try:
                self._times = (self.folder / _TIMES).open("x", encoding="utf-8", buffering=1)
            except OSError:
                self._pictures.close()
                (self.folder / _PICTURES).unlink()
                raise
        except FileExistsError as error:
            raise StorageError(
                f"{self.folder}: a recording or file with this name already exists; choose another name"
            ) from error
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}; cannot record there") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, frame: Frame) -> None:
        """Append a frame.

        Raises:
            StorageError: when it cannot be written, e.g. on a full disk.
        """
        written, picture = cv2.imencode(
            ".jpg", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        )
        if not written:
            raise StorageError(f"{self.folder}: a frame of {frame.image.shape} cannot be encoded as JPEG")
        if self._start is None:
            self._start = frame.captured
        length = int(picture.size)
        line = {"time": round(frame.captured - self._start, 6), "start": self._at, "length": length}
        try:
            self._pictures.write(picture.tobytes())
            self._pictures.flush()  # before its line, so that every line has its picture
            self._times.write(json.dumps(line) + "\n")
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}; the recording ends here") from error
        self._at += length
        self.frames += 1

    def close(self) -> None:
        """Finish the recording.

        Raises:
            StorageError: when its end cannot be written.
        """
        try:
            self._pictures.close()
            self._times.close()
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}; the recording may lack its end") from error


class Recording(Playback):
    """A recording, played at its capture times, or as fast as it is read.

    length: number of frames; None until it is open
    """

    def __init__(self, folder: str | Path, *, realtime: bool = True) -> None:
        super().__init__(rate=None, realtime=realtime)
        self.folder = Path(folder)
        self.length: int | None = None

    def _images(self) -> Images:
        lines = _read_lines(self.folder)
        self.length = len(lines)
        self._rate = _rate([time for time, _, _ in lines])
        try:
            pictures = (self.folder / _PICTURES).open("rb")
        except OSError as error:
            raise SourceError(f"{self.folder / _PICTURES}: {error.strerror}; expected the frames there") from error
        return self._play(pictures, lines)

    def _play(self, pictures: BinaryIO, lines: list[tuple[float, int, int]]) -> Images:
        with pictures:
            for number, (time, start, length) in enumerate(lines):
                pictures.seek(start)
                yield _decoded(pictures.read(length), f"{self.folder}: frame {number}"), time


def _read_lines(folder: Path) -> list[tuple[float, int, int]]:
    """Read time, start and length of every frame.

    Raises:
        SourceError: when there is no line, or an invalid one.
    """
    path = folder / _TIMES
    try:
        texts = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; expected the times of a recording") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: not a text file; expected the times of a recording, one JSON object per line"
        ) from error
    lines: list[tuple[float, int, int]] = []
    for number, text in enumerate(texts, start=1):
        try:
            lines.append(_checked(json.loads(text), lines[-1][0] if lines else 0.0))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            if number == len(texts) and lines:
                _log.warning("%s: the last line is truncated and ignored", path)
                break
            raise SourceError(
                f'{path}, line {number}: {text[:80]!r} is not a frame; expected {{"time": seconds, "start": bytes, '
                '"length": bytes}, with times that do not decrease'
            ) from error
    if not lines:
        raise SourceError(f"{path}: contains no frame")
    return lines


def _checked(line: dict[str, Any], before: float) -> tuple[float, int, int]:
    time, start, length = float(line["time"]), line["start"], line["length"]
    if not (math.isfinite(time) and time >= before):
        raise ValueError("time")
    if type(start) is not int or type(length) is not int or start < 0 or not 0 < length <= _LONGEST_PICTURE:
        raise ValueError("place")
    return time, start, length


def _rate(times: Iterable[float]) -> float:
    """Estimate the frames per second from the median interval."""
    steps = np.diff(np.fromiter(times, np.float64))
    usual = float(np.median(steps)) if steps.size else 0.0
    return 1.0 / usual if usual > 0.0 else _USUAL_RATE


def _decoded(picture: bytes, name: str) -> NDArray[np.uint8]:
    parts = JpegParts(most=_LONGEST_PICTURE)  # rejects truncated pictures and implausible sizes
    parts.feed(picture)
    whole = parts.newest()
    image = None if whole is None else rgb_from_jpeg(whole)
    if image is None:
        raise SourceError(f"{name} cannot be decoded; {_PICTURES} is truncated or damaged")
    return image
