"""`digitlab tune`, as a user types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.runs import Run
from digitlab.studies import running
from digitlab.training import find_recipe
from digitlab.tuning import Space

Captured = pytest.CaptureFixture[str]
TRAIN = load_dataset("mnist").split("train")[:600]


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, paper_pool: Any) -> Any:
    """A pool that trains nothing, in place of processes."""
    pool = paper_pool()
    monkeypatch.setattr(running, "make_pool", lambda *_, **__: pool)
    return pool


SPACE = """
architecture = "dense-family"
optimiser = "adam"
epochs = 3
[tune]
sampler = "grid"
folds = 2
[space]
batch_size = [16, 300]
[space.options]
width = [8, 64]
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "wide.toml"
    path.write_text(SPACE)
    return path


def test_a_search_ends_with_a_table_and_a_recipe(space: Path, paper: Any, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "search"
    assert run(["tune", str(space), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("wide: 4 complete; 24 epochs")
    assert said.out.splitlines()[-1] == str(out)
    assert "trial 3: batch_size " in said.err
    assert "(4 of 4, " in said.err
    assert find_recipe(out / "best.toml").options == {"width": 64}
    assert len((out / "trials.csv").read_text().splitlines()) == 5
    assert (out / "trials.png").stat().st_size > 10_000
    paper.given.clear()
    assert run(["tune", str(space), "--out", str(out), "--json"]) == 0  # nothing is left to do
    assert not paper.given
    said = capsys.readouterr()
    assert "all 4 trials are done already" in said.err
    found = json.loads(said.out)
    assert (found["folder"], found["wanted"], found["states"]["complete"]) == (str(out), 4, 4)


def test_it_goes_on_with_more_trials(space: Path, paper: Any, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "search"
    words = ["tune", str(space), "--sampler", "random", "--trials", "2", "--out", str(out)]
    assert run(words) == 0
    assert run(["tune", "--resume", str(out), "--trials", "5", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["trials"]) == 5
    assert run([*words, "--folds", "5"]) == 2
    assert "contains another search: tune.folds differ" in capsys.readouterr().err


def test_a_search_whose_trials_all_fail_is_no_success(
    space: Path, paper_pool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(running, "make_pool", lambda *_, **__: paper_pool(fails=lambda _: True))
    assert run(["tune", str(space), "--out", str(tmp_path / "search")]) == 1
    said = capsys.readouterr().out
    assert "wide: 4 failed" in said
    assert "no trial is complete: it would not" in said
    assert run(["tune", "--resume", str(tmp_path / "search"), "--json"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected a space"),
        (["no-such-space"], "shipped: s1-grid, small-and-quick"),
        (["--resume", "no-such-folder"], "not the folder of a search"),
        (["s1-grid", "--resume", "x"], "leave out the space"),
        (["s1-grid", "--pruner", "hyperbnd"], "pruner is 'hyperbnd'"),
        (["s1-grid", "--folds", "1"], "folds is 1"),
        (["s1-grid", "--trials", "0"], "trials is 0"),
        (["s1-grid", "--for", "soon"], "--for is 'soon'"),
        (["s1-grid", "--engine", "cloud"], "engine is 'cloud'; expected one of local, ray"),
    ],
)
def test_wrong_use_is_named(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["tune", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def without_test_images(tmp_path: Path, space: Path) -> Path:
    """A space on a file that holds training images only: others cannot be looked at."""
    data = tmp_path / "some.npz"
    np.savez(data, x_train=TRAIN.images, y_train=TRAIN.labels)
    space.write_text(f'dataset = "{data}"\n{SPACE.replace("[8, 64]", "[8]")}')
    return space


@pytest.mark.slow
@pytest.mark.xdist_group("keras")
def test_killed_it_goes_on_and_ends_the_same(without_test_images: Path, tmp_path: Path) -> None:
    def words(out: Path) -> list[str]:
        return ["tune", str(without_test_images), "--out", str(out)]

    def values(out: Path) -> list[Any]:
        found = json.loads((out / "results.json").read_text())
        return [(trial["settings"], trial["state"], trial["accuracies"]) for trial in found["trials"]]

    killed, at_once = tmp_path / "killed", tmp_path / "at-once"
    process = subprocess.Popen(
        [sys.executable, "-m", "digitlab", *words(killed)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not _jobs_in(killed / "journal.log") and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < _jobs_in(killed / "journal.log") < 4
    assert run([*words(killed), "--workers", "1"]) == 0  # each loads TensorFlow; how many there are changes nothing
    assert run([*words(at_once), "--workers", "1"]) == 0
    assert values(killed) == values(at_once)
    assert _jobs_in(killed / "journal.log") == 4
    assert {trial["state"] for trial in json.loads((killed / "results.json").read_text())["trials"]} == {"complete"}


def _jobs_in(journal: Path) -> int:
    return journal.read_text().count('"job-') if journal.is_file() else 0


@pytest.mark.slow
@pytest.mark.xdist_group("keras")
@pytest.mark.usefixtures("quick_ending")
def test_the_best_is_trained_and_only_that_one_is_tested(space: Path, tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "whole.npz"
    test = load_dataset("mnist").split("test")[:200]
    np.savez(data, x_train=TRAIN.images, y_train=TRAIN.labels, x_test=test.images, y_test=test.labels)
    space.write_text(f'dataset = "{data}"\n{SPACE}'.replace('"grid"', '"grid"\npruner = "halving"'))
    out = tmp_path / "search"
    words = ["tune", str(space), "--out", str(out), "--retrain-best", "--runs", str(tmp_path / "runs"), "--json"]
    assert run([*words, "--workers", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    trained = Run(Path(found["retrained"]["run"]))
    assert trained.onnx.is_file()
    assert trained.read_json(trained.metrics)["images"] == 200
    best = found["trials"][found["best"]]["settings"]
    assert trained.read_config()["batch_size"] == best["batch_size"] == 16
    assert trained.read_config()["options"]["width"] == best["options.width"]


@pytest.mark.xdist_group("keras")
def test_a_network_is_weighed(make_space: Callable[..., Space]) -> None:
    from digitlab.studies.work.networks import weigh
    from digitlab.tuning.progress import weighing

    small, wide = (
        weigh(weighing(make_space().training({"learning_rate": 0.01, "options.width": width}))) for width in (16, 256)
    )
    assert small["parameters"] < wide["parameters"]
    assert 4 * small["parameters"] / 1000 < small["kilobytes"] < wide["kilobytes"]
    assert 0 < small["milliseconds"] < 5
