"""`digitlab ensemble`, and `digitlab evaluate --tta`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.runs import Run

Captured = pytest.CaptureFixture[str]
pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two run folders with models that have learned nothing."""
    from digitlab.models import build, export_onnx, save_keras
    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

    folders = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        made, model = Run.create("slides", tmp_path_factory.mktemp("runs")), build("slides-cnn")
        card = ModelCard(f"seed {seed}", "slides-cnn", "x / 255", training={"seed": seed})
        save_keras(model, made.keras, card)
        export_onnx(model, made.onnx, card)
        folders.append(made.path)
    return folders


@pytest.fixture
def data(tmp_path: Path) -> Path:
    from digitlab.datasets import load_dataset

    path, test = tmp_path / "few.npz", load_dataset("mnist").split("test")[:300]
    np.savez(path, x_test=test.images, y_test=test.labels)
    return path


def probabilities(out: Path) -> np.ndarray:
    return Run(out).read_predictions().probabilities


def measured(model: Path, data: Path, out: Path, *options: str) -> np.ndarray:
    assert run(["evaluate", str(model), "--data", str(data), "--out", str(out), *options]) == 0
    return probabilities(out)


@pytest.mark.parametrize("name", ["pair.keras", "pair.onnx"])
def test_two_runs_become_one_file(name: str, runs: list[Path], data: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / name
    assert run(["ensemble", *map(str, runs), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out)]
    assert "2 members, 61,524 parameters" in said.err
    alone = [measured(each, data, tmp_path / each.parent.name) for each in runs]
    np.testing.assert_allclose(measured(out, data, tmp_path / "together"), np.mean(alone, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.keras", "--out", "b.keras"], "expected two or more models, 1 given"),
        (["a.keras", "b.keras", "--out", "c.txt"], "ends in .keras"),
        (["a.keras", "b.keras"], "out"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], message: str, capsys: Captured) -> None:
    assert run(["ensemble", *arguments]) == 2
    err = capsys.readouterr().err.strip()
    assert message in err
    assert len(err.splitlines()) == 1


def test_the_help_has_an_example(capsys: Captured) -> None:
    assert run(["ensemble", "--help"]) == 0
    assert "digitlab ensemble runs/" in capsys.readouterr().out


def test_copies_are_averaged(runs: list[Path], data: Path, tmp_path: Path, capsys: Captured) -> None:
    from digitlab.datasets import find_dataset
    from digitlab.datasets.transforms import tta_copies
    from digitlab.reading import Classifier

    plain, once, three = (
        measured(runs[0], data, tmp_path / name, *options, "--json")
        for name, options in (("plain", []), ("once", ["--tta", "1"]), ("three", ["--tta", "3"]))
    )
    np.testing.assert_array_equal(plain, once)
    answer = Classifier(Run(runs[0]).onnx).probabilities
    expected = np.mean([answer(each) for each in tta_copies(find_dataset(str(data)).split("test").images, 3)], axis=0)
    np.testing.assert_allclose(three, expected, atol=1e-6)
    assert [json.loads(line).get("tta") for line in capsys.readouterr().out.splitlines()] == [None, None, 3]


def test_copies_leave_a_runs_own_measurement_alone(runs: list[Path], data: Path, capsys: Captured) -> None:
    assert run(["evaluate", str(runs[0]), "--data", str(data), "--tta", "2"]) == 0
    assert Path(capsys.readouterr().out.splitlines()[-1]) == runs[0] / "evaluations" / "few-tta-2"
    assert not Run(runs[0]).metrics.exists()


def test_too_many_copies_are_refused(capsys: Captured) -> None:
    assert run(["evaluate", "--tta", "99"]) == 2
    assert "expected 1 to 19" in capsys.readouterr().err
