"""Glyphs of fonts: rendered once for each size step, in variants that are turned, stretched and bent a little."""

from __future__ import annotations

import functools
import unicodedata
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.pages.typefaces import Font

__all__ = ["INK", "VARIANTS", "Glyph", "available", "capital", "digit_height", "font_glyph"]

VARIANTS = 4
INK = 48  # coverage of 255 from which a pixel counts as ink for a box
_MARGIN = 2  # pixels round a glyph, so that nothing touches the edge


@dataclass(frozen=True, slots=True)
class Glyph:
    """A rendered character.

    alpha: uint8 (H, W), ink coverage
    left: pixels from the pen to the picture's left edge
    top: pixels from the baseline to its upper edge, negative above the baseline
    advance: how far the pen moves on, in pixels
    outline: float32 (N, 2), the convex hull of the ink as centres of pixels x, y; empty where there is none
    """

    alpha: NDArray[np.uint8]
    left: int
    top: int
    advance: float
    outline: NDArray[np.float32]


@functools.lru_cache(maxsize=600)
def _face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def available(font: Font, character: str) -> str:
    """The character, or its letter without accents where the font has only that."""
    return character if character in font.characters else unicodedata.normalize("NFKD", character)[0]


def _file_of(font: Font, character: str) -> Path | None:
    return next((path for path, characters in font.files if character in characters), None)


@functools.lru_cache(maxsize=256)
def capital(font: Font) -> float:
    """The height of a capital (or of the letters of a script without them) as a share of the font's size."""
    for sample in ("H", "0", "д", "क", "あ", "א"):
        path = _file_of(font, sample)
        if path is not None:
            _, top, _, bottom = _face(path, 200).getbbox(sample, anchor="ls")
            if bottom > top:
                return float(bottom - top) / 200
    return 0.7


@functools.lru_cache(maxsize=256)
def digit_height(font: Font) -> float:
    """The height of the font's 8 as a share of a capital's; 1 where it has none."""
    path = _file_of(font, "8")
    if path is None:
        return 1.0
    _, top, _, bottom = _face(path, 200).getbbox("8", anchor="ls")
    return float(bottom - top) / 200 / capital(font)


def _rendered(font: Font, character: str, size: int) -> Glyph | None:
    path = _file_of(font, character)
    if path is None:
        return None
    face = _face(path, size)
    left, top, right, bottom = (int(edge) for edge in face.getbbox(character, anchor="ls"))
    picture = Image.new("L", (right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN))
    ImageDraw.Draw(picture).text((_MARGIN - left, _MARGIN - top), character, 255, face, anchor="ls")
    alpha = np.asarray(picture)
    return Glyph(alpha, left - _MARGIN, top - _MARGIN, face.getlength(character), _outline(alpha))


def _outline(alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The convex hull of the ink, as centres of its pixels; empty where there is none."""
    _, peak, _, _ = cv2.minMaxLoc(alpha)
    if not peak:
        return np.zeros((0, 2), np.float32)
    _, ink = cv2.threshold(alpha, min(INK, peak) - 1, 255, cv2.THRESH_BINARY)
    hull = cv2.convexHull(cv2.findNonZero(ink)).reshape(-1, 2)
    return hull.astype(np.float32) + np.float32(0.5)


@functools.lru_cache(maxsize=40_000)
def font_glyph(font: Font, character: str, size: int, variant: int) -> Glyph | None:
    """One of the variants of a glyph, the first as printed; None where the font lacks the character."""
    plain = _rendered(font, character, size)
    if plain is None or not variant or not len(plain.outline):
        return plain
    row = zlib.crc32(f"{font.name} {character} {variant} {size}".encode()) % len(_BENDS)
    return _bent(plain, size, variant / (VARIANTS - 1), _BENDS[row])


# Turn, widening, heightening, shear (standard normal), phases and rates of two waves (uniform).
_BENDS = np.concatenate(
    [np.random.default_rng(20).normal(0, 1, (1024, 4)), np.random.default_rng(21).uniform(0, 1, (1024, 4))], axis=1
)


def _bent(glyph: Glyph, size: int, strength: float, chance: NDArray[np.float64]) -> Glyph:
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
    return Glyph(alpha, glyph.left - room, glyph.top - room, glyph.advance * (1 + wide), _outline(alpha))
