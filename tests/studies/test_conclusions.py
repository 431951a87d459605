from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from digitlab.errors import UsageError
from digitlab.studies import (
    Published,
    above,
    at_least,
    best,
    factor,
    improves,
    in_published_order,
    reproduces,
    same,
    steady,
)
from digitlab.studies.cells import Cell
from digitlab.studies.sequential import Judging

SPREAD = (-0.001, 0.0, 0.001)


@dataclass
class Fake:
    """A study measured with these means, three repeats each, a thousandth apart."""

    means: dict[Any, float]
    published: dict[Any, Published] = field(default_factory=dict)
    changes: dict[Any, dict[str, Any]] = field(default_factory=dict)
    exact: bool = False
    spread: tuple[float, ...] = SPREAD
    judging: Judging = field(default_factory=Judging)

    @property
    def cells(self) -> list[Cell]:
        return [Cell(key, str(key), self.changes.get(key, {})) for key in self.means]

    def label(self, key: Any) -> str:
        return f"«{key}»"

    def values(self, key: Any, measure: str) -> dict[int, float]:  # noqa: ARG002
        return {number: self.means[key] + each for number, each in enumerate(self.spread)}


def verdict(conclusion: Any, fake: Fake) -> str:
    return str(conclusion.check(fake).verdict)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0.95, 0.97, "holds"), (0.97, 0.95, "does not hold"), (0.95, 0.9505, "not shown")]
)
def test_a_difference_is_judged_by_its_interval(a: float, b: float, expected: str) -> None:
    assert verdict(improves("accuracy", frm="a", to="b"), Fake({"a": a, "b": b})) == expected
    assert verdict(improves("loss", frm="b", to="a"), Fake({"a": a, "b": b})) == expected


def test_a_margin_allows_to_be_a_little_worse() -> None:
    fake = Fake({"max": 0.98, "average": 0.981})
    assert verdict(at_least("accuracy", better="max", than="average", margin=0.01), fake) == "holds"
    assert verdict(at_least("accuracy", better="max", than="average", margin=0.001), fake) == "not shown"
    assert verdict(improves("accuracy", frm="average", to="max", by=-0.01), fake) == "holds"


def test_the_best_is_no_worse_than_any_other() -> None:
    fake = Fake({"a": 0.9, "b": 0.97, "c": 0.971})
    assert verdict(best("accuracy", "b", margin=0.01), fake) == "holds"
    assert verdict(best("accuracy", "b", margin=0.001), fake) == "not shown"
    assert verdict(best("accuracy", "a", margin=0.01), fake) == "does not hold"


def test_sameness_is_a_statement_too() -> None:
    assert verdict(same("accuracy", within=0.01), Fake({"a": 0.98, "b": 0.981, "c": 0.979})) == "holds"
    assert verdict(same("accuracy", within=0.01), Fake({"a": 0.98, "b": 0.95})) == "does not hold"
    assert verdict(same("accuracy", within=0.001), Fake({"a": 0.98, "b": 0.98})) == "not shown"
    assert verdict(same("accuracy", within=0.01, keys=["a", "b"]), Fake({"a": 0.98, "b": 0.98, "c": 0.5})) == "holds"


def test_a_published_number_is_met_or_not() -> None:
    printed = {"a": Published(accuracy=0.97), "b": Published(accuracy=0.9), "c": Published(loss=1)}
    assert verdict(reproduces("accuracy", within=0.01, keys=["a"]), Fake({"a": 0.971, "b": 0.8}, printed)) == "holds"
    fake = Fake({"a": 0.971, "b": 0.8, "c": 0.1}, printed)
    found = reproduces("accuracy", within=0.01).check(fake)
    assert found.verdict == "does not hold"
    assert "«b»" in found.evidence
    assert "published 0.9" in found.evidence
    assert "1 of 2" in found.evidence


def test_rates_are_met_within_a_factor() -> None:
    fake = Fake({"sgd": 0.3}, {"sgd": Published(rate=0.1)}, spread=(-0.01, 0, 0.01))
    assert verdict(reproduces("rate", within=10, ratio=True), fake) == "holds"
    assert verdict(reproduces("rate", within=2, ratio=True), fake) == "does not hold"


def test_the_published_order_counts_where_it_is_one() -> None:
    printed = {"a": Published(accuracy=0.7), "b": Published(accuracy=0.9), "c": Published(accuracy=0.901)}
    statement = in_published_order("accuracy", ties=0.005)
    assert verdict(statement, Fake({"a": 0.75, "b": 0.93, "c": 0.92}, printed)) == "holds"
    assert verdict(statement, Fake({"a": 0.95, "b": 0.93, "c": 0.92}, printed)) == "does not hold"
    assert verdict(statement, Fake({"a": 0.9}, {})) == "not shown"


def test_bounds_and_spreads() -> None:
    fake = Fake({"a": 0.996})
    assert verdict(above("accuracy", "a", 0.99), fake) == "holds"
    assert verdict(above("accuracy", "a", 0.999), fake) == "does not hold"
    assert verdict(above("loss", "a", 1.5), fake) == "holds"
    assert verdict(steady("accuracy", "a", 0.1), fake) == "holds"
    assert verdict(steady("accuracy", "a", 0.0001), fake) == "does not hold"
    assert verdict(steady("accuracy", "a", 0.001), fake) == "not shown"


def test_a_factor_is_judged_in_pairs_that_differ_in_it_alone() -> None:
    changes = {(width, batch): {"width": width, "batch": batch} for width in (64, 397) for batch in (32, 64, 128)}
    # Batches differ far more than widths do; only pairs can tell.
    means = {key: 0.9 + 0.01 * (key[0] == 397) - 0.001 * key[1] for key in changes}
    fake = Fake(means, changes=changes, spread=(0.0,))
    found = factor("accuracy", "width", better=397, than=64).check(fake)
    assert found.verdict == "holds"
    assert "3 pairs" in found.evidence
    assert verdict(factor("accuracy", "width", better=64, than=397), fake) == "does not hold"


def test_a_factor_may_be_among_lists() -> None:
    changes = {(a, b): {"filters": list(a), "kernel": [b, b]} for a in ((8,), (8, 16)) for b in (3, 5)}
    fake = Fake({key: 0.9 + 0.01 * key[1] for key in changes}, changes=changes)
    assert verdict(factor("accuracy", "kernel", better=(5, 5), than=(3, 3)), fake) == "holds"
    with pytest.raises(UsageError, match="'kernal' does not vary; expected one of filters, kernel"):
        factor("accuracy", "kernal", better=5, than=3).check(fake)


def test_one_seed_shows_nothing_unless_the_task_is_exact() -> None:
    one = Fake({"a": 0.9, "b": 0.99}, {"a": Published(parameters=1)}, spread=(0.0,))
    assert verdict(improves("accuracy", frm="a", to="b"), one) == "not shown"
    assert verdict(above("accuracy", "a", 0.5), one) == "not shown"
    counted = Fake({"a": 10.0}, {"a": Published(parameters=10)}, exact=True, spread=(0.0,))
    assert verdict(reproduces("parameters", within=0), counted) == "holds"


def test_statements_name_the_cells_as_people_read_them() -> None:
    assert improves("accuracy", frm=1, to=2).statement(Fake({1: 0, 2: 0})) == "accuracy: «2» is better than «1»"
    assert above("loss", 1, 0.5, text="{0} is low").statement(Fake({1: 0})) == "«1» is low"


def test_unknown_measures_are_refused_when_the_study_is_written() -> None:
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        improves("acuracy", frm=1, to=2)
    with pytest.raises(UsageError, match="neither more nor less"):
        improves("parameters", frm=1, to=2).check(Fake({1: 0, 2: 0}))


def test_what_is_shown_not_to_matter_is_the_same() -> None:
    alike = Judging(alike={"accuracy": 0.01})
    close = Fake({"a": 0.95, "b": 0.9505}, judging=alike)
    assert verdict(improves("accuracy", frm="a", to="b"), close) == "the same"
    assert verdict(improves("accuracy", frm="b", to="a"), close) == "the same"
    assert verdict(improves("loss", frm="a", to="b"), close) == "not shown"  # nobody said what counts there
    assert verdict(improves("accuracy", frm="a", to="b"), Fake({"a": 0.95, "b": 0.97}, judging=alike)) == "holds"
    wide = Fake({"a": 0.95, "b": 0.9505}, judging=alike, spread=(-0.01, 0.0, 0.01))
    assert verdict(improves("accuracy", frm="a", to="b"), wide) == "not shown"


def test_repeats_that_belong_together_are_compared_one_by_one() -> None:
    class Lucky(Fake):
        def values(self, key: Any, measure: str) -> dict[int, float]:  # noqa: ARG002
            return {seed: self.means[key] + luck + 0.0001 * (seed % 2) for seed, luck in enumerate((-0.02, 0.0, 0.02))}

    means = {"a": 0.95, "b": 0.952}
    assert verdict(improves("accuracy", frm="a", to="b"), Lucky(means)) == "not shown"
    assert verdict(improves("accuracy", frm="a", to="b"), Lucky(means, judging=Judging(paired=True))) == "holds"


def test_one_of_many_comparisons_must_fail_more_clearly_than_one_alone() -> None:
    means = {"a": 0.95, "b": 0.9525}
    assert verdict(best("accuracy", "a", margin=0.0), Fake(means)) == "does not hold"
    more = {**means, **{f"c{number}": 0.9 for number in range(20)}}
    assert verdict(best("accuracy", "a", margin=0.0), Fake(more)) == "not shown"
