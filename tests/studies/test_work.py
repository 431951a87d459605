from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.datasets import Dataset, find_dataset, load_dataset
from digitlab.errors import DatasetError, StorageError, UsageError
from digitlab.scheduling.worker import attempt
from digitlab.stopping import Interrupted
from digitlab.studies.job import QUICK_SHARE, FindRate, Job, Train, TrainOnFolds
from digitlab.studies.work import check, do, result_of
from digitlab.studies.work import training as training_module
from digitlab.studies.work.data import find_in, folded, inputs_of, shared
from digitlab.training import EpochEnded, StopRequest, TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.training import Event

pytestmark = pytest.mark.xdist_group("keras")

SMALL = TrainingConfig("conv-family", options={"filters": [4]}, optimiser="adam", epochs=2)


@pytest.fixture
def thousand() -> Dataset:
    whole = load_dataset("mnist")
    makers = {"train": lambda: whole.split("train")[:1000], "test": lambda: whole.split("test")[:300]}
    return Dataset("mnist", "", makers)


def done(job: Job, data: Dataset, **settings: Any) -> dict[str, Any]:
    settings = {"listener": lambda _: None, "stop": StopRequest(), "keep_state": False, **settings}
    return result_of(job, find=lambda _: data, **settings)


def test_a_training_gives_what_tables_and_figures_need(thousand: Dataset) -> None:
    found = done(Job.of(Train(watch="test"), SMALL), thousand)
    assert json.loads(json.dumps(found, allow_nan=False))
    assert 0.2 < found["accuracy"] <= 1
    assert (found["epochs"], found["images"], found["test_images"], found["tested_on"]) == (2, 1000, 300, "mnist")
    assert found["history"]["validation_accuracy"][-1] == pytest.approx(found["accuracy"], abs=0.02)
    assert len(found["batches"]["loss"]) == 2 * 8
    assert np.sum(found["confusion_matrix"]) == 300
    assert len(found["processor_seconds"]) == 2
    assert min(found["processor_seconds"]) > 0


def test_the_same_job_gives_the_same_numbers(thousand: Dataset) -> None:
    results = [done(Job.of(Train(), SMALL), thousand) for _ in range(2)]
    assert results[0]["loss"] == results[1]["loss"]
    assert results[0]["history"]["loss"] == results[1]["history"]["loss"]
    assert done(Job.of(Train(), replace(SMALL, seed=1)), thousand)["loss"] != results[0]["loss"]


def test_other_losses_teach_too(thousand: Dataset) -> None:
    found = done(Job.of(Train(), replace(SMALL, loss="mean-squared-error", learning_rate=0.01)), thousand)
    assert found["accuracy"] > 0.5


def test_cross_entropy_by_three_names_is_the_same(thousand: Dataset) -> None:
    names = ("sparse-categorical-crossentropy", "categorical-crossentropy", "kl-divergence")
    losses = [done(Job.of(Train(), replace(SMALL, loss=name)), thousand)["history"]["loss"] for name in names]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)
    np.testing.assert_allclose(losses[0], losses[2], rtol=0.02)


def test_what_was_stopped_goes_on_and_ends_the_same(
    thousand: Dataset, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "_FIRST_SAVE", 0.0)
    monkeypatch.setattr(training_module, "_SHARE_OF_SAVING", float("inf"))
    job, stop, seen = Job.of(Train(), replace(SMALL, epochs=3)), StopRequest(), []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append(event.epoch)
            if event.epoch == 2 and len(seen) == 2:
                stop()

    with pytest.raises(Interrupted):
        done(job, thousand, listener=listen, stop=stop, keep_state=True)
    assert job.checkpoint.is_file()
    resumed = time.monotonic()
    found = done(job, thousand, listener=listen, keep_state=True)
    elapsed = time.monotonic() - resumed
    assert seen == [1, 2, 3]
    assert not job.checkpoint.exists()
    *before, last = found["history"]["seconds"]
    taken = found["overhead"] + last  # since it was resumed
    assert elapsed - sum(before) < taken <= elapsed + 0.1
    whole = done(job, thousand)
    assert (found["loss"], found["history"]["loss"]) == (whole["loss"], whole["history"]["loss"])


def test_without_a_place_for_its_state_a_job_goes_on(
    thousand: Dataset, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: object) -> None:
        refused.append(path)
        raise StorageError(f"cannot write {path}: the disk is full")

    refused: list[Path] = []
    monkeypatch.setattr(training_module, "_FIRST_SAVE", 0.0)
    monkeypatch.setattr(training_module, "_SHARE_OF_SAVING", float("inf"))
    monkeypatch.setattr(training_module, "save_checkpoint", refuse)
    assert done(Job.of(Train(), SMALL), thousand, keep_state=True)["epochs"] == 2
    assert len(refused) == 2


def test_a_state_that_does_not_fit_is_dropped_and_the_next_try_succeeds(thousand: Dataset, fresh_cache: Path) -> None:
    job = Job.of(Train(), SMALL)
    job.checkpoint.parent.mkdir(parents=True)
    job.checkpoint.write_bytes(b"no state")
    assert "cannot continue" in attempt(lambda: done(job, thousand, keep_state=True))["failure"]
    assert "result" in attempt(lambda: done(job, thousand, keep_state=True))


def test_a_fold_is_measured_and_never_the_test_images(thousand: Dataset) -> None:
    data = folded(thousand, 2, 5)
    sizes = (len(data.split("train")), len(data.split("test")))
    assert sizes == (800, 200)
    tests = [folded(thousand, fold, 5).split("test") for fold in range(5)]
    every = np.sort(np.concatenate([part.images.reshape(len(part), -1).astype(int).sum(1) for part in tests]))
    train = thousand.split("train").images.reshape(1000, -1).astype(int).sum(1)
    np.testing.assert_array_equal(every, np.sort(train))
    assert done(Job.of(TrainOnFolds(5), SMALL), thousand)["test_images"] == 200


def test_a_file_without_splits_is_parted_into_folds(thousand: Dataset, tmp_path: Path) -> None:
    digits = thousand.split("train")[:200]
    np.savez(tmp_path / "whole.npz", images=digits.images, labels=digits.labels)
    data = folded(find_dataset(str(tmp_path / "whole.npz")), 0, 5)
    assert abs(len(data.split("test")) - 40) < 5
    assert len(data.split("train")) + len(data.split("test")) == 200


def test_folds_of_no_dataset_are_refused_beforehand() -> None:
    with pytest.raises(DatasetError, match="no dataset 'emnist'"):
        check(Job.of(TrainOnFolds(5), replace(SMALL, dataset="emnist")).as_dict())
    with pytest.raises(DatasetError, match="no split 'train'"):
        check(Job.of(TrainOnFolds(5), replace(SMALL, dataset="sobel-test")).as_dict())
    check(Job.of(TrainOnFolds(5), SMALL).as_dict())


def test_a_quick_run_sees_a_share() -> None:
    found = result_of(
        Job.of(Train(), SMALL, quick=True),
        find=find_dataset,
        listener=lambda _: None,
        stop=StopRequest(),
        keep_state=False,
    )
    assert (found["images"], found["test_images"]) == (3000, 500)


def test_a_share_of_a_handmade_set_makes_no_more_than_that(fresh_cache: Path) -> None:
    data = shared(load_dataset("0-6"), QUICK_SHARE)
    assert len(data.split("train")) == 6 * 2400
    assert len(shared(load_dataset("1-6-test"), QUICK_SHARE).split("test")) == 3500
    assert not any(path.name.startswith("handmade") for path in fresh_cache.iterdir())


def test_images_that_are_sent_are_those_of_the_set() -> None:
    inputs = inputs_of(Job.of(Train(), replace(SMALL, dataset="digits-8x8")))
    assert set(inputs) == {"grey train digits-8x8", "grey test digits-8x8"}
    sent, own = find_in(inputs)("digits-8x8").split("test"), load_dataset("digits-8x8").split("test")
    np.testing.assert_array_equal(sent.images, own.images)
    np.testing.assert_array_equal(sent.labels, own.labels)
    assert find_in(inputs)("mnist").about == load_dataset("mnist").about  # a node's own
    assert set(inputs_of(Job.of(TrainOnFolds(5), SMALL))) == {"grey train mnist"}
    assert not inputs_of(Job.of(Train(), SMALL, quick=True))


def test_a_range_test_gives_its_curve(thousand: Dataset) -> None:
    job = Job.of(FindRate(1e-5, 10, passes=4), replace(SMALL, batch_size=50))
    found = done(job, thousand)
    assert json.loads(json.dumps(found, allow_nan=False))
    assert 1e-4 < found["least"] < 1
    assert len(found["rates"]) == len(found["smoothed"]) <= 150


def test_layers_and_networks_are_counted() -> None:
    def counted(**settings: Any) -> int:
        return int(
            do(
                {"kind": "count-parameters", "settings": settings},
                inputs={},
                report=print,
                stop=StopRequest(),
                keep_state=False,
            )["parameters"]
        )

    assert counted(layer="dense", size=256, side=32) == 262_400
    assert counted(layer="conv", size=256, side=32) == 2_560
    assert counted(architecture="slides-cnn") == 30_762


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (replace(SMALL, options={"kernal": 3}), "Did you mean 'kernel'"),
        (replace(SMALL, options={"kernel": "big"}), "expected one like 3"),
        (replace(SMALL, optimiser="adma"), "Did you mean 'adam"),
        (replace(SMALL, augmentation="afine"), "Did you mean 'affine'"),
        (replace(SMALL, members=2), "expected 1"),
    ],
)
def test_settings_that_do_not_exist_are_refused_beforehand(training: TrainingConfig, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(Job.of(Train(), training).as_dict())


def test_a_network_that_diverges_is_a_result(thousand: Dataset) -> None:
    training = TrainingConfig("conv-family", options={"filters": [4]}, optimiser="sgd", learning_rate=1e9, epochs=1)
    found = done(Job.of(Train(watch="test"), training), thousand)
    assert json.loads(json.dumps(found, allow_nan=False))
    assert found["accuracy"] < 0.2


def test_whatever_goes_wrong_is_one_line(thousand: Dataset) -> None:
    def broken(_: str) -> Dataset:
        raise OSError("a\nb")

    settings: dict[str, Any] = {"listener": lambda _: None, "stop": StopRequest(), "keep_state": False}
    failed = attempt(lambda: result_of(Job.of(Train(), SMALL), find=broken, **settings))
    assert failed == {"failure": "OSError: a b"}
    missing = replace(SMALL, dataset="emnist")
    failed = attempt(lambda: result_of(Job.of(Train(), missing), find=find_dataset, **settings))
    assert "no dataset 'emnist'" in failed["failure"]
    with pytest.raises(DatasetError):
        done(Job.of(Train(), replace(SMALL, patience=1)), thousand)
