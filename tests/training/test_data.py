from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.datasets.formats import convert, dataset_writer, hdf5_writer
from digitlab.datasets.shuffling import InFile, InMemory
from digitlab.datasets.transforms import sobel_images
from digitlab.errors import DatasetError, UsageError
from digitlab.models import read_card
from digitlab.runs import Run
from digitlab.training import TrainingConfig, run_training
from digitlab.training.data import open_training_data

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

TRAIN = load_dataset("mnist").split("train")[:1200]
TEST = load_dataset("mnist").split("test")[:300]


@pytest.fixture
def plain_file(tmp_path: Path) -> str:
    """1,200 images at the root of an HDF5 file, as S0 has them."""
    with dataset_writer(tmp_path / "plain.h5") as sink:
        sink.write(TRAIN)
    return str(tmp_path / "plain.h5")


@pytest.fixture
def parted_file(tmp_path: Path) -> str:
    """The three splits as groups of one file."""
    with hdf5_writer(tmp_path / "parted.h5", "uint8") as sink:
        for split, digits in (("train", TRAIN[:1000]), ("validation", TRAIN[1000:]), ("test", TEST)):
            sink.write(digits, split=split)
    return str(tmp_path / "parted.h5")


def test_a_file_of_rows_stays_a_file(plain_file: str) -> None:
    with open_training_data(TrainingConfig(dataset=plain_file, test="mnist")) as data:
        assert isinstance(data.train, InFile)
        assert len(data.train) == 1200
        assert data.validation is None
        assert (data.tested_on, len(data.test)) == ("mnist", 10_000)
    with open_training_data(TrainingConfig(dataset=plain_file, test="mnist", validation=0.2)) as data:
        assert data.validation is not None
        assert len(data.train) + len(data.validation) == 1200


def test_the_last_of_each_class_of_a_small_file_are_held_out(tmp_path: Path) -> None:
    few = TRAIN[:300]  # two chunks: to hold out one of them would be far from a tenth
    with dataset_writer(tmp_path / "few.h5") as sink:
        sink.write(few)
    with open_training_data(TrainingConfig(dataset=str(tmp_path / "few.h5"), test="mnist", validation=0.1)) as data:
        assert data.validation is not None
        assert len(data.train) + len(data.validation) == 300
        counts = np.bincount(few.labels, minlength=10) - np.round(np.bincount(few.labels, minlength=10) * 0.9)
        np.testing.assert_array_equal(np.bincount(data.validation.labels, minlength=10), counts)


@pytest.mark.parametrize(("share", "message"), [(0.1, "none to validate on"), (0.95, "none to train on")])
@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_a_share_that_leaves_nothing_is_refused(tmp_path: Path, share: float, message: str, ending: str) -> None:
    rows = np.concatenate([np.flatnonzero(TRAIN.labels == digit)[:4] for digit in range(10)])
    with dataset_writer(tmp_path / f"few{ending}") as sink:
        sink.write(TRAIN[rows])
    training = TrainingConfig(dataset=str(tmp_path / f"few{ending}"), test="mnist", validation=share)
    with pytest.raises(UsageError, match=f"which of 40 images leaves {message}"), open_training_data(training):
        pass


def test_the_splits_of_a_file_are_used(parted_file: str) -> None:
    with open_training_data(TrainingConfig(dataset=parted_file, patience=1)) as data:
        assert isinstance(data.train, InFile)
        assert data.validation is not None
        assert (len(data.train), len(data.validation), len(data.test)) == (1000, 200, 300)


def test_other_formats_are_loaded(plain_file: str, tmp_path: Path) -> None:
    convert(plain_file, tmp_path / "plain.csv")
    with open_training_data(TrainingConfig(dataset=str(tmp_path / "plain.csv"), test="mnist")) as data:
        assert isinstance(data.train, InMemory)
        assert len(data.train) == 1200


def test_one_file_may_be_the_test_of_another(plain_file: str) -> None:
    with open_training_data(TrainingConfig(dataset="mnist", test=plain_file)) as data:
        np.testing.assert_array_equal(data.test.images, TRAIN.images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test": None}, "no test images; name a set or file that has some, e.g. --test mnist"),
        ({"test": "mnist", "patience": 3}, "hold some out, e.g. --validation 0.2"),
        ({"test": "nowhere.h5"}, "nowhere"),
    ],
)
def test_what_is_missing_is_named(plain_file: str, settings: dict[str, object], message: str) -> None:
    with (
        pytest.raises(DatasetError, match=message),
        open_training_data(replace(TrainingConfig(dataset=plain_file), **settings)),  # type: ignore[arg-type]
    ):
        pass


@pytest.mark.parametrize("empty", ["train", "validation", "test"])
def test_an_empty_split_is_named(tmp_path: Path, empty: str) -> None:
    with hdf5_writer(tmp_path / "parted.h5", "uint8") as sink:
        for split in ("train", "validation", "test"):
            sink.write(TEST[: 0 if split == empty else 20], split=split)
    message = {"train": "training", "validation": "validation", "test": "test"}[empty]
    with (
        pytest.raises(DatasetError, match=f"has no {message} images"),
        open_training_data(TrainingConfig(dataset=str(tmp_path / "parted.h5"))),
    ):
        pass


@pytest.mark.parametrize("role", ["dataset", "test"])
def test_an_empty_file_is_named(tmp_path: Path, plain_file: str, role: str) -> None:
    np.savez(tmp_path / "empty.npz", images=TEST.images[:0], labels=TEST.labels[:0])
    files = {"dataset": plain_file, "test": plain_file, role: str(tmp_path / "empty.npz")}
    with (
        pytest.raises(DatasetError, match=r"has no (training|test) images"),
        open_training_data(TrainingConfig(dataset=files["dataset"], test=files["test"])),
    ):
        pass


def test_real_time_sobel_images_are_validated_and_tested_on_sobel_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    makers = {"train": lambda: TRAIN, "test": lambda: TEST}
    monkeypatch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
    training = TrainingConfig("thesis-4conv", "small", augmentation="realtime", noise=0.1, validation=0.1, epochs=1)
    with open_training_data(training) as data:
        np.testing.assert_array_equal(data.test.images, sobel_images(TEST.images))
        assert data.form == "sobel"
    run = Run.create("realtime", tmp_path)
    run_training(training, run)
    card = read_card(run.keras)
    assert card is not None
    assert card.form == "sobel"
    with (
        pytest.raises(DatasetError, match="contains Sobel images"),
        open_training_data(TrainingConfig(dataset="sobel", augmentation="realtime")),
    ):
        pass


def test_training_from_a_file_writes_a_whole_run(parted_file: str, tmp_path: Path) -> None:
    run = Run.create("file", tmp_path)
    trained = run_training(TrainingConfig("slides-cnn", parted_file, epochs=3, optimiser="adam", patience=2), run)
    assert trained.metrics.images == 300
    assert trained.metrics.accuracy > 0.5
    assert run.report.is_file()
