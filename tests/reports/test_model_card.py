"""The model card of a run: a head that hubs read, a page for people, and nothing of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.showing.test_showing import make_run

from digitlab.reports.model_card import write_card
from digitlab.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, "2026-01-31-101500-fast", 0)


def parts_of(run: Run) -> tuple[dict[str, Any], str]:
    write_card(run)
    empty, head, body = run.card.read_text("utf-8").split("---\n", 2)
    assert empty == ""
    return yaml.safe_load(head), body


def test_the_head_has_what_hubs_read(run: Run) -> None:
    head, _ = parts_of(run)
    measured = run.read_json(run.metrics)
    assert head["library_name"] == "keras"
    assert head["pipeline_tag"] == "image-classification"
    (model,) = head["model-index"]
    (result,) = model["results"]
    values = {each["type"]: each["value"] for each in result["metrics"]}
    assert values["accuracy"] == pytest.approx(measured["accuracy"], abs=1e-6)
    assert values["log_loss"] == pytest.approx(measured["loss"], abs=1e-6)
    assert result["task"]["type"] == "image-classification"


def test_names_are_no_markup(run: Run) -> None:
    _, body = parts_of(run)
    assert "<script>" not in body
    assert "\\<script\\>" in body
    tables = [line for line in body.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (3, 5) for line in tables)


def test_a_file_is_named_without_its_folder(run: Run, tmp_path: Path) -> None:
    run.write_config({**run.read_config(), "dataset": str(tmp_path / "scans.npz")})
    head, body = parts_of(run)
    assert "scans.npz" in head["datasets"]
    assert str(tmp_path) not in run.card.read_text("utf-8").replace(str(run.path), "")
    assert "## Limits" in body
