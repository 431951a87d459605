"""Layouts of pages: rows, numbers, sums, tables, grids, text, single digits, drawings, empty sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.ood.alphabet import curve
from digitlab.datasets.pages.drawing import NOT_A_DIGIT
from digitlab.datasets.pages.formulas import formula, notes, spacing, sums
from digitlab.datasets.pages.sheet import Sheet, sign
from digitlab.datasets.pages.sketches import doodles, letters, specks
from digitlab.datasets.pages.words import word
from digitlab.datasets.pages.writers import digits, number, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Layout = Callable[["Sheet"], None]

__all__ = ["LAYOUTS"]


def rows(sheet: Sheet) -> None:
    """Write lines of separate digits."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height()
    gap, pitch = rng.uniform(0.15, 1.8) if rng.random() < 0.7 else rng.uniform(1.8, 4.5), rng.uniform(1.25, 2.6)
    signs = rng.random() < 0.2
    y = rng.uniform(0.2, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = rng.uniform(-0.6, 0.25) * height if rng.random() < 0.5 else rng.uniform(0, 0.4) * sheet.size
        stop = sheet.size * (1.1 if rng.random() < 0.6 else rng.uniform(0.3, 1.0))
        while x < stop:
            if signs and rng.random() < 0.2:
                sign = str(rng.choice([*"+-=xABKX()?:/#"]))
                x = writer.text(sheet.drawing, ink, sign, x, y, height, rng, letters=1.0)
            else:
                x = writer.text(sheet.drawing, ink, digits(rng, 1), x, y, height, rng, gap=gap)
        y += pitch * height * (1 if rng.random() < 0.85 else 2)


def numbers(sheet: Sheet) -> None:
    """Write numbers of several digits, in lines or a column; some digits touch."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(12, 90)
    tight = rng.uniform(-0.1, 0.22)
    column = rng.random() < 0.3
    pitch, left = rng.uniform(1.2, 2.4), rng.uniform(-0.2, 0.5) * sheet.size
    y = rng.uniform(0.2, 1.4) * height
    while y < sheet.size + 0.5 * height:
        x = left if column else rng.uniform(-1.0, 2.0) * height
        while x < sheet.size:
            x = writer.text(sheet.drawing, ink, number(rng), x, y, height, rng, gap=tight, letters=1.0)
            x += rng.uniform(0.5, 3.0) * height
            if column:
                break
        y += pitch * height


def scattered(sheet: Sheet) -> None:
    """Scatter digits, and other signs among them, without overlap."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(12, 130)
    taken: list[tuple[float, float, float]] = []
    others = rng.choice((0.0, 0.0, 0.15, 0.4))
    for _ in range(int(np.clip(rng.uniform(0.2, 0.9) * (sheet.size / height) ** 2 * 0.6, 1, 60))):
        tall = height * rng.uniform(0.7, 1.4)
        x, y = rng.uniform(-0.2 * tall, sheet.size - 0.3 * tall), rng.uniform(0.5 * tall, sheet.size + 0.2 * tall)
        if any(abs(x - a) < 0.5 * (tall + t) and abs(y - b) < 0.55 * (tall + t) for a, b, t in taken):
            continue
        taken.append((x, y, tall))
        if rng.random() < others:
            sign(sheet, ink, writer, x, y, tall)
        else:
            glyph = writer.digit(int(digits(rng, 1)), rng)
            sheet.drawing.write(ink, glyph, x, y, tall, writer.hand, rng)


def single(sheet: Sheet) -> None:
    """Write one digit that fills the picture, perhaps in a box or next to lines."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    tall = sheet.size * (rng.uniform(0.3, 0.97) if rng.random() < 0.7 else rng.uniform(0.85, 1.0))
    glyph = writer.digit(int(rng.integers(10)), rng)
    wide = glyph.advance / 56 * tall
    x = (sheet.size - wide) * rng.uniform(0.0, 1.0) if rng.random() < 0.5 else (sheet.size - wide) / 2
    slack = sheet.size - tall
    y = tall + slack * (rng.uniform(0.0, 1.0) if rng.random() < 0.5 else 0.5)
    stretch = float(np.exp(rng.normal(0, 0.15)))
    sheet.drawing.write(ink, glyph, x, y, tall, writer.hand, rng, stretch=stretch)
    if rng.random() < 0.4:
        _walls(sheet, x, y - tall, x + wide, y, tall)


def one_line(sheet: Sheet) -> None:
    """Write a few large digits side by side that fill the picture, as on a drawing pad or in a photo of one number."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    count = int(rng.integers(2, 7))
    height = min(sheet.size * rng.uniform(0.35, 1.15) / (0.75 * count), 0.85 * sheet.size)
    gap = rng.uniform(0.1, 0.6)
    x = rng.uniform(0.02, 0.2) * sheet.size
    y = height + (sheet.size - height) * rng.uniform(0.05, 0.95)
    writer.text(sheet.drawing, ink, digits(rng, count), x, y, height, rng, gap=gap)


def lone_sign(sheet: Sheet) -> None:
    """Write one sign that is not a digit and fills the picture, as in `single`: a lone sign need not be a digit."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    tall = sheet.size * rng.uniform(0.3, 0.95)
    x = rng.uniform(0.0, max(1.0, sheet.size - 0.9 * tall))
    y = tall + (sheet.size - tall) * (rng.uniform(0.0, 1.0) if rng.random() < 0.5 else 0.5)
    sign(sheet, ink, writer, x, y, tall)
    if rng.random() < 0.25:
        _walls(sheet, x, y - tall, x + 0.9 * tall, y, tall)


def _walls(sheet: Sheet, x0: float, y0: float, x1: float, y1: float, tall: float) -> None:
    rng, ink = sheet.rng, sheet.layer("rule")
    away = rng.uniform(0.02, 0.35, 4) * tall
    sides = rng.random(4) < rng.choice((0.3, 0.6, 1.0))
    far = 3.0 * sheet.size
    x0, y0, x1, y1 = x0 - away[0], y0 - away[1], x1 + away[2], y1 + away[3]
    ends = ((x0, -far, x0, far), (-far, y0, far, y0), (x1, -far, x1, far), (-far, y1, far, y1))
    if rng.random() < 0.5:
        ends = ((x0, y0, x0, y1), (x0, y0, x1, y0), (x1, y0, x1, y1), (x0, y1, x1, y1))
    strokes = [sheet.drawing.through(*end) for end, side in zip(ends, sides, strict=True) if side]
    if strokes:
        sheet.drawing.lines(ink, strokes, max(1.0, rng.uniform(0.005, 0.06) * tall))


def table(sheet: Sheet) -> None:
    """Draw a table: ruled cells with words and numbers, handwritten or printed."""
    rng, drawing = sheet.rng, sheet.drawing
    height = sheet.height(10, 40)
    rule, ink, print_ = sheet.layer("rule"), sheet.layer("pen"), sheet.layer("print")
    writer, printer = sheet.writer(), sheet.writer(printed=True)
    pitch = rng.uniform(1.35, 2.6) * height
    top, x = rng.uniform(-0.9, 0.3) * pitch, rng.uniform(-2, 1) * height
    columns = [x]
    while x < sheet.size:
        x += rng.uniform(1.6, 6.0) * height if rng.random() < 0.8 else rng.uniform(5, 9) * height
        columns.append(x)
    kinds = rng.choice(("number", "number", "digits", "word", "empty", "letter"), len(columns))
    by_hand = rng.random(len(columns)) < 0.75
    count, gap = int((sheet.size - top) / pitch) + 2, spacing(rng, 0.25)
    for row in range(count):
        y = top + (row + 1) * pitch - rng.uniform(0.15, 0.4) * height
        for column, left in enumerate(columns[:-1]):
            room = (columns[column + 1] - left) / height - 0.4
            kind = "word" if row == 0 and rng.random() < 0.3 else str(kinds[column])
            text = {"number": number(rng), "digits": digits(rng, int(rng.integers(1, 3))), "word": word(rng),
                    "letter": "ABCDEFabc+-"[rng.integers(11)], "empty": ""}[kind]  # fmt: skip
            text = text[: max(1, int(room / 0.75))] if text else ""
            if text and rng.random() < 0.9:
                who, where = (writer, ink) if by_hand[column] else (printer, print_)
                start = left + rng.uniform(0.15, 0.5) * height
                who.text(drawing, where, text, start, y, height, rng, gap=gap if who is writer else 0.12, letters=0.5)
    if rng.random() < 0.85:
        width = rng.uniform(0.6, 3.5)
        flat = [top + row * pitch for row in range(count + 1)]
        strokes = [drawing.through(-9, y, sheet.size + 9, y) for y in flat]
        if rng.random() < 0.85:
            strokes += [drawing.through(left, top, left, top + count * pitch) for left in columns]
        drawing.lines(rule, strokes, width, int(rng.uniform(110, 255)))


def cells(sheet: Sheet) -> None:
    """Draw a sudoku or a form's boxes: a digit, a letter or nothing in each, at any distance from the walls."""
    rng, drawing = sheet.rng, sheet.drawing
    side = sheet.height(20, 150)
    wide = side * (1.0 if rng.random() < 0.6 else rng.uniform(0.55, 1.4))
    rule, ink, print_ = sheet.layer("rule"), sheet.layer("pen"), sheet.layer("print")
    writer, printer = sheet.writer(), sheet.writer(printed=True)
    left, top = rng.uniform(-0.8, 0.6) * wide, rng.uniform(-0.8, 0.6) * side
    columns = int((sheet.size - left) / wide) + 1
    lines = int((sheet.size - top) / side) + 1
    if rng.random() < 0.4:  # a single row of boxes
        lines, columns = 1, int(rng.integers(1, columns + 2))
        top = rng.uniform(0.0, max(1.0, sheet.size - side))
    filled, by_machine, letters = rng.uniform(0.25, 1.0), rng.choice((0.0, 0.0, 0.4, 1.0)), rng.choice((0.0, 0.1, 0.4))
    for row in range(lines):
        for column in range(columns):
            if rng.random() > filled:
                continue
            machine = rng.random() < by_machine
            who, where = (printer, print_) if machine else (writer, ink)
            tall = side * (rng.uniform(0.5, 0.95) if not machine else 0.62)
            x = left + column * wide + rng.uniform(0.02, 0.35) * wide
            y = top + (row + 1) * side - rng.uniform(0.02, max(0.03, 0.98 - tall / side)) * side
            if rng.random() < letters:
                sign(sheet, where, who, x, y, tall * 0.9)
            else:
                glyph = who.digit(int(rng.integers(10)), rng)
                room = (wide * 0.95) / max(1.0, glyph.advance / 56)
                drawing.write(where, glyph, x, y, min(tall, max(room, 0.4 * side)), who.hand, rng)
    right, bottom = left + columns * wide, top + lines * side
    strokes = [drawing.through(left, top + row * side, right, top + row * side) for row in range(lines + 1)]
    strokes += [
        drawing.through(left + column * wide, top, left + column * wide, bottom) for column in range(columns + 1)
    ]
    width = rng.uniform(0.8, 1.5 + 0.05 * side)
    drawing.lines(rule, strokes, width, int(rng.uniform(120, 255)))
    if rng.random() < 0.4:
        drawing.lines(rule, strokes[::3], 2.5 * width)


def text(sheet: Sheet) -> None:
    """Write a paragraph, handwritten or printed, with or without numbers among the words."""
    rng, drawing = sheet.rng, sheet.drawing
    printed = rng.random() < 0.25
    joined = not printed and rng.random() < 0.5
    writer, ink = sheet.writer(printed=printed, joined=joined), sheet.layer("print" if printed else "pen")
    height = sheet.height(9, 30) if rng.random() < 0.75 else sheet.height(30, 90)
    numbers_share = float(rng.choice((0.0, 0.0, 0.0, 0.05, 0.15, 0.35)))
    others = [script for script in writer.font.scripts if script != "latin"]
    scripts = others if others and rng.random() < 0.45 else ("latin",)
    pitch, gap = (
        rng.uniform(1.25, 2.3) * height,
        rng.uniform(0.02, 0.2) if rng.random() < 0.8 else rng.uniform(0.2, 0.7),
    )
    y = rng.uniform(0.1, 1.4) * pitch
    capitals = rng.random() < 0.22
    cursive = not printed and rng.random() < 0.33
    while y < sheet.size + 0.3 * height:
        x = rng.uniform(-2, 0.5) * height if rng.random() < 0.8 else rng.uniform(0, 0.5) * sheet.size
        if cursive and rng.random() < 0.7:
            _cursive(sheet, ink, x, y, height)
        else:
            length = int(rng.integers(2, 14))
            words = sentence(rng, length, scripts, numbers=numbers_share)
            written = words.upper() if capitals else words
            writer.text(drawing, ink, written, x, y, height, rng, gap=gap, letters=0.12)
        y += pitch
        if rng.random() < 0.06:
            y += pitch


def _cursive(sheet: Sheet, ink: NDArray[np.uint8], x: float, y: float, height: float) -> None:
    """Write illegible cursive: loops and arcs along a line, with ascenders and descenders as in letters."""
    rng = sheet.rng
    width = max(1.0, rng.uniform(0.03, 0.11) * height)
    slant = rng.normal(0.2, 0.15)
    while x < sheet.size + height:
        points = [(0.0, 0.0)]
        for _ in range(int(rng.integers(4, 18))):
            last = points[-1][0]
            up = rng.uniform(0.35, 0.6) if rng.random() < 0.66 else rng.uniform(0.8, 1.25)
            deep = 0.0 if rng.random() < 0.78 else rng.uniform(0.25, 0.65)
            step = rng.uniform(0.1, 0.32)
            loop = rng.uniform(-0.16, 0.1)
            points += [(last + step, up), (last + step + loop, up * rng.uniform(0.75, 1.0)), (last + step * 1.1, -deep)]
            if deep and rng.random() < 0.7:  # back up through the stem, as in g, j and y
                points.append((last + step * rng.uniform(0.5, 0.9), -deep * rng.uniform(0.6, 1.0)))
        line = curve(np.array(points)) * (height, -height)
        line[:, 0] += -slant * line[:, 1] + x
        line[:, 1] += y
        sheet.drawing.lines(ink, [line], width)
        for xs in np.arange(line[:, 0].min(), line[:, 0].max(), 0.4 * height):
            place = sheet.drawing.placed(np.array([[xs, y - 0.6 * height], [xs + 0.4 * height, y]])).ravel()
            sheet.drawing.letters.append((place[0], place[1], place[2], place[3]))
        if rng.random() < 0.3:
            xs, ys = line[rng.integers(len(line))]
            sheet.drawing.mark(xs - 0.3 * height, ys - 0.5 * height, xs + 0.3 * height, ys + 0.4 * height, NOT_A_DIGIT)
        x = float(line[:, 0].max()) + rng.uniform(0.3, 0.7) * height


_TRIES, _INKED = 12, 100


def diagram(sheet: Sheet) -> None:
    """Draw a sketch with lines, arrows and boxes, and short words and numbers beside them."""
    rng, drawing = sheet.rng, sheet.drawing
    writer, ink = sheet.writer(), sheet.layer("pen")
    height = sheet.height(12, 45)
    width, gap = max(1.0, writer.hand.pen * height), spacing(rng, 0.25)
    for _ in range(int(rng.integers(3, 10))):
        x0, y0 = rng.uniform(-20, sheet.size, 2)
        x1, y1 = (x0 + rng.normal(0, 120), y0) if rng.random() < 0.4 else (x0, y0 + rng.normal(0, 120))
        if rng.random() < 0.3:
            x1, y1 = x0 + rng.normal(0, 90), y0 + rng.normal(0, 90)
        drawing.lines(ink, [np.array([[x0, y0], [x1, y1]])], width)
        if rng.random() < 0.4:
            direction = np.array([x1 - x0, y1 - y0]) / max(np.hypot(x1 - x0, y1 - y0), 1e-3)
            side = np.array([-direction[1], direction[0]])
            tip = np.array([x1, y1])
            head = np.array([tip - 8 * direction + 5 * side, tip, tip - 8 * direction - 5 * side])
            drawing.lines(ink, [head], width)
        if rng.random() < 0.3:
            w, h = rng.uniform(0.2, 0.5, 2) * sheet.size
            drawing.lines(ink, [np.array([[x0, y0], [x0 + w, y0], [x0 + w, y0 + h], [x0, y0 + h], [x0, y0]])], width)
    for _ in range(int(rng.integers(2, 12))):
        kind = rng.random()
        written = number(rng) if kind < 0.6 else word(rng) if kind < 0.85 else formula(rng)
        written = written.upper() if rng.random() < 0.3 else written
        place = _free_place(sheet, ink, 0.7 * height * len(written), height)
        if place is None:
            continue
        x, y = place
        end = writer.text(drawing, ink, written, x, y, height * rng.uniform(0.8, 1.2), rng, gap=gap, letters=0.8)
        if rng.random() < 0.5:
            _dimension(sheet, ink, x, y, end, height, width)


def _free_place(sheet: Sheet, ink: NDArray[np.uint8], wide: float, high: float) -> tuple[float, float] | None:
    """Find a place for text of this size with little ink below it (or, sometimes, any place); None if not found."""
    rng = sheet.rng
    most = 1.0 if rng.random() < 0.1 else 0.02  # share of the place that may have ink already
    for _ in range(_TRIES):
        x, y = rng.uniform(-10, sheet.size - high), rng.uniform(high, sheet.size)
        corners = sheet.drawing.placed(np.array([[x, y - high], [x + wide, y - high], [x, y], [x + wide, y]]))
        least, last = np.clip([corners.min(axis=0), corners.max(axis=0)], 0, sheet.size - 1).astype(int)
        there = ink[least[1] : last[1] + 1, least[0] : last[0] + 1]
        if (there > _INKED).mean() <= most:
            return x, y
    return None


def _dimension(
    sheet: Sheet, ink: NDArray[np.uint8], x: float, y: float, end: float, height: float, width: float
) -> None:
    """Draw a dimension arrow above, below or beside a measure; heads and stops at its ends are random."""
    rng = sheet.rng
    reach = height * rng.uniform(0.7, 2.0)
    if rng.random() < 0.5:  # upright, as long as a digit or two
        place = x - rng.uniform(0.3, 0.9) * height if rng.random() < 0.5 else end + rng.uniform(0.2, 0.9) * height
        foot = y + rng.uniform(-0.2, 0.5) * height
        one, other = np.array([place, foot]), np.array([place + rng.normal(0, 0.05) * reach, foot - reach])
    else:
        place = y + rng.uniform(0.3, 0.9) * height if rng.random() < 0.5 else y - rng.uniform(1.3, 2.0) * height
        middle = 0.5 * (x + end)
        one, other = np.array([middle - reach / 2, place]), np.array([middle + reach / 2, place + rng.normal(0, 2)])
    along = (other - one) / max(float(np.hypot(*(other - one))), 1e-3)
    across = np.array([-along[1], along[0]])
    head = rng.uniform(0.12, 0.35) * height
    strokes = [np.array([one, other])]
    for tip, inward in ((one, along), (other, -along)):
        if rng.random() < 0.85:
            strokes.append(np.array([tip + head * (inward + 0.7 * across), tip, tip + head * (inward - 0.7 * across)]))
        if rng.random() < 0.35:
            strokes.append(np.array([tip + 1.5 * head * across, tip - 1.5 * head * across]))
    sheet.drawing.lines(ink, strokes, width)
    least, most = np.concatenate(strokes).min(axis=0), np.concatenate(strokes).max(axis=0)
    sheet.drawing.mark(least[0] - width, least[1] - width, most[0] + width, most[1] + width, NOT_A_DIGIT)


def list_of_lines(sheet: Sheet) -> None:
    """Write words with a number after or before each: lists, notes, answers."""
    rng, writer, ink = sheet.rng, sheet.writer(), sheet.layer("pen")
    height = sheet.height(12, 60)
    y = rng.uniform(0.3, 1.4) * height
    pitch, first, place = rng.uniform(1.4, 2.6) * height, rng.random() < 0.4, rng.uniform(1, 6) * height
    capitals, gap = rng.random() < 0.3, spacing(rng, 0.25)
    while y < sheet.size + 0.3 * height:
        x = rng.uniform(-1.0, 1.0) * height
        parts = [word(rng) if rng.random() < 0.8 else sentence(rng, 2, ("latin",)), number(rng)]
        parts[0] = parts[0].upper() if capitals else parts[0]
        for part in reversed(parts) if first else parts:
            end = writer.text(sheet.drawing, ink, part, x, y, height, rng, gap=gap, letters=0.4)
            x = end + (rng.uniform(0.5, 1.5) * height if rng.random() < 0.5 else place)
        y += pitch


def nothing(sheet: Sheet) -> None:
    """Leave the sheet empty, but for some dirt."""
    if sheet.rng.random() < 0.6:
        specks(sheet)


def ruled(sheet: Sheet) -> None:
    """Draw lines or squares over the whole sheet, as on ruled paper; sometimes a margin."""
    rng, drawing, ink = sheet.rng, sheet.drawing, sheet.layer("rule")
    pitch, far = np.exp(rng.uniform(np.log(9), np.log(110))), sheet.size + 30
    width, strength = rng.uniform(0.6, 2.2), int(rng.uniform(60, 230))
    places = np.arange(rng.uniform(-pitch, 0), far, pitch)
    kind = rng.random()
    strokes = [drawing.through(-30, y, far, y) for y in places] if kind < 0.9 else []
    if kind > 0.55:
        strokes += [drawing.through(x, -30, x, far) for x in places + rng.uniform(0, pitch)]
    if rng.random() < 0.2:
        x = rng.uniform(0, sheet.size)
        strokes.append(drawing.through(x, -30, x, far))
    drawing.lines(ink, strokes, width, strength)


LAYOUTS: tuple[tuple[float, Layout], ...] = (
    (10, rows), (12, numbers), (8, scattered), (13, single), (7, one_line), (4, lone_sign), (8, sums), (8, table),
    (9, cells), (34, text), (12, letters), (6, doodles), (8, diagram), (6, list_of_lines), (15, notes), (4, nothing),
)  # fmt: skip
