"""The page of several runs: their numbers side by side, whether it may be chance, and where they differ."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.apps.cli import run as command
from digitlab.errors import RunError, UsageError
from digitlab.evaluation import keep, measure
from digitlab.reports import comparison_path, write_comparison
from digitlab.runs import Run
from digitlab.values import Digits


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the words: a figure takes a tenth of a second."""
    monkeypatch.setattr("digitlab.reports.comparison_page.svg", lambda name, _: f"<svg><title>{name}</title></svg>")


def make_run(folder: Path, digits: Digits, name: str, wrong: list[int], data: str = "mnist", **settings: Any) -> Run:
    """A run that answers the images in these rows with the next digit."""
    run = Run.create(name, folder)
    answers = digits.labels.copy()
    answers[wrong] = (answers[wrong] + 1) % 10
    probabilities = (np.eye(10, dtype=np.float32)[answers] * 0.91 + 0.009).astype(np.float32)
    metrics = measure(probabilities, digits.labels, bootstrap=20)
    keep(run, metrics, probabilities, digits, {"model": name, "data": data, "split": "test"})
    if settings:
        run.write_config({"architecture": name, "dataset": "mnist", "epochs": 2, **settings})
        columns = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy")
        run.write_table(run.history, columns, [[1, 0.5, 0.8, None, None], [2, 0.3, 0.9, None, None]])
    return run


@pytest.fixture
def many_digits(few_digits: Digits) -> Digits:
    return few_digits[np.arange(200) % 20]


def page_of(runs: list[Run], out: Path) -> str:
    write_comparison(runs, out)
    return out.read_text("utf-8")


class Numbers(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, float] = {}
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "data":
            values = dict(attrs)
            self.found[str(values["data-name"])] = float(values["value"] or "nan")


def test_the_page_is_one_file_with_the_numbers_of_all(tmp_path: Path, many_digits: Digits) -> None:
    runs = [
        make_run(tmp_path, many_digits, "few", [0, 1], seed=1),
        make_run(tmp_path, many_digits, "many", [*range(40)], seed=1),
    ]
    page = page_of(runs, tmp_path / "page.html")
    reader = Numbers(page)
    for letter, run in zip("AB", runs, strict=True):
        metrics = run.read_json(run.metrics)
        for name in ("accuracy", "loss", "f1_macro", "ece", "auc_macro"):
            assert reader.found[f"{letter}.{name}"] == pytest.approx(metrics[name], rel=0, abs=1e-9)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "script" not in reader.tags
    assert page.count("<svg") == 4  # training loss and accuracy, recall, precision
    assert '<b><data data-name="A.accuracy"' in page
    assert "A few is better than B many" in page
    assert f"digitlab report {runs[0].path} {runs[1].path}" in page


@pytest.mark.usefixtures("undrawn")
def test_a_small_difference_is_not_called_one(tmp_path: Path, many_digits: Digits) -> None:
    runs = [make_run(tmp_path, many_digits, "one", [0, 1]), make_run(tmp_path, many_digits, "two", [3, 4, 5])]
    page = page_of(runs, tmp_path / "page.html")
    assert "no significant difference" in page
    assert 'class="shown"' not in page


@pytest.mark.usefixtures("undrawn")
def test_seeds_of_a_recipe_are_taken_together(tmp_path: Path, many_digits: Digits) -> None:
    runs = [
        make_run(tmp_path, many_digits, "same", [0], seed=1),
        make_run(tmp_path, many_digits, "same", [1, 2], seed=2),
        make_run(tmp_path, many_digits, "other", [*range(30)], seed=1),
    ]
    page = page_of(runs, tmp_path / "page.html")
    assert "A, B same" in page
    assert "<th>seeds" in page
    alone = page_of(runs[:2], tmp_path / "alone.html")
    assert "<th>seeds" not in alone
    assert "A same" in alone


@pytest.mark.usefixtures("undrawn")
def test_digits_are_compared_in_points(tmp_path: Path, many_digits: Digits) -> None:
    zeros = np.flatnonzero(many_digits.labels == 0)
    runs = [make_run(tmp_path, many_digits, "a", []), make_run(tmp_path, many_digits, "b", zeros[:5].tolist())]
    assert f"<td>0<td>100.00 %<td>−{100 * 5 / len(zeros):.2f}" in page_of(runs, tmp_path / "page.html")


@pytest.mark.usefixtures("undrawn")
def test_images_come_from_the_mistakes_kept_or_from_the_set(tmp_path: Path) -> None:
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    good, bad = make_run(tmp_path, test, "good", []), make_run(tmp_path, test, "bad", [*range(60)])
    page = page_of([good, bad], tmp_path / "page.html")
    assert page.count('<img class="digit"') == 14
    assert "60 images; the first 14" in page
    assert f'alt="a handwritten {test.labels[0]}"' in page


@pytest.mark.usefixtures("undrawn")
def test_without_images_the_answers_are_shown(tmp_path: Path, many_digits: Digits) -> None:
    runs = [make_run(tmp_path, many_digits, name, [place], data="gone.npz") for place, name in enumerate("ab")]
    for run in runs:
        said = run.read_predictions()
        np.savez(run.predictions, probabilities=said.probabilities, labels=said.labels, mistakes=said.mistakes,
                 mistaken_images=np.empty((0, 28, 28), np.uint8))  # fmt: skip
    page = page_of(runs, tmp_path / "page.html")
    assert "<img" not in page
    assert page.count('class="disputed"') == 2
    assert '<b>0</b> <span class="quiet" title="image 0">1 | 0</span>' in page


@pytest.mark.usefixtures("undrawn")
def test_of_different_images_no_word_is_said_of_chance(tmp_path: Path, many_digits: Digits, few_digits: Digits) -> None:
    runs = [make_run(tmp_path, many_digits, "a", [0]), make_run(tmp_path, few_digits, "b", [0])]
    page = page_of(runs, tmp_path / "page.html")
    assert "are not for the same images" in page
    assert 'data-name="B.accuracy"' in page
    assert 'id="disputes"' not in page


@pytest.mark.usefixtures("undrawn")
def test_names_with_markup_are_shown_as_text(tmp_path: Path, many_digits: Digits) -> None:
    evil = "<script>alert(1)<b>"
    runs = [make_run(tmp_path, many_digits, evil, [0], seed=1), make_run(tmp_path, many_digits, "b", [1], seed=1)]
    page = page_of(runs, tmp_path / "page.html")
    assert "script" not in Numbers(page).tags
    assert "&lt;script&gt;" in page


@pytest.mark.usefixtures("undrawn")
def test_thirty_runs_have_a_page(tmp_path: Path, many_digits: Digits) -> None:
    runs = [make_run(tmp_path, many_digits, f"run-{place}", [place]) for place in range(30)]
    page = page_of(runs, tmp_path / "page.html")
    assert page.count('class="chip') >= 30
    assert len(page) < 500_000


def test_a_run_lacks_its_numbers(tmp_path: Path, many_digits: Digits) -> None:
    runs = [make_run(tmp_path, many_digits, "a", [0]), make_run(tmp_path, many_digits, "b", [1])]
    runs[1].metrics.unlink()
    with pytest.raises(RunError, match=r"lacks metrics\.json"):
        write_comparison(runs, tmp_path / "page.html")
    for few in ([runs[0]], [runs[0], Run(runs[0].path)]):
        with pytest.raises(UsageError, match="not all different"):
            write_comparison(few, tmp_path / "page.html")


def test_the_command_puts_the_page_beside_the_first_run(
    tmp_path: Path, many_digits: Digits, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path, many_digits, "a", [0], seed=1), make_run(tmp_path, many_digits, "b", [1], seed=1)]
    assert command(["report", *(str(run.path) for run in runs), "--figures", str(tmp_path / "figures")]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page.parent == tmp_path == comparison_path(runs).parent
    assert re.fullmatch(r"comparison-\d{4}-\d\d-\d\d-\d{6}\.html", page.name)
    assert {path.name for path in (tmp_path / "figures").glob("*.png")} == {
        "loss.png", "accuracy.png", "recall.png", "precision.png"
    }  # fmt: skip
    assert not runs[0].report.exists()
