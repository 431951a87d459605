from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.datasets.formats import dataset_writer, open_dataset_file
from digitlab.datasets.shuffling import InFile
from digitlab.errors import DivergedError
from digitlab.evaluation import log_loss_of
from digitlab.models import build, predict_probabilities
from digitlab.models.backend import dtype_policy, keras
from digitlab.training import EpochEnded, Event, History, Loop, Progressed, StopRequest
from digitlab.training import loop as loop_module
from digitlab.training.augmentation import Augmentation
from digitlab.training.optimisers import OPTIMISERS, make_optimiser, make_schedule
from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")

TRAIN = load_dataset("mnist").split("train")[:1000]
VALIDATION = load_dataset("mnist").split("train")[-200:]


def make_loop(*, seed: int = 0, policy: str = "float32", train: object = TRAIN, **settings: object) -> Loop:
    keras.utils.set_random_seed(seed)
    with dtype_policy(policy):
        model = build("slides-cnn")
    optimiser = make_optimiser("adam", learning_rate=0.003, schedule="constant", steps=1)
    return Loop(model, optimiser, train, VALIDATION, **{"batch_size": 64, "seed": seed, **settings})  # type: ignore[arg-type]


def run(loop: Loop, epochs: int = 2) -> History:
    return loop.run(epochs, lambda _: None, StopRequest())


@pytest.mark.backends
def test_training_learns_and_tells_every_batch() -> None:
    loop = make_loop()
    history = run(loop, 3)
    assert [row.epoch for row in history.epochs] == [1, 2, 3]
    assert [row[:2] for row in history.batches] == [(epoch, batch) for epoch in (1, 2, 3) for batch in range(1, 17)]
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert history.epochs[-1].validation_accuracy is not None
    assert history.epochs[-1].validation_accuracy > 0.7
    sizes = [64] * 15 + [40]  # 1000 images: the last batch is smaller and weighs less
    for row in history.epochs:
        losses = [loss for epoch, _, loss, _ in history.batches if epoch == row.epoch]
        assert row.loss == pytest.approx(np.average(losses, weights=sizes), rel=1e-6)


def test_a_recorded_batch_is_what_the_network_said() -> None:
    loop = make_loop(batch_size=len(TRAIN))
    before = predict_probabilities(loop.model, TRAIN.images)
    history = run(loop, 1)
    _, _, loss, accuracy = history.batches[0]
    assert loss == pytest.approx(log_loss_of(before, TRAIN.labels), rel=1e-4)
    assert accuracy == pytest.approx(float((before.argmax(1) == TRAIN.labels).mean()), abs=1e-6)


def test_the_validation_is_measured_on_the_validation_images() -> None:
    loop = make_loop()
    history = run(loop, 1)
    expected = log_loss_of(predict_probabilities(loop.model, VALIDATION.images), VALIDATION.labels)
    assert history.epochs[0].validation_loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_same_seed_gives_the_same_weights(policy: str) -> None:
    first, second, other = (make_loop(seed=seed, policy=policy) for seed in (5, 5, 6))
    histories = [run(loop) for loop in (first, second, other)]
    for one, two in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert histories[0].batches == histories[1].batches
    assert histories[0].batches != histories[2].batches


@pytest.mark.backends
def test_small_portions_train_as_large_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parted = make_loop(), None
    monkeypatch.setattr(loop_module, "_PORTION", 320)
    parted = make_loop()
    histories = [run(loop, 1) for loop in (whole, parted)]
    assert histories[0].batches == histories[1].batches
    for one, two in zip(whole.model.get_weights(), parted.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_file_is_trained_on_and_every_image_once(tmp_path: Path) -> None:
    path = tmp_path / "train.h5"
    with dataset_writer(path) as sink:
        sink.write(TRAIN)
    with open_dataset_file(path) as source:
        loop = make_loop(train=InFile(source))  # type: ignore[arg-type]
        history = run(loop, 2)
    assert [row[:2] for row in history.batches] == [(epoch, batch) for epoch in (1, 2) for batch in range(1, 17)]
    assert history.epochs[1].loss < history.epochs[0].loss


def test_who_watches_is_told_of_each_batch_alone() -> None:
    told: list[Progressed] = []
    loop = make_loop(batch_size=32)
    history = loop.run(2, lambda event: told.append(event) if isinstance(event, Progressed) else None, StopRequest())
    batches = [
        (each.epoch, each.batch - len(each.losses) + place + 1, loss, accuracy)
        for each in told
        for place, (loss, accuracy) in enumerate(zip(each.losses, each.accuracies, strict=True))
    ]
    assert batches == history.batches


def test_patience_ends_the_training_and_restores_the_best_weights() -> None:
    noise = (
        np.random.default_rng(0).integers(0, 10, len(TRAIN)).astype(np.uint8)
    )  # nothing to learn: it can only overfit
    loop = make_loop(train=Digits(TRAIN.images, noise), patience=2)
    history = run(loop, 40)
    losses = [row.validation_loss for row in history.epochs]
    assert len(losses) < 40
    assert history.best_epoch == len(losses) - 2 == int(np.argmin(losses)) + 1
    assert "no lower validation loss for 2 epochs" in history.stopped
    best = log_loss_of(predict_probabilities(loop.model, VALIDATION.images), VALIDATION.labels)
    assert best == pytest.approx(min(losses), rel=1e-5)


def test_a_request_to_stop_ends_it_in_mid_epoch_with_what_was_seen() -> None:
    stop, events = StopRequest(), []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, Progressed) and event.epoch == 2:
            stop()

    loop = make_loop(batch_size=8)
    history = loop.run(5, listen, stop)
    assert [row.epoch for row in history.epochs] == [1]
    assert history.stopped == "interrupted in epoch 2"
    assert 0 < sum(epoch == 2 for epoch, *_ in history.batches) < 125
    assert sum(isinstance(event, EpochEnded) for event in events) == 1


@pytest.mark.backends
def test_smoothed_labels_leave_the_recorded_loss_plain() -> None:
    smooth = make_loop(batch_size=len(TRAIN), label_smoothing=0.2)
    plain = make_loop(batch_size=len(TRAIN))
    assert run(smooth, 1).batches[0] == pytest.approx(run(plain, 1).batches[0], rel=1e-5)


def test_augmentation_sees_every_epoch_and_leaves_the_originals() -> None:
    seen = []

    def blank(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        seen.append((images.copy(), rng.random()))
        return np.zeros_like(images)

    before = TRAIN.images.copy()
    history = run(make_loop(augmentation=Augmentation(blank)), 2)
    assert len(seen) == 2
    assert seen[0][1] != seen[1][1]
    np.testing.assert_array_equal(TRAIN.images, before)
    assert history.epochs[-1].accuracy < 0.2


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers_have_the_documents_settings(name: str) -> None:
    optimiser = make_optimiser(name, learning_rate=None, schedule="constant", steps=10)
    expected = {"adadelta": 1.0, "adam": 0.001, "sgd": 0.01}
    assert float(optimiser.learning_rate) == pytest.approx(expected.get(name, float(optimiser.learning_rate)))
    assert float(make_optimiser(name, learning_rate=0.5, schedule="constant", steps=10).learning_rate) == 0.5


@pytest.mark.parametrize(
    ("name", "highest", "first", "last"),
    [
        ("cosine", 10, 0.01, 0),
        ("one-cycle", 50, 0.01, 0),
        ("linear", 0, 0.1, 0),
        ("warm-up", 10, 0, 0.1),
        ("step", 0, 0.1, 0.001),
    ],
)
def test_schedules_rise_then_fall(name: str, highest: int, first: float, last: float) -> None:
    schedule = make_schedule(name, 0.1, 200)
    rates = [float(schedule(step)) for step in range(201)]  # type: ignore[operator]
    assert rates[0] == pytest.approx(first)
    assert max(rates) == pytest.approx(0.1)
    assert int(np.argmax(rates)) == highest
    assert rates[200] == pytest.approx(last, abs=1e-6)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(rates[highest:]))


def test_steps_fall_to_tenths() -> None:
    schedule = make_schedule("step", 0.1, 200)
    assert [round(float(schedule(step)), 6) for step in (0, 99, 100, 149, 150, 999)] == [  # type: ignore[operator]
        0.1,
        0.1,
        0.01,
        0.01,
        0.001,
        0.001,
    ]


def test_the_average_of_the_weights_is_what_stays() -> None:
    keras.utils.set_random_seed(0)
    model = build("slides-cnn")
    optimiser = make_optimiser("adam", learning_rate=0.003, schedule="constant", steps=1, weight_average=0.9)
    loop = Loop(model, optimiser, TRAIN, None, batch_size=64, seed=0)
    plain = make_loop()
    run(loop, 1)
    run(plain, 1)
    differences = [np.abs(a - b).max() for a, b in zip(model.get_weights(), plain.model.get_weights(), strict=True)]
    assert 0 < max(differences) < 0.5
    assert log_loss_of(predict_probabilities(model, VALIDATION.images), VALIDATION.labels) < 2.0


def test_a_loss_that_is_no_number_ends_the_training_at_once_with_advice() -> None:
    loop = make_loop(batch_size=100)
    loop.optimiser.learning_rate = 3e38
    with pytest.raises(
        DivergedError, match=r"in epoch 1, batch \d, at a learning rate of 3e\+38; .*--learning-rate 3e"
    ):
        run(loop, 5)
    rows = np.array(loop.history.batches)
    assert not loop.history.epochs
    assert len(rows) < 10  # of 50
    assert not np.isfinite(rows[-1, 2])


def test_a_last_step_that_loses_the_weights_is_seen() -> None:
    loop = make_loop(batch_size=len(TRAIN))
    loop.model.trainable_weights[0].assign(loop.model.trainable_weights[0] * 0 + 1e38)
    loop.optimiser.learning_rate = np.float32(3e38)
    with pytest.raises(DivergedError, match="in epoch 1, batch 1"):
        run(loop, 1)


def test_a_study_goes_on_where_the_loss_is_no_number() -> None:
    loop = make_loop(batch_size=100)
    loop.optimiser.learning_rate = 3e38
    history = loop.run(2, lambda _: None, StopRequest(), through_nan=True)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert np.isnan(history.epochs[-1].loss)
