from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from digitlab.apps.cli import run
from digitlab.scheduling import on_ray

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
    assert len(rows) == 33
    assert rows[0]["study"] == "thesis-baseline"
    assert rows[0]["trainings"] == 5


def test_a_study_of_which_nothing_is_there_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(OWN)
    assert run(["study", "show", str(tmp_path / "own.py"), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "own: Own: which?" in said.out
    assert "6 of 6 cells are missing" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "thesis-droput"], "Did you mean 'thesis-dropout'"),
        (["run"], "expected the names of studies, or --all"),
        (["run", "ann", "--all"], "expected the names of studies, or --all"),
        (["run", "ann", "--for", "soon"], "expected seconds above 0"),
        (["run", "ann", "--seeds", "0"], "seeds is 0"),
        (["run", "ann", "--engine", "spark"], "expected one of local, ray"),
        (["run", "ann", "--address", "10.0.0.5:6379"], "expected --engine ray"),
        (["run", "ann", "--workers", "0"], "expected 1 or more"),
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
