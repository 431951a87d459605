"""Practice sheets: from photos to digits with their writers, and how well each is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.errors import DatasetError, UsageError
from digitlab.jobs.practice import by_writer, practice_file
from digitlab.sheets import lay_out, read_form

if TYPE_CHECKING:
    from pathlib import Path

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def practised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of two sheets, on the second of which a box was left empty."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    from digitlab.datasets import load_dataset
    from digitlab.examples.filled_sheets import filled
    from digitlab.examples.sheet_photos import photographed_sheet
    from digitlab.examples.sheet_stacks import form_page

    folder = tmp_path_factory.mktemp("practice")
    layout = lay_out(read_form(practice_file()))
    page, test = form_page(layout), load_dataset("mnist").split("test")
    for number, code in enumerate(("4711", "0203")):
        values = {f"digit.{digit}.written": str(digit) * 10 for digit in range(10)} | {"writer": code}
        values["digit.3.written"] = "3" * (10 - number)
        rng = np.random.default_rng(number + 5)
        picture, _ = photographed_sheet(filled(page, layout, values, test, rng), layout.size, rng)
        Image.fromarray(picture).save(folder / f"{number}.jpg", quality=92)
    assert run(["data", "from-sheets", str(folder), "--out", str(folder / "class.npz")]) == 0
    return folder / "class.npz"


def test_each_digit_has_its_label_and_its_writer(practised: Path) -> None:
    with np.load(practised) as held:
        labels, writers = held["labels"], held["writers"]
        assert held["images"].shape == (199, 28, 28)
    assert sorted(set(writers.tolist())) == ["0203", "4711"]
    assert np.bincount(labels[writers == "4711"]).tolist() == [10] * 10
    assert np.bincount(labels[writers == "0203"]).tolist() == [10, 10, 10, 9, *[10] * 6]


def test_it_is_a_dataset_like_any_other(practised: Path) -> None:
    from digitlab.datasets import find_dataset

    assert len(find_dataset(str(practised)).split("all")) == 199


def test_accuracy_by_writer(practised: Path) -> None:
    scores = by_writer(practised).scores
    assert [(each.writer, each.images) for each in scores] == [("0203", 99), ("4711", 100)]
    assert all(each.right >= 0.9 * each.images for each in scores)
    assert all(each.interval.low < each.right / each.images <= each.interval.high for each in scores)


def test_each_writer_is_read_by_a_network_that_never_saw_it(
    practised: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training itself is `digitlab transfer`'s: here only who learns from whom."""
    pytest.importorskip("scipy.stats")
    from digitlab.jobs import practice

    learned: dict[str, int] = {}

    def after(_: object, others: object, own: object, name: str, *__: object) -> np.ndarray:
        learned[name] = len(others)  # type: ignore[arg-type]
        return np.asarray(own.labels, np.int64)  # type: ignore[attr-defined]

    monkeypatch.setattr(practice, "_predict_after_training", after)
    found = by_writer(practised, leave_one_out=True, runs=tmp_path)
    assert learned == {"0203": 100, "4711": 99}
    assert all(each.right_after == each.images for each in found.scores)
    assert found.probability is not None


def test_a_file_without_writers_is_refused(practised: Path, tmp_path: Path) -> None:
    with np.load(practised) as held:
        np.savez(tmp_path / "plain.npz", images=held["images"], labels=held["labels"])
        one = held["writers"] == "4711"
        np.savez(
            tmp_path / "one.npz", images=held["images"][one], labels=held["labels"][one], writers=held["writers"][one]
        )
    with pytest.raises(DatasetError, match="contains no digits with writers"):
        by_writer(tmp_path / "plain.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "empty.npz").touch()
    for name in ("array.npy", "empty.npz"):
        with pytest.raises(DatasetError, match=f"{name}: contains no digits with writers"):
            by_writer(tmp_path / name)
    with pytest.raises(DatasetError, match=r"there is no file .*none\.npz"):
        by_writer(tmp_path / "none.npz")
    with pytest.raises(UsageError, match="has 1 writer; expected 2 or more"):
        by_writer(tmp_path / "one.npz", leave_one_out=True)


def test_wrong_use_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    Image.fromarray(np.full((90, 120, 3), 200, np.uint8)).save(tmp_path / "a.jpg")
    for words, said in (
        (["sheet", "new", "--out", "x.pdf"], "either a form's TOML file or --practice"),
        (["data", "from-sheets", "--out", "x.npz"], "no photo given"),
        (["data", "from-sheets", str(tmp_path), "--out", "x.csv"], "expected a name ending in .npz"),
        (["data", "from-sheets", str(tmp_path), "--out", str(tmp_path / "x.npz")], "no practice sheet was read"),
    ):
        assert run(words) == 2
        assert said in capsys.readouterr().err
