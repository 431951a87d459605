"""`digitlab transfer` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of S2's make, as it begins."""
    from digitlab.models import build, save_keras, versions
    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

    keras.utils.set_random_seed(1)
    path = tmp_path_factory.mktemp("models") / "small.keras"
    save_keras(build("slides-cnn"), path, ModelCard("small", "slides-cnn", "x / 255", versions=versions()))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A few digits in a file: 12 of each of three classes."""
    from digitlab.datasets import load_dataset

    train = load_dataset("mnist").split("train")
    rows = np.concatenate([np.flatnonzero(train.labels == digit)[:12] for digit in (1, 4, 7)])
    path = tmp_path / "own.npz"
    np.savez(path, images=train.images[rows], labels=train.labels[rows])
    return path


def test_own_digits_from_a_file(model: Path, own: Path, tmp_path: Path, capsys: Captured) -> None:
    options = ["--data", str(own), "--per-class", "8", "--how", "features", "--runs", str(tmp_path / "runs")]
    assert run(["transfer", str(model), *options]) == 0
    out, err = capsys.readouterr()
    assert "own.npz, the rest, 12 test images: accuracy" in out
    assert "trained on 24" in out
    folder = Path(out.splitlines()[-1])
    assert folder.name.endswith("small-features-own")
    assert {"model.keras", "model.onnx", "metrics.json", "report.html", "config.toml"} <= {
        path.name for path in folder.iterdir()
    }
    assert "fitting logistic to 24 images" in err
    command = (folder / "config.toml").read_text("utf-8")
    assert f"digitlab transfer {model} --data {own} --how features --per-class 8" in command


def test_two_phases_of_a_kept_head_as_json(model: Path, own: Path, tmp_path: Path, capsys: Captured) -> None:
    options = ["--data", str(own), "--head", "keep", "--epochs", "2", "--fine-epochs", "1", "--json"]
    assert run(["transfer", str(model), *options, "--runs", str(tmp_path / "runs")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["epochs"] == 3
    assert told["model"]
    assert told["learned_from"] == 30
    assert 0 <= told["accuracy_before"] <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "conv99"], "it has: prepare, "),
        (["--data", "mnits"], "Did you mean 'mnist'"),
        (["--how", "features", "--head", "keep"], "discards it"),
        (["--per-class", "13"], "has 12 training images of class 1"),
        (["--per-class", "12"], "none are left for testing"),
        (["--weights", "x.h5"], "has its own weights"),
    ],
)
def test_wrong_use_is_one_line_and_no_folder_is_made(
    options: list[str], message: str, model: Path, own: Path, tmp_path: Path, capsys: Captured
) -> None:
    data = [] if "--data" in options else ["--data", str(own)]
    assert run(["transfer", str(model), *data, *options, "--runs", str(tmp_path / "runs")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some.onnx", "there is no such model file"),
        ("nobody", "or one of VGG16"),
        ("nobody.keras", "there is no such model file"),
        ("vgg16", "nothing is fetched"),
    ],
)
def test_a_model_without_layers_or_weights_is_refused(
    name: str, message: str, own: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(["transfer", name, "--data", str(own), "--runs", str(tmp_path / "runs")]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
