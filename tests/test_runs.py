from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.errors import RunError, StorageError, UsageError
from digitlab.runs import Predictions, Run

if TYPE_CHECKING:
    from pathlib import Path


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    runs = {Run.create("name", tmp_path).path for _ in range(4)}
    assert len(runs) == 4
    assert all(path.is_dir() for path in runs)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = Run.create("name", tmp_path)
    run.write_config({"epochs": 3, "patience": None, "name": 'a "quoted" name'})
    assert run.read_config() == {"epochs": 3, "name": 'a "quoted" name'}
    run.write_table(run.history, ["epoch", "validation_loss"], [[1, 0.25], [2, None]])
    table = run.read_table(run.history)
    assert table["epoch"] == [1, 2]
    assert table["validation_loss"][0] == 0.25
    assert math.isnan(table["validation_loss"][1])
    rng = np.random.default_rng(0)
    written = Predictions(
        rng.random((5, 10), np.float32),
        np.arange(5, dtype=np.uint8),
        np.array([3]),
        rng.integers(0, 256, (1, 28, 28), np.uint8),
    )
    run.write_predictions(written)
    read = run.read_predictions()
    for field in Predictions.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        Run.open(tmp_path / "missing")
    with pytest.raises(RunError, match="not a run folder"):
        Run.open(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "[1]"])
def test_damaged_or_missing_metrics_are_named(tmp_path: Path, content: str | None) -> None:
    run = Run(tmp_path)
    if content is not None:
        run.metrics.write_text(content)
    with pytest.raises(RunError, match=r"metrics\.json"):
        run.read_json(run.metrics)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_damaged_or_missing_predictions_are_named(tmp_path: Path, content: bytes | None) -> None:
    run = Run(tmp_path)
    if content is not None:
        run.predictions.write_bytes(content)
    with pytest.raises(RunError, match=r"predictions\.npz"):
        run.read_predictions()


def test_predictions_with_damaged_bytes_are_named(tmp_path: Path) -> None:
    run = Run(tmp_path)
    np.savez_compressed(run.predictions, probabilities=np.random.default_rng(0).random((50, 10)))
    content = bytearray(run.predictions.read_bytes())
    content[60:120] = b"\xff" * 60  # of the compressed array
    run.predictions.write_bytes(content)
    with pytest.raises(RunError, match=r"predictions\.npz: cannot be read"):
        run.read_predictions()
    with run.predictions.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(RunError, match=r"predictions\.npz: cannot be read"):
        run.read_predictions()


def test_pickles_in_predictions_are_never_loaded(tmp_path: Path) -> None:
    run = Run(tmp_path)
    np.savez(run.predictions, probabilities=np.array([object()], dtype=object))
    with pytest.raises(RunError, match="cannot be read"):
        run.read_predictions()


def test_evaluations_of_other_data_stay_inside_the_run(tmp_path: Path) -> None:
    run = Run.create("name", tmp_path)
    inner = run.evaluation("../../mnist-c/fog")
    assert inner.path.resolve().is_relative_to(run.path.resolve())
    assert inner.path.is_dir()


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "a\0b"])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected the name of a folder"):
        Run.create(name, tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_parent_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Run.create("name", tmp_path / "file")
