"""The other parts of a synthetic sequence: hands, pens, fingers, people behind the ink, the camera's sway."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Look", "moving_background", "paint_finger", "paint_hand", "sway"]

_FREQUENCIES = (0.17, 0.6, 3.1)  # hertz: slow sway, breath, tremor
_WEIGHTS = (0.6, 0.3, 0.1)


@dataclass(frozen=True, slots=True)
class Look:
    """Appearance of a scene.

    kind: paper; a program's canvas; ink overlaid on the picture of a webcam ("air")
    paper, ink, skin: RGB, 0..1; for kind "paper", `paper` is the tint and `ink` the share of light that ink transmits
    noise: standard deviation of the camera's noise in grey levels
    """

    kind: Literal["paper", "canvas", "air"]
    paper: tuple[float, float, float]
    ink: tuple[float, float, float]
    skin: tuple[float, float, float] = (0.78, 0.6, 0.5)
    noise: float = 0.0

    @classmethod
    def random(cls, kind: Literal["paper", "canvas", "air"], rng: np.random.Generator) -> Look:
        """Choose one at random."""
        tone = float(rng.uniform(0.3, 1.0))
        skin = (0.9 * tone, 0.7 * tone, 0.58 * tone)
        if kind == "canvas":
            schemes = [((1, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 1)), ((0.94, 0.94, 0.96), (0.1, 0.2, 0.6))]
            paper, ink = schemes[int(rng.integers(len(schemes)))]
            return cls(kind, paper, ink)
        if kind == "air":
            inks = [
                (0.9, 0.05, 0.05),
                (0.05, 0.45, 0.1),
                (0.05, 0.1, 0.9),
                (1.0, 1.0, 1.0),
                (0.7, 0.05, 0.6),
                (0, 0, 0),
            ]
            return cls(kind, (0.5, 0.5, 0.5), inks[int(rng.integers(len(inks)))], skin, float(rng.uniform(1, 4)))
        pens = [(0.13, 0.125, 0.135), (0.13, 0.19, 0.5), (0.45, 0.45, 0.47), (0.7, 0.12, 0.14)]
        papers = [(1.0, 1.0, 1.0), (0.98, 0.95, 0.8), (0.75, 0.85, 0.95)]
        return cls(
            kind, papers[int(rng.integers(3))], pens[int(rng.integers(4))], skin, float(rng.uniform(1.5, 4.5))
        )  # fmt: skip


def sway(at: float, phases: NDArray[np.float64]) -> float:
    """Return a smooth motion between -1 and 1; phases: (3,)."""
    waves = (math.sin(2 * math.pi * hertz * at + phase) for hertz, phase in zip(_FREQUENCIES, phases, strict=True))
    return sum(weight * wave for weight, wave in zip(_WEIGHTS, waves, strict=True))


def moving_background(size: tuple[int, int], at: float, seed: int, look: Look) -> NDArray[np.float32]:
    """Render a room with a person who moves a little: float32 (H, W, 3), 0..255."""
    rng = np.random.default_rng((seed, 78))
    width, height = size
    coarse = (rng.uniform(110, 190, (4, 5, 1)) + rng.uniform(-10, 10, (4, 5, 3))).astype(np.float32)
    room = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(4):  # furniture
        corner = rng.integers(0, (width, height))
        sides = rng.integers(20, 90, 2)
        colour = (float(rng.uniform(80, 210)) + rng.uniform(-15, 15, 3)).tolist()
        cv2.rectangle(room, corner.tolist(), (corner + sides).tolist(), colour, -1)
    room = cv2.GaussianBlur(room, (0, 0), 5.0)
    phases = rng.uniform(0, 6, (2, 3))
    x, y = width * (0.5 + 0.06 * sway(at, phases[0])), height * (0.62 + 0.02 * sway(at, phases[1]))
    skin = tuple(255 * share for share in look.skin)
    shirt = tuple(rng.uniform(20, 200, 3).tolist())
    cv2.ellipse(room, (round(x), round(height * 1.1)), (width // 4, height // 3), 0, 0, 360, shirt, -1, cv2.LINE_AA)
    cv2.ellipse(room, (round(x), round(y)), (width // 10, height // 6), 0, 0, 360, skin, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), 2.0), np.float32)


def paint_hand(
    picture: NDArray[np.float32],
    tip: tuple[float, float],
    away: float,
    size: tuple[int, int],
    look: Look,
    *,
    pen: bool,
) -> None:
    """Paint a right hand that draws at `tip`, with a pen or a finger; away: from 0, there, to 1, out of the picture."""
    width, height = size
    x = tip[0] + away * (width - tip[0] + 0.3 * width)
    y = tip[1] + away * (height - tip[1] + 0.3 * height)
    skin = tuple(255 * share for share in look.skin)
    reach = 0.16 * height if pen else 0.1 * height
    palm = round(x + reach + 0.09 * width), round(y + reach + 0.1 * height)
    if pen:
        end = round(x + 1.9 * reach), round(y + 0.5 * reach)
        cv2.line(picture, (round(x), round(y)), end, (40, 40, 60), max(3, height // 60), cv2.LINE_AA)
    cv2.line(picture, palm, (round(x + 0.9 * reach), round(y + 0.5 * reach)) if pen else (round(x), round(y)),
             skin, max(8, height // 18), cv2.LINE_AA)  # fmt: skip
    cv2.ellipse(picture, palm, (round(0.11 * width), round(0.13 * height)), 40, 0, 360, skin, -1, cv2.LINE_AA)
    arm = round(palm[0] + 0.4 * width), round(palm[1] + 0.6 * height)
    cv2.line(picture, palm, arm, skin, round(0.13 * width), cv2.LINE_AA)


def paint_finger(picture: NDArray[np.float32], share: float, size: tuple[int, int], look: Look) -> None:
    """Paint a finger that passes from right to left across the middle; share: 0 at the start, 1 at the end."""
    width, height = size
    x = round((1.2 - 1.4 * share) * width)
    skin = tuple(255 * each for each in look.skin)
    cv2.line(picture, (x, height // 2), (x + width // 6, 2 * height), skin, max(8, width // 16), cv2.LINE_AA)
