"""What is known of a page beforehand: count, lines, region, pattern, grid."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from digitlab.bench.answering import edits
from digitlab.datasets import load_dataset
from digitlab.errors import ImageError, UsageError
from digitlab.examples.pages import page_of
from digitlab.reading.candidates import Candidate
from digitlab.reading.constraints import Constraints
from digitlab.reading.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Digits


def of(digits: Digits, text: str) -> Digits:
    return digits[np.array([2 * int(digit) for digit in text])]


def read_as(*digits: tuple[int, float]) -> list[Candidate]:
    """A candidate for each on one line, that is a digit so likely."""
    return [
        Candidate((30.0 * n, 0.0, 30.0 * n + 14, 20.0), sure, np.eye(10, dtype=np.float32)[digit])
        for n, (digit, sure) in enumerate(digits)
    ]


def digits_of(candidates: list[Candidate], **known: Any) -> list[int]:
    (line,) = decode(candidates, Constraints(**known), 0.7).lines
    return [candidate.digit for candidate in line]


def test_of_more_marks_the_surest_are_taken() -> None:
    marks = read_as((1, 0.99), (5, 0.2), (3, 0.98), (8, 0.25), (4, 0.9))
    assert digits_of(marks, count=3) == [1, 3, 4]
    assert digits_of(marks, pattern="#-##") == [1, 3, 4]
    assert digits_of(marks, count=4) == [1, 3, 8, 4]


def test_a_pattern_says_what_stands_where() -> None:
    decoded = decode(read_as((2, 0.99), (0, 0.99), (7, 0.99)), Constraints(pattern="##-#"), 0.7)
    assert [candidate.pattern_index for candidate in decoded.lines[0]] == [0, 1, 2]
    assert (decoded.pattern, decoded.mismatch) == ("##-#", None)


def test_digits_that_are_not_there_are_missing_and_that_is_said() -> None:
    decoded = decode(read_as((2, 0.99)), Constraints(pattern="##"), 0.7)
    assert [candidate.pattern_index for candidate in decoded.lines[0]] == [0]
    assert decoded.mismatch is not None
    assert decoded.mismatch.startswith("1 digit was found where the pattern ## has 2")
    nothing = decode([], Constraints(pattern="##"), 0.7)
    assert nothing.lines == []
    assert nothing.mismatch is not None


def test_of_a_page_without_any_line_it_is_said_once_that_lines_are_missing() -> None:
    assert decode([], Constraints(lines=2), 0.7).mismatch == "0 lines were found where 2 were expected"
    both = decode([], Constraints(lines=2, count=4), 0.7).mismatch
    assert both == "no digit was found where 4 were expected; nothing else is there"


def test_an_answered_digit_is_never_left_out_to_reach_a_number() -> None:
    marks = read_as((1, 0.99), (5, 0.99), (3, 0.8), (8, 0.99))
    for known in ({"count": 3}, {"pattern": "###"}):
        decoded = decode(marks, Constraints(**known), 0.7)
        assert [candidate.digit for candidate in decoded.lines[0]] == [1, 5, 3, 8]
        assert decoded.mismatch is not None
        assert decoded.mismatch.startswith("4 digits were found where")
        assert decoded.pattern is None


@pytest.mark.parametrize("kind", ["plain", "touching"])
def test_exactly_so_many_digits(reader: Reader, sure_digits: Digits, kind: str) -> None:
    page = page_of(kind, [of(sure_digits, "402713")], seed=2)
    reading = reader.read(page.image, count=6)
    assert len(reading.digits) == 6
    assert reading.fits
    assert reading.note is None
    if kind == "plain":
        assert reading.text == "402713"


@pytest.mark.parametrize("count", [4, 5, 7, 8])
def test_a_count_that_does_not_fit_is_said_and_no_digit_is_dropped_or_cut(
    reader: Reader, sure_digits: Digits, count: int
) -> None:
    page = page_of("plain", [of(sure_digits, "402713")], seed=2)
    reading = reader.read(page.image, count=count)
    assert reading.text == "402713"
    assert not reading.fits
    assert reading.note is not None
    assert f"6 digits were found where {count} were expected" in reading.note


@pytest.mark.parametrize("pattern", ["##-##", "#####", "###-####"])
def test_a_pattern_that_does_not_fit_is_said_and_no_digit_is_dropped(
    reader: Reader, sure_digits: Digits, pattern: str
) -> None:
    page = page_of("plain", [of(sure_digits, "402713")], seed=2)
    reading = reader.read(page.image, pattern=pattern)
    assert not reading.fits
    assert reading.note is not None
    assert f"6 digits were found where the pattern {pattern} has {pattern.count('#')}" in reading.note
    assert "".join(sign for sign in reading.text if sign.isdigit()) == "402713"


def test_lines_region_and_pattern_on_a_page(reader: Reader, sure_digits: Digits) -> None:
    page = page_of("ruled", [of(sure_digits, "123"), of(sure_digits, "704521"), of(sure_digits, "98")], seed=1)
    assert reader.read(page.image, lines=3).lines == ("123", "704521", "98")
    assert len(reader.read(page.image, lines=2).lines) == 2
    one = reader.read(page_of("plain", [of(sure_digits, "704521")], seed=1).image, lines=2)
    assert (one.text, one.note) == ("704521", "1 line was found where 2 were expected")
    pattern = reader.read(page.image, pattern="####-##")
    assert pattern.text == "7045-21"
    assert [found.column for found in pattern.digits] == [0, 1, 2, 3, 4, 5]
    boxes = np.array(page.boxes[3:9])
    (x0, y0), (x1, y1) = (boxes[:, :2].min(axis=0) - 9).tolist(), (boxes[:, 2:].max(axis=0) + 9).tolist()
    part = reader.read(page.image, region=(x0, y0, x1 - x0, y1 - y0))
    assert part.text == "704521"
    for found, box in zip(part.digits, page.boxes[3:9], strict=True):
        assert np.abs(np.array(found.box) - np.array(box)).max() <= 6


def test_a_region_of_a_picture_that_is_decoded_reduced(
    reader: Reader, sure_digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a JPEG of more than 50 megapixels is: the region and the boxes are in pixels of the full picture."""
    page = page_of("plain", [of(sure_digits, "123"), of(sure_digits, "704521")], seed=1)
    boxes = np.array(page.boxes[3:])
    (x0, y0), (x1, y1) = (boxes[:, :2].min(axis=0) - 9).tolist(), (boxes[:, 2:].max(axis=0) + 9).tolist()
    file = tmp_path / "large.jpg"
    Image.fromarray(cv2.resize(page.image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)).save(file)
    monkeypatch.setattr("digitlab.reading.images.MAX_PIXELS", 8 * page.image.shape[0] * page.image.shape[1])
    reading = reader.read(file, region=(4 * x0, 4 * y0, 4 * (x1 - x0), 4 * (y1 - y0)))
    assert reading.text == "704521"
    assert reading.size == (4 * page.image.shape[1], 4 * page.image.shape[0])
    for found, box in zip(reading.digits, page.boxes[3:], strict=True):
        assert np.abs(np.array(found.box) / 4 - np.array(box)).max() <= 6


def test_a_dash_may_be_written_or_not(reader: Reader, sure_digits: Digits) -> None:
    page = page_of("plain", [of(sure_digits, "402713")], seed=5)
    picture = page.image.copy()
    x = (page.boxes[3][2] + page.boxes[4][0]) // 2
    y = (page.boxes[3][1] + page.boxes[3][3]) // 2
    cv2.line(picture, (x - 8, y), (x + 8, y), (60, 60, 60), 4, cv2.LINE_AA)
    assert reader.read(picture, pattern="####-##").text == "4027-13"
    assert reader.read(page.image, pattern="#### ##").text == "4027 13"


def sudoku(digits: Digits, *, askew: bool) -> tuple[NDArray[np.uint8], list[str]]:
    rng = np.random.default_rng(5)
    side, cells = 80, 9
    whole = side * cells
    sheet = np.full((whole + 1, whole + 1, 3), 230, np.float32)
    for n in range(cells + 1):
        cv2.line(sheet, (0, n * side), (whole, n * side), (50, 50, 50), 4 if n % 3 == 0 else 2)
        cv2.line(sheet, (n * side, 0), (n * side, whole), (50, 50, 50), 4 if n % 3 == 0 else 2)
    rows = []
    for y in range(cells):
        row = "".join(str(rng.integers(10)) if rng.random() < 0.4 else "." for _ in range(cells))
        for x in (x for x, sign in enumerate(row) if sign != "."):
            ink = cv2.resize(digits.images[2 * int(row[x])], (56, 56)).astype(np.float32)[:, :, None] / 255
            top, left = y * side + 12, x * side + 12
            part = sheet[top : top + 56, left : left + 56]
            part[:] = part * (1 - ink) + np.array((30, 40, 110)) * ink
        rows.append(row)
    flat = np.array([[0, 0], [whole, 0], [whole, whole], [0, whole]], np.float32)
    seen = np.array(
        [[150, 90], [860, 120], [900, 830], [90, 790]] if askew else [[90, 90], [810, 90], [810, 810], [90, 810]]
    )
    turn = cv2.getPerspectiveTransform(flat, seen.astype(np.float32))
    picture = cv2.warpPerspective(sheet, turn, (1000, 900), borderValue=(210, 208, 200))
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8), rows


@pytest.mark.parametrize("askew", [False, True])
def test_a_grid_is_found_laid_flat_and_read(reader: Reader, sure_digits: Digits, askew: bool) -> None:
    picture, rows = sudoku(sure_digits, askew=askew)
    reading = reader.read(picture, grid=(9, 9))
    assert reading.grid == (9, 9)
    wrong = sum(a != b for row, line in zip(rows, reading.lines, strict=True) for a, b in zip(row, line, strict=True))
    assert wrong <= 1
    for found in reading.digits:
        assert found.column is not None
        assert rows[found.line][found.column] != "."
        x0, y0, x1, y1 = found.box
        assert 0 <= x0 < x1 <= 1000
        assert 0 <= y0 < y1 <= 900


def ten_by_ten(digits: Digits, strength: Callable[[int, int], float]) -> NDArray[np.uint8]:
    """A grid of 10 by 10 digits, (row + column) % 10 each. strength: by row and column, in grey levels below paper."""
    picture = np.full((460, 460, 3), 235, np.float32)
    for n in range(0, 460, 45):
        cv2.line(picture, (5, n + 4), (455, n + 4), (60, 60, 60), 2)
        cv2.line(picture, (n + 4, 5), (n + 4, 455), (60, 60, 60), 2)
    for row, column in itertools.product(range(10), range(10)):
        ink = cv2.resize(digits.images[2 * ((row + column) % 10)], (36, 36)).astype(np.float32) / 255
        top, left = 45 * row + 9, 45 * column + 9
        picture[top : top + 36, left : left + 36] -= strength(row, column) * ink[:, :, None]
    picture += np.random.default_rng(0).normal(0, 1.5, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_an_erased_digit_is_not_answered(reader: Reader, sure_digits: Digits) -> None:
    erased = {(2, 3), (6, 8)}
    picture = ten_by_ten(sure_digits, lambda *at: 28.0 if at in erased else 180.0 if at[1] < 2 else 120.0)
    lines = reader.read(picture, grid=(10, 10)).lines
    assert {(row, column) for row in range(10) for column in range(10) if lines[row][column] in "?."} == erased
    faint = ten_by_ten(sure_digits, lambda *_: 40.0)  # all of them: then it is a faint pen
    assert sum(sign.isdigit() for line in reader.read(faint, grid=(10, 10)).lines for sign in line) >= 95


def test_a_pencil_beside_print_is_no_empty_cell(reader: Reader, sure_digits: Digits) -> None:
    """Of each row the first five digits are printed, the others written so faintly that a hard pencil is."""
    picture = ten_by_ten(sure_digits, lambda _, column: 0.0 if column == 7 else 200.0 if column < 5 else 45.0)
    lines = reader.read(picture, grid=(10, 10)).lines
    truth = ["".join("." if column == 7 else str((row + column) % 10) for column in range(10)) for row in range(10)]
    assert all(line[7] == "." for line in lines)
    assert not any("." in line.replace(line[7], "", 1) for line in lines)
    wrong = [
        a for line, row in zip(lines, truth, strict=True) for a, b in zip(line, row, strict=True) if a not in (b, "?")
    ]
    assert len(wrong) <= 1
    assert sum(line.count("?") for line in lines) <= 5


def test_the_cells_of_a_form_may_be_wide(reader: Reader, sure_digits: Digits) -> None:
    rows, columns, wide, high = 8, 3, 150, 42
    picture = np.full((rows * high + 60, columns * wide + 60, 3), 245, np.uint8)
    for n in range(rows + 1):
        cv2.line(picture, (30, 30 + n * high), (30 + columns * wide, 30 + n * high), (90, 90, 90), 2)
    for n in range(columns + 1):
        cv2.line(picture, (30 + n * wide, 30), (30 + n * wide, 30 + rows * high), (90, 90, 90), 2)
    for row in range(rows):
        for column in range(columns):
            glyph = 255 - cv2.resize(sure_digits.images[2 * ((3 * row + column) % 10)], (32, 32))
            top, left = 35 + row * high, 30 + column * wide + 50
            part = picture[top : top + 32, left : left + 32]
            np.minimum(part, glyph[:, :, None], out=part)
    reading = reader.read(picture, grid=(columns, rows))
    assert "".join(reading.lines) == "".join(str(n % 10) for n in range(rows * columns))


@pytest.mark.parametrize("text", ["40713928651", "4071.92865."])
def test_a_row_of_boxes_is_a_grid(reader: Reader, sure_digits: Digits, text: str) -> None:
    """As on a page: less than half of its width, below a line of print; "." is an empty box."""
    side, left, top = 45, 250, 480
    paper = np.full((1414, 1000, 3), 235, np.uint8)
    cv2.putText(paper, "Please write your number", (80, 120), cv2.FONT_HERSHEY_SIMPLEX, 1, (40, 40, 40), 2)
    picture = paper.astype(np.float32)
    right, bottom = left + len(text) * side, top + side
    for n in range(len(text) + 1):
        cv2.line(picture, (left + n * side, top), (left + n * side, bottom), (90, 90, 90), 2)
    for y in (top, bottom):
        cv2.line(picture, (left, y), (right, y), (90, 90, 90), 2)
    for n, sign in enumerate(text):
        if sign != ".":
            ink = cv2.resize(sure_digits.images[2 * int(sign)], (36, 36)).astype(np.float32)[:, :, None] / 255
            x, y = left + n * side + 5, top + 5
            picture[y : y + 36, x : x + 36] -= 190 * ink
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    reading = reader.read(np.clip(picture, 0, 255).astype(np.uint8), grid="11x1")
    assert (reading.text, reading.grid) == (text, (11, 1))
    assert [found.column for found in reading.digits] == [n for n, sign in enumerate(text) if sign != "."]


def test_a_column_of_boxes_is_a_grid(reader: Reader, sure_digits: Digits) -> None:
    side, text = 60, "407.925"
    picture = np.full((700, 900, 3), 235, np.float32)
    for n in range(len(text) + 1):
        cv2.line(picture, (400, 100 + n * side), (400 + side, 100 + n * side), (90, 90, 90), 2)
    for x in (400, 400 + side):
        cv2.line(picture, (x, 100), (x, 100 + len(text) * side), (90, 90, 90), 2)
    for n, sign in enumerate(text):
        if sign != ".":
            ink = cv2.resize(sure_digits.images[2 * int(sign)], (48, 48)).astype(np.float32)[:, :, None] / 255
            picture[106 + n * side : 154 + n * side, 406:454] -= 190 * ink
    assert reader.read(np.clip(picture, 0, 255).astype(np.uint8), grid="1x7").lines == tuple(text)


def test_where_there_is_no_grid_it_is_said(reader: Reader, sure_digits: Digits) -> None:
    for image in (page_of("plain", [of(sure_digits, "123")]).image, np.full((300, 300), 255, np.uint8)):
        with pytest.raises(ImageError, match="no grid of 9x9"):
            reader.read(image, grid=(9, 9))
    with pytest.raises(ImageError, match="no grid of 4x4"):
        reader.read(sudoku(sure_digits, askew=False)[0], grid=(4, 4))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"count": 0}, "count is 0"),
        ({"lines": -1}, "lines is -1"),
        ({"count": 2, "lines": 3}, "one digit per line"),
        ({"count": 6, "pattern": "###"}, "leave count out"),
        ({"pattern": "12-34"}, "a # for each digit"),
        ({"pattern": "#\n#"}, "one line"),
        ({"region": (0, 0, 0, 5)}, "x,y,width,height"),
        ({"region": (-1, 0, 5, 5)}, "x,y,width,height"),
        ({"region": (0, 0, 500, 5)}, "reaches beyond the picture of 60×40"),
        ({"grid": (0, 9)}, "grid is 0x9"),
        ({"grid": (9, 9), "count": 5}, "grid and count"),
        ({"grid": (9, 9), "pattern": "#"}, "grid and pattern"),
        ({"grid": 9}, r"grid is 9; expected columns and rows, such as \(9, 9\)"),
        ({"grid": ("a", 9)}, r"grid is \('a', 9\); expected columns and rows"),
        ({"region": (1.5, 2, 3, None)}, "region is .*; expected x, y, width, height in pixels"),
        ({"grid": "9"}, "--grid is '9'; expected columns x rows"),
        ({"region": "1,2,3"}, "--region is '1,2,3'; expected x,y,width,height"),
        ({"pattern": 6}, "pattern is 6; expected a text with a # for each digit"),
        ({"check": 5}, "check is '5'; expected one of luhn"),
        ({"among": 4711}, "among is 4711; expected a list of numbers"),
        ({"among": [4711, None]}, "'None' has 0 digits"),
    ],
)
def test_what_cannot_be_is_refused(reader: Reader, known: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reader.read(np.full((40, 60), 255, np.uint8), **known)


def test_region_and_grid_may_be_texts_as_on_the_command_line() -> None:
    assert Constraints(region="10, 20,30,40") == Constraints(region=(10, 20, 30, 40))  # type: ignore[arg-type]
    assert Constraints(grid="9x4") == Constraints(grid=[9, 4]) == Constraints(grid=(9, 4))  # type: ignore[arg-type]
    assert repr(Constraints(grid=np.array([9, 4])).grid) == "(9, 4)"  # type: ignore[arg-type]


def test_a_list_may_have_been_floating_numbers() -> None:
    column = np.array([4711.0, 4712.0])  # as pandas makes a column of whole numbers with empty cells
    assert Constraints(among=column).among == Constraints(among=column.tolist()).among == ("4711", "4712")  # type: ignore[arg-type]
    assert Constraints(among=[12.5, "0815"]).among == ("12.5", "0815")  # type: ignore[arg-type]


@pytest.mark.parametrize("known", [{}, {"count": 3}, {"lines": 2}, {"pattern": "##-#"}, {"count": 900}])
def test_pages_of_nothing_one_pixel_and_much(reader: Reader, known: dict[str, Any]) -> None:
    assert reader.read(np.full((600, 800, 3), 240, np.uint8), **known).digits == ()
    assert reader.read(np.zeros((1, 1), np.uint8), **known).digits == ()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    assert reader.read(noise, **known).milliseconds < 5_000


@pytest.mark.parametrize(
    ("pitch", "different", "most"),
    [(40, 20, 4), (68, 20, 100), (68, 400, 4)],  # a lone 0, 1 or 6 of some hands is taken for o, l, b: to be mended
)
def test_hundreds_of_digits(reader: Reader, sure_digits: Digits, pitch: int, different: int, most: int) -> None:
    """400, 14 pixels high when looked at; ``most``: how many may be wrong. different: images, of 20 each 20 times."""
    digits = _sure(reader) if different > len(sure_digits) else sure_digits
    canvas, truth = np.full((1000, 1400), 255, np.uint8), []
    for n in range(400):
        y, x = 20 + 48 * (n // 20), 20 + pitch * (n % 20)
        canvas[y : y + 28, x : x + 28] = 255 - digits.images[n % different]
        truth.append(str(digits.labels[n % different]))
    reading = reader.read(canvas)
    assert len(reading.lines) == 20
    rows = ("".join(truth[20 * row : 20 * row + 20]) for row in range(20))
    assert sum(edits(row, line) for row, line in zip(rows, reading.lines, strict=True)) <= most


def _sure(reader: Reader) -> Digits:
    """400 different images, as they come, which the network of single digits knows when it sees them alone."""
    test = load_dataset("mnist").split("test")[:1000]
    probabilities = reader.classifier.probabilities(test.images)
    return test[
        np.flatnonzero((probabilities.argmax(axis=1) == test.labels) & (probabilities.max(axis=1) > 0.95))[:400]
    ]


def test_a_giant_digit_whose_strokes_are_as_broad_as_shadows(reader: Reader, sure_digits: Digits) -> None:
    for image, label in zip(sure_digits.images[:20], sure_digits.labels, strict=False):
        giant = np.full((1000, 1000), 255, np.uint8)
        giant[50:950, 50:950] = 255 - cv2.resize(image, (900, 900), interpolation=cv2.INTER_CUBIC)
        reading = reader.read(giant)
        assert reading.text == str(label)
        x0, y0, x1, y1 = reading.digits[0].box
        assert 500 < max(x1 - x0, y1 - y0) < 750  # of the whole picture's pixels


@pytest.mark.parametrize("width", [6, 10, 16, 24])
def test_a_straight_stroke_is_a_one(reader: Reader, width: int) -> None:
    for degrees in (-10, 0, 10, 30):
        reach = 90 * np.array([np.sin(np.deg2rad(degrees)), -np.cos(np.deg2rad(degrees))])
        drawn = np.full((280, 280), 255, np.uint8)
        low, high = np.rint(140 - reach).astype(int).tolist(), np.rint(140 + reach).astype(int).tolist()
        cv2.line(drawn, low, high, 0, width, cv2.LINE_AA)
        assert reader.classify(drawn).digit == 1, f"{width} wide, leaning by {degrees}"
