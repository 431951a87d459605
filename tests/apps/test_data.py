"""`digitlab data` as a user types it."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import progress_view, run
from digitlab.apps.cli.progress_view import ProgressView
from digitlab.archives.review_page import KIND
from digitlab.datasets import find_dataset, load_dataset, summarise_batches
from digitlab.datasets.formats import dataset_writer
from digitlab.values import Digits

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def scans(tmp_path: Path, few_digits: Digits) -> Path:
    """A file of the user's own."""
    with dataset_writer(tmp_path / "scans.h5") as sink:
        sink.write(few_digits)
    return tmp_path / "scans.h5"


@pytest.mark.parametrize("verb", ["list", "info", "show", "build", "convert", "check", "filters"])
def test_every_verb_has_an_example(verb: str, capsys: Captured) -> None:
    assert run(["data", verb, "--help"]) == 0
    assert f"digitlab data {verb}" in capsys.readouterr().out.partition("For example")[2]


def test_every_set_is_listed_with_a_line(capsys: Captured) -> None:
    assert run(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("1-6-test")).endswith("test images only")
    assert run(["data", "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == len(lines)
    assert {"name", "about", "form", "splits"} == set(listed[0])


def test_info_of_a_file_is_that_of_its_images(scans: Path, few_digits: Digits, capsys: Captured) -> None:
    assert run(["data", "info", str(scans)]) == 0
    out, err = capsys.readouterr()
    assert "\nall        20  2  2" in out
    assert summarise_batches([few_digits]).digest in out
    assert err == f"{scans}, all …\n"


def test_info_of_one_split_as_json(capsys: Captured) -> None:
    assert run(["data", "info", "sobel", "--split", "test", "--json"]) == 0
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["split"], found["images"], found["counts"][1]) == ("test", 10_000, 1135)


def test_several_sets_are_shown_in_one_picture(tmp_path: Path, scans: Path, capsys: Captured) -> None:
    out = tmp_path / "sets.png"
    assert run(["data", "show", "mnist", "1-1", str(scans), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    with Image.open(out) as picture:
        wide, high = picture.size
    assert wide == 12 * 96
    assert high == 3 * 60 + 4 * 120  # three titles, four rows: 1-1 has two copies


def test_a_file_without_images_is_not_drawn(tmp_path: Path, capsys: Captured) -> None:
    with dataset_writer(tmp_path / "none.npz"):
        pass
    assert run(["data", "show", str(tmp_path / "none.npz"), "--out", str(tmp_path / "none.png")]) == 2
    assert capsys.readouterr().err == f"digitlab: {tmp_path / 'none.npz'}: there is no image to draw\n"
    assert not (tmp_path / "none.png").exists()


def test_images_without_labels_are_not_said_to_agree_with_any(tmp_path: Path, capsys: Captured) -> None:
    np.savez(tmp_path / "dark.npz", images=255 - load_dataset("mnist").split("test").images[:100])
    assert run(["data", "check", str(tmp_path / "dark.npz")]) == 1
    out = capsys.readouterr().out
    assert "all: 100 images, the reader has a mean confidence of " in out
    assert "models expect light ink on dark (the reader has a mean confidence of 9" in out
    assert "agrees" not in out


def test_a_built_set_is_the_named_one(tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "a.lmdb"
    assert run(["data", "build", "digits-8x8", "--split", "test", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    images = len(load_dataset("digits-8x8").split("test"))
    assert answer == {"dataset": "digits-8x8", "seed": 0, "out": str(out), "images": {"test": images}}
    assert summarise_batches([find_dataset(str(out)).split("all")]) == summarise_batches(
        [load_dataset("digits-8x8").split("test")]
    )


def test_a_slash_at_the_end_means_a_folder_whatever_its_name(tmp_path: Path, scans: Path, few_digits: Digits) -> None:
    glyph = base64.b64encode(few_digits.images[0].tobytes()).decode()
    entry = {"path": "a.png", "box": [0, 0, 28, 28], "read": 3, "label": 3, "glyph": glyph}
    saved = tmp_path / "corrections.json"
    saved.write_text(json.dumps({"kind": KIND, "digits": [entry]}))
    assert run(["data", "from-review", str(saved), "--out", f"{tmp_path}/mine.v1/"]) == 0
    assert run(["data", "build", "digits-8x8", "--split", "test", "--out", f"{tmp_path}/mine.v2/"]) == 0
    assert run(["classify", str(scans), "--out", f"{tmp_path}/mine.v3/"]) == 0
    sizes = [len(find_dataset(f"{tmp_path}/mine.v{number}").split("all")) for number in (1, 2, 3)]
    assert sizes == [1, 359, len(few_digits)]


def test_a_converted_file_has_the_same_images(scans: Path, few_digits: Digits, capsys: Captured) -> None:
    out = scans.with_name("scans.csv")
    assert run(["data", "convert", str(scans), str(out)]) == 0
    printed, err = capsys.readouterr()
    assert printed == f"{out}\n"
    assert "20 images" in err
    assert summarise_batches([find_dataset(str(out)).split("all")]) == summarise_batches([few_digits])


def test_filters_are_drawn_of_digits_and_photos(tmp_path: Path, capsys: Captured) -> None:
    Image.fromarray(np.full((900, 1200, 3), 200, np.uint8)).save(tmp_path / "photo.jpg")
    Image.fromarray(np.full((1, 1200), 200, np.uint8)).save(tmp_path / "row.png")
    assert run(["data", "filters", str(tmp_path / "row.png"), "--out", str(tmp_path / "filters.png")]) == 0
    for source in ("mnist:7", str(tmp_path / "photo.jpg")):
        assert run(["data", "filters", source, "--out", str(tmp_path / "filters.png")]) == 0
        with Image.open(tmp_path / "filters.png") as picture:
            assert picture.size[0] > 1000


def test_filters_of_a_dataset_name_the_command_that_makes_pictures_of_it(scans: Path, capsys: Captured) -> None:
    with dataset_writer(scans.with_name("few.npz")) as sink:
        sink.write(find_dataset(str(scans)).split("all"))
    assert run(["data", "filters", str(scans.with_name("few.npz")), "--out", str(scans.with_name("f.png"))]) == 2
    err = capsys.readouterr().err
    assert "few.npz: is a file of NumPy arrays; expected a JPEG" in err
    assert "`digitlab data convert FILE FOLDER/` writes a dataset's images as pictures" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "mnist", "--split", "dev"], "has no split 'dev'; it has: train, test"),
        (["info", "nothing.h5"], "There is no file or folder 'nothing.h5'"),
        (["show", "--out", "x.png"], "no dataset given"),
        (["show", "mnist", "--out", "x.bmpp"], "ends in .png"),
        (["build", "mnist", "--out", "x.csv"], "choose one with --split"),
        (["build", __file__, "--out", "x.h5"], "`digitlab data convert` copies those"),
        (
            ["convert", "mnist", "x.npz"],
            "mnist is a dataset's name; expected a file. `digitlab data build mnist` writes",
        ),
        (["build", "0-1", "--split", "test", "--out", "x.h5", "--jobs", "-1"], "jobs is -1"),
        (["build", "0-1", "--split", "test", "--out", "x.h5", "--seed", "-1"], "expected 0 or more"),
        (["build", "mnist", "--out", "x.h5", "--dtype", "int8"], "dtype"),
        (["convert", "nothing.h5", "x.csv"], "no file or folder nothing.h5"),
        (["filters", "mnist:10000", "--out", "x.png"], "mnist:0 to mnist:9999"),
        (["filters", "mnist:-1", "--out", "x.png"], "mnist:0 to mnist:9999"),
        (["filters", "nothing.png", "--out", "x.png"], "nothing.png"),
    ],
)
def test_wrong_use_is_one_line_and_2(
    arguments: list[str], message: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["data", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = (line for line in err.splitlines() if not line.endswith("…"))
    assert line.startswith("digitlab: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_view, "_SECONDS", 0.0)
    with ProgressView() as view:
        view.start("scans")
        view(1024, 4000)
        view(2048, None)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["scans …", "scans: 1,024 of 4,000 images", "scans: 2,048 images"]


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with ProgressView() as view:
        for text in ("[one]", "two"):
            view.start(text)
            view(1024, 4000)
    assert "1,024 of 4,000 images" in screen.getvalue()
    assert "two" in screen.getvalue()
