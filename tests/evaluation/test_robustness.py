from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from digitlab.errors import DatasetError, UsageError
from digitlab.evaluation.intervals import wilson
from digitlab.evaluation.robustness import COLUMNS, LEVELS, Robustness, measure_robustness

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The images of these sets carry the answer: pixel (0, 0) is the digit, (0, 1) the confidence in per cent.


@dataclass(frozen=True)
class Given:
    kind: str
    name: str
    content: tuple[tuple[int, int], ...]  # answer and confidence of each image
    labels: tuple[int, ...] | None = None
    place: float | None = None
    optional: bool = False

    def load(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        if not self.content:
            raise DatasetError(f"{self.name} is not on this machine")
        images = np.zeros((len(self.content), 28, 28), np.uint8)
        images[:, 0, :2] = self.content
        return images, None if self.labels is None else np.array(self.labels, np.uint8)


def answer(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    confidences = images[:, 0, 1] / 100
    said = np.tile(((1 - confidences) / 9)[:, None], (1, 10))
    said[np.arange(len(images)), images[:, 0, 0]] = confidences
    return said


def right(kind: str, name: str, *confidences: int, **more: Any) -> Given:
    return Given(kind, name, tuple((3, each) for each in confidences), (3,) * len(confidences), **more)


def strangers(name: str, *confidences: int, **more: Any) -> Given:
    return Given("stranger", name, tuple((1, each) for each in confidences), **more)


PLAIN = right("plain", "mnist", *range(51, 101), *range(51, 101))


def test_accuracy_has_its_interval_and_the_corruptions_their_mean() -> None:
    half = Given("corruption", "fog", ((3, 90), (4, 90)), (3, 3))
    found = measure_robustness(answer, [PLAIN, right("corruption", "stripe", 90, 80, 70), half])
    assert [each.accuracy for each in found.sets] == [1.0, 1.0, 0.5]
    assert found.corruption_mean == 0.75
    assert found.sets[2].interval == wilson(1, 2)
    assert found.sets[1].images == 3
    assert found.of("stranger") == ()


def test_the_plain_digits_are_asked_first_wherever_they_stand() -> None:
    found = measure_robustness(answer, [strangers("shapes", 40), PLAIN])
    assert found.plain.name == "mnist"
    assert [each.name for each in found.sets] == ["mnist", "shapes"]


def test_strangers_are_answered_above_the_confidence_of_99_percent_of_the_digits() -> None:
    found = measure_robustness(
        answer, [PLAIN, strangers("shapes", 51, 52, 30, 99), right("rotation", "turned", 40, 60)]
    )
    assert found.threshold == pytest.approx(0.51)  # 51 occurs twice among a hundred: without both, 98 % are left
    shapes, turned = found.sets[1:]
    assert shapes.answered == 0.75
    assert shapes.by_confidence is not None
    assert shapes.by_confidence.answered == 0.75
    assert shapes.accuracy is shapes.interval is None
    assert turned.answered == 0.5
    assert turned.by_confidence is None


confidences = st.lists(st.integers(20, 100), min_size=1, max_size=30)


@given(digits=confidences, others=confidences)
def test_telling_apart_is_scikit_learns_area_and_the_curve_falls(digits: list[int], others: list[int]) -> None:
    found = measure_robustness(answer, [right("plain", "mnist", *digits), strangers("shapes", *others)])
    told = found.sets[1].by_confidence
    assert told is not None
    truth = [1] * len(digits) + [0] * len(others)
    assert told.auroc == pytest.approx(roc_auc_score(truth, [*digits, *others]))
    assert len(told.curve) == len(LEVELS)
    assert np.all(np.diff(told.curve) >= 0)  # the more digits are answered, the more strangers are
    assert told.curve[-1] == np.mean(np.array(others) >= min(digits))
    for level, _ in zip(LEVELS, told.curve, strict=True):
        kept = np.sort(digits)[::-1][int(np.ceil(level * len(digits) - 1e-9)) - 1]
        assert np.mean(np.array(digits) >= kept) >= level - 1e-9


def test_sweeps_are_in_order_with_the_plain_digits_in_their_middle() -> None:
    turned = [right("rotation", f"{place}", 90, place=place) for place in (30, -30, 60)]
    places, accuracies, intervals = measure_robustness(answer, [PLAIN, *turned]).sweep("rotation")
    assert places.tolist() == [-30, 0, 30, 60]
    assert accuracies.tolist() == [1, 1, 1, 1]
    assert intervals.shape == (4, 2)
    assert intervals[1, 0] > intervals[0, 0]  # a hundred images against one


def test_what_cannot_be_loaded_is_left_out_if_it_may_be() -> None:
    told: list[tuple[int, int, str]] = []
    sets = [PLAIN, strangers("clothes", optional=True), strangers("shapes", 70)]
    found = measure_robustness(answer, sets, on_progress=lambda *event: told.append(event))
    assert found.left_out == (("clothes", "clothes is not on this machine"),)
    assert [each.name for each in found.sets] == ["mnist", "shapes"]
    assert found.as_dict()["left_out"] == {"clothes": "clothes is not on this machine"}
    assert told == [(0, 3, "mnist"), (1, 3, "clothes"), (2, 3, "shapes"), (3, 3, "")]
    with pytest.raises(DatasetError, match="not on this machine"):
        measure_robustness(answer, [PLAIN, strangers("clothes")])


def test_a_failing_answer_is_never_taken_for_a_missing_set() -> None:
    def broken(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return answer(images) * (len(images) > 1)

    with pytest.raises(DatasetError, match="sums to 0"):
        measure_robustness(broken, [PLAIN, strangers("clothes", 60, optional=True)])


@pytest.mark.parametrize("sets", [[], [strangers("shapes", 40)], [PLAIN, PLAIN]])
def test_one_set_must_be_plain(sets: list[Given]) -> None:
    with pytest.raises(UsageError, match="expected one"):
        measure_robustness(answer, sets)


def test_one_image_a_set_is_enough() -> None:
    found = measure_robustness(
        answer, [right("plain", "mnist", 90), right("corruption", "fog", 80), strangers("shapes", 95)]
    )
    assert [each.images for each in found.sets] == [1, 1, 1]
    assert found.threshold == pytest.approx(0.9)
    assert found.sets[2].answered == 1.0


def test_answers_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(DatasetError, match="softmax"):
        measure_robustness(lambda images: 20 * answer(images) - 5, [PLAIN])


def test_the_table_and_the_json_hold_the_same_plain_values() -> None:
    found = measure_robustness(answer, [PLAIN, right("shift-x", "moved", 90, place=2), strangers("shapes", 95)])
    rows = found.rows()
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert found.as_dict()["sets"] == [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert rows[1][:5] == ("shift-x", "moved", 2, 1, 1.0)
    assert {type(value) for row in rows for value in row} <= {str, int, float, type(None)}


def test_without_corruptions_there_is_no_mean() -> None:
    assert Robustness((), 0.5, ()).corruption_mean is None
