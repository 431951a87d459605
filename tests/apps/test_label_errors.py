"""`digitlab label-errors`, as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.runs import Run

Captured = pytest.CaptureFixture[str]
pytestmark = pytest.mark.xdist_group("keras")


@pytest.fixture(scope="module")
def flipped() -> np.ndarray:
    return np.arange(3, 500, 50)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, flipped: np.ndarray) -> Path:
    """Five hundred training images, ten of them with a wrong label, and a hundred test images."""
    path, train = tmp_path_factory.mktemp("data") / "some.npz", load_dataset("mnist").split("train")[:600]
    labels = train.labels.copy()
    labels[flipped] = (labels[flipped] + 4) % 10
    np.savez(
        path, x_train=train.images[:500], y_train=labels[:500], x_test=train.images[500:], y_test=train.labels[500:]
    )
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "quick.toml"
    path.write_text(
        'architecture = "slides-cnn"\nbatch_size = 16\nepochs = 8\noptimiser = "adam"\nlearning_rate = 0.003\n'
    )
    return path


def test_wrong_labels_are_found(
    data: Path, recipe: Path, flipped: np.ndarray, tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "found"
    words = ["label-errors", str(data), "--recipe", str(recipe), "--folds", "3", "--most", "25", "--out", str(out)]
    assert run(words) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == str(out)
    assert "fold 3 of 3" in said.err
    assert "people doubted" not in said.out  # this is not MNIST
    result = Run(out)
    content = result.read_json(result.label_errors)
    first = {(each["split"], each["row"]) for each in content["labels"]}
    assert len(content["labels"]) == 25
    assert sum(("train", int(row)) in first for row in flipped) >= 8
    with result.label_errors_table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == content["suspicious"]
    assert all(float(row["score"]) < 0 and row["given"] != row["guess"] for row in rows)
    assert result.label_errors_plot.stat().st_size > 10_000
    assert result.read_predictions().probabilities.shape == (600, 10)
    assert result.read_json(result.metrics)["accuracy"] == content["accuracy"]


def test_one_split_as_json(data: Path, recipe: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["label-errors", str(data), "--recipe", str(recipe), "--folds", "2", "--epochs", "1", "--split", "test"]
    assert run([*words, "--seed", "9", "--out", str(tmp_path / "found"), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    content = json.loads(line)
    assert content["run"] == str(tmp_path / "found")
    assert {each["split"] for each in content["labels"]} == {"test"}
    assert all(each["row"] < 100 for each in content["labels"])
    assert (content["images"], content["seed"], content["epochs"], content["networks"]) == (600, 9, 1, 2)
    assert content["doubtful_found"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-set"], "there is no dataset"),
        (["DATA", "--split", "validation"], "has no split"),
        (["DATA", "--folds", "1"], "folds is 1"),
        (["DATA", "--folds", "400"], "expected at least 400"),
        (["DATA", "--most", "0"], "expected 1 to 500"),
        (["DATA", "--recipe", "no-such-recipe"], "no such recipe"),
        (["DATA", "--epochs", "0"], "epochs is 0"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], message: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["label-errors", *(str(data) if word == "DATA" else word for word in words)]) == 2
    err = [line for line in capsys.readouterr().err.splitlines() if line.startswith("digitlab:")]
    assert len(err) == 1
    assert message in err[0]
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_training_is_left_alone(data: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "config.toml").write_text("")
    assert run(["label-errors", str(data), "--out", str(tmp_path)]) == 2
    assert "contains a training" in capsys.readouterr().err


def test_one_image_is_too_few(tmp_path: Path, capsys: Captured) -> None:
    path, one = tmp_path / "one.npz", load_dataset("mnist").split("test")[:1]
    np.savez(path, images=one.images, labels=one.labels)
    assert run(["label-errors", str(path)]) == 2
    assert "class 7 has 1 of the 1 image;" in capsys.readouterr().err


def test_the_help_has_an_example(capsys: Captured) -> None:
    assert run(["label-errors", "--help"]) == 0
    assert "digitlab label-errors mnist" in capsys.readouterr().out
