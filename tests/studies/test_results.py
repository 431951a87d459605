from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.errors import RunError, UsageError
from digitlab.studies import (
    FindRate,
    Published,
    Study,
    against,
    confusion,
    digit_report,
    dots,
    learning_curves,
    over_epochs,
    range_tests,
    validation_curves,
)
from digitlab.studies import page as page_module
from digitlab.studies.outcome import Outcome, outcome_of, plan
from digitlab.studies.page import write_page
from digitlab.studies.results import QUICK, as_dict, as_markdown, write_results
from digitlab.training import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.studies.store import Store


def test_the_table_has_published_beside_measured(study: Study, filled: Store) -> None:
    text = as_markdown(as_dict(outcome_of(study, filled)))
    assert "Which pool?" in text
    assert "| max | 0.9 | 0.9901 ± 0.0001 | 0.0099 ± 0.0001 | 2.0 | 2 |" in text
    assert "| average | – | 0.9851 ± 0.0001 |" in text
    assert "**holds**: accuracy: max is better than average. *max against average: +0.50 points" in text
    assert "abacus, 2 cores; digitlab 0" in text
    assert "missing" not in text


def test_added_seeds_do_not_hide_missing_ones(
    study: Study, filled: Store, result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in plan(study, 5):  # another study has trained five seeds of one cell
        if each.cell.key == "max":
            filled.keep(each.job, result(0.99), {})
    (filled.path / "cells" / plan(study)[0].job.place).unlink()
    content = as_dict(outcome_of(study, filled))
    assert (content["found"], content["planned"]) == (3, 4)
    assert [row["repeats"] for row in content["rows"]] == [1, 5]
    assert "1 of 4 trainings are still missing" in as_markdown(content)
    monkeypatch.setattr(page_module, "study_names", lambda: ("two-pools",))
    write_results(outcome_of(study, filled), filled.folder("two-pools"))
    write_page(filled.path, tmp_path / "page.md")
    assert "| 3 of 4 |" in (tmp_path / "page.md").read_text()
    filled.keep(plan(study)[0].job, result(0.98), {})
    write_results(outcome_of(study, filled), filled.folder("two-pools"))
    write_page(filled.path, tmp_path / "page.md")
    assert "| 7 |" in (tmp_path / "page.md").read_text()  # 2 + 5


def test_what_is_missing_is_said(study: Study, filled: Store) -> None:
    assert "2 of 6 trainings are still missing" in as_markdown(as_dict(outcome_of(study, filled, 3)))


def test_a_quick_run_judges_nothing(study: Study, filled: Store) -> None:
    found = as_dict(replace(outcome_of(study, filled), quick=True))
    assert [each["verdict"] for each in found["conclusions"]] == ["not judged"]
    assert QUICK in as_markdown(found)


def test_a_curve_that_there_is_none_of_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="no column 'validation_acc'; expected one of accuracy, loss"):
        over_epochs("loss", "validation_acc")


def test_files_are_written_as_they_are_named(study: Study, filled: Store, tmp_path: Path) -> None:
    both = replace(study, figures=(validation_curves, dots("accuracy")))
    write_results(outcome_of(both, filled), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json", "table.md", "figure.png", "figure-2.png",
    }  # fmt: skip
    stored = json.loads((tmp_path / "out" / "results.json").read_text())
    assert stored["rows"][1]["columns"]["accuracy"]["values"] == [0.99, 0.9902]
    assert stored["seconds"] == 12


@pytest.mark.parametrize(
    "draw",
    [
        validation_curves,
        over_epochs("loss", "accuracy", "validation_loss"),
        dots("accuracy"),
        dots("accuracy", "loss"),
        digit_report({"precision": (0.9,) * 10, "F1": (0.91,) * 10}),
        against("epochs", "accuracy", {"max": ("max",), "both": ("max", "average")}, level=0.99),
        confusion,
        learning_curves,
    ],
)
def test_every_figure_shows_something_even_of_a_half_done_study(
    study: Study, filled: Store, result: Any, tmp_path: Path, draw: Any
) -> None:
    printed = {"max": Published(accuracy=0.9, curves={"validation_loss": (0.5, 0.4)})}
    whole = outcome_of(replace(study, published=printed, figures=(draw,)), filled)
    half = replace(whole, records={"average": {}, "max": whole.records["max"]})
    for outcome in (whole, half):
        write_results(outcome, tmp_path)
        pixels = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
        assert (pixels < 200).mean() > 0.005


def test_range_tests_are_drawn_with_the_published_rate(study: Study, tmp_path: Path) -> None:
    rates = [10.0**power for power in range(-6, 3)]
    results = {"steepest": 0.01, "least": 0.1, "rates": rates, "smoothed": [2.3, 2.3, 2.2, 2, 1, 0.5, 0.9, 3, 9]}
    ranged = replace(
        study,
        base=TrainingConfig("conv-family"),
        task=FindRate(),
        columns=("rate",),
        conclusions=(),
        published={"max": Published(rate=0.1)},
        figures=(range_tests,),
    )
    records = {each.cell.key: {0: {"result": results, "environment": {}}} for each in plan(ranged)}
    outcome = Outcome(ranged, records, 2, quick=False)
    write_results(outcome, tmp_path)
    assert "| max | 0.1 | 0.1 | 1 |" in (tmp_path / "table.md").read_text()


def test_the_page_gathers_all_studies(
    study: Study, filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "study_names", lambda: ("two-pools", "not-yet"))
    write_results(outcome_of(study, filled), filled.folder("two-pools"))
    assert write_page(filled.path, tmp_path / "docs" / "reproduction.md") == 1
    text = (tmp_path / "docs" / "reproduction.md").read_text()
    assert "(pictures/verdicts.svg)" in text
    sheet = (tmp_path / "docs" / "pictures" / "verdicts.svg").read_text()
    assert re.findall("<title>(.*)</title>", sheet) == ["holds: accuracy: max is better than average"]
    picture, line, table = (
        text.index(each) for each in ("figure.png", "**Yes**: “max” classifies 50 more of 10,000", "| max | 0.9 |")
    )
    assert picture < line < table, "the picture first, then the answer, then the numbers"
    assert "| [two-pools](#two-pools) | Which pool? | 4 | 0 | 1 | 0 | 0 |" in text
    assert "(../results/two-pools/figure.png)" in text
    assert "- abacus, 2 cores" in text


def test_a_page_of_nothing_or_of_damaged_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no results"):
        write_page(tmp_path, tmp_path / "page.md")
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "results.json").write_text("{")
    with pytest.raises(RunError, match="study run ann"):
        write_page(tmp_path, tmp_path / "page.md")
