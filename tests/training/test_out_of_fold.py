from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import sobel_images
from digitlab.errors import DatasetError, UsageError
from digitlab.training import EpochEnded, Event, Stage, Started, StopRequest, TrainingConfig
from digitlab.training import out_of_fold as module
from digitlab.training.out_of_fold import check_folds, out_of_fold, stratified_folds
from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")

DIGITS = load_dataset("mnist").split("train")[:600]


def settings(**changes: Any) -> TrainingConfig:
    return TrainingConfig(
        **{"architecture": "slides-cnn", "optimiser": "adam", "batch_size": 32, "epochs": 3, "seed": 5, **changes}
    )


def wrongly_labelled(count: int) -> tuple[Digits, np.ndarray]:
    rows = np.random.default_rng(0).choice(len(DIGITS), count, replace=False)
    labels = DIGITS.labels.copy()
    labels[rows] = (labels[rows] + 3) % 10
    return Digits(DIGITS.images, labels), rows


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_folds_have_the_same_share_of_each_class(folds: int) -> None:
    labels = DIGITS.labels
    fold_of = stratified_folds(labels, folds, (1, 0))
    assert sorted(set(fold_of.tolist())) == list(range(folds))
    for digit in range(10):
        counts = np.bincount(fold_of[labels == digit], minlength=folds)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(fold_of, stratified_folds(labels, folds, (1, 0)))
    assert (fold_of != stratified_folds(labels, folds, (1, 1))).any()


def test_nobody_is_asked_about_what_it_was_shown() -> None:
    """Wrong labels are not learned by heart: the networks go on seeing what the images show."""
    digits, rows = wrongly_labelled(30)
    events: list[Event] = []
    found = out_of_fold(settings(epochs=6), digits, folds=3, listener=events.append)
    assert found.networks == 3
    assert found.rows.tolist() == list(range(600))
    assert found.probabilities.shape == (600, 10)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    said = found.probabilities.argmax(axis=1)
    assert (said == DIGITS.labels).mean() > 0.8
    assert (said[rows] == digits.labels[rows]).mean() < 0.2
    assert [event.text for event in events if isinstance(event, Stage)] == [f"fold {n} of 3" for n in (1, 2, 3)]
    assert [event.images for event in events if isinstance(event, Started)] == [400, 400, 400]
    assert Counter(map(type, events))[EpochEnded] == 18


def test_repeats_part_anew_and_go_on_with_the_next_seeds() -> None:
    events: list[Event] = []
    found = out_of_fold(settings(epochs=1), DIGITS[:200], folds=2, repeats=2, listener=events.append)
    assert found.networks == 4
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert [event.reason for event in events if isinstance(event, Started)] == [f"seed {n}" for n in (5, 6, 7, 8)]
    assert [event.text for event in events if isinstance(event, Stage)][-1] == "fold 2 of 2, time 2 of 2"


def test_a_request_to_stop_keeps_the_whole_folds() -> None:
    stop, epochs = StopRequest(), []

    def listener(event: Event) -> None:
        if isinstance(event, EpochEnded):
            epochs.append(event)
            if len(epochs) == 4:  # the first of the second fold
                stop()

    some = DIGITS[:300]
    found = out_of_fold(settings(), some, folds=3, listener=listener, stop=stop)
    assert found.networks == 1
    assert 95 <= len(found.rows) == len(found.probabilities) <= 105
    whole = out_of_fold(settings(), some, folds=3)  # the same seed, the same answers
    np.testing.assert_array_equal(whole.probabilities[found.rows], found.probabilities)


def test_stopped_at_once_there_is_nothing() -> None:
    stop = StopRequest()
    stop()
    found = out_of_fold(settings(), DIGITS, folds=2, stop=stop)
    assert (found.networks, len(found.rows), found.probabilities.shape) == (0, 0, (0, 10))


def test_a_missing_class_is_no_hindrance() -> None:
    some = DIGITS[np.flatnonzero(DIGITS.labels < 2)]
    found = out_of_fold(settings(), some, folds=2)
    assert (found.probabilities.argmax(axis=1) == some.labels).mean() > 0.8


def test_early_stopping_holds_out_images_of_each_folds_own() -> None:
    events: list[Event] = []
    out_of_fold(settings(validation=0.1, patience=1, epochs=1), DIGITS, folds=2, listener=events.append)
    for event in events:
        if isinstance(event, Started):
            assert abs(event.validation_images - 30) <= 2
            assert event.images + event.validation_images == 300
    with pytest.raises(DatasetError, match="held out"):
        out_of_fold(settings(patience=1), DIGITS, folds=2)


def test_folds_are_trained_on_distractors_too_and_not_asked_about_them() -> None:
    events: list[Event] = []
    found = out_of_fold(settings(distractors=0.5, epochs=1), DIGITS[:200], folds=2, listener=events.append)
    assert [event.images for event in events if isinstance(event, Started)] == [150, 150]
    assert found.rows.tolist() == list(range(200))


def test_networks_for_sobel_images_are_asked_about_such(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def asked(_: object, images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return np.full((len(images), 10), 0.1, np.float32)

    monkeypatch.setattr(module, "predict_probabilities", asked)
    some = DIGITS[:100]
    out_of_fold(settings(augmentation="realtime", epochs=1), some, folds=2)
    answered = np.concatenate(seen)
    expected = sobel_images(some.images)
    assert sorted(map(bytes, answered)) == sorted(map(bytes, expected))


@pytest.mark.parametrize(
    ("labels", "folds", "repeats", "error", "message"),
    [
        ([0, 1] * 5, 1, 1, UsageError, "folds is 1"),
        ([0, 1] * 5, 2, 0, UsageError, "repeats is 0"),
        ([0, 1] * 5, 6, 1, DatasetError, "class 0 has 5 of the 10 images; expected at least 6"),
        ([0, 0, 0, 7], 3, 1, DatasetError, "class 7 has 1 of the 4 images"),
        ([4], 2, 1, DatasetError, "class 4 has 1 of the 1 image;"),
        ([], 2, 1, DatasetError, "no images"),
    ],
)
def test_what_cannot_be_parted_is_refused(
    labels: list[int], folds: int, repeats: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_folds(np.array(labels, np.uint8), folds, repeats)


def test_unknown_networks_and_ensembles_are_refused() -> None:
    with pytest.raises(UsageError, match="members is 3"):
        out_of_fold(settings(members=3), DIGITS, folds=2)
    with pytest.raises(UsageError, match="no-such"):
        out_of_fold(settings(architecture="no-such"), DIGITS, folds=2)
