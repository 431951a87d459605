"""Text in fonts and hands: ink coverage and the box of each character.

    lettering = draw_text("am 12. Mai", fonts("train")[0], 32, rng)

Glyphs come from ``font_glyphs``, rendered once; the rest is NumPy. A text is composed of them and then warped as a
whole by steps that have an inverse in closed form, so that boxes follow from the glyphs' outlines without looking at
pixels again.

`make fonts` fetches the fonts. All randomness comes from the generator that is passed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.pages.digit_shapes import with_bar, with_foot, with_slash
from digitlab.datasets.pages.font_glyphs import INK, VARIANTS, available, capital, digit_height, font_glyph
from digitlab.datasets.pages.typefaces import Font, fonts, fonts_folder
from digitlab.datasets.pages.words import ALPHABETS, RIGHT_TO_LEFT
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages.font_glyphs import Glyph

__all__ = ["Font", "Hand", "Lettering", "draw_digit_glyph", "draw_text", "fonts", "fonts_folder", "random_hand"]

_STEP = 1.6  # between the sizes at which glyphs are rendered; the warp scales the rest
_SMALLEST = 6.0  # pixels of a capital's height; below it letters are rendered larger and shrunk
_LARGEST = 256.0


@dataclass(frozen=True, slots=True)
class Hand:
    """How somebody writes a font: constant over a page, unlike the chance in each letter.

    slant: shear to the right, as tangent
    width: of letters, relative to the font's
    spacing: added between letters, of a capital's height
    jitter: standard deviation of a letter's height over the baseline, of a capital's height
    wave: amplitude of the waves of the baseline and of the stems, of a capital's height
    unevenness: how far variants of a letter differ, 0 (as printed) to 1
    weight: −1 to 1, strokes thinner or thicker by up to a fortieth of a capital's height on each side
    """

    slant: float = 0.0
    width: float = 1.0
    spacing: float = 0.0
    jitter: float = 0.0
    wave: float = 0.0
    unevenness: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Lettering:
    """A drawn text, cropped to its ink.

    alpha: uint8 (H, W), ink coverage
    boxes: float32 (N, 4), x0, y0, x1, y1 of each character's ink in pixels of ``alpha``
    characters: str of N, in the order of the text, without spaces
    """

    alpha: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    characters: str


def random_hand(rng: np.random.Generator, font: Font | None = None) -> Hand:
    """A hand for a page: printed text mostly straight, handwriting never twice the same."""
    if font is not None and font.kind != "handwriting" and rng.random() < 0.7:
        return Hand(
            width=rng.uniform(0.92, 1.1),
            spacing=max(0.0, rng.normal(0, 0.04)),
            slant=0.2 if rng.random() < 0.12 else 0.0,
        )
    return Hand(
        slant=rng.normal(0.04, 0.14),
        width=math.exp(rng.normal(0, 0.11)),
        spacing=rng.uniform(-0.03, 0.06) if rng.random() < 0.8 else rng.uniform(0.05, 0.3),
        jitter=abs(rng.normal(0, 0.03)),
        wave=abs(rng.normal(0, 0.05)),
        unevenness=rng.uniform(0.3, 1.0),
        weight=rng.uniform(-0.6, 1.0) if rng.random() < 0.4 else 0.0,
    )


def draw_text(text: str, font: Font, pixels: float, rng: np.random.Generator, hand: Hand | None = None) -> Lettering:
    """Draw one line of text.

    Args:
        text: an accent that the font lacks is left away, any other character it lacks is left out;
            ``Lettering.characters`` tells what was drawn.
        font: one of ``fonts()``.
        pixels: the height of a capital.
        rng: where all chance comes from.
        hand: how it is written; by default straight, as printed.

    Raises:
        DatasetError: when the font has none of the characters.
    """
    hand = hand or Hand()
    step = _step(pixels)
    placed = _placed(text, font, step, rng, hand)
    if not placed:
        raise DatasetError(f"font {font.name} has no character of {text!r}; choose one that covers it (Font.covers)")
    canvas, left, top = _composed(placed)
    points = np.concatenate([place.glyph.outline + np.array((place.x, place.y), np.float32) for place in placed])
    starts = np.cumsum([0] + [len(place.glyph.outline) for place in placed[:-1]])
    warp = _Warp.drawn(hand, step, rng)
    moved = warp.forward(points)  # (points, 2), centres of pixels
    boxes = np.concatenate([np.minimum.reduceat(moved, starts) - 0.5, np.maximum.reduceat(moved, starts) + 0.5], axis=1)
    scale = pixels / step
    boxes = (boxes * scale).astype(np.float32)
    radius = max(1, round(pixels / 40)) if hand.weight and pixels >= 16 else 0
    if hand.weight > 0:
        boxes += np.array((-radius, -radius, radius, radius), np.float32)
    x0, y0 = np.floor(boxes[:, :2].min(0)) - 1  # a pixel more on each side, for smooth edges
    x1, y1 = np.ceil(boxes[:, 2:].max(0)) + 1
    across = (np.arange(x0, x1, dtype=np.float32) + np.float32(0.5)) / np.float32(scale)  # (W,)
    down = (np.arange(y0, y1, dtype=np.float32) + np.float32(0.5)) / np.float32(scale)  # (H,)
    source_x, source_y = warp.backward(across, down)  # (H, W) each
    source_x -= np.float32(left + 0.5)
    source_y -= np.float32(top + 0.5)
    alpha = np.asarray(cv2.remap(canvas, source_x, source_y, cv2.INTER_LINEAR), np.uint8)
    boxes -= np.array((x0, y0, x0, y0), np.float32)
    return Lettering(_weighted(alpha, hand.weight, radius), boxes, "".join(place.character for place in placed))


def _composed(placed: list[_Placed]) -> tuple[NDArray[np.uint8], int, int]:
    """All glyphs on one canvas, and where its upper left corner lies from the start of the baseline."""
    left, top = min(place.x for place in placed), min(place.y for place in placed)
    right = max(place.x + place.glyph.alpha.shape[1] for place in placed)
    bottom = max(place.y + place.glyph.alpha.shape[0] for place in placed)
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    for place in placed:
        height, width = place.glyph.alpha.shape
        window = canvas[place.y - top : place.y - top + height, place.x - left : place.x - left + width]
        np.maximum(window, place.glyph.alpha, out=window)
    return canvas, left, top


def _step(pixels: float) -> float:
    """The capital's height at which glyphs are rendered for letters of ``pixels``."""
    power = math.ceil(math.log(max(pixels, _SMALLEST) / _SMALLEST) / math.log(_STEP) - 1e-9)
    return min(_SMALLEST * _STEP**power, float(_LARGEST))


def _placed(text: str, font: Font, step: float, rng: np.random.Generator, hand: Hand) -> list[_Placed]:
    """Every character that has ink, in its place on the baseline."""
    size = max(4, round(step / capital(font)))
    variants = rng.integers(1 + round((VARIANTS - 1) * hand.unevenness), size=len(text)).tolist()
    heights = (rng.normal(0, 1, len(text)) * hand.jitter * step).tolist() if hand.jitter else [0.0] * len(text)
    spaces = rng.uniform(0.8, 1.5, len(text)).tolist() if hand.unevenness else [1.0] * len(text)
    pen = 0.0
    placed = []
    for asked, variant, height, space in zip(_from_left(text), variants, heights, spaces, strict=True):
        character = available(font, asked)
        if character.isspace():
            pen += 0.4 * step * space
            continue
        glyph = font_glyph(font, character, size, variant)
        if glyph is None or not len(glyph.outline):
            continue
        placed.append(_Placed(round(pen + glyph.left), round(glyph.top + height), glyph, character))
        pen += glyph.advance + hand.spacing * step
    return placed


def _from_left(text: str) -> str:
    """The characters from left to right: Hebrew and Arabic turned round, numbers in them not."""
    if not any(character in _RIGHT_TO_LEFT for character in text):
        return text
    runs: list[str] = []
    for character in text:
        alone = character.isspace() or character in _RIGHT_TO_LEFT
        if alone or not runs or runs[-1].isspace() or runs[-1] in _RIGHT_TO_LEFT:
            runs.append(character)
        else:
            runs[-1] += character
    return "".join(reversed(runs))


_RIGHT_TO_LEFT = frozenset().union(*(ALPHABETS[script] for script in RIGHT_TO_LEFT))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A glyph's upper left corner, from the start of the baseline, and what it is."""

    x: int
    y: int
    glyph: Glyph
    character: str


@dataclass(frozen=True, slots=True)
class _Warp:
    """How a whole text is sheared, widened and waved: x becomes width·x + lean(y), then y becomes y + wave(x).

    Each step is undone exactly, so that the picture is warped backward and the outlines forward.
    """

    width: float
    slant: float
    bend: float
    amplitude: float
    rate: float
    phase: float
    slope: float

    @classmethod
    def drawn(cls, hand: Hand, step: float, rng: np.random.Generator) -> _Warp:
        """A warp of ``hand`` for capitals of ``step`` pixels."""
        bend, slope = (hand.wave * rng.normal(0, 1, 2) * (1 / step, 0.2)).tolist()
        rate, phase = rng.uniform(0.4, 1.2) / step, rng.uniform(0, 2 * math.pi)
        return cls(hand.width, hand.slant, bend, hand.wave * step, rate, phase, slope)

    def _lean(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        return y * (np.float32(-self.slant) + np.float32(self.bend) * y)

    def _wave(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        waves: NDArray[np.float32] = np.sin(x * np.float32(self.rate) + np.float32(self.phase))
        return waves * np.float32(self.amplitude) + x * np.float32(self.slope)

    def forward(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where points (N, 2) go."""
        x = np.float32(self.width) * points[:, 0] + self._lean(points[:, 1])
        return np.stack([x, points[:, 1] + self._wave(x)], 1)

    def backward(
        self, across: NDArray[np.float32], down: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where the points of a grid of x (W,) and y (H,) come from: x and y, (H, W) each."""
        y = down[:, None] - self._wave(across)
        return (across - self._lean(y)) * np.float32(1 / self.width), y


def _weighted(alpha: NDArray[np.uint8], weight: float, radius: int) -> NDArray[np.uint8]:
    """The strokes thickened (``weight`` towards 1) or thinned (towards −1) by ``radius`` pixels."""
    if not radius or not weight:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    other = cv2.dilate(alpha, kernel) if weight > 0 else cv2.erode(alpha, kernel)
    return np.asarray(cv2.addWeighted(alpha, 1 - abs(weight), other, abs(weight), 0), np.uint8)


def draw_digit_glyph(digit: int, font: Font, pixels: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One digit in another hand: uint8 (H, W), ink coverage, cropped to the ink.

    Now and then a 7 gets a bar, a 0 a slash or a dot, a 1 a foot, where the font's have none.

    Args:
        digit: 0 to 9.
        font: one of ``fonts()``.
        pixels: its height, about; old-style figures differ, 8 is measured.
        rng: where all chance comes from.

    Raises:
        DatasetError: when the font has no digits.
    """
    alpha = draw_text(str(digit), font, pixels / digit_height(font), rng, random_hand(rng, font)).alpha
    chance = rng.random()
    if digit == 7 and chance < 0.3:
        alpha = with_bar(alpha, rng)
    elif digit == 0 and chance < 0.12:
        alpha = with_slash(alpha, rng)
    elif digit == 1 and chance < 0.12:
        alpha = with_foot(alpha, rng)
    rows, columns = (np.flatnonzero((alpha >= INK).any(axis)) for axis in (1, 0))
    if not len(rows):
        return alpha
    return np.ascontiguousarray(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
