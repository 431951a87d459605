"""The command as a user types it: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run

if TYPE_CHECKING:
    from digitlab.values import Digits

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def paper(tmp_path: Path, few_digits: Digits) -> list[Path]:
    """The twenty digits as dark ink on white paper, a PNG each, named by what they show."""
    paths = []
    for number, (image, label) in enumerate(zip(few_digits.images, few_digits.labels, strict=True)):
        path = tmp_path / f"{label}-{number}.png"
        Image.fromarray(255 - image).resize((140, 140), Image.Resampling.BICUBIC).save(path)
        paths.append(path)
    return paths


def test_help_names_every_verb(capsys: Captured) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in (
        "classify",
        "read",
        "live",
        "train",
        "evaluate",
        "report",
        "export",
        "data",
        "bench",
        "demo",
        "doctor",
    ):
        assert verb in shown


@pytest.mark.parametrize(
    "verb", ["classify", "read", "live", "train", "evaluate", "report", "export", "demo", "doctor"]
)
def test_every_verb_has_help_with_an_example(verb: str, capsys: Captured) -> None:
    assert run([verb, "--help"]) == 0
    assert f"digitlab {verb}" in capsys.readouterr().out.split("Parameters")[0].partition("\n")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "trian"),
        (["train", "--epochs", "many"], "epochs"),
        (["train", "--epochs", "1.5"], "--epochs is '1.5'; expected a whole number"),
        (["read", "x.png", "--most", "2.5"], "--most is '2.5'; expected a whole number"),
        (["data", "show", "mnist", "--out", "x.png", "-n", "2.5"], "-n is '2.5'; expected a whole number"),
        (["train", "--no-such-option"], "no-such-option"),
        (["data", "show", "--no-such-option"], "(see digitlab data show --help)"),
        (["classify"], "no picture given"),
        (["sheet", "new"], "--out is missing (see digitlab sheet new --help)"),
        (["sheet", "new", "--out"], "--out requires an argument"),
        (["sheet", "promise", "a.toml"], "MARKS is missing"),
        ([""], 'after digitlab is an empty argument (""); expected a value'),
        (["read", ""], 'after read is an empty argument (""); expected a value'),
        (["read", "x.png", "--threshold", "7"], "expected 0 to 1"),
        (["live", "--headless"], "source"),
        (["report"], "no run folder given"),
        (["data", "show", "mnist", "--out", "x.png", "--count", "0"], "expected 1 to 1000"),
        (["data", "info", "mnits"], "Did you mean 'mnist'"),
        (["evaluate", "nobody"], "nobody"),
        (["export", "nothing.keras", "out.txt"], "ends in .onnx"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments: list[str], message: str, capsys: Captured) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("digitlab: ")


def test_data_info_as_json(capsys: Captured) -> None:
    assert run(["data", "info", "mnist", "--json"]) == 0
    train, test = map(json.loads, capsys.readouterr().out.splitlines())
    assert (train["images"], test["images"]) == (60_000, 10_000)
    assert run(["data", "list"]) == 0
    assert "mnist" in capsys.readouterr().out


def test_data_show_writes_the_picture(tmp_path: Path, capsys: Captured) -> None:
    assert run(["data", "show", "mnist", "--out", str(tmp_path / "grid.png"), "-n", "30"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size[0] > 500


def test_classify_answers_every_picture(paper: list[Path], capsys: Captured) -> None:
    code = run(["classify", *map(str, paper), "--json"])
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["path"] for answer in answers] == [str(path) for path in paper]
    right = [answer["digit"] == int(path.name[0]) for answer, path in zip(answers, paper, strict=True)]
    assert sum(right) >= 18
    assert code == int(any(answer["digit"] is None for answer in answers))
    for answer in answers:
        assert len(answer["probabilities"]) == 10
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_one_bad_picture_does_not_stop_the_others(paper: list[Path], tmp_path: Path, capsys: Captured) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(paper[0].read_bytes()[:60])
    assert run(["classify", str(broken), str(tmp_path / "missing.jpg"), str(tmp_path), str(paper[2])]) == 2
    out, err = capsys.readouterr()
    assert len(out.strip().splitlines()) == 1
    assert str(paper[2]) in out
    assert [line for line in err.splitlines() if line.startswith("digitlab: ")] == err.splitlines()[:3]
    assert "3 of 4 pictures" in err


@pytest.mark.parametrize("verb", ["classify", "read"])
def test_a_pipe_is_not_waited_for(verb: str, tmp_path: Path, capsys: Captured) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert run([verb, str(tmp_path / "a.jpg")]) == 2
    assert "a.jpg: is a device or pipe" in capsys.readouterr().err


def test_a_blank_picture_is_answered_no(tmp_path: Path, capsys: Captured) -> None:
    blank = tmp_path / "blank.png"
    Image.fromarray(np.full((200, 300), 230, np.uint8)).save(blank)
    assert run(["classify", str(blank)]) == 1
    assert "no digit" in capsys.readouterr().out
    assert run(["read", str(blank), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) | {"ms": 0} == {
        "path": str(blank),
        "text": "",
        "lines": [],
        "digits": [],
        "numbers": [],
        "ms": 0,
    }


def test_a_page_is_read_and_drawn(tmp_path: Path, capsys: Captured) -> None:
    from digitlab.examples.paper_video import digits_of, paper_page

    page = paper_page(digits_of("2017\n49", seed=1), seed=1)
    path = tmp_path / "page.png"
    Image.fromarray(page.image).save(path)
    assert run(["read", str(path), "--draw", str(tmp_path / "drawn"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["digits"]) == 6
    assert [len(line) for line in answer["lines"]] == [4, 2]
    assert answer["text"].count("\n") == 1
    with Image.open(tmp_path / "drawn" / "page.png") as picture:
        drawn = np.asarray(picture)
    assert drawn.shape == page.image.shape
    assert (drawn != page.image).any()


def test_a_video_is_read_live(tmp_path: Path, capsys: Captured) -> None:
    from digitlab.examples.paper_video import make_video

    video = tmp_path / "paper.mp4"
    make_video(video, numbers=["31"], seconds_each=0.5, seed=0)
    assert run(["live", "--source", str(video), "--headless", "--json", "--fast"]) == 0
    out, err = capsys.readouterr()
    *readings, last = map(json.loads, out.splitlines())
    assert [reading["frame"] for reading in readings] == list(range(15))
    assert last["summary"]["read"] == 15
    names = {"frame", "time", "text", "steady", "drawing", "age", "digits", "tracks", "latency_ms", "ms"}
    assert names == set(readings[0])
    assert "frames/s" in err


def test_evaluating_the_shipped_reader(tmp_path: Path, capsys: Captured) -> None:
    assert run(["evaluate", "--out", str(tmp_path / "run"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] > 0.98
    assert Path(result["report"]).is_file()
    assert run(["report", str(tmp_path / "run")]) == 0


@pytest.mark.xdist_group("keras")
def test_train_evaluate_export_classify(tmp_path: Path, paper: list[Path], capsys: Captured) -> None:
    options = [
        "--architecture",
        "slides-cnn",
        "--epochs",
        "1",
        "--optimizer",
        "adam",
        "--seed",
        "4",
        "--runs",
        str(tmp_path / "runs"),
    ]
    assert run(["train", *options]) == 0
    out, err = capsys.readouterr()
    folder = Path(out.splitlines()[-1])
    assert folder.parent == tmp_path / "runs"
    assert "images/s" in err
    assert "bfloat16" in err or "float32" in err
    assert run(["evaluate", str(folder), "--json"]) == 0
    by_onnx = json.loads(capsys.readouterr().out)
    assert run(["evaluate", str(folder / "model.keras"), "--out", str(tmp_path / "by-keras"), "--json"]) == 0
    by_keras = json.loads(capsys.readouterr().out)
    assert by_onnx["confusion_matrix"] == by_keras["confusion_matrix"]
    assert by_onnx["accuracy"] > 0.9
    assert run(["export", str(folder), str(tmp_path / "out.onnx")]) == 0
    assert run(["classify", str(paper[0]), "--model", str(tmp_path / "out.onnx"), "--threshold", "0"]) == 0
    assert run(["classify", str(paper[0]), "--model", str(folder), "--threshold", "0"]) == 0


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["evaluate", "--out", "out"], "matplotlib"),
        (["data", "show", "mnist", "--out", "grid.png"], "matplotlib"),
        (["train", "--epochs", "1"], "keras"),
    ],
)
def test_a_base_installation_names_the_extra(arguments: list[str], missing: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from digitlab.apps.cli import run; sys.exit(run({arguments!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert '[train]"' in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "verb", ["train", "evaluate", "compare", "label-errors", "inspect", "report", "tune", "transfer"]
)
def test_help_speaks_the_field_s_words(verb: str, capsys: Captured) -> None:
    """S0 to S4 are the documents' short names, which no page of help explains; the others are nobody's but ours."""
    assert run([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert not re.findall(r"\bS[0-4]\b|strangers?\b|spoilt|so many|correctly|surely|what is no", shown)
