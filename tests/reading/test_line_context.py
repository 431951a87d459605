"""Digits that the line of a lone number speaks for, and what it must not speak for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitlab.reading.candidates import Candidate
from digitlab.reading.numbers.line_context import with_line_context

SURE, DOUBTED, UNLIKELY = 0.97, 0.4, 0.25


def candidate(digit: int, box: tuple[int, int, int, int], score: float, which: float = 0.95) -> Candidate:
    probabilities = np.full(10, (1.0 - which) / 9.0, np.float32)
    probabilities[digit] = which
    return Candidate(tuple(map(float, box)), score, probabilities)  # type: ignore[arg-type]  # four


class Row:
    """Strokes on paper, each with its candidate."""

    def __init__(self) -> None:
        self.picture: NDArray[np.uint8] = np.full((120, 420, 3), 235, np.uint8)
        self.candidates: list[Candidate] = []

    def stroke(self, x: int, *, top: int = 40, low: int = 80, slant: int = 0) -> tuple[int, int, int, int]:
        cv2.line(self.picture, (x + slant, top), (x, low), (20, 20, 20), 4)
        return x - 3, top - 2, x + slant + 4, low + 3

    def zero(self, x: int, score: float = SURE) -> None:
        cv2.ellipse(self.picture, (x, 60), (12, 20), 0, 0, 360, (20, 20, 20), 4)
        self.candidates.append(candidate(0, (x - 14, 38, x + 15, 83), score))

    def one(self, x: int, score: float = SURE, which: float = 0.95, **shape: int) -> None:
        self.candidates.append(candidate(1, self.stroke(x, **shape), score, which))

    def read(self, *, least: float = 0.35) -> str:
        """The digits, after those from ``least`` on were taken for the line's."""
        line = sorted((each for each in self.candidates if each.confidence >= least), key=lambda each: each.box[0])
        seen = with_line_context(self.picture, self.candidates, [line], 0.5)
        digits = sorted((each for each in seen if each.confidence >= least), key=lambda each: each.box[0])
        return "".join(str(each.digit) if each.confidence >= 0.5 else "?" for each in digits)


def number(**middle: float) -> Row:
    """0 0 1 0, of which the 1 is as ``middle`` says."""
    row = Row()
    for x in (60, 105, 195):
        row.zero(x)
    row.one(150, **middle)  # type: ignore[arg-type]  # shapes are whole numbers
    return row


def test_a_doubtful_digit_of_a_lone_number_is_answered() -> None:
    assert number(score=DOUBTED).read() == "0010"


def test_a_digit_that_was_passed_over_is_found_again() -> None:
    assert number(score=UNLIKELY).read() == "0010"
    assert number(score=0.12).read() == "000"  # the page reader is nearly sure that it is none


def test_it_must_be_sure_which_digit_it_is() -> None:
    assert number(score=DOUBTED, which=0.55).read(least=0.2) == "00?0"


@pytest.mark.parametrize(
    "shape",
    [{"top": 60}, {"low": 100, "top": 60}, {"top": 28, "low": 88, "slant": 24}],
    ids=["too small", "below the line", "a slash"],
)
def test_what_does_not_stand_as_a_digit_is_left_alone(shape: dict[str, int]) -> None:
    assert number(score=UNLIKELY, **shape).read() == "000"


def test_between_letters_nothing_changes() -> None:
    row = number(score=UNLIKELY)
    for x in (235, 255, 275, 295, 315):
        row.stroke(x)  # nobody says what these are
    assert row.read() == "000"


def test_on_a_page_of_several_lines_nothing_changes() -> None:
    row = number(score=UNLIKELY)
    line = [each for each in row.candidates if each.confidence >= 0.5]
    assert with_line_context(row.picture, row.candidates, [line, line], 0.5) == row.candidates
