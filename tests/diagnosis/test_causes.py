"""The smallest set that explains an error, of made answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.diagnosis.causes import smallest_set, weightiest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

NAMES = ("polarity", "background", "grey level", "crop", "centre")


def answering(right: Callable[[frozenset[str]], bool]) -> Callable[[Sequence[Collection[str]]], np.ndarray]:
    """A network that answers 5 (90 %) where this holds of what is corrected, else 2."""

    def asked(sets: Sequence[Collection[str]]) -> np.ndarray:
        shares = np.full((len(sets), 10), 0.01, np.float32)
        for row, each in zip(shares, sets, strict=True):
            row[5 if right(frozenset(each)) else 2] = 0.91
        return shares

    return asked


@given(st.sets(st.sampled_from(NAMES)))
def test_what_is_needed_is_found(needed: set[str]) -> None:
    asked = answering(lambda mended: needed <= mended)
    assert {*smallest_set(NAMES, 5, asked)} == needed


@given(st.sets(st.sampled_from(NAMES), min_size=1))
def test_an_answer_that_is_right_by_chance_explains_nothing(needed: set[str]) -> None:
    """Right with one thing corrected alone, wrong again with others: the network has seen neither."""
    lucky = frozenset({"centre"})
    asked = answering(lambda mended: needed <= mended or mended == lucky)
    expected = {*lucky} if needed == lucky else needed
    assert {*smallest_set(NAMES, 5, asked)} == expected


def test_a_mending_that_does_harm_is_left_out() -> None:
    asked = answering(lambda mended: "polarity" in mended and "centre" not in mended)
    assert smallest_set(NAMES, 5, asked) == ("polarity",)


def test_nothing_explains_what_is_wrong_with_all_mended() -> None:
    assert smallest_set(NAMES, 5, answering(lambda mended: len(mended) == 2)) is None


def test_of_many_differences_the_weightiest_are_tried() -> None:
    names = [f"difference {number}" for number in range(12)]
    needed = {"difference 3", "difference 11"}
    asked = answering(lambda mended: needed <= mended)
    assert smallest_set(names, 5, asked) in (None, ("difference 3", "difference 11"))


@pytest.mark.parametrize("name", NAMES)
def test_the_weightiest_is_what_cannot_be_left(name: str) -> None:
    assert weightiest(NAMES, NAMES, 5, answering(lambda mended: name in mended)) == name
    assert weightiest(NAMES, (), 5, answering(lambda _: True)) is None
