from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import UsageError
from digitlab.evaluation.comparison import Contestant, holm, in_words, rank

COUNT = 2000
LABELS = np.arange(COUNT) % 10


def network(accuracy: float, seed: int) -> np.ndarray:
    """Probabilities of a network that is wrong in a random share of the images."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(COUNT, bool)
    wrong[rng.permutation(COUNT)[: round((1 - accuracy) * COUNT)]] = True
    answers = np.where(wrong, (LABELS + 3) % 10, LABELS)
    return np.where(np.eye(10)[answers] > 0, 0.91, 0.01).astype(np.float32)


def lone(name: str, accuracy: float, seed: int) -> Contestant:
    return Contestant(name, (network(accuracy, seed),))


def recipe(name: str, *accuracies: float) -> Contestant:
    return Contestant(name, tuple(network(each, place) for place, each in enumerate(accuracies)))


def test_two_alike_are_not_told_apart() -> None:
    ranking = rank([lone("one", 0.97, 1), lone("other", 0.972, 2)], LABELS)
    assert [placed.name for placed in ranking.placed] == ["other", "one"]
    assert [placed.places for placed in ranking.placed] == [(1, 2), (1, 2)]
    (difference,) = ranking.differences
    assert not difference.shown
    low, high = difference.accuracy_interval
    assert low < 0 < high
    assert difference.accuracy == pytest.approx(0.002)
    said = in_words(difference)
    assert said.startswith("other and one: no significant difference: 0.20 percentage points, 95 % CI −")
    assert "McNemar p = 0." in said


def test_a_clear_difference_is_shown_with_its_interval() -> None:
    ranking = rank([lone("poor", 0.80, 1), lone("good", 0.95, 2)], LABELS)
    (difference,) = ranking.differences
    assert difference.shown
    assert (difference.first, difference.second) == ("good", "poor")
    assert difference.accuracy_interval.low > 0.1
    assert in_words(difference).startswith("good is better than poor: 15.00 percentage points, 95 % CI ")
    assert in_words(difference).endswith("McNemar p < 0.001")
    assert [placed.places for placed in ranking.placed] == [(1, 1), (2, 2)]


def test_the_same_answers_are_said_to_be_the_same() -> None:
    ranking = rank([lone("one", 0.9, 1), lone("copy", 0.9, 1)], LABELS)
    assert in_words(ranking.differences[0]).endswith("no difference: the same prediction for every image")


def test_recipes_are_compared_over_their_seeds() -> None:
    ranking = rank([recipe("a", 0.950, 0.952, 0.951), recipe("b", 0.960, 0.961, 0.963)], LABELS)
    first, second = ranking.placed
    assert (first.name, second.name) == ("b", "a")
    assert first.accuracy.deviation == pytest.approx(np.std([0.960, 0.961, 0.963], ddof=1), abs=1e-4)
    assert first.accuracy_interval == first.accuracy.interval
    (difference,) = ranking.differences
    assert (difference.method, difference.seeds, difference.paired) == ("Welch", (3, 3), None)
    assert difference.shown
    assert in_words(difference).endswith("(3 and 3 seeds)")


def test_a_lucky_seed_is_no_better_recipe() -> None:
    ranking = rank([recipe("a", 0.93, 0.97, 0.95), lone("b", 0.98, 9)], LABELS)
    (difference,) = ranking.differences
    assert difference.method == "one against seeds"
    assert not difference.shown
    assert "t test" in in_words(difference)


def test_seeds_without_spread_leave_it_to_the_images() -> None:
    ranking = rank([recipe("a", 0.95, 0.95), recipe("b", 0.951, 0.951)], LABELS)
    (difference,) = ranking.differences
    assert difference.method == "McNemar"
    assert not difference.shown
    assert ranking.placed[0].accuracy_interval.low < 0.951 < ranking.placed[0].accuracy_interval.high


def test_more_comparisons_need_clearer_differences() -> None:
    alone = rank([lone("one", 0.95, 1), lone("other", 0.965, 2)], LABELS).differences[0]
    assert alone.shown
    crowd = [lone(f"alike {seed}", 0.95, seed) for seed in range(3, 12)]
    among = rank([lone("one", 0.95, 1), lone("other", 0.965, 2), *crowd], LABELS)
    same = next(each for each in among.differences if {each.first, each.second} == {"one", "other"})
    assert same.p == alone.p
    assert same.corrected > 20 * alone.p
    assert same.comparisons == 55
    assert "(corrected for 55 comparisons)" in in_words(same)


def test_a_ranking_of_alike_networks_shows_nothing() -> None:
    ranking = rank([lone(str(seed), 0.95, seed) for seed in range(8)], LABELS)
    assert not any(each.shown for each in ranking.differences)
    assert {placed.places for placed in ranking.placed} == {(1, 8)}


def test_places_stay_open_only_where_nothing_is_shown() -> None:
    ranking = rank([lone("a", 0.97, 1), lone("b", 0.969, 2), lone("c", 0.80, 3)], LABELS)
    assert [(placed.name, placed.places) for placed in ranking.placed] == [("a", (1, 2)), ("b", (1, 2)), ("c", (3, 3))]


def test_the_result_can_be_written_as_json() -> None:
    ranking = rank([recipe("a", 0.95, 0.96), lone("b", 0.97, 5), lone("c", 0.98, 6)], LABELS)
    plain = [json.loads(json.dumps(each.as_dict(), allow_nan=False)) for each in ranking.differences]
    images = next(each["images"] for each in plain if each["method"] == "McNemar")
    assert sum(images[kind] for kind in ("both", "only_first", "only_second", "neither")) == COUNT


@given(st.lists(st.floats(0, 1), max_size=12))
def test_a_correction_never_makes_surer_and_keeps_the_order(chances: list[float]) -> None:
    corrected = holm(chances)
    assert all(before <= after <= 1 for before, after in zip(chances, corrected, strict=True))
    order = np.argsort(chances, kind="stable")
    assert np.all(np.diff(np.asarray(corrected)[order]) >= 0)
    if chances:
        assert min(corrected) == min(1.0, len(chances) * min(chances))


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"]])
def test_fewer_than_two_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="two or more"):
        rank([lone(name, 0.9, 1) for name in names], LABELS)


def test_a_contestant_needs_answers() -> None:
    with pytest.raises(UsageError, match="its own name and predictions"):
        rank([lone("a", 0.9, 1), Contestant("b", ())], LABELS)
