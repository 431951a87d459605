"""`digitlab read` of folders, as a user types it."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.archives import Answer, Picture, ReadingJob, processes, read_pictures
from digitlab.archives.job import read_picture
from digitlab.reading import Constraints, Reader
from digitlab.reading.page_network import PageNetwork
from digitlab.sheets import read_form
from digitlab.sheets.job import SheetJob
from digitlab.values import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

Captured = pytest.CaptureFixture[str]

RETRAINED = b"\x32\x07retrain"  # the documentation of an ONNX file, which runs as before


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "ms"} for row in rows]


def test_a_folder_is_read_and_a_bad_picture_stops_nobody(scans: Path, capsys: Captured) -> None:
    assert run(["read", str(scans), "--json"]) == 2
    out, err = capsys.readouterr()
    found = objects(out)
    assert [Path(each["path"]).name for each in found] == ["a.jpg", "b.png", "bad.png", "d.png", "c.png"]
    assert [len(each["digits"]) for each in found if "digits" in each] == [8, 8, 8, 8]
    assert "bad.png: is not a picture" in found[2]["error"]
    assert "1 of 5 pictures could not be read" in err


@pytest.mark.parametrize("options", [["--region", "0,0,9000,9"], ["--grid", "9x9"]])
def test_an_error_names_its_picture(
    options: list[str], scans: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(scans)
    assert run(["read", "a.jpg", "b.png", *options, "--json"]) == 2
    assert all(each["error"].startswith(f"{each['path']}: ") for each in objects(capsys.readouterr().out))


def test_the_table_has_a_digit_a_row(scans: Path, tmp_path: Path, capsys: Captured) -> None:
    table = tmp_path / "t.csv"
    assert run(["read", str(scans / "a.jpg"), str(scans / "b.png"), "--csv", str(table), "--json"]) == 0
    found = objects(capsys.readouterr().out)
    with table.open(newline="") as rows:
        cells = list(csv.DictReader(rows))
    digits = [(each["path"], digit) for each in found for digit in each["digits"]]
    assert len(cells) == len(digits) == 16
    for cell, (path, digit) in zip(cells, digits, strict=True):
        assert cell["path"] == path
        assert cell["digit"] == ("?" if digit["digit"] is None else str(digit["digit"]))
        assert [int(cell[name]) for name in ("x0", "y0", "x1", "y1")] == digit["box"]
        assert int(cell["line"]) == digit["line"]
    assert {cell["position"] for cell in cells} == set("0123")


def test_a_file_s_name_is_no_formula(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.png").write_bytes((scans / "b.png").read_bytes())
    assert run(["read", "=1+1.png", "--csv", "t.csv"]) == 0
    assert Path("t.csv").read_text().splitlines()[1].startswith("./=1+1.png,")


@pytest.mark.slow
def test_processes_answer_as_one_does_and_a_repeated_command_reads_nothing(
    scans: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(["read", str(scans), "--out", str(tmp_path / "one.jsonl"), "--jobs", "1"]) == 2
    assert run(["read", str(scans), "--out", str(tmp_path / "two.jsonl"), "--jobs", "2"]) == 2
    one, two = (objects((tmp_path / name).read_text()) for name in ("one.jsonl", "two.jsonl"))
    assert without_times(one) == without_times(two)
    assert "bad.png" in one[2]["error"]
    capsys.readouterr()
    assert (
        run(["read", str(scans), "--out", str(tmp_path / "two.jsonl"), "--csv", str(tmp_path / "t.csv"), "--json"]) == 2
    )
    out, err = capsys.readouterr()
    answered = sum(digit["digit"] is not None for row in one for digit in row["digits"])
    told = {"pictures": 5, "read_now": 1, "digits": answered, "without_digits": 0}
    told |= {"not_as_asked": 0, "not_readable": 1}
    assert objects(out) == [{"out": str(tmp_path / "two.jsonl"), **told}]
    assert "4 of 5 pictures are read already" in err
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 33


class _Deadly:
    """A reader that ends its process at one picture, as a decoder might."""

    def answering(self, *_: object) -> Callable[[Picture], Answer[Reading]]:
        return functools.partial(read_picture, self, constraints=Constraints())  # type: ignore[arg-type]

    def on_nodes(self) -> _Deadly:
        return self

    def read(self, picture: Any, _: Constraints) -> Reading:
        if Path(picture).name == "2.png":
            os._exit(9)
        return Reading((), 0.0)


@pytest.mark.slow
def test_a_picture_that_ends_its_process_is_an_answer_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setattr(processes, "_TOGETHER", 2)
    pictures = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        Image.new("L", (20, 20)).save(path)
        pictures.append(Picture(str(path)))
    answers = list(read_pictures(pictures, _Deadly(), jobs=2))
    assert [answer.name for answer in answers] == [picture.path for picture in pictures]
    assert [answer.error is None for answer in answers] == [True, True, False, True, True, True]
    assert "crashed the process" in str(answers[2].error)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_command_goes_on_and_leaves_no_process(scans: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(60):
        (many / f"{number:02}.png").write_bytes((scans / "b.png").read_bytes())
    out = tmp_path / "r.jsonl"
    script = (
        "import digitlab.archives.results as results\nresults._SECONDS = 0.0\n"
        "from digitlab.apps.cli import run\n"
        f"if __name__ == '__main__':\n    run(['read', {str(many)!r}, '--out', {str(out)!r}, '--jobs', '2'])\n"
    )
    (tmp_path / "command.py").write_text(script)
    command = [sys.executable, str(tmp_path / "command.py")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    parts, began = out.with_name("r.jsonl.parts"), time.monotonic()
    while len(list(parts.glob("part-*"))) < 3 and time.monotonic() - began < 60 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = sum(len(part.read_text().splitlines()) for part in parts.glob("part-*"))
    assert 3 <= kept < 60
    assert not out.exists()
    for _ in range(100):
        if not _alive_in(process.pid):
            break
        time.sleep(0.1)
    assert not _alive_in(process.pid), "a worker outlives who asked it"
    assert run(["read", str(many), "--out", str(out), "--jobs", "1"]) == 0
    assert [Path(row["path"]).name for row in objects(out.read_text())] == [f"{number:02}.png" for number in range(60)]


def _alive_in(group: int) -> list[str]:
    """The processes of a group that have not ended; those that nobody has fetched yet have."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, theirs = path.read_text().rpartition(")")[2].split()[:3]
            if theirs == str(group) and state != "Z":
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--jobs", "0"], "expected 1 or more"),
        (["--jobs", "-1"], "--jobs is -1; expected 1 or more"),
        (["--engine", "ray"], "add --out FOLDER"),
        (["--engine", "ray", "--out", "r", "--jobs", "2"], "leave out --jobs"),
        (["--address", "auto"], "add --engine ray"),
        (["--review", "r.html", "--most", "0"], "expected 1 to 1000"),
        (["--out", "r.csv"], "--out r.csv: readings are not stored as .csv; expected a name that ends in .jsonl"),
        (["--csv", "1.jpg"], "--csv 1.jpg: is the name of a picture"),
        (["--csv", "folder"], "--csv folder: is a folder; expected the name of a file"),
        (["--csv", "file/t.csv"], "/file is a file, not a folder"),
        (["--csv", "-"], "--csv -: cannot be standard output"),
        (["--csv", "pipe"], "--csv pipe: is a device or pipe; expected the name of a file"),
        (["--csv", "r.html", "--review", "r.html"], "--csv and --review name the same file, r.html"),
        (["--csv", "r.jsonl", "--out", "./r.jsonl"], "--csv and --out name the same file"),
        (["--review", "file"], "/file is a file, not a folder"),
        (["--draw", "file"], "--draw file: is a file; expected a folder, or for one picture a name ending in .png"),
        (["--draw", ""], 'after --draw is an empty argument (""); expected a value'),
        (["--csv="], 'after --csv is an empty argument (""); expected a value'),
    ],
)
def test_wrong_use_is_told(
    options: list[str], message: str, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("file").write_text("a file")
    assert run(["read", str(scans), *options]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""  # before anything was read


def test_no_output_replaces_what_is_read(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = Path("scan")
    picture.write_bytes((scans / "b.png").read_bytes())
    for verb in ("read", "classify"):
        assert run([verb, "scan", "--csv", "scan"]) == 2
        assert "--csv scan: would replace the file that is read" in capsys.readouterr().err
        assert run([verb, "--csv", "a.jpg", "b.jpg"]) == 2  # --csv *.jpg
        assert "--csv a.jpg: is the name of a picture" in capsys.readouterr().err
    assert picture.read_bytes() == (scans / "b.png").read_bytes()


def test_an_argument_that_is_a_file_s_name_with_a_dash_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-5.png").touch()
    assert run(["read", "-5.png"]) == 2
    assert "a file that is called so: ./-5.png" in capsys.readouterr().err


def test_a_repeated_command_draws_what_was_not_drawn(scans: Path, tmp_path: Path) -> None:
    out, drawings = str(tmp_path / "r.jsonl"), tmp_path / "drawn"
    assert run(["read", str(scans / "a.jpg"), "--out", out]) == 0
    assert run(["read", str(scans / "a.jpg"), "--draw", str(tmp_path / "fresh.png")]) == 0
    assert run(["read", str(scans / "a.jpg"), "--out", out, "--draw", str(drawings)]) == 0
    assert (drawings / "a.png").read_bytes() == (tmp_path / "fresh.png").read_bytes()


def test_the_digest_changes_with_what_decides_the_answer() -> None:
    reader = ReadingJob().reader()
    same = ReadingJob().digest(reader)
    assert same == ReadingJob().digest(reader)
    assert same != ReadingJob(constraints=Constraints(count=3)).digest(reader)
    assert same != ReadingJob(threshold=0.9).digest(ReadingJob(threshold=0.9).reader())


@pytest.mark.parametrize("index", [0, 1])
def test_the_digest_changes_with_every_network_that_answers(index: int, tmp_path: Path) -> None:
    reader = ReadingJob().reader()
    assert {path.name for path in reader.model_files} == {"reader.onnx", "page.onnx"}
    retrained = tmp_path / reader.model_files[index].name
    retrained.write_bytes(reader.model_files[index].read_bytes() + RETRAINED)
    other = Reader(retrained, threshold=reader.threshold) if index == 0 else Reader(pages=PageNetwork(retrained))
    assert other.threshold == reader.threshold
    form = read_form(Path(__file__).parents[2] / "src/digitlab/sheets/example.toml")
    for job in (ReadingJob(), SheetJob(form)):
        assert job.digest(reader) == job.digest(ReadingJob().reader()) != job.digest(other)


def pages(scans: Path, folder: Path, suffix: str = "tif") -> Path:
    """Two of the scans as the pages of one file."""
    first, second = (Image.open(scans / name) for name in ("b.png", "d.png"))
    first.save(folder / f"scan.{suffix}", save_all=True, append_images=[second], resolution=200.0)
    return folder / f"scan.{suffix}"


@pytest.mark.parametrize("suffix", ["tif", "pdf"])
def test_every_page_of_a_scan_is_read_and_kept(scans: Path, tmp_path: Path, capsys: Captured, suffix: str) -> None:
    scan, out, table = pages(scans, tmp_path, suffix), tmp_path / "r.jsonl", tmp_path / "r.csv"
    assert run(["read", str(scan), "--json"]) == 0
    found = objects(capsys.readouterr().out)
    run(["read", str(scans / "b.png"), str(scans / "d.png"), "--json"])
    alone = objects(capsys.readouterr().out)
    assert [each["path"] for each in found] == [f"{scan}#1", f"{scan}#2"]
    assert [each["text"] for each in found] == [each["text"] for each in alone]
    arguments = ["read", str(scan), "--out", str(out), "--csv", str(table), "--review", str(tmp_path / "doubtful.html")]
    for _ in range(2):  # the second time nothing is left to do
        assert run(arguments) == 0
        assert [row["path"] for row in objects(out.read_text())] == [f"{scan}#1", f"{scan}#2"]
        said = capsys.readouterr().err
    assert "2 of 2 pictures are read already" in said
    assert "not on the page" not in said
    assert f"{scan}#2," in table.read_text()
    Image.open(scans / "b.png").save(scan)  # now of one page
    assert run([*arguments[:2], "--out", str(out)]) == 0
    assert [row["path"] for row in objects(out.read_text())] == [str(scan)]


class _Pipe:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)

    def isatty(self) -> bool:
        return False


def test_standard_input_is_a_picture(
    scans: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["read", str(scans / "b.png")])
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", _Pipe((scans / "b.png").read_bytes()))
    assert run(["read", "-", "--draw", str(tmp_path)]) == 0
    assert capsys.readouterr().out == expected
    assert (tmp_path / "standard-input.png").is_file()
    for suffix in ("tif", "pdf"):
        monkeypatch.setattr(sys, "stdin", _Pipe(pages(scans, tmp_path, suffix).read_bytes()))
        assert run(["classify", "-", "--json"]) in (0, 1)
        assert [each["path"] for each in objects(capsys.readouterr().out)] == ["-#1", "-#2"]


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (b"", [], "-: standard input is empty"),
        (b"no picture", [], "-: is not a picture that can be read"),
        (b"x", ["--out", "r.jsonl"], "expected files, not standard input"),
    ],
)
def test_what_comes_in_instead_of_a_picture_is_told(
    content: bytes, arguments: list[str], said: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Pipe(content))
    assert run(["read", "-", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "/standard-input" not in err
