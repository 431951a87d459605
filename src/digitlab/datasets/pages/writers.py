"""Writers, each with a pen, a style, a source of digits and one of letters; and the pseudo-text that they write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.pages.drawing import NOT_A_DIGIT, Drawing, Hand
from digitlab.datasets.pages.glyphs import bent
from digitlab.datasets.pages.hands import BARE_ONES, BARRED_SEVENS, FORMS, ONES_LIKE_SEVEN
from digitlab.datasets.pages.words import LONE_LETTERS, token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.datasets.pages.alphabets import Alphabets, FontGlyphs
    from digitlab.datasets.pages.glyphs import Glyph

__all__ = ["Writer", "digits", "number", "pick_writer", "sentence"]

_ONES = 0.12  # share of ones beyond one in ten: bits, indices, dates and counts contain more ones than other digits
_BENFORD = 0.4  # share of numbers whose first digit follows Benford's law, as in real counts: 1 in three of ten
_LONE_LETTER = 0.05  # share of the words of running text that are a single letter, as "I" or "a"
_CHISEL = 0.12  # share of the pens with a chisel tip, as markers for boards have
_SHAPES = 3  # variants of a letter per writer
_ANOTHER_FORM = 0.15  # how often a writer deviates from their usual form of a digit
_BARE = 0.45  # share of the writers whose 1 is a single stroke


@dataclass(frozen=True)
class Writer:
    """One writer.

    mix: sources of digits with their shares; font: the source of all other signs, and possibly of digits
    lines: whether the font's letters are drawn from their skeletons, with the pen of the digits
    described: whether letters and signs are drawn, like digits, from stroke descriptions, where there is one
    wobble: pixels of a glyph's map by which letters, and digits that are not MNIST's, are distorted
    """

    alphabets: Alphabets
    hand: Hand
    mix: tuple[tuple[str, float], ...]
    font: FontGlyphs
    spacing: float
    lines: bool = False
    described: bool = False
    wobble: float = 0.0
    shapes: dict[str, list[Glyph]] = field(default_factory=dict)  # variants of each sign so far
    forms: dict[int, int] = field(default_factory=dict)  # by digit, this writer's index into `hands.FORMS`

    def sign(self, character: str, rng: np.random.Generator) -> Glyph | None:
        """Return the glyph of a character in this writer's style; None if neither descriptions nor font have it."""
        if self.described and character in self.alphabets.letters:
            return self._described(character, rng)
        glyph = (self.font.lines.get(character) if self.lines else None) or self.font.glyphs.get(character)
        if glyph is None or self.wobble == 0.0:
            return glyph
        shapes = self.shapes.setdefault(character, [])
        if len(shapes) < _SHAPES:
            shapes.append(bent(glyph, self.wobble, rng))
            return shapes[-1]
        return shapes[rng.integers(_SHAPES)]

    def _described(self, character: str, rng: np.random.Generator) -> Glyph:
        """Return a described glyph; a writer keeps to one form of a letter."""
        shapes = self.shapes.setdefault(character, [])
        if not shapes:
            forms = self.alphabets.letters[character]
            form = forms[rng.integers(len(forms))]
            shapes += [bent(form[rng.integers(len(form))], min(self.wobble, 1.2), rng) for _ in range(_SHAPES)]
        return shapes[rng.integers(_SHAPES)]

    def _slash(self, rng: np.random.Generator) -> Hand:
        """Return the style of a slash: more slanted, since an upright, short one could not be told from a 1."""
        return replace(self.hand, slant=max(self.hand.slant, 0.0) + rng.uniform(0.1, 0.35))

    def digit(self, label: int, rng: np.random.Generator) -> Glyph:
        """Return a glyph of this digit."""
        return self._digit(label, rng)[0]

    def _digit(self, label: int, rng: np.random.Generator) -> tuple[Glyph, bool]:
        """Return a glyph of this digit, and whether it is from the font."""
        source = str(rng.choice([name for name, _ in self.mix], p=[share for _, share in self.mix]))
        if source == "font":
            glyph = self.sign(str(label), rng)
            if glyph is not None:
                return glyph, True
            source = "skeleton"
        choices = self.alphabets.digits[source][label]
        if source != "strokes":
            return choices[rng.integers(len(choices))], False
        of_one_form = len(choices) // len(FORMS[label])
        drawn = choices[self._form(label, rng) * of_one_form + rng.integers(of_one_form)]
        return bent(drawn, self.wobble, rng), False

    def _form(self, label: int, rng: np.random.Generator) -> int:
        """Choose an index into `hands.FORMS`, usually the writer's own; with long upstrokes on 1s, the 7s have bars."""
        if rng.random() < _ANOTHER_FORM:
            return int(rng.integers(len(FORMS[label])))
        if label not in self.forms:
            if label == 1 and rng.random() < _BARE:
                rows: Sequence[int] = BARE_ONES
            elif label == 7 and self._form(1, rng) in ONES_LIKE_SEVEN:
                rows = BARRED_SEVENS
            else:
                rows = range(len(FORMS[label]))
            self.forms[label] = int(rng.choice(rows))
        return self.forms[label]

    def text(
        self,
        drawing: Drawing,
        ink: NDArray[np.uint8],
        text: str,
        x: float,
        y: float,
        height: float,
        rng: np.random.Generator,
        *,
        gap: float | None = None,
        letters: float = 0.25,
    ) -> float:
        """Write a line of text with its baseline's left end at (x, y); return the x where it ends.

        height: of digits and capitals, in pixels; gap: between signs, in fractions of height. letters: the share of
        non-digits whose boxes are kept as negative examples (`Drawing.letters` gets those of all letters)
        """
        gap = self.spacing if gap is None else gap
        for character in text:
            if character == " ":
                x += (0.42 + max(gap, 0.0)) * height
                continue
            if character.isdigit() and character.isascii():
                glyph, own = self._digit(int(character), rng)
                free = gap * 0.5 if own else gap  # a font's glyphs include gaps
                x += drawing.write(ink, glyph, x, y, height * rng.uniform(0.9, 1.08), self.hand, rng) + free * height
            elif (sign := self.sign(character, rng)) is not None:
                keep = rng.random() < letters
                hand, tall = (self._slash(rng), _SLASH) if character == "/" else (self.hand, 1.0)
                step = drawing.write(
                    ink, sign, x, y + (tall - 1) / 2 * height, tall * height, hand, rng, label=NOT_A_DIGIT, record=keep,
                    letter=character.isalpha(),
                )  # fmt: skip
                x += step + (gap - 0.1) * 0.5 * height * (self.font.name not in _JOINED)
            else:
                x += 0.3 * height
            if x > drawing.size * 1.6:
                break
        return x


_SLASH = 1.3  # height of a slash, relative to a digit's

# How often letters are drawn from descriptions, by the source of the digits: a font's letters among other digits could
# be recognised by the style of their strokes, which differs in no real handwriting.
_DESCRIBED = {"strokes": 0.6, "skeleton": 0.4, "mixed": 0.45, "mnist": 0.3}

# Fonts whose letters are joined, as in handwriting taught at school.
_JOINED = frozenset((
    "allura", "bad-script", "beth-ellen", "caramel", "cedarville-cursive", "dancing-script", "dawning-of-a-new-day",
    "explora", "herr-von-muellerhoff", "homemade-apple", "inspiration", "kristi", "la-belle-aurore", "league-script",
    "licorice", "marck-script", "mea-culpa", "meddon", "mr-de-haviland", "over-the-rainbow", "playwrite-br",
    "playwrite-ca", "playwrite-cz", "playwrite-de-grund", "playwrite-es", "playwrite-fr-moderne", "playwrite-fr-trad",
    "playwrite-hu", "playwrite-in", "playwrite-it-moderna", "playwrite-nl", "playwrite-pl", "playwrite-us-modern",
    "playwrite-us-trad", "qwigley", "ruthie", "sacramento", "satisfy", "square-peg", "updock", "whisper", "zeyada",
))  # fmt: skip


def pick_writer(
    alphabets: Alphabets, rng: np.random.Generator, *, printed: bool = False, joined: bool = False
) -> Writer:
    """Pick a random writer; ``printed``: a machine; ``joined``: a person who joins letters, if there is one."""
    kinds = ("print",) if printed else ("handwriting",) if joined or rng.random() < 0.8 else ("print", "script")
    fonts = [font for font in alphabets.fonts if font.kind in kinds] or list(alphabets.fonts)
    if joined:
        fonts = [font for font in fonts if font.name in _JOINED] or fonts
    font = fonts[rng.integers(len(fonts))]
    if printed:
        hand = Hand(0.1, rng.uniform(-0.006, 0.012), 0.0 if rng.random() < 0.9 else 0.2, 0.0, rng.uniform(0.8, 1.4))
        return Writer(alphabets, hand, (("font", 1.0),), font, rng.uniform(0.05, 0.2))
    pen = float(np.clip(np.exp(rng.normal(np.log(0.085), 0.45)), 0.025, 0.26))
    weight = rng.uniform(-0.012, 0.012) if font.kind == "handwriting" else rng.uniform(-0.02, 0.015)
    weight += max(0.0, pen - 0.1) * 0.3
    nib = (0.0, 0.0)
    if rng.random() < _CHISEL:
        length, angle = rng.uniform(0.05, 0.16), rng.uniform(0.0, np.pi)
        nib = float(length * np.cos(angle)), float(length * np.sin(angle))
        pen, weight = min(pen, 0.1), min(weight, 0.0)  # across the chisel
    hand = Hand(pen, weight, rng.normal(0.1, 0.2), abs(rng.normal(0, 0.07)), rng.uniform(0.8, 1.7), nib)
    source = rng.random()
    if source < 0.24:
        mix: tuple[tuple[str, float], ...] = (("mnist", 1.0),)
    elif source < 0.5:
        mix = (("skeleton", 1.0),)
    elif source < 0.74:
        mix = (("strokes", 1.0),)
    elif source < 0.84:
        mix = (("font", 1.0),)
    else:
        mix = (("mnist", 0.25), ("skeleton", 0.3), ("strokes", 0.3), ("font", 0.15))
    # Letters are drawn in the same way as the digits: otherwise, the pen would tell them apart.
    lines = bool(rng.random() < (0.85 if mix[0][0] in ("skeleton", "strokes") else 0.4))
    described = not joined and bool(rng.random() < _DESCRIBED.get(mix[0][0] if len(mix) == 1 else "mixed", 0.0))
    wobble = abs(rng.normal(0.0, 1.8)) if rng.random() < 0.9 else 0.0
    return Writer(alphabets, hand, mix, font, rng.uniform(0.03, 0.35), lines, described, wobble)


def digits(rng: np.random.Generator, count: int) -> str:
    """Generate ``count`` random digits, with as many ones as people write."""
    return "".join("1" if rng.random() < _ONES else str(each) for each in rng.integers(0, 10, count))


def number(rng: np.random.Generator) -> str:
    """Generate a number as people write them: plain, a price, a date, a time, or with a unit or mark."""
    kind = rng.random()
    many = int(rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8)))
    plain = digits(rng, many)
    if rng.random() < _BENFORD:
        plain = f"{int(10 ** rng.random())}{plain[1:]}"
    if kind < 0.62:
        return plain
    if kind < 0.7:
        return f"{plain}{'.,'[rng.integers(2)]}{rng.integers(0, 100):02d}"
    if kind < 0.78:
        sign = "./-:"[rng.integers(4)]
        return sign.join(str(each) for each in (rng.integers(1, 32), rng.integers(1, 13), rng.integers(0, 100)))
    if kind < 0.83:
        return f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"
    if kind < 0.88:
        return plain + str(rng.choice(("%", "€", "$", "cm", "kg", "km", "°", "ml", "m", "h", "x", "th", "a", "b")))
    if kind < 0.97:
        return str(rng.choice(("$", "#", "+", "-", "(", "=", "No. ", "x", "A", "p. "))) + plain
    return f"{plain}/{rng.integers(1, 100)}"


def sentence(rng: np.random.Generator, length: int, scripts: Sequence[str], *, numbers: float = 0.0) -> str:
    """Generate words, dates, units and punctuation with a share of ``numbers``; without any digit if that is 0."""
    script = scripts[int(rng.integers(len(scripts)))]
    parts = [
        number(rng) if rng.random() < numbers else token(rng, (script,), digits=numbers > 0) for _ in range(length)
    ]
    if script == "latin":
        for place in range(1, length - 1):  # between words, which tell that it is one
            if rng.random() < _LONE_LETTER and not any(map(str.isdigit, parts[place - 1][-1] + parts[place + 1][0])):
                parts[place] = LONE_LETTERS[rng.integers(len(LONE_LETTERS))]
    return " ".join(parts)
