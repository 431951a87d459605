"""Layouts of arithmetic, algebra, and a lecturer's notes on a board: names with values, lists, indices, powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.pages.words import with_look_alikes, word
from digitlab.datasets.pages.writers import Writer, digits, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.datasets.pages.sheet import Sheet

__all__ = ["formula", "notes", "spacing", "sums"]

_TIGHT = 0.25  # share of the writers whose digits touch


def sums(sheet: Sheet) -> None:
    """Write arithmetic and algebra, line by line."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(14, 80)
    gap, pitch, fractions = spacing(rng, 0.35), rng.uniform(1.3, 2.6), rng.random() < 0.2
    y = rng.uniform(0.3, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = rng.uniform(-0.5, 3.0) * height
        if fractions:
            x = _fraction(sheet, ink, writer, x, y, height, gap)
        writer.text(sheet.drawing, ink, formula(rng), x, y, height, rng, gap=gap, letters=0.9)
        y += (pitch + 1.2 * fractions) * height


def spacing(rng: np.random.Generator, most: float) -> float:
    """Sample a writer's gap between digits, in digit heights; sometimes so small that they touch."""
    return float(rng.uniform(-0.14, 0.02) if rng.random() < _TIGHT else rng.uniform(0.0, most))


def _fraction(
    sheet: Sheet, ink: NDArray[np.uint8], writer: Writer, x: float, y: float, height: float, gap: float
) -> float:
    """Write a fraction with its bar in the middle of the line; return the x where it ends."""
    rng = sheet.rng
    upper, lower = (_whole(rng, 2) for _ in range(2))
    upper += str(rng.choice(["", "", "", "x", "²"]))
    bar = y - 0.45 * height
    ends = [
        writer.text(sheet.drawing, ink, upper, x, bar - 0.2 * height, 0.9 * height, rng, gap=gap, letters=0.8),
        writer.text(sheet.drawing, ink, lower, x, bar + 1.15 * height, 0.9 * height, rng, gap=gap, letters=0.8),
    ]
    end = max(ends) + 0.15 * height
    line = sheet.drawing.through(x - 0.15 * height, bar, end, bar + rng.normal(0.0, 0.04) * height)
    sheet.drawing.lines(ink, [line], max(1.0, writer.hand.pen * height))
    return end + 0.3 * height


def _whole(rng: np.random.Generator, most: int) -> str:
    """Generate a whole number of one to ``most`` digits, without leading zeros."""
    written = digits(rng, int(rng.integers(1, most + 1)))
    return written if written == "0" else written.lstrip("0") or "0"


def formula(rng: np.random.Generator) -> str:
    """Generate a sum or an equation: "12 + 3x = 40"."""
    names = [*"xyzabcknmtpqABCFXKuvw"]
    space = " " if rng.random() < 0.6 else ""

    def term() -> str:
        value = _whole(rng, 3)
        kind = rng.random()
        name = names[rng.integers(len(names))]
        if kind < 0.78:
            return value if kind < 0.6 else value + name
        return name if kind < 0.9 else f"{name}{digits(rng, 1)}"

    parts = [term()]
    for _ in range(int(rng.integers(1, 5))):
        parts += [str(rng.choice((*"+-x*/=", *"+-x*=", "=", "+", ":"))), term()]
    if rng.random() < 0.2:
        parts.insert(0, "(")
        parts.insert(4, ")")
    return space.join(parts)


def notes(sheet: Sheet) -> None:
    """Write a lecturer's notes on a board: names in capitals with values, lists of digits, indices and powers."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(13, 70)
    gap, pitch = spacing(rng, 0.3), rng.uniform(1.4, 2.8)
    formulas, program = rng.random() < 0.45, rng.random() < 0.3
    y = rng.uniform(0.3, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = rng.uniform(-1.5, 3.0) * height
        if program:
            writer.text(sheet.drawing, ink, _code(rng), x, y, height, rng, gap=gap, letters=0.8)
        elif rng.random() < (0.8 if formulas else 0.1):
            _with_indices(sheet, ink, writer, x, y, height)
        elif rng.random() < 0.1:
            _ringed(sheet, ink, writer, x + height, y, height)
        else:
            written = _statement(rng) if rng.random() < 0.75 else _listed(rng)
            writer.text(sheet.drawing, ink, written, x, y, height, rng, gap=gap, letters=0.8)
        y += pitch * height


def _statement(rng: np.random.Generator) -> str:
    """Generate a name with a value, an index or an argument: "SUMME = 41", "KOR[2] == 7", "f(12)"."""
    name = (word(rng).upper() if rng.random() < 0.75 else word(rng))[: int(rng.integers(1, 9))]
    if len(name) > 2 and rng.random() < 0.4:
        name = with_look_alikes(rng, name)
    if rng.random() < 0.25:
        name += f"{'_ -'[rng.integers(3)]}{digits(rng, 1)}"
    if rng.random() < 0.3:
        left, right = ("[]", "()", "<>", '""')[rng.integers(4)]
        name += f"{left}{_whole(rng, 2)}{right}"
    if rng.random() < 0.25:
        return name
    value = (number(rng), _listed(rng), word(rng).upper(), formula(rng))[int(rng.choice(4, p=(0.45, 0.2, 0.2, 0.15)))]
    return f"{name} {('=', ':=', ':', '==', '->')[rng.integers(5)]} {value}"


def _code(rng: np.random.Generator) -> str:
    """Generate a line of a program, as written on a board: "if (w && 12):", "a = 2 & 19", "def what(x):"."""
    names = [word(rng)[: int(rng.integers(1, 9))] for _ in range(3)]
    names = [with_look_alikes(rng, each) if len(each) > 2 and rng.random() < 0.3 else each for each in names]

    def value() -> str:
        kind = rng.random()
        return names[rng.integers(3)] if kind < 0.45 else _whole(rng, 3)

    sign = str(rng.choice(["&&", "&", "||", "+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", "and"]))
    sum_of = f"{value()} {sign} {value()}"
    forms = (
        f"{names[0]} = {sum_of}", f"{names[0]} = {value()}", f"if ({sum_of}):", f"if {sum_of} {{", f"while ({sum_of})",
        f"for {names[0]} in {value()}:", f"def {names[0]}({names[1]}):", f"print '{names[0]} {names[1]}'",
        f'print("{names[0]}")', f"# {names[0]} {names[1]} {names[2]}", f"return {value()};",
        f"{names[0]}[{value()}] = {value()}",
        f"{names[0]} += {value()};", f"{names[0]}({value()}, {value()})", f"_{names[0]} = ({sum_of}) {sign} {value()}",
    )  # fmt: skip
    return str(forms[rng.integers(len(forms))])


def _ringed(sheet: Sheet, ink: NDArray[np.uint8], writer: Writer, x: float, y: float, height: float) -> None:
    """Write a number in a ring, as exercises and list items are numbered."""
    rng = sheet.rng
    end = writer.text(sheet.drawing, ink, str(rng.integers(0, 20)), x, y, height, rng, letters=0.8)
    time = np.linspace(rng.uniform(0, 6.3), rng.uniform(6.1, 6.6) + rng.uniform(0, 6.3), 40)
    radius = np.array([max(end - x, 0.5 * height), height]) * rng.uniform(0.75, 1.2)
    middle = np.array([(x + end) / 2, y - height / 2])
    ring = middle + radius * np.stack([np.cos(time), np.sin(time)], axis=1)
    sheet.drawing.lines(ink, [ring], max(1.0, writer.hand.pen * height))


def _listed(rng: np.random.Generator) -> str:
    """Generate digits or letters joined by one separator: "1, 2, 3", "4-5-6-7", "(A, B, C)"."""
    count = int(rng.integers(2, 11))
    parts = digits(rng, count) if rng.random() < 0.75 else "".join(rng.choice([*"ABCDEFGHKLMNPRSTUVWXYZ"], count))
    between = (", ", ",", "-", " - ", " ", " + ", "; ", "|")[rng.integers(8)]
    around = ("", "", '""', "[]", "()", "{}")[rng.integers(6)]
    return around[:1] + between.join(parts) + around[1:]


def _with_indices(sheet: Sheet, ink: NDArray[np.uint8], writer: Writer, x: float, y: float, height: float) -> None:
    """Write algebra with small indices below the line and small powers above it."""
    rng = sheet.rng
    small, gap = rng.uniform(0.45, 0.75) * height, rng.uniform(0.0, 0.2)
    for part in range(int(rng.integers(2, 6))):
        if part:
            between = str(rng.choice([*"=+-=·,"]))
            x = writer.text(sheet.drawing, ink, between, x + 0.2 * height, y, height, rng, letters=0.8) + 0.2 * height
        base = str(rng.choice([*"xyzvabcuwnABPTRSVFGKLΔαβθσωπ∑∫", "ΔT", "Δx", "sin", "log", "dx", ""]))
        base = base or _whole(rng, 2)
        x = writer.text(sheet.drawing, ink, base, x, y, height, rng, gap=gap, letters=0.8)
        for shift in ((0.35,), (-0.55,), (0.35,), ())[rng.integers(4)]:
            index = str(rng.choice([*"0123456789ijknmtT", "k-1", "n+1", "10", "12", "ij", "k-2"]))
            x = writer.text(sheet.drawing, ink, index, x, y + shift * height, small, rng, gap=gap, letters=0.8)
