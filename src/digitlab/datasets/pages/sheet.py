"""A sheet that layouts write on: its drawing, its writers, and isolated signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.pages.drawing import IGNORED, NOT_A_DIGIT, Drawing
from digitlab.datasets.pages.glyphs import bent
from digitlab.datasets.pages.writers import Writer, pick_writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages.alphabets import Alphabets

__all__ = ["Sheet", "sign"]

_TELLABLE = 26.0  # pixels: an isolated sigma smaller than this could also be a 0 or a 6
_NEAR_DIGITS = frozenset(
    (*"BCDGPQacdefjprtyαβγδεθρσφ", "alpha", "beta", "gamma", "delta", "epsilon", "theta", "rho", "sigma", "phi")
)


class Sheet:
    """A drawing, the kinds of its layers, and the alphabets that it is written with."""

    def __init__(self, drawing: Drawing, alphabets: Alphabets, rng: np.random.Generator) -> None:
        self.drawing, self.alphabets, self.rng = drawing, alphabets, rng
        self.kinds: list[str] = []
        self.size = drawing.size

    def layer(self, kind: str) -> NDArray[np.uint8]:
        """Add a layer: "pen", "rule" or "print"."""
        self.kinds.append(kind)
        return self.drawing.layer()

    def writer(self, *, printed: bool = False, joined: bool = False) -> Writer:
        """Pick a writer: a person by default, a machine if ``printed``, a person who joins letters if ``joined``."""
        return pick_writer(self.alphabets, self.rng, printed=printed, joined=joined)

    def height(self, low: float = 12.0, high: float = 110.0) -> float:
        """Sample a height of digits; small heights are more frequent than large ones."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))


def sign(sheet: Sheet, ink: NDArray[np.uint8], writer: Writer, x: float, y: float, tall: float) -> None:
    """Write an isolated sign. Small ones that cannot be told from a digit are labelled IGNORED."""
    rng, drawing = sheet.rng, sheet.drawing
    glyph = None
    if rng.random() < 0.35:
        letters = [*"ABCDEFGHJKLMNPQRTUVWXYacdefhjkmnprtuvwxyäñéαβγδεηθκλμπσφψωΔΣΩжшыюяあえかきまめゆれ"]
        glyph = writer.sign(letters[rng.integers(len(letters))], rng)
    if glyph is None:
        kinds = sheet.alphabets.signs
        signs = kinds[str(rng.choice([*kinds]))]
        glyph = bent(signs[rng.integers(len(signs))], min(writer.wobble, 1.0), rng)
    marked = len(drawing.labels)
    letter = glyph.name in _NEAR_DIGITS or (glyph.name.isalpha() and len(glyph.name) == 1)
    drawing.write(ink, glyph, x, y, tall, writer.hand, rng, label=NOT_A_DIGIT, letter=letter)
    if tall < _TELLABLE and glyph.name in _NEAR_DIGITS:
        drawing.labels[marked:] = [IGNORED] * (len(drawing.labels) - marked)
        del drawing.letters[-1:]
