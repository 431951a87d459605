"""Conclusions in words for everyone: what is said agrees with the numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.studies.test_conclusions import Fake

from digitlab.evaluation.intervals import Interval
from digitlab.evaluation.seeds import MeansDifference
from digitlab.studies import Published, above, best, improves, reproduces
from digitlab.studies.wording import of_bound, of_difference, of_effect, of_published


def found(low: float, high: float) -> MeansDifference:
    return MeansDifference((low + high) / 2, Interval(low, high), 0.01)


@given(st.floats(-0.5, 0.5), st.floats(0.0, 0.5))
def test_counts_of_images_are_those_of_the_difference(middle: float, reach: float) -> None:
    said = of_difference("accuracy", "a", "b", found(middle - reach, middle + reach))
    amount, word = re.search(r"classifies ([\d,]+) (more|fewer) of 10,000", said.plain).groups()
    assert abs(int(amount.replace(",", "")) - 10_000 * abs(middle)) <= 0.51
    assert amount == "0" or word == ("more" if middle >= 0 else "fewer")
    assert "“a”" in said.plain
    assert "“b”" in said.unsure


@pytest.mark.parametrize(
    ("low", "high", "span"),
    [
        (-0.0048, 0.0012, "from 48 fewer to 12 more"),
        (0.001, 0.002, "10 to 20 more"),
        (-0.002, -0.001, "10 to 20 fewer"),
    ],
)
def test_what_is_not_decided_is_said_with_all_that_is_possible(low: float, high: float, span: str) -> None:
    said = of_difference("accuracy", "max", "average", found(low, high))
    assert said.unsure == f"“max” classifies {span} of 10,000 images correctly than “average”"
    assert of_effect("accuracy", found(low, high)).unsure == f"{span} of 10,000 images are classified correctly"


def test_losses_and_bounds_and_published_values_are_said_in_their_own_numbers() -> None:
    assert of_difference("loss", "a", "b", found(-0.02, -0.01)).plain == "loss: 0.0150 lower for “a” than for “b”"
    bound = of_bound("accuracy", "net", 0.995, found(-0.002, 0.001))
    assert bound.plain == "“net” classifies 9,945 of 10,000 images correctly; 9,950 or more are asked for"
    assert "in the mean of many trainings 9,930 to 9,960" in bound.unsure
    printed = of_published("accuracy", "net", 0.97, 0.015, found(0.0, 0.002))
    assert (
        printed.plain
        == "“net” classifies 9,710 of 10,000 images correctly; published: 9,700 (150 more or less count as the same)"
    )


def test_a_verdict_says_the_comparison_on_which_it_hangs() -> None:
    fake = Fake({"a": 0.97, "b": 0.95, "c": 0.96}, {"a": Published(accuracy=0.9)})
    assert best("accuracy", "a", margin=0.0).check(fake).plain.startswith("“«a»” classifies 100 more of 10,000")
    assert "of 2 comparisons this is the closest" in best("accuracy", "a", margin=0.0).check(fake).plain
    assert best("accuracy", "c", margin=0.0).check(fake).plain.startswith("“«c»” classifies 100 fewer")
    assert "9,000" in reproduces("accuracy", within=0.01).check(fake).plain
    assert "9,700 of 10,000" in above("accuracy", "a", 0.5).check(fake).plain
    alone = Fake({"a": 0.97, "b": 0.95}, spread=(0.0,))
    assert improves("accuracy", frm="a", to="b").check(alone).plain == "it was not measured often enough"
