"""`digitlab evaluate` of anyone's probabilities, and what it prints, as a user types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.evaluation import measure
from digitlab.runs import Run

Captured = pytest.CaptureFixture[str]

RNG = np.random.default_rng(11)
LABELS = np.arange(200) % 10
LOGITS = RNG.normal(size=(200, 10)) + 4 * np.eye(10)[LABELS]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, gone into, with the same numbers in every form."""
    monkeypatch.chdir(tmp_path)
    np.savez("P.npz", probabilities=PROBABILITIES)
    np.savez("L.npz", labels=LABELS)
    np.savez("both.npz", probabilities=PROBABILITIES, labels=LABELS)
    np.save("P.npy", PROBABILITIES)
    np.save("L.npy", LABELS)
    np.savetxt("P.csv", PROBABILITIES, "%.17g", ",", header="0,1,2,3,4,5,6,7,8,9", comments="")
    np.savetxt("L.csv", LABELS, "%d", header="label", comments="")
    np.save("logits.npy", LOGITS)
    return tmp_path


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a second, and is tested elsewhere."""
    monkeypatch.setattr("digitlab.reports.write_report", lambda _: None)


def as_json(arguments: list[str], capsys: Captured) -> dict[str, object]:
    assert run(["evaluate", *arguments, "--json"]) == 0
    out: dict[str, object] = json.loads(capsys.readouterr().out)
    return out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--probabilities", "P.npz", "--labels", "L.npz"],
        ["--probabilities", "P.npy", "--labels", "L.npy"],
        ["--probabilities", "P.csv", "--labels", "L.csv"],
        ["--probabilities", "both.npz"],
        ["--probabilities", "both.npz", "--labels", "both.npz"],
        ["--probabilities", "logits.npy", "--labels", "L.csv", "--logits"],
    ],
)
def test_every_form_gives_the_same_numbers(arguments: list[str], files: Path, no_page: None, capsys: Captured) -> None:
    content = as_json([*arguments, "--out", "out"], capsys)
    expected = measure(PROBABILITIES, LABELS, bootstrap=1000).as_dict()
    kept = json.loads(Path("out/metrics.json").read_text())
    for name, value in json.loads(json.dumps(expected)).items():
        assert kept[name] == content[name]
        assert_close(content[name], value)
    assert content["model"] == arguments[1]
    assert content["images"] == 200


def assert_close(ours: object, theirs: object) -> None:
    if isinstance(theirs, dict):
        assert isinstance(ours, dict)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert_close(ours[name], value)
    elif isinstance(theirs, list):
        np.testing.assert_allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-9, atol=1e-12)
    else:
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_the_folder_is_that_of_any_evaluation(files: Path, capsys: Captured) -> None:
    assert run(["evaluate", "--probabilities", "P.csv", "--labels", "L.csv"]) == 0
    out, err = capsys.readouterr()
    folder = Run.open(Path(out.splitlines()[-1]))
    assert folder.path.name.endswith("-evaluate-P")
    assert str(folder.report) in err
    said = folder.read_predictions()
    np.testing.assert_array_equal(said.probabilities, PROBABILITIES)
    np.testing.assert_array_equal(said.labels, LABELS)
    assert said.mistaken_images.shape == (0, 28, 28)
    wrong = int((PROBABILITIES.argmax(1) != LABELS).sum())
    assert 0 < wrong == len(said.mistakes)
    page = folder.report.read_text()
    assert "P.csv" in page
    again = as_json(["--probabilities", str(folder.path), "--out", "again"], capsys)
    assert again["loss"] == folder.read_json(folder.metrics)["loss"]


def test_what_is_printed(files: Path, no_page: None, capsys: Captured) -> None:
    assert run(["evaluate", "--probabilities", "both.npz", "--out", "out"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = measure(PROBABILITIES, LABELS, bootstrap=1000)
    low, high = expected.accuracy_interval
    text = "\n".join(lines)
    assert re.search(rf"accuracy % +{100 * expected.accuracy:.2f} +{100 * low:.2f} to {100 * high:.2f}\n", text)
    low, high = expected.intervals["loss"]
    assert re.search(rf"log loss +{expected.loss:.4f} +{low:.4f} to {high:.4f}\n", text)
    assert re.search(rf"macro AUC \(ROC\) +{expected.auc_macro:.5f} +", text)
    assert re.search(rf"expected calibration error +{expected.ece:.4f} +", text)
    assert "doubtful" not in text
    means = (expected.precision_macro, expected.recall_macro, expected.f1_macro)
    assert lines[-2].split() == ["macro", "avg", *(f"{100 * mean:.2f}" for mean in means), "200"]
    assert lines[-3].split()[0] == "9"


def test_one_digit_only_is_measured_and_printed(files: Path, capsys: Captured) -> None:
    np.savez("ones.npz", probabilities=np.eye(10)[[1, 1, 7]], labels=[1, 1, 1])
    assert run(["evaluate", "--probabilities", "ones.npz", "--out", "out"]) == 0
    out, err = capsys.readouterr()
    assert "AUC" not in out
    assert "arning" not in err
    rows = [line.split() for line in out.splitlines()]
    assert ["1", "100.00", "66.67", "80.00", "3"] in rows
    assert ["7", "0.00", "–", "–", "0"] in rows  # predicted once, and wrong; there is none to find
    assert ["8", "–", "–", "–", "0"] in rows
    assert run(["report", "out"]) == 0


def test_a_single_image_is_measured(files: Path, capsys: Captured) -> None:
    np.savez("single.npz", probabilities=np.full((1, 10), 0.1), labels=[4])
    content = as_json(["--probabilities", "single.npz", "--out", "out"], capsys)
    assert content["accuracy"] == 0
    assert content["auc_macro"] is None


def test_no_network_library_is_loaded(files: Path) -> None:
    """Nor does one have to be there."""
    code = """
import sys

class Absent:
    names = {"keras", "tensorflow", "jax", "torch", "openvino", "onnx", "onnxruntime"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
from digitlab.apps.cli import run
code = run(["evaluate", "--probabilities", "P.npz", "--labels", "L.npz", "--out", "out"])
assert not Absent.names & {name.partition(".")[0] for name in sys.modules}
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path("out/report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "L.npz"], "give their file, too: --probabilities"),
        (["reader", "--logits"], "give their file, too: --probabilities"),
        (["reader.onnx", "--probabilities", "P.npz"], "leave out MODEL"),
        (["--probabilities", "P.npz", "--data", "sobel"], "leave out MODEL"),
        (["--probabilities", "P.npz", "--tta", "3"], "leave out MODEL"),
        (["--probabilities", "P.csv"], "contains no labels; give their file: labels="),
        (["--probabilities", "P.npz"], "expected the array labels, found: probabilities"),
        (["--probabilities", "nothing.npz", "--labels", "L.npz"], "nothing.npz: there is no such file"),
        (["--probabilities", "L.npz", "--labels", "L.npz"], "expected (N, 10)"),
        (["--probabilities", "P.npz", "--labels", "P.npz"], "argmax"),
        (["--probabilities", "P.npz", "--labels", "short.csv"], "expected (200,), one for each row, received (3,)"),
        (["--probabilities", "logits.npy", "--labels", "L.npz"], "look like logits"),
        (["--probabilities", "nan.npy", "--labels", "short.csv"], "probabilities[1] contains NaN"),
        (["--probabilities", "nan.npy", "--labels", "short.csv", "--logits"], "logits[1] contains NaN"),
        (["--probabilities", "sums.npy", "--labels", "short.csv"], "sums to 0.9"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], message: str, files: Path, capsys: Captured) -> None:
    Path("short.csv").write_text("1\n2\n3\n")
    np.save("nan.npy", np.where(np.arange(30).reshape(3, 10) == 15, np.nan, 0.1))
    np.save("sums.npy", np.full((3, 10), 0.09))
    assert run(["evaluate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("runs").exists()


def test_mnists_doubtful_labels_are_counted(tmp_path: Path, no_page: None, capsys: Captured) -> None:
    from digitlab.datasets import load_dataset

    labels = load_dataset("mnist").split("test").labels
    np.savez(tmp_path / "perfect.npz", probabilities=np.eye(10)[labels], labels=labels)
    arguments = ["evaluate", "--probabilities", str(tmp_path / "perfect.npz"), "--out", str(tmp_path / "out")]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert re.search(r"accuracy % on corrected labels +99.90\n", out)
    assert re.search(r"accuracy % without doubtful +100.00\n", out)
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())["doubtful"]
    assert kept == {"accuracy_raw": 1.0, "accuracy_corrected": 0.999, "accuracy_without": 1.0}


def test_the_help_says_how(capsys: Captured) -> None:
    assert run(["evaluate", "--help"]) == 0
    out = capsys.readouterr().out
    assert "digitlab evaluate --probabilities caffe.csv --labels labels.csv" in out
