"""`digitlab bench sheets`: what it says of the fields that can be filled in at an error of 0.1 %."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from digitlab.bench.sheets import SheetBench, certain_fields

BENCH = SheetBench(
    machine="", sheets=1000, fields=23_000, right=22_900, right_known=22_950, listed=1000, right_listed=1000,
    answered=21_000, wrong=100, written=20_000, certain=19_400, certain_wrong=15, refused=0, misplaced=0, foreign=24,
    accepted=0, milliseconds=100.0, seconds=1.0,
)  # fmt: skip


def test_the_confidence_is_chosen_on_the_other_half_of_the_sheets() -> None:
    """In either half, the best three are right; below, one more is wrong in the odd half alone."""
    even = [(0, 0.99, True), (0, 0.97, True), (2, 0.95, True), (2, 0.80, True)]
    odd = [(1, 0.99, True), (1, 0.96, True), (3, 0.95, False), (3, 0.80, True)]
    assert certain_fields(even + odd) == (2 + 4, 1)  # from 0.96 in the even half, from 0.80 in the odd one
    assert certain_fields([]) == (0, 0)
    assert certain_fields(even) == (0, 0)  # no other half to choose on


def test_equal_confidences_are_filled_in_together() -> None:
    fields = [(sheet, 0.9, sheet > 1) for sheet in range(40)]  # one of twenty is wrong in either half
    assert certain_fields(fields, error=0.04) == (0, 0)
    assert certain_fields(fields, error=0.06) == (40, 2)


def test_the_error_measured_is_the_one_that_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    confidence = 1.0 - rng.beta(0.5, 12.0, 200_000)
    right = rng.random(200_000) >= (1.0 - confidence) * 0.2
    count, wrong = certain_fields(list(zip(range(200_000), confidence.tolist(), right.tolist(), strict=True)))
    assert 0.0005 < wrong / count < 0.0015
    assert 0.1 < count / 200_000 < 0.9


def test_the_rows_and_the_targets() -> None:
    rows = {row[0]: row[1:] for row in BENCH.rows()}
    assert rows["written fields filled in at an error of 0.1 %, without lists"] == [
        "97.00 % (19,400 of 20,000)",
        "≥ 95 %",
    ]
    assert rows["wrong among these"] == ["0.08 % (15 of 19,400); 0.05 to 0.13 %", "≤ 0.1 %"]
    assert BENCH.met
    assert replace(BENCH, certain_wrong=25).met  # 0.13 %, and 0.09 to 0.19 % with 95 % confidence
    assert not replace(BENCH, certain_wrong=40).met
    assert not replace(BENCH, certain=18_900, certain_wrong=0).met
    assert not replace(BENCH, certain=0, certain_wrong=0).met
