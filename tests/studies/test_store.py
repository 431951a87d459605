from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.studies import Study
from digitlab.studies.outcome import outcome_of, plan
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_kept_cell_comes_back(study: Study, result: Any, tmp_path: Path) -> None:
    store, job = Store.at(tmp_path), plan(study)[0].job
    assert store.read(job) is None
    store.keep(job, result(0.9), {"cores": 2})
    record = store.read(job)
    assert record is not None
    assert (record["result"]["accuracy"], record["environment"]) == (0.9, {"cores": 2})
    assert record["settings"]["training"]["options"] == {"filters": [4], "pooling": "average"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": "other", "result": {}}', '{"result": 3}'])
def test_a_damaged_cell_is_a_missing_one(study: Study, result: Any, tmp_path: Path, text: str) -> None:
    store, job = Store.at(tmp_path), plan(study)[0].job
    store.keep(job, result(0.9), {})
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert store.read(job) is None


def test_lists_stay_on_their_lines(study: Study, result: Any, tmp_path: Path) -> None:
    store, job = Store.at(tmp_path), plan(study)[0].job
    store.keep(job, result(0.9), {})
    (file,) = tmp_path.rglob("*.json")
    assert json.loads(file.read_text())["digest"] == job.digest
    assert len(file.read_text().splitlines()) < 30


def test_quick_cells_are_kept_apart(tmp_path: Path) -> None:
    assert Store.at(tmp_path, quick=True).path == tmp_path / "quick"


def test_more_repeats_than_asked_for_are_used(study: Study, filled: Store) -> None:
    outcome = outcome_of(study, filled, 1)
    assert [len(outcome.results(key)) for key in ("average", "max")] == [2, 2]
    assert (outcome.found, outcome.planned, outcome.repeats) == (2, 2, 2)
    more = outcome_of(study, filled, 3)
    assert (more.found, more.planned) == (4, 6)
