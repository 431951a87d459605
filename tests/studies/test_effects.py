"""Main effects, interactions, gains per second; and the studies of our own that are judged by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.studies.test_conclusions import Fake, verdict

from digitlab.evaluation.seeds import combined, differ
from digitlab.studies import Effect, find_study, main_effect, outweighs, pays_more
from digitlab.studies.effects import gain_per_second, size_of
from digitlab.studies.outcome import Outcome, outcome_of, plan
from digitlab.studies.results import as_dict, write_results
from digitlab.studies.store import Store

# Two factors, a and b; together they add 0.02 more than each for itself.
FOUR = {"00": 0.80, "10": 0.85, "01": 0.83, "11": 0.90}
A, B = Effect(("00", "01"), ("10", "11")), Effect(("00", "10"), ("01", "11"))
A_WITHOUT_B, A_WITH_B = Effect(("00",), ("10",)), Effect(("01",), ("11",))


def test_combined_samples_are_a_difference_where_there_are_two() -> None:
    one, other = [0.9, 0.91, 0.93], [0.8, 0.83]
    ours, theirs = combined([one, [-value for value in other]]), differ(one, other)
    assert ours.difference == pytest.approx(theirs.difference)
    assert ours.interval.low == pytest.approx(theirs.interval.low)
    assert ours.freedom == pytest.approx(theirs.freedom)


@pytest.mark.parametrize(("effect", "expected"), [(A, 0.06), (B, 0.04), (A_WITH_B, 0.07), (A_WITHOUT_B, 0.05)])
def test_an_effect_is_the_difference_of_means_of_groups(effect: Effect, expected: float) -> None:
    found = size_of(Fake(FOUR), "accuracy", effect)
    assert found is not None
    assert found.difference == pytest.approx(expected)


def test_main_effects_and_interactions_are_judged() -> None:
    fake = Fake(FOUR)
    assert verdict(main_effect("accuracy", A, by=0.05, text="a"), fake) == "holds"
    assert verdict(main_effect("accuracy", A, by=0.07, text="a"), fake) == "does not hold"
    assert verdict(main_effect("loss", A, text="a"), fake) == "does not hold"  # it is higher
    assert verdict(outweighs("accuracy", A_WITH_B, A_WITHOUT_B, text="ab"), fake) == "holds"
    assert verdict(outweighs("accuracy", B, A, text="b over a"), fake) == "does not hold"
    assert verdict(main_effect("accuracy", A, text="a"), Fake(FOUR, spread=(0.0,))) == "not shown"


def test_an_effect_that_counts_for_nothing_is_the_same() -> None:
    fake = Fake(dict.fromkeys(FOUR, 0.9))
    assert verdict(main_effect("accuracy", A, alike=0.01, text="a"), fake) == "the same"
    assert verdict(main_effect("accuracy", A, text="a"), fake) == "not shown"


def test_intervals_of_an_interaction_cover_it() -> None:
    rng, covered, studies = np.random.default_rng(0), 0, 2_000
    weights = {"00": -1, "10": 1, "01": 1, "11": -1}
    deviations = {"00": 0.004, "10": 0.001, "01": 0.001, "11": 0.002}
    for _ in range(studies):
        samples = [weight * rng.normal(FOUR[key], deviations[key], 3) for key, weight in weights.items()]
        low, high = combined([sample.tolist() for sample in samples]).interval
        covered += low <= -0.02 <= high
    assert 0.94 <= covered / studies <= 0.985  # Satterthwaite's freedom is a little too careful with three seeds


class Timed(Fake):
    """Accuracies as before; an epoch takes as long as ``seconds`` says."""

    seconds: dict[Any, float] = {"none": 2.0, "longer": 2.0, "cheap": 2.1, "dear": 20.0}  # noqa: RUF012

    def values(self, key: Any, measure: str) -> dict[int, float]:
        if measure == "epochs":
            return dict.fromkeys(range(3), 20.0 if key == "longer" else 10.0)
        if measure == "epoch_seconds":
            return {seed: self.seconds[key] * (1 + 0.02 * (seed - 1)) for seed in range(3)}
        return super().values(key, measure)


def test_what_a_second_buys_is_compared_with_longer_training() -> None:
    fake = Timed({"none": 0.98, "longer": 0.984, "cheap": 0.99, "dear": 0.99}, spread=(-0.0002, 0.0, 0.0002))
    rate = gain_per_second(fake, "accuracy", "cheap", "none")
    assert rate is not None
    assert rate.difference == pytest.approx(0.01 / 21)
    assert rate.interval.low < rate.difference < rate.interval.high
    cheap, dear = (
        pays_more("accuracy", key, than="longer", without="none", text="{0} pays") for key in ("cheap", "dear")
    )
    assert verdict(cheap, fake) == "holds"
    assert verdict(dear, fake) == "does not hold"
    assert "points per minute" in cheap.check(fake).evidence


def test_the_interval_of_a_gain_per_second_covers_it() -> None:
    rng, covered, studies = np.random.default_rng(1), 0, 1_000
    for _ in range(studies):

        class Drawn(Timed):
            drawn = {  # noqa: RUF012
                (key, measure): dict(enumerate(rng.normal(mean, deviation, 4)))
                for key, mean in (("none", 0.98), ("cheap", 0.983))
                for measure, mean, deviation in (("accuracy", mean, 0.001), ("epoch_seconds", 3.0, 0.15))
            }

            def values(self, key: Any, measure: str) -> dict[int, float]:
                return dict.fromkeys(range(4), 10.0) if measure == "epochs" else self.drawn[key, measure]

        rate = gain_per_second(Drawn({}), "accuracy", "cheap", "none")
        assert rate is not None
        covered += rate.interval.low <= 0.003 / 30 <= rate.interval.high
    assert 0.93 <= covered / studies <= 0.98


# Our own studies


def test_our_own_studies_share_what_others_have_trained() -> None:
    own = {each.job.digest for each in plan(find_study("own-fashion"))}
    for name in ("ann", "first-cnn", "kernel-size", "thesis-baseline", "batch-norm", "spatial-dropout"):
        assert own & {each.job.digest for each in plan(find_study(name))}, name


def test_every_cell_of_the_preparation_is_tested_on_images_of_its_own_form() -> None:
    for each in plan(find_study("own-preparation"), 1):
        training = each.job.training
        assert ("grey" in training.dataset) == ("grey" in (training.test or "")) == ("grey" in each.cell.label)
        assert training.dataset != training.test


@pytest.mark.parametrize("name", ["own-fashion", "own-preparation", "own-augmentation-cost"])
def test_our_own_studies_are_judged_and_drawn(name: str, tmp_path: Any) -> None:
    study, store, rng = find_study(name), Store.at(tmp_path), np.random.default_rng(0)
    for each in plan(study):
        accuracy = 0.9 + 0.002 * len(each.cell.label) % 0.05 + rng.normal(0, 0.0005)
        seconds = [3.0, *rng.normal(2.0, 0.05, each.job.training.epochs - 1)]
        history = {column: [accuracy] for column in ("accuracy", "validation_accuracy", "loss", "validation_loss")}
        result = {
            "accuracy": accuracy, "loss": 1 - accuracy, "epochs": len(seconds), "processor_seconds": seconds,
            "history": history, "seconds": sum(seconds),
        }  # fmt: skip
        store.keep(each.job, result, {})
    outcome = outcome_of(study, store)
    found = as_dict(outcome)
    assert all("fewer than two" not in each["evidence"] for each in found["conclusions"])
    assert {each["verdict"] for each in found["conclusions"]} > {"holds"}
    write_results(outcome, tmp_path / "out")
    assert (tmp_path / "out" / "figure.png").stat().st_size > 10_000
    none = Outcome(study, {cell.key: {} for cell in study.cells}, 1, quick=False)
    write_results(none, tmp_path / "none")
