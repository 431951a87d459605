"""Numbers with a check: the most probable value that fulfils it, and no number bent to one."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import UsageError
from digitlab.reading.constraints import Constraints
from digitlab.reading.numbers import check_of, settle, settle_sum
from digitlab.reading.numbers.checks import POSSIBLE
from digitlab.reading.numbers.evidence import evidence_of
from digitlab.reading.numbers.matching import with_known_numbers
from digitlab.values import ReadDigit, Reading, ReadNumber


def with_luhn(rng: random.Random, digits: int) -> str:
    text = "".join(str(rng.randrange(10)) for _ in range(digits - 1))
    check = check_of("luhn")
    return next(text + str(last) for last in range(10) if check.fulfilled(text + str(last)))


def seen_by_a_calibrated_reader(seen: Any, text: str, rng: random.Random) -> list[ReadDigit]:
    """Digits whose probabilities are right: of those given q, a share q stands there."""
    digits = []
    for place, character in enumerate(text):
        top = rng.choice([0.9995] * 12 + [0.99] * 5 + [0.9, 0.6])
        masses = [top, 0.8 * (1 - top), 0.2 * (1 - top)]
        rank = rng.choices(range(3), masses)[0]
        others = [digit for digit in range(10) if digit != int(character)]
        rng.shuffle(others)
        ranked = [*others[:rank], int(character), *others[rank:]]
        shares = np.zeros(10)
        shares[ranked[:3]] = masses
        digits.append(seen.digit(shares, place))
    return digits


@pytest.mark.parametrize(
    ("check", "fulfilled", "not_fulfilled"),
    [
        ("luhn", "4539578763621486", "4539578763621487"),
        ("mod97", "123456789092", "123456789093"),
        ("isbn", "9783161484100", "9783161484101"),
        ("isbn", "0306406152", "0306406153"),
        ("date", "29.02.2024", "29.02.2023"),
        ("date:dmy", "13/12/24", "12/13/24"),
        ("date:mdy", "12/13/24", "13/12/24"),
        ("date", "2024-1-5", "2024-13-5"),
        ("range:0-30", "12,5", "30,5"),
        ("range:-5-5", "-4", "-6"),
    ],
)
def test_what_fulfils_a_check(check: str, fulfilled: str, not_fulfilled: str) -> None:
    assert check_of(check).fulfilled(fulfilled)
    assert not check_of(check).fulfilled(not_fulfilled)


@pytest.mark.parametrize("text", ["", "lun", "range:5", "range:9-2", "date:xyz", "sum:", "sum:-4", "luhn:3"])
def test_a_check_that_there_is_not_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected (one of luhn, mod97|the lower end first)"):
        check_of(text)


def test_a_doubtful_digit_is_settled_by_the_check(seen: Any) -> None:
    settled = settle(seen.text("4539578763621481", doubts={15: (6, 0.3)}), check_of("luhn"), complete=True)
    assert (settled.text, settled.fits, settled.changed) == ("4539578763621486", True, (15,))
    assert settled.read.endswith("81")


def test_a_sure_digit_is_never_changed_and_the_number_is_open(seen: Any) -> None:
    settled = settle(seen.text("4539578763621481", 0.9995), check_of("luhn"))
    assert not settled.fits
    assert settled.text == "?" * 16
    one_in_doubt = settle(seen.text("4539578763621481", doubts={3: (4, 0.02)}), check_of("luhn"))
    assert not one_in_doubt.fits
    assert "?" in one_in_doubt.text


@pytest.mark.parametrize("check", ["range:1-9999", "range:0-9999", "range:1-1000000", "range:10-9990"])
def test_a_range_of_nearly_all_numbers_takes_nothing_from_one_in_it(seen: Any, check: str) -> None:
    settled = settle(seen.text("4711", 0.97), check_of(check))
    assert (settled.text, settled.fits) == ("4711", True)
    assert not settle(seen.text("0000", 0.97), check_of("range:1-9999")).fits


def test_what_cannot_be_a_day_is_not_made_one(seen: Any) -> None:
    assert settle(seen.text("31022024"), check_of("date")).fits is False
    assert "?" in settle(seen.text("3102202"), check_of("date:ymd")).text
    assert settle([], check_of("luhn")).fits is False


def test_a_wrong_number_is_not_bent_to_one_that_fulfils_the_check(seen: Any) -> None:
    """The worst case: every number that was written is invalid, and the reader's digits are as doubtful as ever."""
    rng, check, given_ = random.Random(3), check_of("luhn"), 0  # noqa: S311 - a simulation
    trials = 150
    for _ in range(trials):
        text = with_luhn(rng, 10)
        at = rng.randrange(10)
        wrong = text[:at] + str((int(text[at]) + rng.randrange(1, 10)) % 10) + text[at + 1 :]
        given_ += settle(seen_by_a_calibrated_reader(seen, wrong, rng), check).fits
    assert given_ / trials <= 0.04


def test_what_is_given_is_as_often_right_as_it_says(seen: Any) -> None:
    rng, check = random.Random(4), check_of("luhn")  # noqa: S311 - a simulation
    right, sure, before = [], [], 0
    for _ in range(200):
        text = with_luhn(rng, 10)
        digits = seen_by_a_calibrated_reader(seen, text, rng)
        settled = settle(digits, check, complete=True)
        before += settled.read == text
        if settled.fits:
            right.append(settled.text == text)
            sure.append(settled.confidence)
    assert np.mean(right) >= np.mean(sure) - 0.02
    assert np.mean(right) >= 0.97
    assert sum(right) > before  # more numbers are whole than without the check


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(0.001, 1.0), min_size=10, max_size=10), min_size=2, max_size=7))
def test_a_value_that_is_given_fulfils_the_check_and_changes_what_was_possible(
    seen: Any, rows: list[list[float]]
) -> None:
    digits = [seen.digit(np.array(row) / sum(row), place) for place, row in enumerate(rows)]
    settled = settle(digits, check_of("luhn"))
    assert len(settled.text) == len(rows)
    if not settled.fits:
        assert "?" in settled.text
        return
    assert check_of("luhn").fulfilled(settled.text)
    which = evidence_of(digits).probabilities
    assert all(which[place, int(settled.text[place])] >= POSSIBLE for place in settled.changed)


def test_numbers_that_add_up_settle_each_other(seen: Any) -> None:
    parts = [seen.text("12"), seen.text("35"), seen.text("108", doubts={2: (6, 0.3)})]
    assert [each.text for each in settle_sum(parts, seen.text("153"))] == ["12", "35", "106", "153"]
    assert all(each.fits for each in settle_sum(parts, "155"))
    astray = settle_sum(parts, seen.text("190"))
    assert not any(each.fits for each in astray)
    assert "".join(each.text for each in astray) == "123510?190"


def test_numbers_that_do_not_add_up_are_not_bent(seen: Any) -> None:
    sure = [seen.text(text, 0.9999) for text in ("12", "35", "108")]
    assert [each.text for each in settle_sum(sure, seen.text("156", 0.9999))] == ["??", "??", "???", "???"]
    for total, fits in (("155", True), ("156", False)):
        assert {each.fits for each in settle_sum(sure, total)} == {fits}


def test_the_probability_of_a_fulfilled_check_is_what_all_values_say(seen: Any) -> None:
    """Of three digits every value can be weighed: the ratio of fulfilling values is that of their probabilities."""
    digits = seen.text("182", 0.9, {1: (3, 0.4)})
    which, check = evidence_of(digits).probabilities, check_of("luhn")
    chances = {
        "".join(map(str, value)): float(np.prod([which[at, digit] for at, digit in enumerate(value)]))
        for value in itertools.product(range(10), repeat=3)
    }
    best = max((value for value in chances if check.fulfilled(value)), key=chances.__getitem__)
    settled = settle(digits, check, threshold=0.0)
    assert settled.text in (best, settled.text.replace(best, ""))
    assert 0.0 <= settled.confidence <= 1.0


@pytest.mark.parametrize(
    ("texts", "check", "fits"),
    [
        (["1,5", "2", "3.5"], "sum:last", True),
        (["1,5", "2", "17"], "sum:last", False),
        (["8", "-5", "3"], "sum:last", True),
        (["8", "-5", "13"], "sum:last", False),
        (["3", "-5", "-2"], "sum:last", True),
        (["1.5", "2.5"], "sum:4", True),
        (["1.5", "2.5"], "sum:40", False),
        (["12:30", "1:15", "1345"], "sum:last", False),
        (["17", "5"], "sum:last", False),
        (["17"], "sum:17", False),
    ],
)
def test_minus_and_decimals_count_in_a_sum(texts: list[str], check: str, fits: bool, seen: Any) -> None:
    numbers = []
    for text in texts:
        digits = seen.text("".join(sign for sign in text if sign.isdigit()), 0.9999)
        numbers.append(ReadNumber(text, (0, 0, 9, 9), 0.99, tuple(digits)))
    page = Reading(tuple(digit for each in numbers for digit in each.digits), 1.0, settled=tuple(numbers))
    found = with_known_numbers(page, Constraints(check=check), 0.5)
    assert found.fits is fits
    assert [each.text for each in found.numbers] == (texts if fits else [re.sub("[0-9]", "?", text) for text in texts])
