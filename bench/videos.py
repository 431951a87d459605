"""Steadiness of reading a number on paper in recordings: `python bench/videos.py FOLDER [--stride N]`.

Each recording's name ends in the number that it shows, as in ``paper_6885.mp4``. Every frame (or every N-th, with the
times of the recording) is read as in live page mode, so the result does not depend on this machine's speed. Prints the
share of frames after the first second in which the frame's own reading and the steady text are right, and any wrong
steady texts.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitlab.live.frame_reading import look
from digitlab.live.tracks import Tracker
from digitlab.reading import Reader

_ENDINGS = (".mp4", ".avi", ".mov", ".webm")
_REGION = (0, 0, 1, 1)  # unused in page mode


@dataclass(frozen=True)
class Result:
    """Result for one recording, after its first second: frames, correct readings, frames with the right steady text."""

    name: str
    frames: int
    read: int
    steady: int
    wrong: tuple[str, ...]


def measured(path: Path, reader: Reader, stride: int = 1) -> Result:
    """Read a recording; the number in its name is the truth."""
    truth = "".join(each for each in path.stem.split("_")[-1] if each.isdigit())
    video, tracker = cv2.VideoCapture(str(path)), Tracker(whole=True)
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    frames = read = steady = number = 0
    wrong: list[str] = []
    while True:
        read_ok, frame = video.read()
        if not read_ok:
            break
        at, number = number / rate, number + 1
        if (number - 1) % stride:
            continue
        image = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
        result = look(image, "page", _REGION, reader)
        tracker.add(result.detections, at, image)
        if tracker.steady and tracker.steady != truth and tracker.steady not in wrong:
            wrong.append(tracker.steady)
        if at >= 1.0:
            frames += 1
            read += result.reading.text == truth
            steady += tracker.steady == truth
    video.release()
    return Result(path.name, frames, read, steady, tuple(wrong))


def main() -> None:
    """Parse the command line, measure each recording, print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stride", type=int, default=1)
    options = parser.parse_args()
    reader = Reader(threads=1)
    for path in sorted(each for each in options.folder.iterdir() if each.suffix.lower() in _ENDINGS):
        result = measured(path, reader, options.stride)
        share = 100 / max(1, result.frames)
        sys.stdout.write(
            f"{result.name}: {result.frames} frames after the first second, "
            f"read correctly {share * result.read:.0f} %, "
            f"steady and right {share * result.steady:.0f} %; wrong steady texts: {', '.join(result.wrong) or 'none'}\n"
        )


if __name__ == "__main__":
    main()
