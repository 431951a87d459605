"""The page of a run: what it says, what it leaves out, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run as command
from digitlab.errors import RunError
from digitlab.evaluation import keep, measure
from digitlab.reports import write_report
from digitlab.reports.records import Record
from digitlab.reports.run_figures import drawings_of
from digitlab.runs import Predictions, Run
from digitlab.values import Digits

HISTORY = (
    "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "images_per_second",
    "learning_rate",
)  # fmt: skip
OLD = (
    "model", "data", "split", "images", "loss", "accuracy", "precision", "recall", "f1", "support", "confusion_matrix",
)  # fmt: skip


def make_run(folder: Path, digits: Digits, name: str = "run", wrong: int = 3, **about: Any) -> Run:
    """A run whose first answers are wrong, all with a confidence of 0.919."""
    run = Run.create(name, folder)
    answers = digits.labels.copy()
    answers[:wrong] = (answers[:wrong] + 1) % 10
    probabilities = (np.eye(10, dtype=np.float32)[answers] * 0.91 + 0.009).astype(np.float32)
    metrics = measure(probabilities, digits.labels, bootstrap=20)
    keep(run, metrics, probabilities, digits, {"model": name, "data": "mnist", "split": "test", **about})
    return run


def make_trained(folder: Path, digits: Digits, name: str = "run", **settings: Any) -> Run:
    run = make_run(folder, digits, name)
    defaults = {"architecture": "thesis-2conv", "dataset": "mnist", "epochs": 2, "batch_size": 128, "seed": 3}
    run.write_config({**defaults, "optimiser": "adadelta", "dropout": True, "validation": 0.2, **settings})
    run.write_json(run.environment, {"processor": "a <fast> one", "cores": 2, "versions": {"keras": "3.15"}})
    rows = [[1, 0.5, 0.8, None, None, 3.0, 900, 1.0], [2, 0.3, 0.9, 0.4, 0.85, 3.0, 900, 0.5]]
    run.write_table(run.history, HISTORY, rows)
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), [[1, 1, 0.6, 0.7], [2, 1, 0.3, 0.9]])
    return run


class Reader(HTMLParser):
    """What a program finds in a page: the numbers in full, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.numbers: dict[str, float] = {}
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "data":
            name = found["data-name"]
            assert name is not None
            assert name not in self.numbers, f"{name} stands twice"
            self.numbers[name] = float(found["value"] or "nan")


def page_of(run: Run) -> str:
    write_report(run)
    return run.report.read_text("utf-8")


def test_the_page_is_one_file_that_asks_for_nothing_outside(tmp_path: Path, few_digits: Digits) -> None:
    run = make_trained(tmp_path, few_digits)
    page = page_of(run)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert not re.findall(r"url\((?!#)", page)
    assert not re.findall(r"@import|https?://", page)
    assert "script" not in Reader(page).tags
    assert run.report.stat().st_size < 3_000_000
    assert page.count("<svg") == 10
    anchors = set(re.findall(r'href="#([a-z]+)"', page))
    assert anchors <= set(re.findall(r'id="([a-z]+)"', page))


@pytest.mark.usefixtures("undrawn")
def test_it_says_what_was_trained_on_what_and_how_to_repeat_it(tmp_path: Path, few_digits: Digits) -> None:
    run = make_trained(
        tmp_path, few_digits, learning_rate=0.5, patience=2, epochs=9, augmentation="pose", clean_epochs=2
    )
    page = page_of(run)
    for text in (
        "thesis-2conv, trained on mnist",
        "20 % of it held out for validation",
        "2 of at most 9, patience 2; 6.0 s",
        "adadelta, learning rate 0.5, batches of 128",
        "pose, none in the last 2 epochs",
        "a &lt;fast&gt; one, 2 cores",
        "keras 3.15",
        f"digitlab train {run.path}/config.toml",
        "batch_size = 128",
        "85.00 %",
        "3</b>errors",
    ):
        assert text in page, text


@pytest.mark.usefixtures("undrawn")
def test_every_number_stands_in_the_page_as_in_the_json(tmp_path: Path, few_digits: Digits) -> None:
    run = make_trained(tmp_path, few_digits)
    metrics, found = run.read_json(run.metrics), Reader(page_of(run)).numbers
    for name in ("images", "loss", "accuracy", "top_2", "top_3", "brier", "ece", "f1_macro", "auc_macro"):
        assert found[name] == pytest.approx(metrics[name], rel=0, abs=1e-9), name
    for name in ("precision", "recall", "f1", "support", "auc"):
        known = {f"{name}.{digit}": value for digit, value in enumerate(metrics[name]) if value is not None}
        shown = {key: value for key, value in found.items() if key.startswith(f"{name}.")}
        assert shown == pytest.approx(known, rel=0, abs=1e-9)  # what is undefined is a dash
    for name, interval in {**metrics["intervals"], "accuracy": metrics["accuracy_interval"]}.items():
        for end in (0, 1):
            assert found[f"intervals.{name}.{end}"] == pytest.approx(interval[end], rel=0, abs=1e-9)


def test_an_absent_digit_has_dashes_also_in_old_runs(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits[few_digits.labels < 5], wrong=0)
    row = '<td>7<td>–<td>–<td>–<td>–<td><data data-name="support.7"'
    assert row in page_of(run)
    metrics = run.read_json(run.metrics)
    assert [metrics[name][7] for name in ("precision", "recall", "f1", "auc")] == [None] * 4
    old = {name: [each or 0.0 for each in metrics[name]] for name in ("precision", "recall", "f1")}
    run.write_json(run.metrics, {**metrics, **old})
    assert row in page_of(run)


@pytest.mark.usefixtures("undrawn")
def test_old_runs_without_the_newer_numbers_have_a_page(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits)
    metrics = run.read_json(run.metrics)
    run.write_json(run.metrics, {name: metrics[name] for name in OLD})
    page = page_of(run)
    assert set(Reader(page).numbers) >= {"accuracy", "loss", "recall.9"}
    assert "<th>95 % confidence interval" not in page
    assert "doubtful" not in page
    assert "Learning curves" not in page


def test_a_page_of_a_perfect_run_says_that_nothing_was_wrong(tmp_path: Path, few_digits: Digits) -> None:
    page = page_of(make_run(tmp_path, few_digits, wrong=0))
    assert "None." in page
    assert "every prediction is correct" in page


@pytest.mark.usefixtures("undrawn")
def test_mistakes_are_shown_with_their_guesses(tmp_path: Path, few_digits: Digits) -> None:
    page = page_of(make_run(tmp_path, few_digits))
    assert page.count('class="mistake"') == 3
    assert page.count('<img class="digit"') == 3
    assert 'alt="a handwritten 0, predicted 1"' in page
    assert page.count('class="guess') == 9


@pytest.mark.usefixtures("undrawn")
def test_someones_probabilities_have_mistakes_without_pictures(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits, logits=True)
    said = run.read_predictions()
    nothing = np.empty((0, 28, 28), np.uint8)
    run.write_predictions(Predictions(said.probabilities, said.labels, said.mistakes, nothing))
    page = page_of(run)
    assert page.count('class="mistake"') == 3
    assert "<img" not in page
    assert "digitlab evaluate --probabilities run --labels mnist --logits" in page


@pytest.mark.usefixtures("undrawn")
def test_a_mean_over_copies_is_told(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits, tta=5)
    page = page_of(run)
    assert "averaged over 5 augmented copies" in page
    assert "--tta 5" in page
    assert "copies" not in page_of(make_run(tmp_path, few_digits, "plain"))


@pytest.mark.usefixtures("undrawn")
def test_doubtful_labels_have_their_own_accuracies(tmp_path: Path, few_digits: Digits) -> None:
    doubtful = {"accuracy_raw": 0.991, "accuracy_corrected": 0.9915, "accuracy_without": 0.9925}
    found = Reader(page_of(make_run(tmp_path, few_digits, doubtful=doubtful))).numbers
    assert {name: found[f"doubtful.{name}"] for name in doubtful} == doubtful


def test_names_with_markup_are_shown_as_text(tmp_path: Path, few_digits: Digits) -> None:
    evil = "<script>alert(1)<b>&amp;"
    run = make_trained(tmp_path, few_digits, evil, architecture=evil, dataset='"><script>alert(2)')
    page = page_of(run)
    assert "script" not in Reader(page).tags
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.usefixtures("undrawn")
def test_an_evaluation_inside_a_run_tells_of_its_training(tmp_path: Path, few_digits: Digits) -> None:
    run = make_trained(tmp_path, few_digits)
    inside = run.evaluation("0-1")
    for name in ("predictions.npz", "metrics.json"):
        (inside.path / name).write_bytes((run.path / name).read_bytes())
    page = page_of(inside)
    assert f"{run.path.name} · 0-1" in page
    assert "thesis-2conv, trained on mnist" in page
    assert f"digitlab evaluate {run.path} --data mnist --split test" in page
    assert "Learning curves" not in page
    copies = run.evaluation("0-1", 5)
    copies.write_json(copies.metrics, {**run.read_json(run.metrics), "tta": 5})
    around = page_of(run)
    assert "Other evaluations" in around
    assert "<td>0-1<td>" in around
    assert "<td>0-1, test-time augmentation, 5 copies per image<td>" in around


@pytest.mark.usefixtures("undrawn")
def test_the_folder_may_be_the_current_one(tmp_path: Path, few_digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, few_digits)
    monkeypatch.chdir(run.path)
    assert f"<title>{run.path.name}</title>" in page_of(Run.open(Path()))


@pytest.mark.parametrize("labels", [[3], [3, 3, 3]], ids=["one image", "one class"])
def test_hardly_any_images_are_enough(tmp_path: Path, few_digits: Digits, labels: list[int]) -> None:
    rows = [int(np.flatnonzero(few_digits.labels == label)[0]) for label in labels]
    for wrong in (0, 1):
        page = page_of(make_run(tmp_path, few_digits[np.array(rows)], f"run-{wrong}", wrong=wrong))
        assert "nan" not in page.replace("nano", "")


def damage_json(change: Callable[[dict[str, Any]], Any]) -> Callable[[Run], None]:
    def damage(run: Run) -> None:
        metrics = run.read_json(run.metrics)
        change(metrics)
        run.metrics.write_text(json.dumps(metrics))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: run.predictions.unlink(), r"lacks predictions\.npz"),
        (lambda run: run.metrics.unlink(), r"lacks metrics\.json"),
        (lambda run: run.metrics.write_text("{}"), "images is missing or damaged; expected a number"),
        (lambda run: run.metrics.write_text('{"images": 20'), "cannot be read"),
        (damage_json(lambda metrics: metrics.update(loss="0.1")), "loss is missing or damaged"),
        (damage_json(lambda metrics: metrics.update(recall=[1.0])), "recall is missing or damaged; expected ten"),
        (damage_json(lambda metrics: metrics.update(confusion_matrix=[[1]])), "ten rows of ten counts"),
        (damage_json(lambda metrics: metrics.update(images=19)), "20 images, but metrics.json has 19"),
        (lambda run: run.history.write_text("epoch,loss\n1,zero\n"), "history.csv: damaged"),
        (lambda run: run.history.write_text("epoch,loss\n1\n"), "line 2 has 1 column, the first has"),
        (lambda run: run.history.write_text("loss\n0.5\n"), "lacks the column 'epoch'"),
        (lambda run: run.config.write_text("epochs ="), "config.toml: damaged"),
    ],
)
def test_a_half_written_or_damaged_run_is_named(
    tmp_path: Path, few_digits: Digits, damage: Callable[[Run], None], message: str
) -> None:
    run = make_trained(tmp_path, few_digits)
    damage(run)
    with pytest.raises(RunError, match=message):
        write_report(run)
    assert not run.report.exists()


@pytest.mark.usefixtures("undrawn")
def test_numbers_that_are_not_as_they_should_be_are_left_out(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits)
    odd = {"accuracy_interval": 3, "intervals": [1], "auc": "x", "top_2": "y", "doubtful": {}, "tta": None}
    damage_json(lambda metrics: metrics.update(odd))(run)
    assert "top_2" not in Reader(page_of(run)).numbers


@pytest.mark.usefixtures("undrawn")
def test_a_training_without_a_whole_epoch_has_no_curves(tmp_path: Path, few_digits: Digits) -> None:
    run = make_trained(tmp_path, few_digits)
    run.write_table(run.history, HISTORY, [])
    assert "Learning curves" not in page_of(run)


def test_figures_for_slides_are_written_both_ways(tmp_path: Path, few_digits: Digits) -> None:
    from PIL import Image

    run = make_trained(tmp_path, few_digits)
    assert command(["report", str(run.path), "--figures", str(tmp_path / "slides"), "--dark"]) == 0
    names = {path.stem for path in (tmp_path / "slides").glob("*.svg")}
    assert names == {path.stem for path in (tmp_path / "slides").glob("*.png")}
    assert names >= {"roc", "roc-corner", "precision-recall", "classification-report", "confusion-matrix", "mistakes"}
    with Image.open(tmp_path / "slides" / "roc.png") as picture:
        assert picture.size == (1440, 1050)
        assert picture.convert("RGB").getpixel((5, 5)) == (0x17, 0x19, 0x1D)
    bare = make_run(tmp_path, few_digits, "bare", wrong=0)
    assert set(drawings_of(Record.read(bare))) == names - {"learning-loss", "learning-accuracy", "mistakes"}


@pytest.mark.usefixtures("undrawn")
def test_the_command_writes_where_it_is_told(
    tmp_path: Path, few_digits: Digits, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, few_digits)
    page = tmp_path / "elsewhere" / "page.html"
    assert command(["report", str(run.path), "--out", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(page), "figures": []}
    assert page.is_file()
    assert not run.report.exists()
    assert command(["report", str(run.path)]) == 0
    assert capsys.readouterr().out.strip() == str(run.report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no run folder given"),
        (["nowhere"], "no such run folder"),
        (["RUN", "--dark"], "--figures DIR"),
        (["RUN", "RUN"], "not all different"),
        (["RUN", "--out", "/dev/null/page.html"], "cannot write"),
        (["RUN", "--figures", "/dev/null"], "cannot make"),
    ],
)
def test_wrong_use_is_explained_in_a_line(
    tmp_path: Path,
    few_digits: Digits,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    run = make_run(tmp_path, few_digits)
    assert command(["report", *(str(run.path) if each == "RUN" else each for each in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def hard_set(kind: str, name: str, accuracy: float | None, **changes: Any) -> dict[str, Any]:
    found = {"kind": kind, "name": name, "place": None, "images": 40, "accuracy": accuracy, "low": accuracy}
    return {**found, "high": accuracy, "answered": 0.75, "auroc": None if accuracy else 0.9876, **changes}


@pytest.mark.usefixtures("undrawn")
def test_what_hard_images_gave_stands_on_the_page(tmp_path: Path, few_digits: Digits) -> None:
    run = make_run(tmp_path, few_digits)
    assert "robustness" not in page_of(run)
    sets = [
        hard_set("plain", "mnist", 0.9911), hard_set("corruption", "shot-noise", 0.8123),
        hard_set("rotation", "turned", 0.3), hard_set("stranger", "<shapes>", None),
    ]  # fmt: skip
    run.write_json(run.robustness, {"sets": sets, "corruption_mean": 0.8123})
    run.robustness_plot.write_bytes(b"no picture")
    page = page_of(run)
    assert '<a href="#robustness">' in page
    for text in ("clean", "shot noise", "&lt;shapes&gt;", "81.23", "mean of the 1 corruptions", "0.9876"):
        assert text in page
    assert "turned" not in page
    assert "no picture" not in page
    assert 'class="chart"' not in page
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(run.robustness_plot)
    assert '<img class="chart" src="data:image/png;base64,' in page_of(run)


@pytest.mark.parametrize(
    "content", [{}, {"sets": [1]}, {"sets": [{"kind": "plain"}]}, {"sets": [hard_set("plain", "a", 1.0, low="much")]}]
)
def test_a_damaged_robustness_test_is_named(tmp_path: Path, few_digits: Digits, content: dict[str, Any]) -> None:
    run = make_run(tmp_path, few_digits)
    run.write_json(run.robustness, content)
    with pytest.raises(RunError, match=r"robustness\.json: damaged; expected sets"):
        write_report(run)


@pytest.mark.parametrize(
    ("columns", "said", "left_out"),
    [
        ({}, "No images were held out", "Test:"),
        ({"validation_loss": 0.4, "validation_accuracy": 0.9}, "Validation: held-out images", "No images"),
        ({"test_loss": 0.4, "test_accuracy": 0.9}, "they were not used to choose anything", "No images"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_a_report_says_what_its_learning_curves_are(
    columns: dict[str, float], said: str, left_out: str, tmp_path: Path, few_digits: Digits
) -> None:
    run = make_trained(tmp_path, few_digits)
    row = {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "validation_loss": None, "validation_accuracy": None, **columns}
    run.write_table(run.history, list(row), [list(row.values())])
    write_report(run)
    page = run.report.read_text("utf-8")
    assert said in page
    assert left_out not in page
    for name in columns:
        assert f"<th>{name.replace('_', ' ')}" in page
