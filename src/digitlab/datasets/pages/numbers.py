"""Handwritten numbers, one per picture: ZIP codes, dates, telephone numbers, amounts, clock times, on any paper.

The digits are MNIST images, as outlines or redrawn with a pen; each number has one slant, pen and spacing. The signs
between them are strokes of the same pen. Paper, light and camera are those of the drawn pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.pages.alphabets import Alphabets, FontGlyphs, digit_glyphs
from digitlab.datasets.pages.drawing import NOT_A_DIGIT, Drawing, Hand
from digitlab.datasets.pages.glyphs import BODY, Glyph, of_skeleton
from digitlab.datasets.pages.surfaces import coloured, photographed
from digitlab.datasets.pages.writers import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["KINDS", "SIGNS", "DrawnNumber", "draw_number", "number_alphabets", "number_text"]

KINDS = ("zip", "date", "phone", "amount", "student", "time")
SIGNS = ",.-/:"

_FORMS = 24  # of each sign
_LEAST_CONTRAST = 45.0  # of 255, between the ink and the paper beside it: fainter numbers are redrawn
_LARGEST = 767  # pixels: maximum size of the drawn paper
_MARGIN = (0.35, 1.1)  # heights of paper around a number

# Strokes of the signs, in digit heights: x to the right from the sign's left end, y up from the baseline.
_STROKES: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    ".": (((0.0, 0.02), (0.02, 0.04), (0.03, 0.02)),),
    ",": (((0.08, 0.06), (0.09, 0.0), (0.06, -0.08), (0.0, -0.16)),),
    "-": (((0.0, 0.45), (0.18, 0.46), (0.36, 0.45)),),
    "/": (((0.0, -0.08), (0.22, 0.5), (0.42, 1.05)),),
    ":": (((0.0, 0.16), (0.02, 0.18), (0.03, 0.16)), ((0.02, 0.6), (0.04, 0.62), (0.05, 0.6))),
}


@dataclass(frozen=True, slots=True)
class DrawnNumber:
    """A picture of one number.

    image: uint8 (H, W, 3) RGB
    text: what is written, with its signs
    kind: one of `KINDS`
    boxes: float32 (N, 4), x0, y0, x1, y1 in pixels, of the digits in order
    """

    image: NDArray[np.uint8]
    text: str
    kind: str
    boxes: NDArray[np.float32]

    @property
    def digits(self) -> str:
        """The digits of the text."""
        return "".join(sign for sign in self.text if sign.isdigit())


def number_alphabets(images: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int = 0) -> Alphabets:
    """Make the glyphs of numbers: MNIST images, uint8 (N, 28, 28), as outlines and redrawn, and the signs."""
    rng = np.random.default_rng(seed)
    outlines, lines = digit_glyphs(images, labels, rng, bent=False)
    fonts = tuple(
        FontGlyphs(f"signs {form}", "handwriting", (), {}, {sign: _sign(sign, rng) for sign in SIGNS})
        for form in range(_FORMS)
    )
    return Alphabets({"mnist": outlines, "skeleton": lines}, {}, fonts)


def _sign(sign: str, rng: np.random.Generator) -> Glyph:
    """Make one form of a sign, from the pen's centre line, at the scale of digits."""
    import cv2

    stretch = np.exp(rng.normal(0.0, 0.18, 2))
    if sign in ".:":
        stretch = np.exp(rng.normal(0.0, 0.1, 2))
    margin, high = 24, 110
    mask = np.zeros((high + 2 * margin, 120), np.uint8)
    base = margin + 80  # row of the baseline
    for stroke in _STROKES[sign]:
        points = np.array(stroke) + rng.normal(0.0, 0.012, (len(stroke), 2))
        middle = points.mean(axis=0)
        points = middle + (points - middle) * stretch + rng.normal(0.0, (0.01, 0.04 if sign == "-" else 0.015), 2)
        xy = np.stack([margin + points[:, 0] * BODY, base - points[:, 1] * BODY], axis=1)
        cv2.polylines(mask, [np.rint(xy * 16).astype(np.int32)], False, 1, 1, cv2.LINE_8, 4)
    ys, xs = np.nonzero(mask)
    x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
    return of_skeleton(
        np.ascontiguousarray(mask[y0:y1, x0:x1]), -1, sign, origin=(0.0, float(base - y0)), advance=float(x1 - x0)
    )


def number_text(kind: str, rng: np.random.Generator) -> str:
    """Generate a number of a kind, as people write it.

    >>> [len("".join(filter(str.isdigit, number_text(kind, np.random.default_rng(1))))) for kind in ("zip", "phone")]
    [5, 10]
    """
    if kind == "zip":
        return f"{rng.integers(501, 99_951):05d}"
    if kind == "date":
        day, month, year = rng.integers(1, 29), rng.integers(1, 13), int(rng.integers(1950, 2031))
        sign = "./-"[rng.integers(3)]
        if rng.random() < 0.2:
            return f"{year}-{month:02d}-{day:02d}"
        short = f"{year % 100:02d}" if rng.random() < 0.35 else str(year)
        padded = rng.random() < 0.6
        return sign.join((f"{day:02d}", f"{month:02d}", short) if padded else (str(day), str(month), short))
    if kind == "phone":
        digits = "0" + "".join(map(str, rng.integers(0, 10, 9)))
        form = rng.integers(4)
        if form == 0:
            return digits
        parts = (digits[:3], digits[3:6], digits[6:]) if form < 3 else (digits[:4], digits[4:])
        return (" ", "-", "/")[rng.integers(3) if form == 3 else rng.integers(2)].join(parts)
    if kind == "amount":
        whole = int(np.exp(rng.uniform(np.log(1), np.log(10_000))))
        return f"{whole}{',.'[rng.integers(2)]}{rng.integers(0, 100):02d}"
    if kind == "student":
        return f"{rng.integers(1_000_000, 10_000_000)}"
    if kind == "time":
        return f"{rng.integers(0, 24):02d}{':.'[int(rng.random() < 0.15)]}{rng.integers(0, 60):02d}"
    raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")


def draw_number(alphabets: Alphabets, rng: np.random.Generator, *, kind: str = "zip") -> DrawnNumber:
    """Draw a picture of a number of a kind; draw it again, up to 20 times, if it is too faint to read or covered."""
    written = number_text(kind, rng)
    for _ in range(20):
        drawn = _drawn(alphabets, rng, kind, written)
        if drawn is not None:
            return drawn
    raise AssertionError("twenty numbers in a row were too faint")  # about one in ten is


def _drawn(alphabets: Alphabets, rng: np.random.Generator, kind: str, text: str) -> DrawnNumber | None:
    height = float(np.exp(rng.uniform(np.log(30), np.log(80))))
    writer = _writer(alphabets, rng)
    tight = rng.random() < 0.12
    gap = rng.uniform(-0.06, 0.04) if tight else rng.uniform(0.05, 0.32)
    wide = (0.85 + max(gap, 0.0)) * len(text) + 3.0  # heights
    height = min(height, _LARGEST / wide)
    size = int(height * wide)
    slope = rng.normal(0.0, 0.025)
    page = ((np.cos(slope), -np.sin(slope), 0.0), (np.sin(slope), np.cos(slope), 0.0))
    drawing = Drawing(
        size, page, (rng.uniform(0, 0.05) * height, rng.uniform(0.5, 3.0) / (6 * height), rng.uniform(0, 6))
    )
    left, base = 1.5 * height, size / 2 + height / 2
    kinds = []
    if rng.random() < 0.3:  # on a ruled line
        kinds.append("rule")
        y = base + rng.uniform(0.02, 0.2) * height
        drawing.lines(
            drawing.layer(), [drawing.through(-9, y, size + 9, y)], rng.uniform(0.7, 2.0), int(rng.integers(90, 230))
        )
    kinds.append("pen")
    ink = drawing.layer()
    x = left
    for character in text:  # the gap varies a little
        own = gap + rng.normal(0.0, 0.03 if tight else 0.05)
        x = writer.text(drawing, ink, character, x, base, height, rng, gap=own, letters=1.0)
    digital = bool(rng.random() < 0.1)
    seen, hidden = photographed(coloured(drawing, kinds, rng, digital=digital), rng, digital=digital)
    boxes, labels = np.array(drawing.boxes, np.float32).reshape(-1, 4), np.array(drawing.labels)
    if not _legible(seen, ink, hidden, boxes):
        return None
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    pads = rng.uniform(*_MARGIN, 4) * height
    cut = (
        max(0, int(x0 - pads[0])),
        max(0, int(y0 - pads[1])),
        min(size, int(x1 + pads[2])),
        min(size, int(y1 + pads[3])),
    )
    part = np.ascontiguousarray(seen[cut[1] : cut[3], cut[0] : cut[2]])
    own = boxes[labels != NOT_A_DIGIT] - np.array([cut[0], cut[1]] * 2, np.float32)
    return DrawnNumber(part, text, kind, own)


def _writer(alphabets: Alphabets, rng: np.random.Generator) -> Writer:
    """Pick a writer whose pen has the same width as the digits' strokes, whether they are outlines or redrawn."""
    outlined = rng.random() < 0.5
    weight = float(rng.uniform(-0.012, 0.012))
    pen = 0.1 + 2.0 * weight if outlined else float(np.clip(np.exp(rng.normal(np.log(0.085), 0.3)), 0.04, 0.16))
    hand = Hand(pen, weight, rng.normal(0.08, 0.12), abs(rng.normal(0, 0.04)), rng.uniform(0.8, 1.6))
    font = alphabets.fonts[rng.integers(len(alphabets.fonts))]
    mix = (("mnist" if outlined else "skeleton", 1.0),)
    return Writer(alphabets, hand, mix, font, 0.1, lines=True, wobble=0.6)


def _legible(
    seen: NDArray[np.uint8], ink: NDArray[np.uint8], hidden: NDArray[np.uint8] | None, boxes: NDArray[np.float32]
) -> bool:
    """Return whether each digit stands out from its paper, and none is covered."""
    grey = seen.mean(axis=2)
    for x0, y0, x1, y1 in boxes.tolist():
        part = slice(int(y0), int(y1) + 1), slice(int(x0), int(x1) + 1)
        if hidden is not None and hidden[part].any():
            return False
        cover, light = ink[part], grey[part]
        on, off = light[cover > 140], light[cover < 12]
        if len(on) >= 4 and len(off) >= 4 and abs(float(on.mean()) - float(off.mean())) < _LEAST_CONTRAST:
            return False
    return True
