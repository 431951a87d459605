"""`digitlab evaluate --robustness`, as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.runs import Run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> str:
    import numpy as np

    from digitlab.datasets import load_dataset

    path, test = tmp_path / "few.npz", load_dataset("mnist").split("test")[:50]
    np.savez(path, x_test=test.images, y_test=test.labels)
    return str(path)


def test_table_files_and_picture(data: str, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out"
    assert run(["evaluate", "reader", "--data", data, "--robustness-images", "40", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "mean of the corruptions" in said.out
    assert said.out.splitlines()[-1] == str(out)
    assert "robustness: 47 sets" in said.err
    result = Run(out)
    with result.robustness_table.open() as file:
        rows = list(csv.DictReader(file))
    content = result.read_json(result.robustness)
    assert content["model"] == "reader"
    assert [row["name"] for row in rows] == [each["name"] for each in content["sets"]]
    assert len(rows) + len(content["left_out"]) == 47
    plain = rows[0]
    assert (plain["kind"], plain["images"]) == ("plain", "40")
    assert float(plain["low"]) < float(plain["accuracy"]) <= float(plain["high"])
    assert float(plain["accuracy"]) > 0.9
    for row in rows:
        assert (row["accuracy"] == "") == (row["kind"] == "stranger") == (row["auroc"] != "")
    with Image.open(result.robustness_plot) as picture:
        assert picture.size == (1740, 1380)
    page = result.report.read_text()
    assert 'id="robustness"' in page
    assert 'class="chart"' in page


def test_as_json_it_is_one_object_and_what_is_missing_is_a_line(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    from digitlab.datasets import other_datasets

    monkeypatch.setattr(other_datasets, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(other_datasets, "Path", lambda _: tmp_path)
    monkeypatch.delenv("DIGITLAB_DATA", raising=False)
    words = ["evaluate", "reader", "--data", data, "--robustness-images", "5", "--out", str(tmp_path / "out"), "--json"]
    assert run(words) == 0
    said = capsys.readouterr()
    assert "left out: fashion-mnist is not on this machine" in said.err
    (line,) = said.out.splitlines()
    found = json.loads(line)
    assert found["images"] == 50
    assert list(found["robustness"]["left_out"]) == ["fashion-mnist"]
    assert found["robustness"]["sets"][0]["images"] == 5


def test_without_it_nothing_is_tested(data: str, tmp_path: Path) -> None:
    assert run(["evaluate", "reader", "--data", data, "--out", str(tmp_path / "out")]) == 0
    assert not Run(tmp_path / "out").robustness.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--robustness-images", "0"], "expected 1 or more"),
        (["--robustness", "--probabilities", "said.csv"], "give MODEL instead"),
    ],
)
def test_wrong_use_is_one_line_before_anything_is_done(words: list[str], message: str, capsys: Captured) -> None:
    assert run(["evaluate", *words]) == 2
    err = capsys.readouterr().err.strip()
    assert message in err
    assert len(err.splitlines()) == 1
