"""A drawn page of digits that needs no camera: for a first try, for demonstrations, and for tests.

The digits are drawn from the strokes below. They are no test of a reader's accuracy: all are by one writer.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.camera.playback import Playback, checked_rate
from digitlab.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.camera.playback import Images

__all__ = ["SyntheticPage"]

# x,y in hundredths of a box, y down; the box is taller than wide. Each stroke is a smooth curve through its points;
# at a corner one stroke ends and the next begins.
_STROKES = {
    "0": "50,0 15,20 6,50 15,80 50,100 85,80 94,50 85,20 50,0",
    "1": "30,22 56,0 | 56,0 50,100",
    "2": "12,25 30,3 65,3 84,25 70,52 35,80 6,100 | 6,100 94,97",
    "3": "15,12 45,0 78,10 78,34 40,46 | 40,46 80,57 85,82 50,100 10,88",
    "4": "30,0 6,62 | 6,62 96,58 | 68,25 62,100",
    "5": "82,2 26,3 | 26,3 18,44 | 18,44 55,37 86,62 70,92 35,100 6,88",
    "6": "72,2 35,25 10,62 20,90 50,100 82,85 78,60 48,52 16,70",
    "7": "8,5 92,3 | 92,3 60,50 40,100",
    "8": "80,16 50,0 20,16 35,42 74,64 82,86 50,100 16,86 26,62 65,40 80,16",
    "9": "82,22 50,0 16,20 28,46 60,46 82,22 | 82,22 78,60 60,100",
}

_PAPER = (238, 236, 230)
_INK = (38, 44, 82)
_MARGIN = 40  # pixels around the page, more than the motion ever uncovers
_WIDTH = 0.62  # of a digit's height
_ADVANCE = 1.05  # from one digit to the next, in heights
_LINE = 1.7  # from one line to the next, in heights
_NOISE = 3.0  # grey levels
_LIGHT_FALLOFF = 0.16  # relative darkening of the far corner

_OPTIONS = re.compile(r"(?P<size>(?P<width>\d{2,4})x(?P<height>\d{2,4}))|(?P<rate>\d{1,3}(\.\d+)?)fps")
_EXPECTED = (
    "expected synthetic, or synthetic:DIGITS,640x480,30fps (size and rate may be left out), with up to 20 digits per "
    "line, / between up to 8 lines, and 64 to 4096 pixels a side; synthetic:blank is an empty sheet"
)


def _check(text: str, size: tuple[int, int], given: str) -> None:
    if not re.fullmatch(r"([0-9]{0,20}/){0,7}[0-9]{0,20}", text) or not all(64 <= side <= 4096 for side in size):
        raise SourceError(f"{given}: {_EXPECTED}")


class SyntheticPage(Playback):
    """Digits on a sheet of paper held by a hand: it sways a little, and the camera has noise.

    text: digits, lines separated by "/"; "" is an empty sheet
    size: width and height of the frames
    frames: number of frames after which it ends; None: it never ends

    The same settings give the same frames.
    """

    def __init__(
        self,
        text: str = "0123456789",
        *,
        size: tuple[int, int] = (640, 480),
        rate: float = 30.0,
        frames: int | None = None,
        realtime: bool = True,
    ) -> None:
        super().__init__(rate=checked_rate(rate), realtime=realtime)
        _check(text, size, f"synthetic:{text[:60]},{size[0]}x{size[1]}")
        self.text = text
        self.size = size
        self.frames = frames
        self._interval = 1.0 / rate

    @classmethod
    def parse(cls, text: str, *, realtime: bool = True) -> SyntheticPage:
        """Parse `synthetic:6885/42,1280x720,25fps`; every part is optional.

        Raises:
            SourceError: for any other text.
        """
        digits, *options = text.partition(":")[2].split(",")
        size, rate = (640, 480), 30.0
        for option in options:
            found = _OPTIONS.fullmatch(option.strip().lower())
            if found is None:
                raise SourceError(f"{text[:100]}: unknown option {option[:40]!r}; {_EXPECTED}")
            if found["size"]:
                size = int(found["width"]), int(found["height"])
            else:
                rate = float(found["rate"])
        if rate <= 0.0:
            raise SourceError(f"{text[:100]}: {rate:g} frames per second; expected more than 0")
        page = "" if digits == "blank" else digits or "0123456789"
        _check(page, size, text[:100])
        return cls(page, size=size, rate=rate, realtime=realtime)

    def _images(self) -> Images:
        return self._play(_sheet(self.text, self.size), np.random.default_rng(0))

    def _play(self, sheet: NDArray[np.uint8], rng: np.random.Generator) -> Images:
        width, height = self.size
        noise = rng.normal(0.0, _NOISE, (height + 64, width + 64, 1)).astype(np.int16).repeat(3, axis=2)
        number = 0
        while self.frames is None or number < self.frames:
            due = number * self._interval
            image = cv2.warpAffine(
                sheet, _pose(due, self.size), self.size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            )
            down, right = rng.integers(0, 64, 2)
            yield (
                np.asarray(
                    cv2.add(image, noise[down : down + height, right : right + width], dtype=cv2.CV_8U), np.uint8
                ),
                due,
            )
            number += 1


def _pose(seconds: float, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the affine map from frame to sheet, float64 (2, 3): up to 8 pixels of shift, 1.5 degrees of rotation."""
    angle = math.radians(1.5) * math.sin(2.0 * math.pi * 0.13 * seconds)
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = size[0] / 2.0, size[1] / 2.0
    right = _MARGIN + x + 8.0 * math.sin(2.0 * math.pi * 0.21 * seconds)
    down = _MARGIN + y + 6.0 * math.sin(2.0 * math.pi * 0.17 * seconds + 1.0)
    return np.array(
        ((cosine, -sine, right - cosine * x + sine * y), (sine, cosine, down - sine * x - cosine * y)), np.float64
    )


def _sheet(text: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw the page with a margin around it, lit from one corner: uint8 (H + 2 margins, W + 2 margins, 3) RGB."""
    width, height = size
    lines = text.split("/")
    longest = max(map(len, lines))
    tall = min(0.28 * height, 0.85 * height / (_LINE * len(lines)), 0.88 * width / (_ADVANCE * max(1, longest)))
    sheet = np.full((height + 2 * _MARGIN, width + 2 * _MARGIN, 3), _PAPER, np.uint8)
    top = sheet.shape[0] / 2.0 - (_LINE * (len(lines) - 1) + 1.0) * tall / 2.0
    for row, line in enumerate(lines):
        left = sheet.shape[1] / 2.0 - (_ADVANCE * (len(line) - 1) + _WIDTH) * tall / 2.0
        for column, digit in enumerate(line):
            _draw(sheet, digit, left + column * _ADVANCE * tall, top + row * _LINE * tall, tall)
    fall = np.add.outer(np.linspace(0.0, 0.5, sheet.shape[0]), np.linspace(0.0, 0.5, sheet.shape[1]))
    return (sheet * (1.0 - _LIGHT_FALLOFF * fall[:, :, None])).astype(np.uint8)


def _draw(sheet: NDArray[np.uint8], digit: str, left: float, top: float, tall: float) -> None:
    for stroke in _STROKES[digit].split(" | "):
        corners = np.array([point.split(",") for point in stroke.split(" ")], np.float64) / 100.0
        points = _smooth(corners) * (_WIDTH * tall, tall) + (left, top)
        sixteenths = np.rint(points * 16.0).astype(np.int32)
        cv2.polylines(sheet, [sixteenths], False, _INK, max(2, round(tall / 11.0)), cv2.LINE_AA, shift=4)


def _smooth(points: NDArray[np.float64], steps: int = 12) -> NDArray[np.float64]:
    """Interpolate the points by a Catmull-Rom curve: float64 (N, 2) to (M, 2)."""
    if len(points) < 3:
        return points
    ends = np.concatenate((points[:1], points, points[-1:]))
    t = np.linspace(0.0, 1.0, steps)[:, None]
    pieces = []
    for index, (here, there) in enumerate(pairwise(points)):
        out, into = (there - ends[index]) / 2.0, (ends[index + 3] - here) / 2.0
        pieces.append(
            (2 * t**3 - 3 * t**2 + 1) * here
            + (t**3 - 2 * t**2 + t) * out
            + (3 * t**2 - 2 * t**3) * there
            + (t**3 - t**2) * into
        )
    return np.concatenate(pieces)
