"""Arithmetic, algebra, and what a lecturer writes on a board: names with values, lists, indices and powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.datasets.pages.words import word
from digitlab.datasets.pages.writers import Writer, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.datasets.pages.sheet import Sheet

__all__ = ["formula", "notes", "sums"]


def sums(sheet: Sheet) -> None:
    """Arithmetic and algebra, line by line."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(14, 80)
    gap, pitch = rng.uniform(0.0, 0.35), rng.uniform(1.3, 2.6)
    y = rng.uniform(0.3, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = rng.uniform(-0.5, 3.0) * height
        writer.text(sheet.drawing, ink, formula(rng), x, y, height, rng, gap=gap, letters=0.9)
        y += pitch * height


def formula(rng: np.random.Generator) -> str:
    """A sum or an equation: "12 + 3x = 40"."""
    names = [*"xyzabcknmtpqABCFXKuvw"]
    space = " " if rng.random() < 0.6 else ""

    def term() -> str:
        value = str(rng.integers(0, 10 ** int(rng.integers(1, 4))))
        kind = rng.random()
        name = names[rng.integers(len(names))]
        if kind < 0.78:
            return value if kind < 0.6 else value + name
        return name if kind < 0.9 else f"{name}{rng.integers(10)}"

    parts = [term()]
    for _ in range(int(rng.integers(1, 5))):
        parts += [str(rng.choice((*"+-x*/=", "=", "+", ":"))), term()]
    if rng.random() < 0.2:
        parts.insert(0, "(")
        parts.insert(4, ")")
    return space.join(parts)


def notes(sheet: Sheet) -> None:
    """What a lecturer writes on a board: names in capitals with values, lists of digits, indices and powers."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(13, 70)
    gap, pitch = rng.uniform(0.0, 0.3), rng.uniform(1.4, 2.8)
    formulas = rng.random() < 0.5
    y = rng.uniform(0.3, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = rng.uniform(-1.5, 3.0) * height
        if rng.random() < (0.8 if formulas else 0.1):
            _with_indices(sheet, ink, writer, x, y, height)
        else:
            written = _statement(rng) if rng.random() < 0.75 else _listed(rng)
            writer.text(sheet.drawing, ink, written, x, y, height, rng, gap=gap, letters=0.8)
        y += pitch * height


def _statement(rng: np.random.Generator) -> str:
    """A name with a value, an index or an argument: "SUMME = 41", "KOR[2] == 7", "f(12)"."""
    name = (word(rng).upper() if rng.random() < 0.75 else word(rng))[: int(rng.integers(1, 9))]
    if rng.random() < 0.25:
        name += f"{'_ -'[rng.integers(3)]}{rng.integers(10)}"
    if rng.random() < 0.3:
        left, right = ("[]", "()", "<>", '""')[rng.integers(4)]
        name += f"{left}{rng.integers(0, 10 ** int(rng.integers(1, 3)))}{right}"
    if rng.random() < 0.25:
        return name
    value = (number(rng), _listed(rng), word(rng).upper(), formula(rng))[int(rng.choice(4, p=(0.45, 0.2, 0.2, 0.15)))]
    return f"{name} {('=', ':=', ':', '==', '->')[rng.integers(5)]} {value}"


def _listed(rng: np.random.Generator) -> str:
    """Digits or letters with the same mark between them: "1, 2, 3", "4-5-6-7", "(A, B, C)"."""
    count = int(rng.integers(2, 11))
    parts = rng.integers(0, 10, count) if rng.random() < 0.75 else rng.choice([*"ABCDEFGHKLMNPRSTUVWXYZ"], count)
    between = (", ", ",", "-", " - ", " ", " + ", "; ", "|")[rng.integers(8)]
    around = ("", "", '""', "[]", "()", "{}")[rng.integers(6)]
    return around[:1] + between.join(str(part) for part in parts) + around[1:]


def _with_indices(sheet: Sheet, ink: NDArray[np.uint8], writer: Writer, x: float, y: float, height: float) -> None:
    """Algebra whose indices hang below the line and whose powers stand above it, smaller than the rest."""
    rng = sheet.rng
    small, gap = rng.uniform(0.45, 0.75) * height, rng.uniform(0.0, 0.2)
    for part in range(int(rng.integers(2, 6))):
        if part:
            between = str(rng.choice([*"=+-=·,"]))
            x = writer.text(sheet.drawing, ink, between, x + 0.2 * height, y, height, rng, letters=0.8) + 0.2 * height
        base = str(rng.choice([*"xyzvabcuwnABPTRSVFGKLΔαβθσωπ∑∫", "ΔT", "Δx", "sin", "log", "dx", ""]))
        base = base or str(rng.integers(0, 100))
        x = writer.text(sheet.drawing, ink, base, x, y, height, rng, gap=gap, letters=0.8)
        for shift in ((0.35,), (-0.55,), (0.35,), ())[rng.integers(4)]:
            index = str(rng.choice([*"0123456789ijknmtT", "k-1", "n+1", "10", "12", "ij", "k-2"]))
            x = writer.text(sheet.drawing, ink, index, x, y + shift * height, small, rng, gap=gap, letters=0.8)
