"""`digitlab inspect --explore` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run

pytestmark = pytest.mark.xdist_group("keras")

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


def test_a_page_about_a_file_of_digits(model: Path, tmp_path: Path, capsys: Captured) -> None:
    from digitlab.datasets import load_dataset

    mnist = load_dataset("mnist")
    parts = {split: mnist.split(split)[:300] for split in ("train", "test")}
    arrays = {f"x_{split}": part.images for split, part in parts.items()}
    np.savez(tmp_path / "own.npz", **arrays, **{f"y_{split}": part.labels for split, part in parts.items()})  # type: ignore[arg-type]
    options = ["--data", str(tmp_path / "own.npz"), "--explore", "--images", "150", "--json"]
    assert run(["inspect", str(model), *options, "--out", str(tmp_path / "inside")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "explorer.html" in told["pictures"]
    assert told["explorer"]["images"] == 300
    assert told["explorer"]["on_the_map"] == 150
    labels = parts["train"].labels
    assert all(labels[row] == digit for digit, rows in enumerate(told["explorer"]["prototypes"]) for row in rows)
    assert (tmp_path / "inside" / "explorer.html").stat().st_size == told["explorer"]["bytes"] < 5_000_000


def test_a_number_of_images_that_makes_no_map_is_refused(model: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run(["inspect", str(model), "--explore", "--images", "99999", "--out", str(tmp_path / "inside")]) == 2
    assert "images is 99999; expected 100 to 6000" in capsys.readouterr().err
    assert not (tmp_path / "inside").exists()
