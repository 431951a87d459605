"""A synthetic phone video of handwritten numbers on paper, from MNIST test digits, with its ground truth.

    python -m digitlab.examples.paper_video demo.mp4 --numbers 2017 4096 --seed 0

writes `demo.mp4` and `demo.json`; it renders about 60 frames per second.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.camera import VideoFile
from digitlab.datasets import load_dataset
from digitlab.errors import DigitlabError, SourceError, StorageError, UsageError
from digitlab.examples.paper import Layout, paper_page, write_sheet
from digitlab.examples.simulated_camera import hand_motion, photograph
from digitlab.storage import atomic_path, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from digitlab.values import Digits

__all__ = ["Layout", "Shown", "digits_of", "main", "make_video", "paper_frames", "paper_page"]

_SUFFIXES = (".mp4", ".m4v", ".mov")


@dataclass(frozen=True, slots=True)
class Shown:
    """The ground truth of a part of a video.

    first, end: its frames, from 0, `end` exclusive
    text: the digits, lines joined by newlines
    """

    first: int
    end: int
    text: str


def digits_of(text: str, *, seed: int = 0) -> list[Digits]:
    """Pick test digits of MNIST that spell a text, one `Digits` per line of it.

    Raises:
        UsageError: when a line is empty, or contains anything but 0 to 9.
    """
    lines = text.split("\n")
    if not all(line.isascii() and line.isdigit() for line in lines):
        raise UsageError(f"{text!r} is not a number to write; expected digits 0 to 9")
    test = load_dataset("mnist").split("test")
    rng = np.random.default_rng((seed, 3))
    rows = {digit: np.flatnonzero(test.labels == int(digit)) for digit in sorted(set(text) - {"\n"})}
    return [test[np.array([rng.choice(rows[digit]) for digit in line])] for line in lines]


def paper_frames(
    numbers: Sequence[str], *, frames_each: int, fps: float = 30.0, size: tuple[int, int] = (640, 480), seed: int = 0
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of such a video, uint8 (H, W, 3) RGB: `frames_each` per number, the same for the same seed.

    Raises:
        UsageError: when a number is invalid or does not fit.
    """
    poses = hand_motion(frames_each * len(numbers), fps=fps, size=size, seed=seed)
    for turn, number in enumerate(numbers):
        own = int(np.random.default_rng((seed, 4, turn)).integers(2**31))  # each page has its own writing
        sheet = write_sheet(digits_of(number, seed=own), Layout(size), seed=own)
        for frame in range(turn * frames_each, (turn + 1) * frames_each):
            yield photograph(sheet.surface, poses[frame], size, np.random.default_rng((seed, 5, frame)))


def make_video(
    path: str | Path,
    *,
    numbers: Sequence[str],
    seconds_each: float = 2.0,
    fps: int = 30,
    size: tuple[int, int] = (640, 480),
    seed: int = 0,
) -> list[Shown]:
    """Write a video of the numbers, one after the other, and a `.json` of the same name with the frames of each.

    Args:
        path: the video, `.mp4`.
        numbers: digits 0 to 9; a newline within a number starts a new line on the page.
        seconds_each: how long each number is shown.
        fps: frames per second.
        size: width and height in pixels, both even.
        seed: the same seed gives the same frames.

    Returns:
        The ground truth, as written to the `.json`.

    Raises:
        UsageError: for invalid arguments.
        StorageError: when the files cannot be written.
    """
    path = Path(path)
    frames_each = _check(path, numbers, seconds_each, fps, size)
    if seed < 0:
        raise UsageError(f"seed is {seed}; expected 0 or more")
    shown = [Shown(turn * frames_each, (turn + 1) * frames_each, text) for turn, text in enumerate(numbers)]
    _write(path, paper_frames(numbers, frames_each=frames_each, fps=fps, size=size, seed=seed), fps, size)
    truth = {
        "video": path.name,
        "fps": fps,
        "size": list(size),
        "seed": seed,
        "shown": [asdict(part) for part in shown],
    }
    write_text(path.with_suffix(".json"), json.dumps(truth, indent=2) + "\n")
    return shown


def _check(path: Path, numbers: Sequence[str], seconds_each: float, fps: int, size: tuple[int, int]) -> int:
    """Validate the arguments, and return the number of frames per number.

    Raises:
        UsageError: for invalid arguments.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path}: expected a file name with the extension {', '.join(_SUFFIXES)}")
    if not numbers:
        raise UsageError("there is no number to show; expected at least one")
    if size[0] % 2 or size[1] % 2:
        raise UsageError(f"a video of {size[0]}×{size[1]} pixels; expected even numbers")
    if not (1 <= fps <= 240 and 0 < seconds_each * fps < 1e6):
        raise UsageError(
            f"{seconds_each:g} seconds each at {fps} frames per second; expected 1 to 240 frames per second"
        )
    return max(1, round(seconds_each * fps))


def _write(path: Path, frames: Iterable[NDArray[np.uint8]], fps: int, size: tuple[int, int]) -> None:
    with atomic_path(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        if not writer.isOpened():
            raise StorageError(f"cannot write {path}: this OpenCV has no encoder for MPEG-4 video")
        count = 0
        try:
            for frame in frames:
                writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
                count += 1
        finally:
            writer.release()
        _check_written(temporary, path, count)


def _check_written(temporary: Path, path: Path, count: int) -> None:
    """Check the number of frames in the file, because OpenCV does not report a full disk."""
    try:
        with VideoFile(temporary, realtime=False) as written:
            length = written.length
    except SourceError:
        length = None
    if length != count:
        raise StorageError(f"cannot write {path}: {length or 0} of {count} frames were stored; is the disk full?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m digitlab.examples.paper_video",
        description="Make a phone video of handwritten numbers on paper, with its ground truth in a .json beside it.",
        epilog="example: python -m digitlab.examples.paper_video demo.mp4 --numbers 2017 4096 --seed 0",
    )
    parser.add_argument("path", type=Path, metavar="OUT.mp4")
    parser.add_argument("--numbers", nargs="+", default=["2017", "4096"], metavar="NUMBER")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each number is shown (2)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        shown = make_video(given.path, numbers=given.numbers, seconds_each=given.seconds, seed=given.seed)
    except DigitlabError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{given.path}\n")
    for part in shown:
        sys.stdout.write(f"frames {part.first} to {part.end - 1}: {part.text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
