from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.apps.cli import run
from digitlab.jobs import studies as jobs
from digitlab.jobs.studies import ListedConclusion, ListedStudy, StudyList
from digitlab.scheduling import on_ray
from digitlab.studies import find_study, study_names
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from pathlib import Path

OWN = '''"""Own: which?"""
from digitlab.studies import Study
from digitlab.training import TrainingConfig
STUDY = Study(base=TrainingConfig("conv-family"), vary={"kernel": [3, 5]}, minutes=2)
'''


def test_the_list_says_time_and_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "list", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    line = next(line for line in said.out.splitlines() if line.startswith("thesis-patience"))
    assert "0 of 6" in line
    assert "S0, table 5.5" in line
    assert "left on this machine" in said.err
    assert run(["study", "list", "--out", str(tmp_path), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["study"] for row in rows] == [*study_names()]
    assert rows[0]["study"] == "thesis-baseline"
    assert rows[0]["trainings"] == 5


def conclusion(**changed: Any) -> ListedConclusion:
    usual = {
        "text": "b is better than a",
        "evidence": "b against a: +0.10 points",
        "seeds": 3,
        "planned": 3,
        "most": 30,
    }
    costs = {"repeated": "seed", "needed": 12, "needed_seconds": 600, "seconds": 600}
    return ListedConclusion(**{**usual, **costs, **changed})


@pytest.mark.parametrize(
    ("open_one", "listed", "on_the_page"),
    [
        (conclusion(), "own  3  12  10 min", "About 12 seeds would decide it: 10 min."),
        (conclusion(seeds=1, planned=1, needed=2), "own  1  ≥ 2  10 min", "It can be judged from 2 seeds on: 10 min."),
        (conclusion(seeds=0, needed=3), "own  0  3  10 min  b is better", "Not all of its 3 seeds are there: 10 min."),
        (
            conclusion(needed=340, needed_seconds=36_000, seconds=7_200),
            "own  3  30  2 h 00 min  340  10 h 00 min",
            "30 seeds (2.0 hours) would probably not decide it; about 340 might (10.0 hours).",
        ),
        (
            conclusion(needed=5_000, needed_seconds=10**9),
            "own  3  30  10 min  > 1,000  –",
            "30 seeds (10 min) would probably not decide it: the difference, or its distance from the margin, is too "
            "small.",
        ),
        (
            conclusion(seeds=10, most=10, repeated="fold", needed=19, seconds=0),
            "own  10  10  all done  no more  –",
            "All 10 folds are there: the difference, or its distance from the margin, is too small.",
        ),
    ],
)
def test_each_open_conclusion_says_what_it_would_cost(
    open_one: ListedConclusion,
    listed: str,
    on_the_page: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = ListedStudy("own", "Own: which?", 2, 6, 6, 60, 0, (open_one,))
    monkeypatch.setattr(jobs, "list_studies", lambda **_: StudyList((study,), 0))
    assert run(["study", "list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "b is better than a" in line)
    assert re.sub(" {2,}", "  ", row).startswith(listed)
    assert jobs.cost_in_words(open_one) == on_the_page


def test_a_study_of_which_nothing_is_there_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(OWN)
    assert run(["study", "show", str(tmp_path / "own.py"), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "own: Own: which?" in said.out
    assert "6 of 6 cells are missing" in said.err


def test_the_cells_that_are_missing_are_the_planned_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(OWN)
    study, store = find_study(str(tmp_path / "own.py")), Store.at(tmp_path)
    for repeat in range(4):  # of one cell one seed more than planned, of the other none
        store.keep(study.job(study.cells[0], repeat), {"accuracy": 0.9, "loss": 0.1, "epochs": 1}, {})
    assert run(["study", "show", str(tmp_path / "own.py"), "--out", str(tmp_path)]) == 0
    assert "3 of 6 cells are missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "thesis-droput"], "Did you mean 'thesis-dropout'"),
        (["run"], "expected the names of studies, or --all"),
        (["run", "ann", "--all"], "expected the names of studies, or --all"),
        (["run", "ann", "--for", "soon"], "expected seconds above 0"),
        (["run", "ann", "--seeds", "0"], "seeds is 0"),
        (["run", "ann", "--engine", "spark"], "expected one of local, ray"),
        (["run", "ann", "--address", "10.0.0.5:6379"], "add --engine ray"),
        (["run", "ann", "--workers", "0"], "expected 1 or more"),
        (["run", "ann", "--background", "--engine", "ray"], "leave it out with --engine ray"),
        (["run", "no-such-file.py"], "there is no such file"),
        (["show", "an"], "there is no study 'an'"),
        (["page"], "holds no results"),
    ],
)
def test_wrong_use_is_one_clear_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["study", *arguments, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert not said.out


def test_an_own_study_does_not_take_a_published_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis_dropout.py").write_text(OWN)
    assert run(["study", "run", str(tmp_path / "thesis_dropout.py"), "--out", str(tmp_path)]) == 2
    assert "would be overwritten" in capsys.readouterr().err


def test_without_ray_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(on_ray.importlib.util, "find_spec", lambda _: None)  # type: ignore[attr-defined]
    assert run(["study", "run", "ann", "--engine", "ray", "--out", str(tmp_path)]) == 2
    assert '[ray]"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("STUDY = 3", "expected a Study called STUDY"),
        ("1 / 0", "ZeroDivisionError"),
        ("from digitlab.studies import Study\nSTUDY = Study(vary={'batch_size': []})", "has no values"),
    ],
)
def test_a_file_that_is_no_study_is_refused(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(text)
    assert run(["study", "run", str(tmp_path / "own.py"), "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
