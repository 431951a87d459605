"""The glyphs that pages are written with: digits from several sources, letters of fonts, hand-drawn signs. Built once.

Digits: MNIST's training images as outlines and as redrawn skeletons; `hands.FORMS`; those of fonts. Validation pages
use other MNIST images (the last of the training file; the test images are never used) and other fonts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.datasets.ood import alphabet
from digitlab.datasets.pages.glyphs import BODY, Glyph, of_coverage, of_skeleton, of_strokes, skeletons
from digitlab.datasets.pages.hands import FORMS, SIGNS
from digitlab.datasets.pages.lettering import BASELINES, LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from digitlab.datasets.pages.typefaces import Font

__all__ = ["Alphabets", "FontGlyphs", "digit_glyphs", "make_alphabets"]

_MNIST = {"train": (0, 52_000), "validation": (52_000, 60_000)}  # rows of the training file
_COUNT = {"train": 16_000, "validation": 3_000}
_VARIANTS = {"train": 60, "validation": 15}  # of each stroke description


@dataclass(frozen=True, slots=True)
class FontGlyphs:
    """The glyphs of one font by character.

    kind: "handwriting", "print" or "script"; scripts: keys of `words.ALPHABETS` that it can write
    glyphs: outlines; lines: their skeletons, to be drawn with any pen, as digits are; empty for print
    """

    name: str
    kind: str
    scripts: tuple[str, ...]
    glyphs: dict[str, Glyph]
    lines: dict[str, Glyph]


@dataclass(frozen=True)
class Alphabets:
    """All glyphs of a split.

    digits: by source, "mnist", "skeleton" and "strokes", then by label
    signs: line glyphs that are not digits, by kind: "latin", "greek", "operator", "bracket", "picture"
    fonts: in no particular order
    letters: line glyphs of letters and signs by character, then by form, to be written in words
    """

    digits: dict[str, tuple[tuple[Glyph, ...], ...]]
    signs: dict[str, tuple[Glyph, ...]]
    fonts: tuple[FontGlyphs, ...]
    letters: dict[str, tuple[tuple[Glyph, ...], ...]] = field(default_factory=dict)


def make_alphabets(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    fonts: Sequence[Font],
    *,
    split: str = "train",
    seed: int = 0,
) -> Alphabets:
    """Make the glyphs of MNIST's training images (pass all 60,000), of stroke descriptions and of fonts.

    split: "train" or "validation": selects the images, and the number of variants of each form
    """
    rng = np.random.default_rng((seed, split == "validation"))
    first, last = _MNIST[split]
    rows = first + rng.permutation(last - first)[: _COUNT[split]]
    outlines, lines = digit_glyphs(images[rows], labels[rows], rng)
    strokes: list[list[Glyph]] = [[] for _ in range(10)]
    for digit, forms in FORMS.items():
        for form in forms:
            strokes[digit] += _variants(form, digit, str(digit), _VARIANTS[split], rng)
    signs = {
        kind: tuple(
            glyph
            for name, first in forms.items()
            for form in (first, *SIGNS.get(name, ()))
            for glyph in _variants(form, -1, name, _VARIANTS[split] // 5, rng)
        )
        for kind, forms in (
            ("latin", alphabet.LATIN),
            ("greek", alphabet.GREEK),
            ("operator", alphabet.OPERATORS),
            ("bracket", alphabet.BRACKETS),
            ("picture", alphabet.PICTURES),
        )
    }
    digits = {"mnist": outlines, "skeleton": lines, "strokes": tuple(map(tuple, strokes))}
    letters = {
        character: tuple(_letters(form, character, _VARIANTS[split] // 5, rng) for form in forms)
        for character, forms in LETTERS.items()
    }
    return Alphabets(digits, signs, tuple(map(of_font, fonts)), letters)


def digit_glyphs(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator, *, bent: bool = True
) -> tuple[tuple[tuple[Glyph, ...], ...], tuple[tuple[Glyph, ...], ...]]:
    """Make glyphs of images uint8 (N, 28, 28), by label: outlines, and skeletons to be redrawn with any pen.

    bent: distort most of them a little, so that each looks like another writer's
    """
    outlines: list[list[Glyph]] = [[] for _ in range(10)]
    lines: list[list[Glyph]] = [[] for _ in range(10)]
    canvases = np.array([_enlarged(image, rng, bent=bent) for image in images])
    for start in range(0, len(images), 500):
        part = canvases[start : start + 500]
        for canvas, skeleton, label in zip(
            part, skeletons(part > 127), labels[start : start + 500].tolist(), strict=True
        ):
            if skeleton.sum() < 8:
                continue
            x, y, width, height = cv2.boundingRect((canvas > 60).astype(np.uint8))
            outlines[label].append(of_coverage(canvas[y : y + height, x : x + width], label, str(label)))
            x, y, width, height = cv2.boundingRect(skeleton)
            lines[label].append(of_skeleton(skeleton[y : y + height, x : x + width], label, str(label)))
    return tuple(map(tuple, outlines)), tuple(map(tuple, lines))


def _enlarged(image: NDArray[np.uint8], rng: np.random.Generator, *, bent: bool) -> NDArray[np.uint8]:
    """Enlarge uint8 (28, 28) to (78, 78); make thin strokes, grey in MNIST, as solid as thick ones; distort some."""
    smooth = cv2.GaussianBlur(cv2.resize(image, (78, 78), interpolation=cv2.INTER_CUBIC), (0, 0), 1.2)
    large = np.asarray(smooth, np.float32)
    around = cv2.blur(cv2.dilate(large, np.ones((11, 11), np.uint8)), (11, 11))
    solid = np.clip((large / np.maximum(around, 70.0) - 0.38) / 0.25, 0.0, 1.0)
    large = np.asarray(solid * 255.0, np.float32)
    if bent and rng.random() < 0.6:
        coarse = rng.normal(0, 2.2, (2, 4, 4)).astype(np.float32)
        shift = [cv2.resize(each, (78, 78), interpolation=cv2.INTER_CUBIC) for each in coarse]
        ys, xs = np.mgrid[:78, :78].astype(np.float32)
        large = np.asarray(cv2.remap(large, xs + shift[0], ys + shift[1], cv2.INTER_LINEAR), np.float32)
    return large.astype(np.uint8)


def _variants(form: str, label: int, name: str, count: int, rng: np.random.Generator) -> list[Glyph]:
    strokes = alphabet.strokes_of(form)
    return [of_strokes(_by_hand(strokes, rng), label, name) for _ in range(count)]


def _letters(form: str, character: str, count: int, rng: np.random.Generator) -> tuple[Glyph, ...]:
    strokes = alphabet.strokes_of(form)
    line = np.array([[0.0, BASELINES.get(character, 9) / 9]])
    glyphs = []
    for _ in range(count):
        *moved, foot = _by_hand([*strokes, line], rng)
        glyphs.append(of_strokes(moved, -1, character, baseline=float(foot[0, 1])))
    return tuple(glyphs)


def _by_hand(strokes: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Vary strokes: move points, add a slow wave, stretch the whole; drawing will add slant and rotation."""
    stretch = np.exp(rng.normal(0, 0.16, 2))
    wave, phase = rng.normal(0, 1.3, (2, 2)), rng.uniform(0, 6.3, 2)
    moved = []
    for points in strokes:
        bent = points + 0.05 * np.sin(points @ wave * 2.2 + phase)
        ends = rng.normal(0, 0.035, (2, 2))  # the stroke as a whole is moved and stretched
        share = np.linspace(0, 1, len(points))[:, None]
        moved.append((bent + ends[0] * (1 - share) + ends[1] * share) * stretch)
    return moved


def of_font(font: Font) -> FontGlyphs:
    """Make glyphs of all characters of a font, drawn at the map's scale."""
    from PIL import ImageFont

    rasters: dict[str, tuple[NDArray[np.uint8], tuple[float, float], float]] = {}
    for path, characters in (each for each in font.files if each[1]):
        probe = ImageFont.truetype(str(path), 100)
        letter = next((each for each in "H0жπあ가กअאաა" if each in characters), min(characters))
        _, top, _, bottom = probe.getbbox(letter)
        drawn = ImageFont.truetype(str(path), int(np.clip(100 * (BODY - 8) / max(bottom - top, 1), 8, 200)))
        for character in sorted(characters - rasters.keys()):
            raster = _raster(drawn, character)
            if raster is not None:
                rasters[character] = raster
    glyphs = {
        character: of_coverage(coverage, _label(character), character, origin=origin, advance=advance)
        for character, (coverage, origin, advance) in rasters.items()
    }
    return FontGlyphs(font.name, font.kind, font.scripts, glyphs, {} if font.kind == "print" else _lines(rasters))


def _label(character: str) -> int:
    return int(character) if "0" <= character <= "9" else -1


def _lines(rasters: dict[str, tuple[NDArray[np.uint8], tuple[float, float], float]]) -> dict[str, Glyph]:
    """Skeletonise all but mere dots; 64 at a time, because each thinning step works on whole arrays."""
    lines: dict[str, Glyph] = {}
    names = sorted(rasters, key=lambda name: max(rasters[name][0].shape))
    for start in range(0, len(names), 64):
        part = names[start : start + 64]
        side = max(max(rasters[name][0].shape) for name in part)
        solid = np.zeros((len(part), side, side), np.bool_)
        for row, name in enumerate(part):
            coverage = rasters[name][0]
            solid[row, : coverage.shape[0], : coverage.shape[1]] = coverage > 127
        for name, thin in zip(part, skeletons(solid), strict=True):
            coverage, origin, advance = rasters[name]
            if thin.sum() >= 8:
                own = np.ascontiguousarray(thin[: coverage.shape[0], : coverage.shape[1]])
                lines[name] = of_skeleton(own, _label(name), name, origin=origin, advance=advance)
    return lines


def _raster(font: FreeTypeFont, character: str) -> tuple[NDArray[np.uint8], tuple[float, float], float] | None:
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(character, anchor="ls")
    width, height = int(right - left), int(bottom - top)
    if not (2 <= width <= 260 and 2 <= height <= 260):
        return None
    image = Image.new("L", (width, height), 0)
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=font, anchor="ls")
    coverage = np.asarray(image, np.uint8)
    if coverage.max() < 128:
        return None
    return coverage, (-float(left), -float(top)), float(font.getlength(character))
