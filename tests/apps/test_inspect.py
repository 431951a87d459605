"""`digitlab inspect` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_a_network_alone(model: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run(["inspect", str(model), "--out", str(tmp_path / "inside")]) == 0
    out, err = capsys.readouterr()
    assert "30,762" in out
    assert "13×13×16" in out
    assert "16 filters, width 3, height 3, depth 1, from −" in out.replace("-", "−")
    assert "biases: 0.000 0.000" in out
    assert "horizontal:" in out
    assert "dead maps, the same everywhere in 1,000 images:" in out
    assert out.splitlines()[-1] == str(tmp_path / "inside")
    assert "3 pictures and inspection.json" in err
    assert json.loads((tmp_path / "inside" / "inspection.json").read_text("utf-8"))["parameters"] == 30_762


def test_a_digit_of_a_dataset_as_json(model: Path, tmp_path: Path, capsys: Captured) -> None:
    from digitlab.models import load_keras

    first = next(layer.name for layer in load_keras(model).layers if layer.name.startswith("conv2d"))
    options = ["--digit", "mnist:4", "--why", "4", "--not", "9", "--layer", first, "--json"]
    assert run(["inspect", str(model), "--out", str(tmp_path / "b"), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["image"], told["form"], told["name"]) == ("mnist:4", "grey", "small")
    assert told["reasons"]["question"] == {"why": 4, "not": 9}
    assert len(told["filters"]) == len(told["maps"]) == len(told["image_maps"]) == 1
    assert all((tmp_path / "b" / name).is_file() for name in told["pictures"])


def test_a_photo_of_any_size_is_brought_to_28(model: Path, tmp_path: Path, capsys: Captured) -> None:
    from digitlab.datasets import load_dataset

    digit = load_dataset("mnist").split("test").images[4]
    photo = tmp_path / "four.png"
    Image.fromarray(255 - digit).resize((333, 301), Image.Resampling.BICUBIC).save(photo)
    assert run(["inspect", str(model), "--image", str(photo), "--out", str(tmp_path / "inside")]) == 0
    out, _ = capsys.readouterr()
    assert "prediction: " in out
    assert (tmp_path / "inside" / "walk.png").is_file()


def test_a_network_for_sobel_images_sees_some(model: Path, tmp_path: Path, capsys: Captured) -> None:
    from digitlab.datasets import load_dataset
    from digitlab.datasets.transforms import sobel_images
    from digitlab.models import load_keras, predict_probabilities

    assert run(["inspect", str(model), "--form", "sobel", "--digit", "mnist:3", "--json", "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    seen = sobel_images(load_dataset("mnist").split("test").images[3:4])
    (expected,) = predict_probabilities(load_keras(model), seen)
    np.testing.assert_allclose(told["answer"]["probabilities"], expected, atol=1e-5)
    assert told["form"] == "sobel"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "conv99"], "it has: prepare, "),
        (["--layer", "probabilities"], "has no maps: its output is 10"),
        (["--digit", "mnist:10000"], "expected mnist:0 to mnist:9999"),
        (["--digit", "mnist"], "expected NAME:N"),
        (["--digit", "nobody:3"], "no dataset 'nobody'"),
        (["--digit", "sobel:3"], "the model takes grey ones"),
        (["--digit", "mnist:3", "--image", "x.png"], "expected one of them"),
        (["--why", "4"], "needs an image; give image"),
        (["--digit", "mnist:3", "--why", "12"], "why is 12; expected 0 to 9"),
        (["--digit", "mnist:3", "--why", "4", "--not", "4"], "two different digits"),
        (["--image", "nothing.png"], "nothing.png"),
        (["--data", "mnits"], "Did you mean 'mnist'"),
    ],
)
def test_wrong_use_is_one_line_and_nothing_written(
    options: list[str], message: str, model: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(["inspect", str(model), "--out", str(tmp_path / "inside"), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("digitlab: ")
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "inside").exists()


def test_a_file_without_images_says_nothing_of_maps(model: Path, tmp_path: Path, capsys: Captured) -> None:
    np.savez(tmp_path / "none.npz", images=np.zeros((0, 28, 28), np.uint8), labels=np.zeros(0, np.uint8))
    assert run(["inspect", str(model), "--out", str(tmp_path / "inside"), "--data", str(tmp_path / "none.npz")]) == 2
    assert capsys.readouterr().err.endswith("none.npz contains no images; expected digits to show to the network\n")
    assert not (tmp_path / "inside").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some.onnx", "there is no such model file"),
        ("missing.keras", "no such model file"),
        ("nobody", "expected a run folder"),
    ],
)
def test_models_without_layers(name: str, message: str, tmp_path: Path, capsys: Captured) -> None:
    assert run(["inspect", name, "--out", str(tmp_path / "inside")]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_blank_picture_has_no_digit(model: Path, tmp_path: Path, capsys: Captured) -> None:
    Image.fromarray(np.full((200, 300), 230, np.uint8)).save(tmp_path / "blank.png")
    assert run(["inspect", str(model), "--image", str(tmp_path / "blank.png"), "--out", str(tmp_path / "inside")]) == 2
    assert "there is no ink in it" in capsys.readouterr().err


def test_help_has_an_example(capsys: Captured) -> None:
    assert run(["inspect", "--help"]) == 0
    assert "digitlab inspect runs/" in capsys.readouterr().out
