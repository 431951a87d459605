"""`digitlab sheet`, as a user types it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.errors import UsageError
from digitlab.jobs.forms import mark_form, new_form
from digitlab.jobs.sheets import read_sheets, show_sheets, write_table
from digitlab.sheets import FieldRead, TableRow, read_form

from .conftest import FORM, VALUES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import Printed

Captured = pytest.CaptureFixture[str]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def stack(printed: Printed, photo: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The form's file beside a folder of photos, a stranger among them."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "weights.toml").write_text(FORM)
    (folder / "photos").mkdir()
    Image.fromarray(photo).save(folder / "photos" / "a.jpg", quality=92)
    Image.fromarray(np.ascontiguousarray(photo[::-1, ::-1])).save(folder / "photos" / "b.jpg", quality=92)
    Image.fromarray(np.full((90, 120, 3), 200, np.uint8)).save(folder / "photos" / "holiday.jpg")
    return folder


def test_the_example_is_a_form_that_can_be_printed(tmp_path: Path, capsys: Captured) -> None:
    form, out = tmp_path / "marks.toml", tmp_path / "marks.pdf"
    assert run(["sheet", "example", str(form)]) == 0
    assert run(["sheet", "example", str(form)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert run(["sheet", "new", str(form), "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"%PDF-1.4")
    assert len(read_form(form).fields) == 23


def test_the_note_on_a_sheet_is_told_in_json_as_well(capsys: Captured) -> None:
    from digitlab.apps.cli.sheet import _show

    total = FieldRead("total", "??", 0.5, "failed check", "35", (0, 0, 9, 9))
    assert _show([TableRow("a.jpg", (total,), "marker upper left not seen")], json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["note"], told["fields"]["total"]["value"]) == ("marker upper left not seen", "??")


def test_photos_become_a_table_and_a_stranger_a_line(stack: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "marks.csv"
    command = ["sheet", "read", str(stack / "weights.toml"), str(stack / "photos"), "--out", str(out), "--jobs", "1"]
    assert run(command) == 2
    said = capsys.readouterr().err
    assert said.count("holiday.jpg: shows no marker of a form") == 1
    first, second, stranger = rows(out)
    for each in (first, second):
        assert {name: each[name] for name in VALUES} == VALUES
        assert each["animal state"] == "answered"
        assert each["w.pm.g state"] == "empty"
    assert stranger["animal"] == ""
    assert stranger["note"].endswith("with its four corners")
    before = out.read_bytes()
    assert run(command) == 2
    assert "2 of 3 photos are read already" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_a_stopped_run_goes_on(stack: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(event: Any) -> None:
        if getattr(event, "done", 0) == 1:
            raise StoppedError

    out = tmp_path / "marks.csv"
    form, photos = stack / "weights.toml", stack / "photos"
    with pytest.raises(StoppedError):
        read_sheets(form, photos, out=out, processes=1, listener=stop)
    assert not out.exists()
    done = read_sheets(form, photos, out=out, processes=1)
    assert (done.sheets, done.read_now, done.refused) == (3, 2, 1)


def test_another_list_needs_no_photo_again(stack: Path, tmp_path: Path) -> None:
    form, out = tmp_path / "weights.toml", tmp_path / "marks.csv"
    form.write_text(FORM)
    photos = [stack / "photos" / "a.jpg"]
    assert read_sheets(form, *photos, out=out, processes=1).read_now == 1
    (tmp_path / "animals.csv").write_text("40718\n40713\n")
    form.write_text(FORM.replace("full = true", 'full = true\namong = "animals.csv"'))
    assert read_sheets(form, *photos, out=out, processes=1).read_now == 0
    assert rows(out)[0]["animal"] == "40713"


def test_what_was_asked_beside_the_form_is_asked_again(stack: Path, tmp_path: Path, capsys: Captured) -> None:
    form, out = tmp_path / "weights.toml", tmp_path / "marks.csv"
    form.write_text(FORM)
    command = ["sheet", "read", str(form), str(stack / "photos"), "--out", str(out), "--jobs", "1", "--json"]
    assert run([*command, "--check", "w.*.g=range:0-100", "--least", "1"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [each["file"].rpartition("/")[2] for each in told["refusals"]] == ["holiday.jpg"]
    assert "shows no marker" in told["refusals"][0]["error"]
    assert (rows(out)[0]["w.am.g state"], rows(out)[0]["animal state"]) == ("failed check", "doubtful")
    again = write_table(read_form(form), out)  # as after corrections
    assert (rows(out)[0]["w.am.g state"], again.refused) == ("failed check", 1)
    assert run(command) == 2
    assert (rows(out)[0]["w.am.g"], rows(out)[0]["animal state"]) == ("385", "answered")


def test_without_a_table_the_values_are_shown(stack: Path, capsys: Captured) -> None:
    assert run(["sheet", "read", str(stack / "weights.toml"), str(stack / "photos" / "a.jpg")]) == 0
    assert "animal: 40713\nday: 24.12\n" in capsys.readouterr().out


def test_the_same_in_python(stack: Path) -> None:
    (row,) = show_sheets(stack / "weights.toml", stack / "photos" / "a.jpg", least=1.0)
    assert {each.name: each.value for each in row.fields if each.value} == {
        name: value for name, value in VALUES.items() if value
    }
    assert {each.state for each in row.fields if each.value} == {"doubtful"}


def test_python_is_refused_as_the_command_line_is(tmp_path: Path) -> None:
    form, out = tmp_path / "form.toml", tmp_path / "out.csv"
    for job in (show_sheets, lambda *photos: read_sheets(*photos, out=out)):
        with pytest.raises(UsageError, match="no photo given"):
            job(form)
    with pytest.raises(UsageError, match="threshold is 2; expected 0 to 1"):
        show_sheets(form, form, threshold=2)
    with pytest.raises(UsageError, match="leave out --jobs"):
        read_sheets(form, form, out=out, engine="ray", processes=2)
    with pytest.raises(UsageError, match="width is 3; expected 40 to 600 mm"):
        mark_form(form, out=out, width=3)
    for given, practice in ((form, True), (None, False)):
        with pytest.raises(UsageError, match="either a form's TOML file or --practice"):
            new_form(given, out=tmp_path / "form.pdf", practice=practice)


@pytest.mark.parametrize("command", ["new", "read", "draw", "review", "correct", "promise"])
def test_the_form_is_an_argument_of_every_command(command: str, capsys: Captured) -> None:
    assert run(["sheet", command, "--help"]) == 0
    arguments = capsys.readouterr().out.partition("─ Arguments ─")[2].partition("─ Parameters ─")[0]
    assert "FORM" in arguments
    assert "--form" not in arguments


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["read", "FORM"], "no photo given"),
        (["read", "FORM", "photos", "--engine", "ray"], "--engine ray and --address need a table"),
        (["read", "FORM", "photos", "--out", "t.csv", "--address", "here:1"], "--address is for a Ray cluster"),
        (["read", "FORM", "photos", "--engine", "rya"], "Did you mean 'ray'?"),
        (["from", "blank.png", "--out", "lab.toml", "--width", "3"], "width is 3.0; expected 40 to 600 mm"),
        (["agree", "none.csv", "weights.toml"], "cannot read none.csv: there is no such file"),
        (["read", "FORM", "photos", "--out", "t.doc"], "expected a name ending in .csv, .xlsx, .parquet"),
        (["read", "FORM", "photos", "--least", "2"], "least is 2.0; expected 0 to 1"),
        (["read", "FORM", "photos", "--check", "animal=lun"], "--check animal=lun: check is 'lun'; expected"),
        (["read", "FORM", "photos", "--check", "animal=lun"], "range:a-b or sum:FIELD+FIELD"),
        (["review", "FORM", "m.csv", "--out", "m.csv"], "--out m.csv: expected a name ending in .html"),
        (["promise", "FORM", "none.csv"], "there is no file none.csv"),
        (["read", "none.toml", "photos"], "none.toml: cannot be read"),
        (["new", "FORM", "--out", "form.png"], "expected a name ending in .pdf"),
        (["draw", "FORM", "--out", "S", "--count", "0"], "--count is 0"),
        (["draw", "FORM", "--out", "S", "--jobs", "-1"], "--jobs is -1; expected 1 or more"),
        (["read", "FORM", "photos", "--out", "t.csv", "--jobs", "-1"], "--jobs is -1; expected 1 or more"),
        (["draw", "FORM", "--out", "S", "--megapixels", "5"], "expected 3 or 12"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], said: str, stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(stack)
    assert run(["sheet", *(word.replace("FORM", "weights.toml") for word in words)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_bench_of_too_few_sheets_is_refused_before_anything_is_drawn(tmp_path: Path, capsys: Captured) -> None:
    assert run(["bench", "sheets", "--count", "2", "--out", str(tmp_path / "B")]) == 2
    assert "--count is 2; expected 10 to" in capsys.readouterr().err
    assert not (tmp_path / "B").exists()


@pytest.mark.slow
def test_a_drawn_stack_is_read_as_its_truth_says(stack: Path, tmp_path: Path, capsys: Captured) -> None:
    form, folder = str(stack / "weights.toml"), tmp_path / "S"
    assert run(["sheet", "draw", form, "--count", "4", "--seed", "3", "--out", str(folder), "--jobs", "1"]) == 0
    drawn = {path.name: path.read_bytes() for path in sorted(folder.glob("*.jpg"))}
    assert len(drawn) == 4
    (folder / "sheet-00002.jpg").unlink()
    assert run(["sheet", "draw", form, "--count", "4", "--seed", "3", "--out", str(folder), "--jobs", "1"]) == 0
    assert (folder / "sheet-00002.jpg").read_bytes() == drawn["sheet-00002.jpg"]  # the same seed, the same stack
    truth_of_four = (folder / "truth.csv").read_bytes()
    for other in (["--seed", "4"], ["--seed", "3", "--megapixels", "12"]):  # its values would be those of other photos
        assert run(["sheet", "draw", form, "--count", "4", "--out", str(folder), "--jobs", "1", *other]) == 2
        assert "choose another folder" in capsys.readouterr().err
    assert run(["sheet", "draw", form, "--count", "2", "--seed", "3", "--out", str(folder), "--jobs", "1"]) == 0
    assert (folder / "truth.csv").read_bytes() == truth_of_four
    assert run(["sheet", "read", form, str(folder), "--out", str(tmp_path / "m.csv"), "--jobs", "1"]) == 0
    truth, found = rows(folder / "truth.csv"), rows(tmp_path / "m.csv")
    right = [one[name] == two[name] for one, two in zip(truth, found, strict=True) for name in VALUES]
    assert sum(right) >= 0.9 * len(right)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_cluster_reads_the_same(stack: Path, tmp_path: Path) -> None:
    for package in ("ray", "pyarrow", "pandas"):
        pytest.importorskip(package, reason="the extra ray is not installed")
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    form, photos = stack / "weights.toml", [stack / "photos"]
    read_sheets(form, *photos, out=here, processes=1)
    read_sheets(form, *photos, out=there, engine="ray")
    import pyarrow.parquet as parquet

    assert parquet.read_table(here).equals(parquet.read_table(there))
