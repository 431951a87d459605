"""Text in fonts and hands: ink coverage and the box of each character.

    lettering = draw_text("am 12. Mai", fonts("train")[0], 32, rng)

A glyph is rendered once for each font and size step, in a few variants that are turned, stretched and bent a little;
the rest is NumPy. A text is composed of variants, then warped as a whole: sheared, widened, waved. The warp is made
of two steps that each have an inverse in closed form, so that boxes follow from the glyphs' outlines without looking
at pixels again.

`make fonts` fetches the fonts. All randomness comes from the generator that is passed.
"""

from __future__ import annotations

import functools
import json
import math
import string
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitlab.datasets.pages.words import ALPHABETS, RIGHT_TO_LEFT
from digitlab.errors import DatasetError, UsageError
from digitlab.storage import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Font", "Hand", "Lettering", "draw_digit_glyph", "draw_text", "fonts", "fonts_folder", "random_hand"]

CATALOGUE = "fonts.json"  # in the folder of the fonts, written by tools/fetch_fonts.py
FONTS_LIST = Path(__file__).with_name("fonts.toml")
SPLITS = ("train", "validation")
_VARIANTS = 4
_STEP = 1.6  # between the sizes at which glyphs are rendered; the warp scales the rest
_SMALLEST = 6.0  # pixels of a capital's height; below it letters are rendered larger and shrunk
_LARGEST = 256
_INK = 48  # coverage of 255 from which a pixel counts as ink for a box
_MARGIN = 2  # pixels round a glyph, so that variants are not clipped


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """One installed font.

    name: as in ``fonts.toml``
    kind: "handwriting", "print" or "script" (a font of another script)
    split: "train" or "validation"
    files: the TrueType files and the characters of each, in the order they are asked
    characters: all of them
    scripts: the keys of ``words.ALPHABETS`` of which it has nearly every letter
    """

    name: str
    kind: str
    split: str
    files: tuple[tuple[Path, frozenset[str]], ...]
    characters: frozenset[str]
    scripts: tuple[str, ...]

    def covers(self, text: str) -> bool:
        """Whether every character but spaces can be drawn."""
        return all(character in self.characters or character.isspace() for character in text)


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


@dataclass(frozen=True, slots=True)
class _Glyph:
    alpha: NDArray[np.uint8]  # (h, w)
    left: int  # from the pen to the picture's left edge
    top: int  # from the baseline to the picture's upper edge, negative above it
    advance: float
    outline: NDArray[np.float32]  # (k, 2), the ink's convex hull, from the picture's corner


def fonts_folder() -> Path:
    """Where `make fonts` puts them: ``fonts`` in the cache folder."""
    return cache_folder() / "fonts"


def fonts(split: str) -> tuple[Font, ...]:
    """The installed fonts of a split, by name.

    Raises:
        UsageError: when ``split`` is neither "train" nor "validation".
        DatasetError: when no fonts are installed or their list is damaged.
    """
    if split not in SPLITS:
        raise UsageError(f"fonts have the splits {' and '.join(SPLITS)}; {split!r} was asked for")
    found = tuple(font for font in _installed(fonts_folder()) if font.split == split)
    if not found:
        raise DatasetError(f"{fonts_folder()} has no fonts for {split}; run `make fonts`")
    return found


@functools.lru_cache(maxsize=4)
def _installed(folder: Path) -> tuple[Font, ...]:
    catalogue = folder / CATALOGUE
    try:
        rows = json.loads(catalogue.read_text(encoding="utf-8"))["fonts"]
        return tuple(_font(row, folder) for row in sorted(rows, key=lambda row: str(row["name"])))
    except FileNotFoundError:
        raise DatasetError(f"no fonts are installed in {folder}; run `make fonts` to fetch them") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{catalogue} is damaged ({error}); delete it and run `make fonts`") from error


def _font(row: dict[str, Any], folder: Path) -> Font:
    files = tuple((folder / part["file"], frozenset(part["characters"])) for part in row["files"])
    characters = frozenset().union(*(part for _, part in files))
    letters = {script: {letter for letter in alphabet if letter.isalpha()} for script, alphabet in ALPHABETS.items()}
    letters["latin"] &= set(string.ascii_letters)  # accents are left away where a font has none
    scripts = tuple(script for script, needed in letters.items() if len(needed & characters) >= 0.75 * len(needed))
    return Font(row["name"], row["kind"], row["split"], files, characters, scripts)


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


# ---------------------------------------------------------------------------------------------------------- glyphs


@functools.lru_cache(maxsize=600)
def _face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _available(font: Font, character: str) -> str:
    """The character, or its letter without accents where the font has only that."""
    return character if character in font.characters else unicodedata.normalize("NFKD", character)[0]


def _file_of(font: Font, character: str) -> Path | None:
    return next((path for path, characters in font.files if character in characters), None)


@functools.lru_cache(maxsize=256)
def _capital(font: Font) -> float:
    """The height of a capital (or of the letters of a script without them) as a share of the font's size."""
    for sample in ("H", "0", "д", "क", "あ", "א"):
        path = _file_of(font, sample)
        if path is not None:
            _, top, _, bottom = _face(path, 200).getbbox(sample, anchor="ls")
            if bottom > top:
                return float(bottom - top) / 200
    return 0.7


def _rendered(font: Font, character: str, size: int) -> _Glyph | None:
    path = _file_of(font, character)
    if path is None:
        return None
    face = _face(path, size)
    left, top, right, bottom = (int(edge) for edge in face.getbbox(character, anchor="ls"))
    picture = Image.new("L", (right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN))
    ImageDraw.Draw(picture).text((_MARGIN - left, _MARGIN - top), character, 255, face, anchor="ls")
    alpha = np.asarray(picture)
    return _Glyph(alpha, left - _MARGIN, top - _MARGIN, face.getlength(character), _outline(alpha))


def _outline(alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The convex hull of the ink, as centres of its pixels; empty where there is none."""
    _, peak, _, _ = cv2.minMaxLoc(alpha)
    if not peak:
        return np.zeros((0, 2), np.float32)
    _, ink = cv2.threshold(alpha, min(_INK, peak) - 1, 255, cv2.THRESH_BINARY)
    hull = cv2.convexHull(cv2.findNonZero(ink)).reshape(-1, 2)
    return hull.astype(np.float32) + np.float32(0.5)


@functools.lru_cache(maxsize=40_000)
def _glyph(font: Font, character: str, size: int, variant: int) -> _Glyph | None:
    """One of the variants of a glyph, the first as printed; None where the font lacks the character."""
    plain = _rendered(font, character, size)
    if plain is None or not variant or not len(plain.outline):
        return plain
    row = zlib.crc32(f"{font.name} {character} {variant} {size}".encode()) % len(_BENDS)
    return _bent(plain, size, variant / (_VARIANTS - 1), _BENDS[row])


# Turn, widening, heightening, shear (standard normal), phases and rates of two waves (uniform).
_BENDS = np.concatenate(
    [np.random.default_rng(20).normal(0, 1, (1024, 4)), np.random.default_rng(21).uniform(0, 1, (1024, 4))], axis=1
)


def _bent(glyph: _Glyph, size: int, strength: float, chance: NDArray[np.float64]) -> _Glyph:
    """The glyph turned by some degrees, stretched and bent."""
    room = max(2, size // 10)
    height, width = (length + 2 * room for length in glyph.alpha.shape)
    turn, wide, high, shear = (strength * chance[:4] * (0.045, 0.07, 0.06, 0.07)).tolist()
    phase, other_phase, rate, other_rate = (
        chance[4:] * (6.3, 6.3, 3 / size, 3 / size) + (0, 0, 2 / size, 2 / size)
    ).tolist()
    bend = 0.025 * strength * size
    u = np.arange(width, dtype=np.float32)[None] - np.float32(width / 2)  # (1, W)
    v = np.arange(height, dtype=np.float32)[:, None] - np.float32(height / 2)  # (H, 1)
    map_x = u * (1 - wide) + (v * (turn + shear) + bend * np.sin(v * rate + phase) + (width / 2 - room))
    map_y = v * (1 - high) + (bend * np.sin(u * other_rate + other_phase) - u * turn + (height / 2 - room))
    alpha = np.asarray(cv2.remap(glyph.alpha, map_x, map_y, cv2.INTER_LINEAR), np.uint8)
    return _Glyph(alpha, glyph.left - room, glyph.top - room, glyph.advance * (1 + wide), _outline(alpha))


# ------------------------------------------------------------------------------------------------------------ text


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
    left, top = (min(place[axis] for place in placed) for axis in (0, 1))
    right = max(x + glyph.alpha.shape[1] for x, _, glyph, _ in placed)
    bottom = max(y + glyph.alpha.shape[0] for _, y, glyph, _ in placed)
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, glyph, _ in placed:
        height, width = glyph.alpha.shape
        window = canvas[y - top : y - top + height, x - left : x - left + width]
        np.maximum(window, glyph.alpha, out=window)
    points = np.concatenate([glyph.outline + np.float32((x, y)) for x, y, glyph, _ in placed])
    counts = np.array([len(glyph.outline) for _, _, glyph, _ in placed])
    alpha, boxes = _warped(canvas, (left, top), points, counts, step, pixels / step, hand, rng)
    return Lettering(alpha, boxes, "".join(character for *_, character in placed))


def _step(pixels: float) -> float:
    """The capital's height at which glyphs are rendered for letters of ``pixels``."""
    power = math.ceil(math.log(max(pixels, _SMALLEST) / _SMALLEST) / math.log(_STEP) - 1e-9)
    return min(_SMALLEST * _STEP**power, float(_LARGEST))


def _placed(
    text: str, font: Font, step: float, rng: np.random.Generator, hand: Hand
) -> list[tuple[int, int, _Glyph, str]]:
    """x, y of the upper left corner from the start of the baseline, glyph and character, for each that has ink."""
    size = max(4, round(step / _capital(font)))
    variants = rng.integers(1 + round((_VARIANTS - 1) * hand.unevenness), size=len(text)).tolist()
    heights = (rng.normal(0, 1, len(text)) * hand.jitter * step).tolist() if hand.jitter else [0.0] * len(text)
    spaces = rng.uniform(0.8, 1.5, len(text)).tolist() if hand.unevenness else [1.0] * len(text)
    pen = 0.0
    placed = []
    for asked, variant, height, space in zip(_from_left(text), variants, heights, spaces, strict=True):
        character = _available(font, asked)
        if character.isspace():
            pen += 0.4 * step * space
            continue
        glyph = _glyph(font, character, size, variant)
        if glyph is None or not len(glyph.outline):
            continue
        placed.append((round(pen + glyph.left), round(glyph.top + height), glyph, character))
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


def _warped(
    canvas: NDArray[np.uint8],
    corner: tuple[int, int],
    points: NDArray[np.float32],
    counts: NDArray[np.int_],
    step: float,
    scale: float,
    hand: Hand,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Shear, widen, wave and scale the canvas; alpha and the boxes of its characters.

    First x gets width·x + lean(y), then y gets y + wave(x): each is undone exactly, for the picture, and done
    exactly, for the outlines' points.
    """
    bend = hand.wave * rng.normal() / step
    amplitude, phase, rate = hand.wave * step, rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.2) / step
    slope = 0.2 * hand.wave * rng.normal()

    def lean(y: NDArray[np.float32]) -> NDArray[np.float32]:
        return y * (np.float32(-hand.slant) + np.float32(bend) * y)

    def wave(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return (amplitude * np.sin(rate * x + phase) + slope * x).astype(np.float32)

    x = np.float32(hand.width) * points[:, 0] + lean(points[:, 1])
    moved = np.stack([x, points[:, 1] + wave(x)], 1)  # (points, 2), centres of pixels
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    boxes = np.concatenate([np.minimum.reduceat(moved, starts) - 0.5, np.maximum.reduceat(moved, starts) + 0.5], axis=1)
    boxes = (boxes * scale).astype(np.float32)
    radius = max(1, round(scale * step / 40)) if hand.weight and scale * step >= 16 else 0
    if hand.weight > 0:
        boxes += np.float32((-radius, -radius, radius, radius))
    left, top = np.floor(boxes[:, :2].min(0)) - 1
    right, bottom = np.ceil(boxes[:, 2:].max(0)) + 1
    boxes -= np.float32((left, top, left, top))
    # Pixel centres: pixel i of the result lies at i + 0.5.
    across = (np.arange(left, right, dtype=np.float32) + np.float32(0.5)) / np.float32(scale)  # (W,)
    down = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5)) / np.float32(scale)  # (H,)
    source_y = down[:, None] - wave(across)  # (H, W)
    source_x = (across - lean(source_y)) * np.float32(1 / hand.width)
    source_x -= np.float32(corner[0] + 0.5)
    source_y -= np.float32(corner[1] + 0.5)
    alpha = np.asarray(cv2.remap(canvas, source_x, source_y, cv2.INTER_LINEAR), np.uint8)
    return _weighted(alpha, hand.weight, radius), boxes


def _weighted(alpha: NDArray[np.uint8], weight: float, radius: int) -> NDArray[np.uint8]:
    """The strokes thickened (``weight`` towards 1) or thinned (towards −1) by ``radius`` pixels."""
    if not radius or not weight:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    other = cv2.dilate(alpha, kernel) if weight > 0 else cv2.erode(alpha, kernel)
    return np.asarray(cv2.addWeighted(alpha, 1 - abs(weight), other, abs(weight), 0), np.uint8)


# ---------------------------------------------------------------------------------------------------------- digits


def draw_digit_glyph(digit: int, font: Font, pixels: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One digit in another hand: uint8 (H, W), ink coverage, cropped to the ink.

    Now and then a 7 gets a bar, a 0 a slash or a dot, a 1 a foot, where the font's have none.

    Args:
        digit: 0 to 9.
        font: one of ``fonts()``.
        pixels: its height, about; old-style figures differ.
        rng: where all chance comes from.

    Raises:
        DatasetError: when the font has no digits.
    """
    alpha = draw_text(str(digit), font, pixels, rng, random_hand(rng, font)).alpha
    chance = rng.random()
    if digit == 7 and chance < 0.3:
        alpha = _with_bar(alpha, rng)
    elif digit == 0 and chance < 0.12:
        alpha = _with_slash(alpha, rng)
    elif digit == 1 and chance < 0.12:
        alpha = _with_foot(alpha, rng)
    rows, columns = (np.flatnonzero((alpha >= _INK).any(axis)) for axis in (1, 0))
    if not len(rows):
        return alpha
    return np.ascontiguousarray(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _stroke(alpha: NDArray[np.uint8]) -> float:
    """The stroke's thickness in pixels: four times the mean distance of its ink from its edge."""
    distances = cv2.distanceTransform((alpha >= 128).astype(np.uint8), cv2.DIST_L2, 3)
    inside = distances[distances > 0]
    return float(max(1.0, 4 * inside.mean() - 1)) if len(inside) else 1.0


def _line(alpha: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], thickness: float) -> None:
    """Draw a stroke into ``alpha``, with smooth edges (coordinates in 1/16 pixels inside OpenCV)."""
    points = [tuple(round(16 * value) for value in point) for point in (start, end)]
    cv2.line(alpha, points[0], points[1], 255, max(1, round(thickness)), cv2.LINE_AA, 4)


def _with_bar(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 7 with a bar across its stem, unless it has one."""
    height = len(alpha)
    widths = (alpha >= 128).sum(1)
    lower = widths[height * 2 // 5 : height * 4 // 5]
    if not lower.any() or lower.max() > 2 * np.median(lower[lower > 0]):
        return alpha
    alpha = np.pad(alpha, height // 4)
    row = round(height // 4 + height * rng.uniform(0.42, 0.62))
    columns = np.flatnonzero(alpha[row] >= 128)
    if not len(columns):
        return alpha
    x, reach, rise = columns.mean(), height * rng.uniform(0.15, 0.27), height * rng.normal(0, 0.04)
    _line(alpha, (x - reach, row + rise), (x + reach, row - rise), _stroke(alpha) * rng.uniform(0.8, 1.0))
    return alpha


def _with_slash(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 0 with a slash or a dot in it, unless something is there."""
    height, width = alpha.shape
    middle = alpha[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5]
    if not middle.size or middle.max() >= 128:
        return alpha
    alpha = np.pad(alpha, height // 8)
    centre_x, centre_y = alpha.shape[1] / 2, alpha.shape[0] / 2
    thickness = _stroke(alpha)
    if rng.random() < 0.3:
        _line(alpha, (centre_x, centre_y - 0.03 * height), (centre_x, centre_y + 0.03 * height), 1.3 * thickness)
        return alpha
    reach_x, reach_y = width * rng.uniform(0.28, 0.55), height * rng.uniform(0.25, 0.52)
    _line(alpha, (centre_x - reach_x, centre_y + reach_y), (centre_x + reach_x, centre_y - reach_y), 0.9 * thickness)
    return alpha


def _with_foot(alpha: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A 1 with a line under it, unless it has one."""
    height = len(alpha)
    rows = np.flatnonzero((alpha >= 128).any(1))
    if not len(rows) or (alpha[rows[-1] - len(rows) // 12] >= 128).sum() > 2.2 * _stroke(alpha):
        return alpha
    pad = height // 4
    alpha = np.pad(alpha, pad)
    row = rows[-1] + pad
    x, reach, rise = (
        np.flatnonzero(alpha[row] >= 128).mean(),
        height * rng.uniform(0.15, 0.3),
        height * rng.normal(0, 0.02),
    )
    thickness = _stroke(alpha)
    _line(alpha, (x - reach, row - thickness / 2 + rise), (x + reach, row - thickness / 2 - rise), 0.9 * thickness)
    return alpha
