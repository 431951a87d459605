"""Finding: rules, sheets, touching and broken digits, pages that lie wrongly; all drawn by code with test digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitlab.bench.answering import edits
from digitlab.errors import UsageError
from digitlab.examples.pages import KINDS, page_of
from digitlab.reading.ink import is_light_writing
from digitlab.reading.lines import exactly, in_lines
from digitlab.reading.orientation import turned_back, turned_box, turned_picture
from digitlab.reading.ruled_lines import find_rules, taken_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Digits


def without_rules(strength: NDArray[np.uint8], level: float) -> NDArray[np.uint8]:
    flat = find_rules(strength, level)
    upright = find_rules(np.ascontiguousarray(strength.T), level)
    return taken_out(strength, flat, upright)


ORDER = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]  # of the sure digits: 0 to 9


def lines_of(digits: Digits) -> list[Digits]:
    return [digits[np.array(ORDER[:6])], digits[np.array(ORDER[4:])]]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("touching", "broken")])
def test_pages_of_all_kinds_are_read(reader: Reader, sure_digits: Digits, kind: str) -> None:
    page = page_of(kind, lines_of(sure_digits), seed=1)
    reading = reader.read(page.image)
    assert edits(page.text, reading.text) <= 1
    assert reading.note is None
    assert reading.size == (page.image.shape[1], page.image.shape[0])


def test_touching_digits_are_parted_and_single_ones_are_not(reader: Reader, sure_digits: Digits) -> None:
    wrong = sum(
        edits(page.text, reader.read(page.image).text)
        for page in (page_of("touching", lines_of(sure_digits), seed=seed) for seed in range(4))
    )
    assert wrong <= 12  # of 52 characters; 5 in the mean when this was written


def test_probabilities_come_with_each_digit(reader: Reader, sure_digits: Digits) -> None:
    for found in reader.read(page_of("plain", lines_of(sure_digits), seed=2).image).digits:
        assert len(found.probabilities) == 10
        assert sum(found.probabilities) == pytest.approx(1.0, abs=1e-4)
        assert found.confidence <= max(found.probabilities)  # that it is a digit at all is not certain, either
        assert found.column is None


@pytest.mark.parametrize("kind", ["ruled", "squared"])
def test_a_digit_on_a_rule_is_neither_lost_nor_torn(reader: Reader, sure_digits: Digits, kind: str) -> None:
    """Rules through the feet, the middle and the head of the digits."""
    page = page_of("plain", [sure_digits[np.array(ORDER)]], seed=4)
    top, bottom = min(box[1] for box in page.boxes), max(box[3] for box in page.boxes)
    for share in (0.0, 0.3, 0.6, 0.97):
        ruled = page.image.copy()
        pitch = 90
        first = round(top + share * (bottom - top)) % pitch
        for y in range(first, ruled.shape[0], pitch):
            cv2.line(ruled, (0, y), (ruled.shape[1], y + 9), (110, 140, 190), 2, cv2.LINE_AA)
        if kind == "squared":
            for x in range(20, ruled.shape[1], pitch):
                cv2.line(ruled, (x, 0), (x + 6, ruled.shape[0]), (110, 140, 190), 2, cv2.LINE_AA)
        assert edits(page.text, reader.read(ruled).text) <= 1


def test_rules_are_found_where_they_are_though_they_slope_and_bend() -> None:
    strength = np.zeros((400, 900), np.uint8)
    x = np.arange(900)
    for place in range(50, 400, 60):
        y = np.rint(place + 0.02 * x + 6 * np.sin(x / 300)).astype(int)
        for thick in (0, 1):
            strength[np.clip(y + thick, 0, 399), x] = 90
    strength[:, 300:370] = 0  # hidden by something
    rules = find_rules(strength, 20.0)
    assert len(rules) == 6
    for rule, place in zip(sorted(rules, key=lambda rule: float(rule.y[0])), range(50, 400, 60), strict=True):
        expected = place + 0.02 * x + 6 * np.sin(x / 300)
        assert np.abs(rule.y - expected)[x > 400].max() < 3.0
    assert without_rules(strength, 20.0).sum() < 0.02 * strength.sum()


@settings(max_examples=20, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 200))))
def test_taking_rules_out_adds_no_ink(strength: NDArray[np.uint8]) -> None:
    assert (without_rules(strength, 20.0) <= strength).all()


def test_a_lone_long_stroke_is_no_rule() -> None:
    strength = np.zeros((600, 800), np.uint8)
    cv2.line(strength, (400, 150), (405, 450), 200, 5)
    cv2.line(strength, (250, 300), (520, 300), 200, 5)
    assert (without_rules(strength, 20.0) == strength).all()


@pytest.mark.parametrize("kind", ["plain", "shadow", "clutter", "squared", "whiteboard", "dark"])
def test_whether_the_pen_is_light_is_seen_in_any_light(sure_digits: Digits, kind: str) -> None:
    for seed in range(3):
        image = page_of(kind, lines_of(sure_digits), seed=seed).image
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        assert is_light_writing(grey) == (kind == "dark")  # type: ignore[arg-type]


BOXES = [(10 * n, 100 + 3 * n, 10 * n + 8, 112 + 3 * n) for n in range(12)]


def test_a_sloping_line_is_one() -> None:
    assert in_lines(BOXES) == [list(range(12))]


def test_what_reaches_over_two_lines_does_not_join_them() -> None:
    upper = [(20 * n, 10, 20 * n + 14, 30) for n in range(6)]
    lower = [(20 * n + 3, 40, 20 * n + 17, 60) for n in range(6)]
    for left in (-20, 46, 130):  # before, amid and behind the digits
        lines = in_lines([*upper, *lower, (left, 8, left + 12, 64)])
        digits = [[index for index in line if index < 12] for line in lines]
        assert digits == [list(range(6)), list(range(6, 12))]


def test_lines_are_joined_parted_and_left_out_to_get_as_many_as_there_are() -> None:
    rows = [(10 * n, y, 10 * n + 8, y + 12) for y in (10, 60, 66, 120) for n in range(5)]
    lines = in_lines(rows)
    sure = [0.9] * len(rows)
    assert len(exactly(lines, 3, rows, sure)) == 3
    assert sorted(index for line in exactly(lines, 2, rows, sure) for index in line) == list(range(20))
    assert len(exactly([list(range(20))], 4, rows, sure)) == 4
    stray = [*rows[:10], (0, 200, 8, 212)]
    assert len(exactly(in_lines(stray), 2, stray, [0.9] * 10 + [0.2])[-1]) == 5
    assert exactly([], 3, [], []) == []
    assert len(exactly(in_lines(BOXES), 2, BOXES, [0.9] * 12)) == 1  # one that slopes is not torn


@pytest.mark.parametrize(
    ("turns", "said"), [(0, None), (1, "rotated to the left"), (2, "upside down"), (3, "rotated to the right")]
)
def test_a_page_that_lies_wrongly_is_turned_and_read(
    reader: Reader, sure_digits: Digits, turns: int, said: str | None
) -> None:
    telling = sure_digits[np.array([6, 7, 8, 9, 14, 15, 4, 5])]  # 3, 4, 7 and 2 are nothing upside down
    page = page_of("plain", [telling, telling], seed=3)
    reading = reader.read(np.ascontiguousarray(np.rot90(page.image, turns)))
    assert edits(page.text, reading.text) <= 1
    assert reading.turned == turns  # clockwise, what was turned to the left
    assert (reading.note is None) if said is None else (reading.note == f"the page is {said}; it was set upright first")
    height, width = page.image.shape[:2]
    assert reading.size == ((height, width) if turns % 2 else (width, height))
    # The boxes are where the digits are in the picture as it was given.
    places = [turned_box(box, turns, (width, height)) for box in page.boxes]
    for found in reading.digits:
        assert min(np.abs(np.array(found.box) - np.array(place)).max() for place in places) <= 8


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3), st.integers(1, 60), st.integers(1, 60), st.data())
def test_boxes_turn_as_pictures_do(turns: int, width: int, height: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    picture = np.zeros((height, width), np.uint8)
    picture[y0:y1, x0:x1] = 1
    left, top, right, bottom = turned_box((x0, y0, x1, y1), turns, (width, height))
    assert turned_picture(picture, turns)[top:bottom, left:right].all()
    assert (right - left) * (bottom - top) == picture.sum()
    assert turned_back((left, top, right, bottom), turns, (width, height)) == (x0, y0, x1, y1)


def test_where_it_cannot_be_told_which_way_up_the_note_says_so(reader: Reader) -> None:
    """Noughts and eights drawn alike above and below."""
    picture = np.full((500, 900), 240, np.uint8)
    for place in range(6):
        x = 100 + 130 * place
        if place % 2:
            cv2.ellipse(picture, (x, 250), (32, 60), 0, 0, 360, 40, 9, cv2.LINE_AA)
        else:
            for y in (220, 280):
                cv2.circle(picture, (x, y), 30, 40, 9, cv2.LINE_AA)
    reading = reader.read(picture)
    assert reading.text == "808080"
    assert reading.note is not None
    assert "not clear which way up" in reading.note


@pytest.mark.parametrize("kind", ["parchment", ""])
def test_an_unknown_paper_is_refused(sure_digits: Digits, kind: str) -> None:
    with pytest.raises(UsageError, match="known: plain"):
        page_of(kind, lines_of(sure_digits))
