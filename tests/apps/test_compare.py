"""`digitlab compare` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.runs import Predictions, Run

Captured = pytest.CaptureFixture[str]


def trained(
    folder: Path, accuracy: float, seed: int, *, data: str = "mnist", count: int = 10_000, **settings: object
) -> Path:
    """A run folder with the answers of a network that is wrong in a random share of MNIST's test images."""
    digits = load_dataset("mnist").split("test")[:count]
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(len(digits))[: round((1 - accuracy) * len(digits))]
    answers = digits.labels.copy()
    answers[wrong] = (answers[wrong] + 1) % 10
    probabilities = np.where(np.eye(10)[answers] > 0, 0.91, 0.01).astype(np.float32)
    folder.mkdir(parents=True)
    made = Run(folder)
    made.write_predictions(Predictions(probabilities, digits.labels, wrong[:50], digits.images[wrong[:50]]))
    made.write_json(made.metrics, {"model": "slides-cnn", "data": data, "split": "test"})
    made.write_config({"architecture": "slides-cnn", "seed": seed, **settings})
    return folder


def test_seeds_of_one_recipe_show_no_difference(tmp_path: Path, capsys: Captured) -> None:
    runs = [trained(tmp_path / f"2026-11-20-10000{seed}-slides", 0.98, seed) for seed in (1, 2)]
    assert run(["compare", *map(str, runs)]) == 0
    out, err = capsys.readouterr()
    assert "10,000 images (mnist, test)" in out
    both = "2026-11-20-100001-slides and 2026-11-20-100002-slides"
    assert f"{both}: no significant difference: 0.00 percentage points, 95 % CI" in out
    assert "2 seeds of one recipe: accuracy 98.00 %" in out
    assert "corrected %" in out
    assert err == ""


def test_a_better_network_is_called_better_with_its_interval(tmp_path: Path, capsys: Captured) -> None:
    poor, good = trained(tmp_path / "poor", 0.90, 1, epochs=1), trained(tmp_path / "good", 0.98, 2, epochs=9)
    assert run(["compare", str(poor), str(good)]) == 0
    out, err = capsys.readouterr()
    assert "good is better than poor: 8.00 percentage points, 95 % CI 7." in out
    assert "McNemar p < 0.001" in out
    assert "holds for these trained networks" in err


def test_recipes_are_compared_over_their_seeds(tmp_path: Path, capsys: Captured) -> None:
    few = [
        trained(tmp_path / f"2026-11-20-10000{seed}-a", 0.97 + seed / 1e3, seed, count=2000, epochs=1)
        for seed in (1, 2, 3)
    ]
    many = [
        trained(tmp_path / f"2026-11-20-10000{seed}-b", 0.98 + seed / 1e3, seed, count=2000, epochs=2)
        for seed in (4, 5)
    ]
    assert run(["compare", *map(str, [*few, *many])]) == 0
    out = capsys.readouterr().out
    assert "b is better than a: 1." in out
    assert "(2 and 3 seeds)" in out
    assert run(["compare", *map(str, [*few, *many]), "--each"]) == 0
    out = capsys.readouterr().out
    assert "corrected for 10 comparisons" in out
    assert "2026-11-20-100005-b" in out


def test_a_copied_run_is_no_second_seed(tmp_path: Path, capsys: Captured) -> None:
    runs = [trained(tmp_path / name, 0.97, 1, count=1000) for name in ("one", "copy")]
    other = trained(tmp_path / "other", 0.98, 2, count=1000, epochs=2)
    assert run(["compare", *map(str, [*runs, other])]) == 0
    out, err = capsys.readouterr()
    assert "copy has the same predictions as one, to the last bit: counted once" in err
    assert "McNemar" in out
    assert run(["compare", *map(str, runs)]) == 0
    out = capsys.readouterr().out
    assert "no difference: the same prediction for every image" in out
    assert "seeds of one recipe" not in out
    assert run(["compare", *map(str, [*runs, trained(tmp_path / "third", 0.98, 3, count=1000)])]) == 0
    assert "2 seeds of one recipe: accuracy 97.50 %" in capsys.readouterr().out


def test_json_is_one_object_with_everything(tmp_path: Path, capsys: Captured) -> None:
    runs = [trained(tmp_path / name, accuracy, 3, name=name) for name, accuracy in (("a", 0.97), ("b", 0.9))]
    assert run(["compare", *map(str, runs), "--json", "--each"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["images"], found["data"], found["split"]) == (10_000, "mnist", "test")
    assert [each["name"] for each in found["ranking"]] == ["a", "b"]
    assert found["ranking"][0]["runs"] == [str(runs[0])]
    assert found["ranking"][0]["doubtful"]["accuracy_raw"] == found["ranking"][0]["accuracy"] == 0.97
    (difference,) = found["differences"]
    assert difference["shown"] is True
    assert difference["accuracy_interval"][0] < difference["accuracy"] < difference["accuracy_interval"][1]
    assert difference["images"]["only_first"] > difference["images"]["only_second"]


def test_the_images_that_differ_are_drawn(tmp_path: Path, capsys: Captured) -> None:
    runs = [trained(tmp_path / f"{name} <b>$\\frac$\x1b[1m", 0.99, seed) for name, seed in (("a", 1), ("b", 2))]
    assert run(["compare", *map(str, runs), "--out", str(tmp_path / "pictures")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == str(tmp_path / "pictures" / "1-and-2.png")
    assert "\x1b" not in out
    with Image.open(tmp_path / "pictures" / "1-and-2.png") as picture:
        assert picture.width > 1000
        dark = np.asarray(picture.convert("L")) < 100
    assert dark.mean() > 0.01
    assert run(["compare", *map(str, runs), "--out", str(tmp_path / "pictures"), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["pictures"] == [str(tmp_path / "pictures" / "1-and-2.png")]


@pytest.mark.parametrize("data", ["gone.h5", "sobel", "digits-8x8"])
def test_images_that_cannot_be_found_are_said_to_be_so(tmp_path: Path, data: str, capsys: Captured) -> None:
    runs = [trained(tmp_path / name, 0.9, seed, data=data, count=500) for seed, name in enumerate("ab")]
    assert run(["compare", *map(str, runs), "--out", str(tmp_path / "pictures")]) == 0
    out, err = capsys.readouterr()
    assert "no significant difference" in out
    assert "no pictures drawn: the images cannot be found" in err
    assert not (tmp_path / "pictures").exists()


def test_wrong_use_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    whole, short = trained(tmp_path / "whole", 0.9, 1), trained(tmp_path / "short", 0.9, 1, count=100)
    half = tmp_path / "half"
    half.mkdir()
    Run(half).write_config({"epochs": 3})
    for arguments, message in (
        ([], "expected two or more runs, 0 given"),
        ([whole], "expected two or more runs, 1 given"),
        ([whole, whole], "is given twice"),
        ([whole, tmp_path / "none"], "no such run folder"),
        ([whole, half], "its training has not finished"),
        ([whole, short], "are not for the same images: 10,000 images (mnist, test) here, 100 images"),
    ):
        assert run(["compare", *map(str, arguments)]) == 2
        out, err = capsys.readouterr()
        assert message in err
        assert len(err.splitlines()) == 1
        assert out == ""


def test_the_help_has_an_example(capsys: Captured) -> None:
    assert run(["compare", "--help"]) == 0
    assert "digitlab compare runs/" in capsys.readouterr().out.partition("For example")[2]
