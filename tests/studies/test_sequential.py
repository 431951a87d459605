"""Levels for looking after every seed: that they keep what they promise; and seeds given where they decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import t

from digitlab.scheduling.protocol import Done
from digitlab.studies import Study, improves
from digitlab.studies.deciding import UntilDecided, open_conclusions
from digitlab.studies.outcome import outcome_of, plan
from digitlab.studies.running import Estimate
from digitlab.studies.sequential import FIRST, LATER, level, levels, needed
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_studys_own_seeds_are_judged_by_a_95_percent_interval() -> None:
    assert level(3, 3, 30) == level(2, 3, 30) == FIRST == 0.025
    assert level(10, 10, 10) == FIRST
    later = levels(3, 30)[1:]
    assert all(0.002 < each < FIRST for each in later)
    assert (
        sum(later) > LATER
    )  # looks at the same seeds and some more are not independent: each may have more than its part


def looks(sides: Any, first: int, *, paired: bool) -> Iterator[tuple[int, Any, Any, Any]]:
    """At every number of seeds: differences of the means, their errors, and degrees of freedom, of all studies."""
    studies, most = sides.shape[1:]
    for seeds in range(first, most + 1):
        if paired:
            differences = (sides[1] - sides[0])[:, :seeds]
            error, freedom = differences.std(axis=1, ddof=1) / np.sqrt(seeds), np.full(studies, seeds - 1.0)
        else:
            squares = sides[..., :seeds].var(axis=2, ddof=1) / seeds
            error, freedom = np.sqrt(squares.sum(0)), squares.sum(0) ** 2 / ((squares**2).sum(0) / (seeds - 1))
        yield seeds, sides[1, :, :seeds].mean(1) - sides[0, :, :seeds].mean(1), error, freedom


def false_verdicts(first: int, most: int, *, paired: bool, studies: int) -> float:
    """The share of studies of two equal recipes in which, at some look, the second is found to be better."""
    sides = np.random.default_rng(first).normal(0.99, 0.001, (2, studies, most))
    done, false = np.zeros(studies, np.bool_), np.zeros(studies, np.bool_)
    for seeds, difference, error, freedom in looks(sides, first, paired=paired):
        holds, fails = (t.sf(sign * difference / error, freedom) <= level(seeds, first, most) for sign in (1, -1))
        false |= holds & ~done
        done |= holds | fails
    return float(false.mean())


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(("first", "most"), [(3, 30), (5, 30), (1, 10), (10, 12)])
def test_false_verdicts_stay_below_five_percent_however_often_is_looked(first: int, most: int, *, paired: bool) -> None:
    assert false_verdicts(max(first, 2), most, paired=paired, studies=10_000) <= 0.05 + 0.004  # two standard errors


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("spread", [0.0003, 0.001])
def test_what_differs_by_the_margin_is_rarely_called_the_same(spread: float, *, paired: bool) -> None:
    first, most, margin, studies = 3, 30, 0.001, 10_000
    sides = np.random.default_rng(first).normal(0.99, spread, (2, studies, most))
    sides[1] += margin
    same = np.zeros(studies, np.bool_)
    for seeds, difference, error, freedom in looks(sides, first, paired=paired):
        above, below = t.sf((difference + margin) / error, freedom), t.sf((margin - difference) / error, freedom)
        same |= np.maximum(above, below) <= level(seeds, first, most)
    assert same.mean() <= 0.05 + 0.004


@pytest.mark.parametrize("paired", [False, True])
def test_what_is_simulated_is_what_studies_are_judged_by(study: Study, tmp_path: Path, *, paired: bool) -> None:
    study, store = replace(study, paired=paired), Store.at(tmp_path)
    sides = np.random.default_rng(0).normal(0.99, 0.001, (2, 1, 7))
    for each in plan(study, 7):
        accuracy = 0.5 if each.cell.key == 64 else float(sides[int(each.cell.key == 32), 0, each.repeat])
        store.keep(each.job, {"accuracy": accuracy, "seconds": 1.0}, {})
    (found,) = study.conclusions[0].compare(outcome_of(study, store))
    *_, (seeds, difference, error, freedom) = looks(sides, 3, paired=paired)
    assert found.repeats == seeds
    assert found.level == level(seeds, 3, 30)
    assert found.holds == pytest.approx(float(t.sf(difference / error, freedom)[0]))
    assert found.fails == pytest.approx(float(t.sf(-difference / error, freedom)[0]))
    same = max(t.sf((0.001 + sign * difference) / error, freedom)[0] for sign in (1, -1))
    assert found.alike == pytest.approx(float(same))


def test_how_many_seeds_a_difference_takes() -> None:
    assert needed(0.01, 0.001, 3, 3, 30) == 4  # at least one more than there are
    few, many = needed(0.002, 0.002, 3, 3, 30), needed(0.001, 0.002, 3, 3, 60)
    assert 3 < few < many < 60
    assert needed(0.0001, 0.002, 3, 3, 30) > 1000  # more than the study takes: said all the same
    assert needed(0.0, 0.002, 3, 3, 30) == float("inf")


class Simulated:
    """Trainings that are not run: each cell has a mean and a deviation."""

    def __init__(self, study: Study, store: Store, means: dict[Any, float], deviation: float) -> None:
        self.study, self.store, self.means, self.deviation = study, store, means, deviation
        self.estimate = Estimate(plan(study), store, quick=False)
        self.plan = UntilDecided([study], store, self.estimate, self.keep, most=None)

    def keep(self, job: Any, done: Done) -> None:
        self.store.keep(job, done.result, {})

    def run(self) -> int:
        """Until it is over; returns the number of trainings."""
        count = 0
        while (job := self.plan.next()) is not None:
            count += 1
            width = job.settings["training"]["options"]["units"]  # type: ignore[attr-defined]
            luck = np.random.default_rng((width, job.settings["training"]["seed"])).normal(0, self.deviation)  # type: ignore[attr-defined]
            result = {"accuracy": self.means[width] + luck, "loss": 0.1, "epochs": 1, "seconds": 1.0}
            self.plan.done(Done(job, result, {}))
        assert self.plan.over
        return count


@pytest.fixture
def study() -> Study:
    from digitlab.training import TrainingConfig

    return Study(
        base=TrainingConfig("dense-family"),
        vary={"units": [16, 32, 64]},
        conclusions=[improves("accuracy", frm=16, to=32), improves("accuracy", frm=32, to=64)],
        name="widths",
    )


def test_seeds_go_where_they_decide(study: Study, tmp_path: Path) -> None:
    made = Simulated(study, Store.at(tmp_path), {16: 0.95, 32: 0.97, 64: 0.973}, 0.002)
    trained = made.run()
    outcome = outcome_of(study, made.store)
    assert [each.check(outcome).verdict for each in study.conclusions] == ["holds", "holds"]
    counts = {key: len(records) for key, records in outcome.records.items()}
    assert counts[16] == 3, "decided by the study's own seeds: no further one is spent on it"
    assert counts[32] == counts[64] > 3
    assert trained == sum(counts.values()) < 40


def test_equal_cells_are_shown_to_be_the_same(study: Study, tmp_path: Path) -> None:
    made = Simulated(study, Store.at(tmp_path), {16: 0.95, 32: 0.97, 64: 0.97}, 0.0008)
    made.run()
    outcome = outcome_of(study, made.store)
    assert [each.check(outcome).verdict for each in study.conclusions] == ["holds", "the same"]


def test_what_seeds_do_not_decide_ends_and_is_listed_as_open(study: Study, tmp_path: Path) -> None:
    made = Simulated(study, Store.at(tmp_path), {16: 0.95, 32: 0.97, 64: 0.9702}, 0.02)
    made.run()
    outcome = outcome_of(study, made.store)
    (left,) = (each for each in open_conclusions(outcome, made.estimate) if "32" in each.text and "64" in each.text)
    assert left.repeats == study.most == left.needed == left.most
    assert not left.hopeful
    assert left.seconds == 0.0
    assert left.decisive > study.most
    each = made.estimate.seconds(study.job(study.cells[1], 0).digest)
    assert left.decisive_seconds == pytest.approx((left.decisive - study.most) * 2 * each)  # of two cells


def test_a_number_that_was_not_measured_is_not_waited_for(study: Study, tmp_path: Path) -> None:
    study = replace(study, conclusions=[improves("epoch_seconds", frm=16, to=32)])
    store = Store.at(tmp_path)
    for each in plan(study, 5):
        store.keep(each.job, {"accuracy": 0.9, "seconds": 1.0}, {})
    (found,) = open_conclusions(outcome_of(study, store), Estimate(plan(study), store, quick=False))
    assert "fewer than two" in found.evidence
    assert (found.hopeful, found.decisive, found.repeats) == (False, float("inf"), 5)


@pytest.mark.parametrize(("planned", "asked", "seconds"), [(1, 2, 2.0), (3, 3, 4.0)])
def test_at_least_two_repeats_and_the_planned_ones_are_asked_for(
    study: Study, tmp_path: Path, planned: int, asked: int, seconds: float
) -> None:
    study, store = replace(study, repeats=planned), Store.at(tmp_path)
    for each in plan(study, 1):
        store.keep(each.job, {"accuracy": 0.9, "seconds": 1.0}, {})
    estimate = Estimate(plan(study), store, quick=False)
    for found in open_conclusions(outcome_of(study, store), estimate):
        assert found.hopeful
        assert (found.repeats, found.planned, found.needed, found.seconds) == (1, planned, asked, seconds)


def test_cells_that_were_never_trained_cost_what_the_study_expects(study: Study, tmp_path: Path) -> None:
    study = replace(study, minutes=3)  # of two cores, for three cells: 120 s of one core each
    store = Store.at(tmp_path)
    found = open_conclusions(outcome_of(study, store), Estimate(plan(study), store, quick=False))
    assert [(each.repeats, each.needed, each.seconds) for each in found] == [(0, 3, 2 * 3 * 120.0)] * 2


def test_a_failed_cell_is_left_and_the_rest_goes_on(study: Study, tmp_path: Path) -> None:
    made = Simulated(study, Store.at(tmp_path), {16: 0.95, 32: 0.97, 64: 0.99}, 0.001)
    job = made.plan.next()
    assert job is not None
    made.plan.gave_up(job, "broken")
    made.run()
    assert made.plan.ended.failed[0][1] == "broken"


def test_a_stopped_job_is_given_again_and_two_workers_get_different_ones(study: Study, tmp_path: Path) -> None:
    made = Simulated(study, Store.at(tmp_path), {16: 0.95, 32: 0.97, 64: 0.99}, 0.001)
    first, second = made.plan.next(), made.plan.next()
    assert first is not None
    assert second is not None
    assert first.digest != second.digest
    made.plan.again(first, stopped=True)
    assert first.digest in {job.digest for job in made.plan.left}
    again = made.plan.next()
    assert again is not None
    assert again.digest == first.digest
