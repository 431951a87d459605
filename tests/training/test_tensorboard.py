from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.apps.cli import run as command
from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.errors import StorageError
from digitlab.runs import Run
from digitlab.training import EpochEnded, History
from digitlab.training.tensorboard import write_epoch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

Points = dict[str, list[tuple[int, float]]]


def read(folder: Path) -> Points:
    """Steps and values by tag, in the order of the files' names, as TensorBoard reads them."""
    import tensorflow as tf

    points: Points = {}
    for path in sorted(folder.glob("*tfevents*")):
        events = [
            tf.compat.v1.Event.FromString(record) for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        ]
        assert events[0].file_version == "brain.Event:2"
        for event in events[1:]:
            assert event.wall_time > 1e9
            for value in event.summary.value:
                points.setdefault(value.tag, []).append((event.step, value.simple_value))
    return points


def history(epochs: int, *, validated: bool = True) -> History:
    rows = []
    for epoch in range(1, epochs + 1):
        validation = (0.9 / epoch, 1 - 0.2 / epoch) if validated else (None, None)
        rows.append(EpochEnded(epoch, 1 / epoch, 1 - 0.3 / epoch, *validation, 3, 900, 0.1))
    return History(
        rows, [(epoch, batch, 1 / epoch + batch, batch / 9) for epoch in range(1, epochs + 1) for batch in (1, 2, 3)]
    )


@pytest.mark.backends
def test_each_epoch_adds_its_batches_and_means(tmp_path: Path) -> None:
    for epochs in (1, 2):
        write_epoch(tmp_path, history(epochs))
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert train["epoch_loss"] == [(1, 1.0), (2, 0.5)]
    assert train["epoch_learning_rate"] == [(1, pytest.approx(0.1)), (2, pytest.approx(0.1))]
    assert train["batch_loss"] == [
        (step, pytest.approx(value)) for step, value in enumerate([2, 3, 4, 1.5, 2.5, 3.5], 1)
    ]
    assert [step for step, _ in train["batch_accuracy"]] == [1, 2, 3, 4, 5, 6]
    assert validation == {
        "epoch_loss": [(1, pytest.approx(0.9)), (2, pytest.approx(0.45))],
        "epoch_accuracy": [(1, pytest.approx(0.8)), (2, pytest.approx(0.9))],
    }


def test_an_epoch_that_is_repeated_is_told_once(tmp_path: Path) -> None:
    for epochs in (1, 2, 2):
        write_epoch(tmp_path, history(epochs))
    assert [step for step, _ in read(tmp_path / "train")["epoch_loss"]] == [1, 2]


def test_without_validation_there_is_no_such_folder(tmp_path: Path) -> None:
    write_epoch(tmp_path, history(1, validated=False))
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_watched_test_images_have_a_folder_of_their_own(tmp_path: Path) -> None:
    watched = [replace(row, test_loss=0.25, test_accuracy=0.75) for row in history(1, validated=False).epochs]
    write_epoch(tmp_path, History(watched, []))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test", "train"]
    assert read(tmp_path / "test") == {"epoch_loss": [(1, 0.25)], "epoch_accuracy": [(1, 0.75)]}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").touch()
    with pytest.raises(StorageError, match="tensorboard"):
        write_epoch(tmp_path / "tensorboard", history(1))


def test_the_command_writes_what_the_run_folder_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_dataset("mnist")
    makers = {"train": lambda: whole.split("train")[:600], "test": lambda: whole.split("test")[:100]}
    monkeypatch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
    options = ["--architecture", "ann-397", "--data", "small", "--epochs", "2", "--validation", "0.2"]
    assert command(["train", *options, "--runs", str(tmp_path), "--tensorboard"]) == 0
    (path,) = tmp_path.iterdir()
    run = Run(path)
    epochs, batches = run.read_table(run.history), run.read_table(run.batches)
    train, validation = read(run.tensorboard / "train"), read(run.tensorboard / "validation")
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose([value for _, value in train[f"batch_{name}"]], batches[name], rtol=1e-6)
        np.testing.assert_allclose([value for _, value in train[f"epoch_{name}"]], epochs[name], rtol=1e-6)
        np.testing.assert_allclose(
            [value for _, value in validation[f"epoch_{name}"]], epochs[f"validation_{name}"], rtol=1e-6
        )
    np.testing.assert_allclose([value for _, value in train["epoch_learning_rate"]], epochs["learning_rate"], rtol=1e-6)
