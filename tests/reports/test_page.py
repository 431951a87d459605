from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.errors import RunError, UsageError
from digitlab.evaluation import keep, measure
from digitlab.reports import write_report
from digitlab.reports.figures import confusion_matrix_figure, save_digits
from digitlab.runs import Run

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.values import Digits


def make_run(folder: Path, digits: Digits, name: str = "run", wrong: int = 3) -> Run:
    run = Run.create(name, folder)
    answers = digits.labels.copy()
    answers[:wrong] = (answers[:wrong] + 1) % 10
    probabilities = (np.eye(10, dtype=np.float32)[answers] * 0.91 + 0.009).astype(np.float32)
    metrics = measure(probabilities, digits.labels)
    keep(run, metrics, probabilities, digits, {"model": name, "data": "mnist", "split": "test"})
    return run


def test_the_page_is_one_file_that_asks_for_nothing_outside(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits)
    columns = (
        "epoch",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
        "seconds",
        "images_per_second",
        "learning_rate",
    )
    run.write_table(
        run.history, columns, [[1, 0.5, 0.8, None, None, 3.0, 900, 1.0], [2, 0.3, 0.9, 0.4, 0.85, 3.0, 900, 1.0]]
    )
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), [[1, 1, 0.6, 0.7], [2, 1, 0.3, 0.9]])
    write_report(run)
    page = run.report.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert not re.findall(r"url\((?!#)", page)
    assert page.count("<figure>") == 3
    assert "85.00 %" in page
    assert "Learning curves" in page
    assert run.report.stat().st_size < 1_000_000


def test_a_page_of_a_perfect_run_says_that_nothing_was_wrong(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits, wrong=0)
    write_report(run)
    assert "None." in run.report.read_text()
    assert "Learning curves" not in run.report.read_text()


def test_names_with_markup_are_shown_as_text(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits, name="<script>alert(1)<", wrong=1)
    write_report(run)
    page = run.report.read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_half_written_run_is_named(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits)
    run.predictions.unlink()
    with pytest.raises(RunError, match=r"lacks predictions\.npz"):
        write_report(run)


def test_the_drawn_matrix_is_not_transposed() -> None:
    matrix = np.zeros((10, 10), int)
    matrix[2, 7] = 41  # true 2, answered 7
    axes = confusion_matrix_figure(matrix.tolist()).axes[0]
    (text,) = (text for text in axes.texts if text.get_text() == "41" and text.get_position() == (7, 2))
    assert text.get_position() == (7, 2)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "true digit")


def test_pictures_of_digits_are_written_by_their_ending(tmp_path: Path, few_digits: Digits) -> None:
    for name in ("grid.png", "grid.svg"):
        save_digits(tmp_path / name, few_digits.images, [str(label) for label in few_digits.labels])
        assert (tmp_path / name).stat().st_size > 1000
    with pytest.raises(UsageError, match="ends in"):
        save_digits(tmp_path / "grid.txt", few_digits.images, ["?"] * 20)
