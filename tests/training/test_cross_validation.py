from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.runs import Run
from digitlab.training import EpochEnded, Event, StopRequest, Training
from digitlab.training.cross_validation import run_cross_validation

pytestmark = pytest.mark.xdist_group("keras")

TRAIN = load_dataset("mnist").split("train")[:300]
SMALL = Training("dense-family", optimiser="adam", batch_size=32, epochs=2, options={"width": 32, "hidden": 1})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training images only: nothing else can be looked at."""
    path = tmp_path_factory.mktemp("data") / "some.npz"
    np.savez(path, x_train=TRAIN.images, y_train=TRAIN.labels)
    return path


def test_each_fold_has_a_row_and_the_mean_is_theirs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--architecture", "slides-cnn", "--optimiser", "adam", "--epochs", "2", "--batch-size", "32"]
    words += ["--dataset", str(data), "--folds", "3", "--runs", str(tmp_path)]
    assert run([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    kept = Run(Path(said["run"]))
    rows = list(csv.DictReader(kept.folds.read_text().splitlines()))
    assert [row["fold"] for row in rows] == ["1", "2", "3"]
    accuracies = [float(row["accuracy"]) for row in rows]
    assert said["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert said["accuracy"]["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert sum(int(row["images"]) for row in rows) == 300
    assert all(row["epochs"] == "2" for row in rows)
    assert kept.read_predictions().probabilities.shape == (300, 10)
    whole = kept.read_json(kept.metrics)["accuracy"]
    assert whole == pytest.approx(np.average(accuracies, weights=[int(row["images"]) for row in rows]))
    assert not kept.keras.exists()
    assert run(["train", "--resume", said["run"]]) == 2
    assert "a cross-validation; there is no training to go on with" in capsys.readouterr().err


def test_stopped_in_the_second_fold_the_first_stays(tmp_path: Path) -> None:
    stop, epochs = StopRequest(), []

    def listener(event: Event) -> None:
        if isinstance(event, EpochEnded):
            epochs.append(event)
            if len(epochs) == 3:
                stop()

    kept = Run(tmp_path)
    found = run_cross_validation(SMALL, TRAIN, kept, 3, listener=listener, stop=stop)
    assert found is not None
    assert [each.fold for each in found.folds] == [1]
    assert found.accuracy.deviation is None
    assert kept.read_json(kept.cross_validation)["done"] == 1


def test_stopped_at_once_nothing_is_written(tmp_path: Path) -> None:
    stop = StopRequest()
    stop()
    assert run_cross_validation(SMALL, TRAIN, Run(tmp_path), 3, listener=lambda _: None, stop=stop) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "1"], "folds is 1; expected 2 or more"),
        (["--folds", "200"], "use fewer folds"),
        (["--folds", "3", "--lr-range-test", "1e-6:1"], "expected no --resume, --lr-range-test"),
        (["--folds", "3", "--members", "2"], "members is 2"),
        (["--folds", "3", "--patience", "2"], "early stopping needs images"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--dataset", str(data), *words, "--runs", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
