"""The runs of a folder: listed, sorted, filtered; what cannot be read is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.apps.cli import run as digitlab
from digitlab.errors import RunError, UsageError
from digitlab.jobs import list_runs
from digitlab.jobs.run_list import _condition, _meets, _sorted
from digitlab.reports.runs_page import write_runs
from digitlab.runs import Run

HOSTILE = '<img src=x onerror="alert(1)">'


def make(folder: Path, name: str, accuracy: float | None = None, **settings: object) -> Run:
    run = Run(folder / name)
    run.path.mkdir(parents=True)
    run.write_config({"architecture": "fast-cnn", "dataset": "mnist", "loss": "kl-divergence", **settings})
    rows = [(epoch, 0.5, 0.8 + 0.05 * epoch, 1.5) for epoch in (1, 2, 3)]
    run.write_table(run.history, ("epoch", "loss", "accuracy", "seconds"), rows)
    if accuracy is not None:
        run.write_json(run.metrics, {"accuracy": accuracy, "loss": 1 - accuracy, "images": 100, "data": "mnist"})
        run.report.write_text("a report")
    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    make(folder, "2026-01-31-101500-fast", 0.99, seed=1)
    make(folder, "2026-02-01-090000-slow", 0.97, seed=2, architecture="thesis-2conv")
    make(folder, "2026-02-02-090000-stopped", seed=3)
    make(folder, "mine", 0.95, seed=4, dataset=HOSTILE)
    return folder


def test_each_run_is_a_row_with_its_settings_and_results(runs: Path) -> None:
    table = list_runs(runs)
    assert [row["name"] for row in table.rows if row["name"] != "mine"] == ["stopped", "slow", "fast"]
    fast = next(row for row in table.rows if row["name"] == "fast")
    assert (fast["date"], fast["kind"], fast["epochs"], fast["seconds"]) == ("2026-01-31 10:15", "training", 3, 4.5)
    assert (fast["loss"], fast["minimised"]) == (pytest.approx(0.01), "kl-divergence")
    stopped = next(row for row in table.rows if row["name"] == "stopped")
    assert stopped["kind"] == "unfinished"
    assert "accuracy" not in stopped
    assert "loss" not in stopped
    assert table.comparable == ()  # none of these has predictions


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (["accuracy > 0.96"], {"fast", "slow"}),
        (["accuracy>96%"], {"fast", "slow"}),
        (["accuracy >= 0.97", "seed != 1"], {"slow"}),
        (["architecture = fast-cnn", "kind = training"], {"fast", "mine"}),
        (["architecture ~ THESIS"], {"slow"}),
        (["kind = unfinished"], {"stopped"}),
        (["date < 2026-02"], {"fast"}),
        (["seed <= 2"], {"fast", "slow"}),
        (["accuracy < 0"], set()),
    ],
)
def test_conditions_all_hold(where: list[str], names: set[str], runs: Path) -> None:
    table = list_runs(runs, where=where)
    assert {row["name"] for row in table.rows if row["name"] != "mine" or "mine" in names} == names
    assert table.found == 4


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("accuracy", "expected NAME, one of"),
        ("accuracy >", "expected NAME, one of"),
        ("accuracy > high", "accuracy is a number"),
        ("accurcy > 0.9", "no run has 'accurcy'; expected one of name, date"),
    ],
)
def test_what_cannot_be_understood_is_refused(where: str, complaint: str, runs: Path) -> None:
    with pytest.raises(UsageError, match=complaint):
        list_runs(runs, where=[where])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder of runs"):
        list_runs(tmp_path / "gone")


@pytest.mark.parametrize(
    ("sort", "first"), [("accuracy", "fast"), ("loss", "fast"), ("seed", "fast"), ("architecture", "thesis")]
)
def test_the_best_comes_first_and_what_lacks_it_last(sort: str, first: str, runs: Path) -> None:
    order = [row["name"] for row in list_runs(runs, sort=sort).rows]
    back = [row["name"] for row in list_runs(runs, sort=sort, reverse=True).rows]
    if sort != "architecture":
        assert order[0] == first
    if sort in ("accuracy", "loss"):
        assert order[-1] == back[-1] == "stopped"
        assert order[:-1] == back[:-1][::-1]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1), st.integers(-5, 5))))
def test_sorting_keeps_every_row(values: list[float | None]) -> None:
    rows = [{"accuracy": value} if value is not None else {} for value in values]
    ordered = _sorted(rows, "accuracy", reverse=False)
    assert sorted(map(id, ordered)) == sorted(map(id, rows))
    numbers = [row["accuracy"] for row in ordered if "accuracy" in row]
    assert numbers == sorted(numbers, reverse=True)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_number_meets_a_condition_or_its_contrary(have: float, wanted: float) -> None:
    row = {"loss": have}
    for sign, contrary in (("<", ">="), (">", "<="), ("=", "!=")):
        name, parsed, value = _condition(f"loss {sign} {wanted!r}")
        assert _meets(row, name, parsed, value) != _meets(row, "loss", contrary, repr(wanted))


def test_a_damaged_run_is_named_and_does_not_end_the_list(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "2026-01-31-101500-fast" / "metrics.json").write_text("{")
    (runs / "2026-02-01-090000-slow" / "config.toml").write_text("= broken")
    (runs / "mine" / "history.csv").write_text("epoch,loss\nx,y\n")
    (runs / "pictures").mkdir()
    table = list_runs(runs)
    assert len(table.rows) == 1
    assert len(table.left_out) == 3
    assert digitlab(["runs", str(runs)]) == 0
    assert capsys.readouterr().err.count("left out: ") == 3


def test_the_page_is_safe_and_complete(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    write_runs(list_runs(runs), out)
    text = out.read_text("utf-8")
    assert HOSTILE not in text
    assert "&lt;img src=x" in text
    assert text.count("<polyline") == 4
    assert 'href="runs/2026-01-31-101500-fast/report.html"' in text
    assert 'href="runs/2026-02-02-090000-stopped' not in text
    assert not re.search(r'(src|href)="(?!runs/)', text)
    digest = re.search(r"script-src '(sha256-[^']+)'", text)
    assert digest is not None


def test_the_command_lists_filters_and_says_no(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert digitlab(["runs", str(runs), "--sort", "accuracy", "--where", "accuracy > 0.96", "--where", "seed < 9"]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == ["name", "fast", "slow"]
    assert "2 of 4 runs" in said.err
    assert digitlab(["runs", str(runs), "--where", "accuracy > 1"]) == 1
    capsys.readouterr()
    assert digitlab(["runs", str(runs), "--json", "--html", str(tmp_path / "all.html")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"] == 4
    assert {row["name"] for row in told["runs"]} == {"fast", "slow", "stopped", "mine"}
    assert (tmp_path / "all.html").is_file()
    (tmp_path / "empty").mkdir()
    assert digitlab(["runs", str(tmp_path / "empty")]) == 1
    assert "no runs yet" in capsys.readouterr().err
