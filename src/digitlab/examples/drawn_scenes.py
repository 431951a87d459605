"""Synthetic sequences: digits drawn, joined, erased and replaced before a camera, with the ground truth at any time.

A scene is a function of time, so that it can be sampled at any frame rate, with frames dropped or unevenly spaced:

    scene = made_scene("paper", seed=3)
    for at in times_of_frames(scene.seconds, rate=10):
        picture, truth = scene.image(at), scene.truth(at)

The same name and seed give the same scene. `digitlab.bench.steadiness` measures on seeds from 100,000 on; those below
are for learning and for tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from digitlab.examples.hand_and_light import (
    Look,
    moving_background,
    paint_finger,
    paint_hand,
    sway,
)
from digitlab.examples.simulated_camera import blank_paper, light_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.examples.strokes import DrawnDigit

__all__ = ["FIRST_OF_BENCH", "Hand", "Mark", "Scene", "Truth", "times_of_frames"]

FIRST_OF_BENCH = 100_000  # seeds from here on are not used for learning
MARGIN = 24  # pixels of surface around the picture
_SOFT = 0.02  # seconds in which a pixel becomes inked
_LEAVES = 0.25  # seconds in which a hand leaves the picture, and in which it enters

Kind = Literal["nothing", "drawing", "standing", "moving"]
Hand = Literal["pen", "finger"] | None


@dataclass(frozen=True, slots=True)
class Truth:
    r"""The ground truth of a picture.

    text: the digits, from left to right; "" for nothing; None while ink changes, or the page moves
    kind: nothing; drawing: ink is added or removed; standing: finished digits; moving: too quickly to be read
    """

    text: str | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Mark:
    """A digit on the surface.

    x, y: its upper left corner, in pixels of the picture
    start: when drawing begins, in seconds; -inf: it is there from the beginning
    gone, wiped: when erasing begins, and how long it takes, in seconds; 0: at once
    """

    drawn: DrawnDigit
    x: int
    y: int
    start: float = -math.inf
    gone: float = math.inf
    wiped: float = 0.0

    @property
    def end(self) -> float:
        """When its last stroke is finished."""
        return self.start + self.drawn.seconds + _SOFT

    def ink(self, at: float) -> NDArray[np.float32] | None:
        """Return its ink at a time, float32 (h, w), 0..1; None if there is none."""
        if at < self.start or at >= self.gone + self.wiped:
            return None
        ink = self.drawn.coverage if self.start == -math.inf else self.drawn.ink(at - self.start, _SOFT)
        if at >= self.gone:
            ink = ink.copy()
            ink[:, : round(ink.shape[1] * (at - self.gone) / self.wiped)] = 0.0
        return ink

    def state(self, at: float) -> Kind:
        """Return its state at a time: nothing, drawing or standing."""
        if at < self.start or at >= self.gone + self.wiped:
            return "nothing"
        return "drawing" if at < self.end or at >= self.gone else "standing"


@dataclass(frozen=True, slots=True)
class Walk:
    """The camera's path over the surface: positions (N, 2) at times (N,), with smooth motion between them."""

    times: NDArray[np.float64]
    places: NDArray[np.float64]

    def place(self, at: float) -> tuple[float, float]:
        """Return its position at a time, x and y in pixels; it starts and stops smoothly."""
        after = int(np.searchsorted(self.times, at))
        if after in (0, len(self.times)):
            x, y = self.places[min(after, len(self.times) - 1)]
            return float(x), float(y)
        share = (at - self.times[after - 1]) / max(1e-6, self.times[after] - self.times[after - 1])
        share = share * share * (3 - 2 * share)
        x, y = self.places[after - 1] + share * (self.places[after] - self.places[after - 1])
        return float(x), float(y)


@dataclass
class Scene:
    """A synthetic sequence.

    seconds: its length; size: width and height of the picture
    marks: the digits; if there are several at once, from left to right
    hand: what draws: "pen", "finger" or None; shakes: sway of the camera in pixels
    walk: path over the surface, which is then larger than the picture; a picture that moves by more than `brisk` of
        its width per second cannot be read
    gains: times and factors of the light; passing: when a hand crosses the picture without drawing
    numbers: of a walk: the numbers and their places, (text, x0, y0, x1, y1) on the surface
    """

    name: str
    seed: int
    seconds: float
    size: tuple[int, int]
    look: Look
    marks: list[Mark]
    hand: Hand = None
    shakes: float = 0.0
    turned: float = 0.0
    surface: tuple[int, int] | None = None
    walk: Walk | None = None
    gains: list[tuple[float, float]] = field(default_factory=list)
    passing: list[float] = field(default_factory=list)
    brisk: float = 0.35
    numbers: list[tuple[str, int, int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng((self.seed, 77))
        wide, high = self.surface or self.size
        shape = high + 2 * MARGIN, wide + 2 * MARGIN
        if self.look.kind == "paper":
            sheet = blank_paper(shape, rng) * np.asarray(self.look.paper, np.float32)
            self._sheet = np.asarray(sheet * light_on(shape, rng) * 255.0, np.float32)
        else:
            self._sheet = np.full((*shape, 3), np.multiply(self.look.paper, 255.0), np.float32)
        self._noise = rng.normal(0.0, self.look.noise, (self.size[1] + 64, self.size[0] + 64, 1)).astype(np.float32)
        self._phases = rng.uniform(0, 2 * math.pi, (3, 3))

    # The picture

    def image(self, at: float) -> NDArray[np.uint8]:
        """Render the picture at a time: uint8 (H, W, 3) RGB."""
        if self.look.kind == "air":
            return self._air(at)
        sheet = self._inked(at, self._sheet)
        seen = cv2.warpAffine(sheet, self._pose(at), self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        picture = np.asarray(seen, np.float32)
        self._paint_hands(picture, at)
        if self.look.noise:
            rng = np.random.default_rng((self.seed, round(at * 1000)))
            down, right = rng.integers(0, 64, 2)
            picture = picture * self._gain(at) + self._noise[down : down + self.size[1], right : right + self.size[0]]
        return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)

    def _air(self, at: float) -> NDArray[np.uint8]:
        """Render a webcam's picture with ink overlaid by a program."""
        picture = moving_background(self.size, at, self.seed, self.look)
        inked = self._inked(at, np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge"))
        picture = np.ascontiguousarray(inked[MARGIN:-MARGIN, MARGIN:-MARGIN])
        rng = np.random.default_rng((self.seed, round(at * 1000)))
        picture += rng.normal(0.0, self.look.noise, (*picture.shape[:2], 1)).astype(np.float32)
        return np.asarray(np.clip(picture, 0, 255), np.uint8)

    def _inked(self, at: float, sheet: NDArray[np.float32]) -> NDArray[np.float32]:
        inked = sheet.copy()
        for mark in self.marks:
            ink = mark.ink(at)
            if ink is None:
                continue
            x, y = mark.x + MARGIN, mark.y + MARGIN
            part = inked[y : y + ink.shape[0], x : x + ink.shape[1]]
            cover = ink[: part.shape[0], : part.shape[1], None]
            if self.look.kind == "paper":
                part *= 1.0 - cover * (1.0 - np.asarray(self.look.ink, np.float32))
            else:
                part += cover * (np.multiply(self.look.ink, 255.0).astype(np.float32) - part)
        return inked

    def _pose(self, at: float) -> NDArray[np.float64]:
        """Return the affine map from pixels of the surface to pixels of the picture, float64 (2, 3)."""
        right, down, turn = (sway(at, phases) for phases in self._phases)
        angle = math.radians(self.turned + self.shakes * 0.2 * turn)
        x, y = (0.0, 0.0) if self.walk is None else self.walk.place(at)
        middle = x + self.size[0] / 2 + MARGIN, y + self.size[1] / 2 + MARGIN
        pose = cv2.getRotationMatrix2D(middle, math.degrees(angle), 1.0)
        pose[:, 2] += np.array((-MARGIN - x + self.shakes * right, -MARGIN - y + self.shakes * down))
        return np.asarray(pose, np.float64)

    def _paint_hands(self, picture: NDArray[np.float32], at: float) -> None:
        for begin in self.passing:
            share = (at - begin) / 0.4
            if 0.0 <= share <= 1.0:
                paint_finger(picture, share, self.size, self.look)
        if self.hand is None:
            return
        for mark in self.marks:
            if mark.start - _LEAVES <= at <= mark.end + _LEAVES and mark.start > -math.inf:
                away = max(0.0, mark.start - at, at - mark.end) / _LEAVES
                x, y = mark.drawn.pen(min(max(at - mark.start, 0.0), mark.drawn.seconds))
                pose = self._pose(at)
                x, y = pose @ (mark.x + MARGIN + x, mark.y + MARGIN + y, 1.0)
                paint_hand(picture, (x, y), away, self.size, self.look, pen=self.hand == "pen")

    def _gain(self, at: float) -> float:
        factor = 1.0
        for since, gain in self.gains:
            if at >= since:
                factor = gain
        return factor

    # The ground truth

    def truth(self, at: float) -> Truth:
        """Return the ground truth at a time."""
        if self._speed(at) > self.brisk * self.size[0]:
            return Truth(None, "moving")
        states = [(mark, mark.state(at)) for mark in self.marks if self._in_view(mark, at)]
        if any(state == "drawing" for _, state in states):
            return Truth(None, "drawing")
        standing = [mark for mark, state in states if state == "standing"]
        text = "".join(str(mark.drawn.digit) for mark in sorted(standing, key=lambda each: each.x))
        return Truth(text, "standing" if text else "nothing")

    def drawn(self) -> list[Mark]:
        """Return the digits that are drawn during the scene, in order."""
        return sorted((mark for mark in self.marks if mark.start > 0), key=lambda mark: mark.start)

    def _speed(self, at: float) -> float:
        if self.walk is None:
            return 0.0
        before, after = self.walk.place(at - 0.02), self.walk.place(at + 0.02)
        return math.dist(before, after) / 0.04

    def _in_view(self, mark: Mark, at: float) -> bool:
        if self.walk is None:
            return True
        x, y = self.walk.place(at)
        height, width = mark.drawn.coverage.shape
        middle = mark.x + width / 2 - x, mark.y + height / 2 - y
        return bool(0 <= middle[0] < self.size[0] and 0 <= middle[1] < self.size[1])


def times_of_frames(seconds: float, rate: float) -> list[float]:
    """Return the times of the frames taken within this many seconds."""
    return [number / rate for number in range(int(seconds * rate))]
