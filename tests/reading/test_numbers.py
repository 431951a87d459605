"""Numbers of a reading: groups of digits, their signs, and what may be known of them, through `read`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.archives import Results
from digitlab.archives.job import Answer
from digitlab.archives.rows import row_of
from digitlab.errors import UsageError
from digitlab.reading import Constraints
from digitlab.reading.candidates import Candidate, without_commas
from digitlab.reading.numbers.matching import with_known_numbers
from digitlab.values import ReadDigit, Reading, ReadMark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Digits

SIDE, STEP = 72, 66  # pixels of a digit's square, and from one to the next
TOP, BASE = 100, 100 + 58  # of the row; where the digits stand


def reading_of(*digits: tuple[int | None, int], marks: tuple[tuple[str, int], ...] = ()) -> Reading:
    """Digits 8 pixels wide and 12 high at these x, and signs 2 pixels wide."""
    found = tuple(ReadDigit(digit, 0.9, (x, 0, x + 8, 12), line=0) for digit, x in digits)
    return Reading(found, 1.0, marks=tuple(ReadMark(sign, (x, 9, x + 2, 11), line=0) for sign, x in marks))


def texts(reading: Reading) -> list[str]:
    return [each.text for each in reading.numbers]


def test_digits_that_stand_close_are_a_number_and_wide_gaps_part_numbers() -> None:
    assert texts(reading_of((1, 0), (2, 10), (7, 60))) == ["12", "7"]
    assert texts(reading_of((1, 0), (None, 10), (3, 20))) == ["1?3"]
    assert texts(reading_of((1, 0), (2, 20), (3, 40), (4, 60))) == ["1234"]  # evenly spaced, as in boxes
    assert texts(reading_of((1, 0), (2, 60), (3, 120))) == ["1", "2", "3"]
    assert texts(reading_of((0, 0), (1, 10), (2, 20), (3, 37), (4, 47))) == ["012 34"]


def test_signs_are_kept_between_digits_and_a_minus_before_them() -> None:
    assert texts(reading_of((1, 0), (2, 10), (5, 25), marks=((",", 20),))) == ["12,5"]
    assert texts(reading_of((4, 10), marks=(("-", 2),))) == ["-4"]
    assert texts(reading_of((4, 10), (5, 20), marks=((".", 4),))) == ["45"]  # a point in front is dirt
    far = reading_of((1, 0), (2, 60), marks=(("-", 52),))
    assert texts(far) == ["1", "-2"]
    one = reading_of((1, 0), (2, 15), marks=((":", 11),)).numbers[0]
    assert (one.box, one.marks[0].sign) == ((0, 0, 23, 12), ":")


def test_lines_are_written_with_their_signs_and_the_text_stays_digits() -> None:
    reading = reading_of((1, 0), (2, 10), (5, 25), (8, 80), marks=((",", 20),))
    assert reading.written == ("12,5 8",)
    assert reading.text == "1258"
    assert reading_of((1, 0), (8, 80)).written == ("18",)


def test_the_confidence_of_a_number_is_that_of_all_its_digits() -> None:
    (short,) = reading_of((1, 0), (2, 10)).numbers
    (longer,) = reading_of((1, 0), (2, 10), (3, 20), (4, 30)).numbers
    assert 0.6 < longer.confidence < short.confidence < 0.9
    told = reading_of((1, 0)).as_dict()["numbers"]
    assert [sorted(each) for each in told] == [["box", "confidence", "digits", "text"]]


@pytest.fixture
def row(write: Callable[..., NDArray[np.uint8]], sure_digits: Digits) -> Callable[..., NDArray[np.uint8]]:
    """A page with digits in a row; a space leaves room for a sign, and ``draw`` paints it there."""

    def page(text: str, draw: Callable[[NDArray[np.uint8], int], None] | None = None) -> NDArray[np.uint8]:
        placed, x, gaps = [], 60, []
        for character in text:
            if character == " ":
                gaps.append(x)
                x += 34
                continue
            placed.append((sure_digits.images[2 * int(character)], x, TOP, SIDE))
            x += STEP
        image = write(placed, size=(280, x + 60))
        for gap in gaps:
            if draw is not None:
                draw(image, gap + 12)
        return image

    return page


INK = (40, 46, 88)


def dot(image: NDArray[np.uint8], x: int) -> None:
    cv2.circle(image, (x, BASE), 4, INK, -1, cv2.LINE_AA)


def comma(image: NDArray[np.uint8], x: int) -> None:
    cv2.line(image, (x + 2, BASE - 2), (x - 4, BASE + 13), INK, 6, cv2.LINE_AA)


def minus(image: NDArray[np.uint8], x: int) -> None:
    cv2.line(image, (x - 9, BASE - 22), (x + 9, BASE - 22), INK, 6, cv2.LINE_AA)


def colon(image: NDArray[np.uint8], x: int) -> None:
    cv2.circle(image, (x, BASE - 6), 4, INK, -1, cv2.LINE_AA)
    cv2.circle(image, (x, BASE - 30), 4, INK, -1, cv2.LINE_AA)


def test_a_short_low_stroke_between_digits_is_no_digit() -> None:
    def candidate(x: float, y: float, height: float, confidence: float = 0.99, digit: int = 5) -> Candidate:
        return Candidate((x, y, x + 0.5 * height, y + height), confidence, np.eye(10, dtype=np.float32)[digit])

    two, five = candidate(0, 0, 40), candidate(40, 0, 40)
    comma, index = candidate(25, 32, 20, 0.7, digit=1), candidate(25, 32, 20, 0.95, digit=1)
    exponent, beside = candidate(25, -8, 20, 0.7, digit=1), candidate(66, 32, 20, 0.7, digit=1)
    assert without_commas([two, five, comma], 0.5) == [two, five]
    for other in (index, exponent, beside):
        assert without_commas([two, five, other], 0.5) == [two, five, other]


@pytest.mark.parametrize(
    ("text", "draw", "read"),
    [("12 5", dot, "12.5"), ("12 5", comma, "12,5"), ("3 7", minus, "3-7"), ("10 30", colon, "10:30"),
     ("03 07 25", dot, "03.07.25")],
)  # fmt: skip
def test_signs_are_told_by_size_and_place(
    reader: Reader, row: Callable[..., NDArray[np.uint8]], text: str, draw: Any, read: str
) -> None:
    reading = reader.read(row(text, draw))
    assert [each.text for each in reading.numbers] == [read]
    assert reading.text == text.replace(" ", "")
    assert reading.written == (read,)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_specks_and_rulings_are_no_signs(reader: Reader, row: Callable[..., NDArray[np.uint8]], seed: int) -> None:
    image = row("40 27 13")
    rng = np.random.default_rng(seed)
    cv2.line(image, (0, BASE + 9), (image.shape[1], BASE + 11), (150, 150, 170), 2)
    for x, y in rng.uniform((0, 0), (image.shape[1], image.shape[0]), (250, 2)):
        image[int(y), int(x)] = 90
    assert reader.read(image).marks == ()


def test_of_a_page_upside_down_the_signs_are_where_they_are(
    reader: Reader, row: Callable[..., NDArray[np.uint8]]
) -> None:
    image = row("2457 35", comma)
    reading = reader.read(np.ascontiguousarray(image[::-1, ::-1]))
    assert reading.turned == 2
    assert [each.text for each in reading.numbers] == ["2457,35"]
    x0, _, x1, _ = reading.marks[0].box
    assert abs((x0 + x1) / 2 - (image.shape[1] - (60 + 4 * STEP + 12))) < 8


def test_in_json_each_number_names_its_digits() -> None:
    reading = reading_of((1, 0), (2, 15), (7, 80), (8, 92), marks=((":", 11),))
    told = reading.as_dict()
    assert [(each["text"], each["digits"]) for each in told["numbers"]] == [("1:2", [0, 1]), ("78", [2, 3])]
    kept = row_of(Answer("a.png", reading, None, (1, 2)), "x")
    assert [each["digits"] for each in kept["numbers"]] == [[0, 1], [2, 3]]
    listed = with_known_numbers(reading, Constraints(among=("78", "999")), 0.5)
    assert [each["digits"] for each in listed.scaled(2.0).as_dict()["numbers"]] == [[2, 3]]
    nothing = with_known_numbers(replace(reading, digits=(), marks=()), Constraints(check="luhn"), 0.5)
    assert [each["digits"] for each in nothing.as_dict()["numbers"]] == [[]]


def test_a_list_and_a_check_through_read(reader: Reader, row: Callable[..., NDArray[np.uint8]]) -> None:
    image = row("402713")
    listed = reader.read(image, among=["402713", "402731", "99"])
    assert (listed.text, listed.fits, listed.numbers[0].read) == ("402713", True, "402713")
    assert listed.numbers[0].second in ("402731", "99")
    assert {"read", "fits", "second", "margin"} <= set(listed.as_dict()["numbers"][0])
    other = reader.read(image, among=["111111", "222222"])
    assert (other.text, other.fits) == ("??????", False)
    assert "no number of the list" in str(other.note)
    assert reader.read(image, check="range:400000-500000").text == "402713"
    against = reader.read(image, check="isbn")
    assert not against.fits
    assert set(against.text) <= set("?402713")
    assert "does not fulfil the check isbn" in str(against.note)
    nothing = reader.read(np.full((200, 300), 240, np.uint8), check="luhn")
    assert (nothing.text, nothing.fits, nothing.note) == ("", False, "no number was found")


def test_numbers_of_a_page_that_add_up(reader: Reader, row: Callable[..., NDArray[np.uint8]]) -> None:
    image = np.vstack([row("12 ", None)[60:200], row("30 ", None)[60:200], row("42 ", None)[60:200]])
    reading = reader.read(image, check="sum:last")
    assert (reading.lines, reading.fits) == (("12", "30", "42"), True)
    assert reader.read(image, check="sum:85").fits is False


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"among": ["1"], "check": "luhn"}, "among and check were both given"),
        ({"one_to_one": True}, "one-to-one needs a list"),
        ({"among": ["1"], "grid": (9, 9)}, "grid and among were both given"),
        ({"among": ["1"], "one_to_one": True, "lines": 2}, "one-to-one and lines were both given"),
        ({"check": "checksum"}, "check is 'checksum'; expected one of luhn"),
    ],
)
def test_what_contradicts_itself_is_refused(known: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Constraints(**known)


def test_a_batch_of_files_each_with_its_own_number(
    row: Callable[..., NDArray[np.uint8]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("a", "402713"), ("b", "402731")):
        Image.fromarray(row(text)).save(tmp_path / f"{name}.png")
    (tmp_path / "class.csv").write_text("name;number\nAnna;402-731\nOtto;402-713\n")
    asked = ["read", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--among", f"{tmp_path}/class.csv:number"]
    assert run([*asked, "--one-to-one", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["text"] for each in told] == ["402-713", "402-731"]
    assert [each["numbers"][0]["read"] for each in told] == ["402713", "402731"]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_a_batch_with_its_own_numbers_is_kept_and_assigned_anew(
    row: Callable[..., NDArray[np.uint8]], tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="the extra ray is not installed")
    for name, text in (("a", "402713"), ("b", "402731")):
        Image.fromarray(row(text)).save(tmp_path / f"{name}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    listed, out = tmp_path / "class.csv", tmp_path / f"out{ending}"
    listed.write_text("402731\n402713\n")
    asked = ["read", str(tmp_path / "a.png"), str(tmp_path / "b.png"), str(tmp_path / "bad.png"), "--among",
             str(listed), "--one-to-one", "--out", str(out), "--jobs", "1", "--json"]  # fmt: skip
    assert run(asked) == 2
    assert json.loads(capsys.readouterr().out)["read_now"] == 3
    rows = list(Results(out, ""))
    assert [(each["text"], each["fits"]) for each in rows] == [("402713", True), ("402731", True), (None, True)]
    assert rows[2]["error"] is not None
    listed.write_text("402-731\n402-713\n")
    assert run(asked) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["read_now"] == 1  # the picture that cannot be read
    assert [each["text"] for each in Results(out, "")] == ["402-713", "402-731", None]
