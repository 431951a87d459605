from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from digitlab.errors import RunError
from digitlab.evaluation import keep, measure
from digitlab.reports.octave import write_mat
from digitlab.runs import Run
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = Path(__file__).parents[2] / "octave"
HISTORY = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy")
BATCHES = ("epoch", "batch", "loss", "accuracy")
HOSTILE = "a_b^{2} `touch pwned` \\alpha \"d\" 'q' $x$ <b> %d é"


def make_run(path: Path, *, trained: bool = True, validated: bool = True, without: int | None = None) -> Run:
    """A run whose 2 is often taken for a 7, and whose 7 hardly ever for a 2; three epochs of four batches and a bit.

    without: a digit that it lacks
    """
    path.mkdir(parents=True)
    run = Run(path)
    labels = np.repeat(np.arange(10), 50).astype(np.uint8)
    answers = labels.copy()
    answers[100:130] = 7
    answers[350] = 2
    answers[0] = 9
    random = np.random.default_rng(len(path.name))
    probabilities = np.full((500, 10), 0.01) + random.uniform(0, 0.01, (500, 10))
    probabilities[np.arange(500), answers] += 0.8
    probabilities = (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
    kept = labels != without
    probabilities, labels = probabilities[kept], labels[kept]
    digits = Digits(np.zeros((len(labels), 28, 28), np.uint8), labels)
    keep(run, measure(probabilities, labels), probabilities, digits, {"model": "m", "data": "mnist", "split": "test"})
    if trained:
        epochs = [
            [epoch, 1 / epoch, 1 - 0.3 / epoch, *((0.9 / epoch, 1 - 0.2 / epoch) if validated else (None, None))]
            for epoch in (1, 2, 3)
        ]
        batches = [
            [epoch, batch, 1 / (epoch + batch / 7), 1 - 0.3 / (epoch + batch / 7)]
            for epoch in (1, 2, 3, 4)
            for batch in range(1, 3 if epoch == 4 else 5)
        ]
        run.write_table(run.history, HISTORY, epochs)
        run.write_table(run.batches, BATCHES, batches)
    write_mat(run)
    return run


def read_mat(run: Run) -> dict[str, Any]:
    struct = loadmat(run.mat, squeeze_me=False)["metrics"][0, 0]
    return {name: struct[name] for name in struct.dtype.names}


CURVES = ["training loss", "training accuracy", "validation loss", "validation accuracy"]
ALWAYS = ["confusion matrix", "loss", "accuracy", "precision", "recall", "training"]


def test_the_file_holds_the_fields_of_2017_in_their_shapes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    fields, metrics = read_mat(run), run.read_json(run.metrics)
    assert list(fields) == [*ALWAYS, *CURVES]
    assert fields["training"].tolist() == ["y"]
    shapes = {name: value.shape for name, value in fields.items() if name != "training"}
    assert shapes == {
        "confusion matrix": (10, 10), "loss": (1, 1), "accuracy": (1, 1), "precision": (1, 10), "recall": (1, 10),
        "training loss": (1, 12), "training accuracy": (1, 12), "validation loss": (1, 3),
        "validation accuracy": (1, 3),
    }  # fmt: skip
    assert {value.dtype for name, value in fields.items() if name != "training"} == {np.dtype(np.float64)}
    assert fields["confusion matrix"].tolist() == metrics["confusion_matrix"]
    for name in ("loss", "accuracy", "precision", "recall"):
        np.testing.assert_array_equal(fields[name].ravel(), metrics[name])


def test_numbers_of_an_absent_digit_are_nan(tmp_path: Path) -> None:
    fields = read_mat(make_run(tmp_path / "run", without=5))
    for name in ("precision", "recall"):
        assert np.isnan(fields[name]).ravel().tolist() == [digit == 5 for digit in range(10)]


def test_batches_of_an_epoch_that_did_not_end_are_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert len(run.read_table(run.batches)["loss"]) == 14
    assert read_mat(run)["training loss"].ravel().tolist() == run.read_table(run.batches)["loss"][:12]


def test_without_validation_each_epoch_has_nan(tmp_path: Path) -> None:
    fields = read_mat(make_run(tmp_path / "run", validated=False))
    assert fields["training"] == "y"
    np.testing.assert_array_equal(fields["validation loss"], np.full((1, 3), np.nan))


def test_what_was_not_trained_here_has_no_curves(tmp_path: Path) -> None:
    fields = read_mat(make_run(tmp_path / "run", trained=False))
    assert list(fields) == ALWAYS
    assert fields["training"] == "n"


def test_a_training_stopped_in_its_first_epoch_has_no_curves(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    run.write_table(run.history, HISTORY, [])
    write_mat(run)
    assert read_mat(run)["training"] == "n"


@pytest.mark.parametrize("content", ["{", "{}", '{"confusion_matrix": "x"}'])
def test_damaged_metrics_are_refused(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path / "run")
    run.metrics.write_text(content)
    with pytest.raises(RunError, match=r"metrics\.json"):
        write_mat(run)


# What one start of Octave reads, draws and says; it takes seconds. HOSTILE and SCRIPTS are put in.
SCRIPT = """
addpath (SCRIPTS);
function answer = content_of (file)
  metrics = load (file).metrics;
  for name = fieldnames (metrics)'
    answer.(strrep (name{1}, " ", "_")) = metrics.(name{1});
  endfor
endfunction
function answer = texts_of (figure_)
  texts = findall (figure_, "type", "text");
  texts = texts(! cellfun (@isempty, get (texts, "string")));
  answer = struct ("text", get (texts, "string"), "at", get (texts, "position"));
endfunction
function message = refusal (varargin)
  message = "";
  try
    feval (varargin{:});
  catch failure
    message = failure.message;
  end_try_catch
endfunction
answers.files = {content_of(HOSTILE), content_of("plain/metrics.mat")};
drawn = benchmark (HOSTILE, "one");
answers.confusion = texts_of (drawn.("confusion-matrix"));
bars = findobj (drawn.("precision-recall"), "type", "hggroup");
answers.bars = struct ("y", get (bars, "ydata"));
curves = findobj (drawn.("learning-curves"), "type", "line");
answers.curves = struct ("x", get (curves, "xdata"), "y", get (curves, "ydata"));
drawn = comparison ({HOSTILE, "plain", "measured", "unvalidated", "other/plain"}, "out `touch pwned`/many");
answers.key = texts_of (drawn.("validation"));
answers.test = texts_of (drawn.("test"));
close all
benchmark ("measured", "untrained");
answers.open = numel (get (0, "children"));
answers.refusals = {refusal(@benchmark, "nowhere"), refusal(@benchmark, "text.mat"), ...
                    refusal(@benchmark, "bare.mat"), refusal(@comparison, {}), ...
                    refusal(@benchmark, "plain", "text.mat/pictures")};
file = fopen ("answers.json", "w");
fputs (file, jsonencode (answers));
fclose (file);
"""

Told = tuple[Path, dict[str, Any], str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, needs_program: Callable[..., str]) -> Told:
    """The folder that Octave worked in, what it answered, and what it printed."""
    octave = needs_program("octave-cli")
    needs_program("gnuplot")
    folder = tmp_path_factory.mktemp("octave")
    make_run(folder / HOSTILE)
    make_run(folder / "plain")
    make_run(folder / "measured", trained=False, without=5)
    make_run(folder / "unvalidated", validated=False)
    make_run(folder / "other" / "plain")
    (folder / "text.mat").write_text("no such file")
    savemat(folder / "bare.mat", {"metrics": {"loss": 1.0}})
    script = folder / "script.m"
    words = {"HOSTILE": f"{HOSTILE}/metrics.mat", "SCRIPTS": str(SCRIPTS)}
    text = SCRIPT
    for word, path in words.items():
        text = text.replace(word, json.dumps(path, ensure_ascii=False))
    script.write_text(text)
    done = subprocess.run(
        [octave, "--norc", "--no-history", script], cwd=folder, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder, json.loads((folder / "answers.json").read_text()), done.stdout


def test_octave_reads_the_same_numbers(told: Told) -> None:
    folder, answers, _ = told
    for path, read in zip((HOSTILE, "plain"), answers["files"], strict=True):
        metrics = Run(folder / path).read_json(folder / path / "metrics.json")
        assert read["confusion_matrix"] == metrics["confusion_matrix"]
        for name in ("loss", "accuracy", "precision", "recall"):
            np.testing.assert_allclose(read[name], metrics[name], rtol=0, atol=1e-9)
        history = Run(folder / path).read_table(folder / path / "history.csv")
        np.testing.assert_allclose(read["validation_loss"], history["validation_loss"], rtol=0, atol=1e-9)
        assert read["training"] == "y"


def test_the_printed_numbers_are_the_runs(told: Told) -> None:
    folder, _, printed = told
    metrics = Run(folder / "plain").read_json(folder / "plain" / "metrics.json")
    rows = [line.split() for line in printed.splitlines()]
    assert ["accuracy:", f"{metrics['accuracy']:.5f}"] in rows
    assert ["2", f"{metrics['precision'][2]:.5f}", f"{metrics['recall'][2]:.5f}", "50"] in rows
    assert ["2", "0", "0", "20", "0", "0", "0", "0", "30", "0", "0", "50"] in rows
    assert ["5", "-", "-", "0"] in rows  # "measured" has no fives: their precision is 0/0, not 0
    assert ["batches:", "12,", "epochs:", "3"] in rows


def test_the_matrix_is_not_transposed(told: Told) -> None:
    """Neither its numbers nor its colours: many a 2 was taken for a 7, one 7 for a 2."""
    folder, answers, _ = told
    numbers = {(round(x - 1), round(y - 1)): each["text"] for each in answers["confusion"] for x, y, _ in [each["at"]]}
    answer, true = 7, 2
    assert numbers[answer, true] == "30"
    assert numbers[true, answer] == "1"
    assert (numbers[10, true], numbers[answer, 10], numbers[10, 10]) == ("50", "79", "500")
    picture = np.asarray(Image.open(folder / "one" / "confusion-matrix.png").convert("RGB"), float)

    def corner(column: int, row: int) -> np.ndarray:
        """The colour near a cell's corner, beside its number."""
        height, width = picture.shape[:2]
        across, down = 0.13 + 0.84 * (column + 0.15) / 11, 0.15 + 0.82 * (row + 0.15) / 11
        return picture[round(down * height), round(across * width)]

    assert corner(answer, true)[2] < 120  # orange: little blue in it
    assert corner(true, answer)[2] > 220
    assert corner(true, true)[0] < corner(true, true)[2]  # right ones are bluish
    assert (corner(10, 10) == 255).all()


def test_the_curves_have_every_batch_and_validation_at_the_epochs_ends(told: Told) -> None:
    folder, answers, _ = told
    run = Run(folder / HOSTILE)
    lines = [(np.ravel(each["x"]).tolist(), np.ravel(each["y"])) for each in answers["curves"]]
    assert sum(len(x) == 12 for x, _ in lines) == 2
    history = run.read_table(run.history)
    for name in ("validation_loss", "validation_accuracy"):
        assert any(x == [4, 8, 12] and np.allclose(y, history[name], atol=1e-9) for x, y in lines)


def test_the_bars_are_the_precision_and_recall(told: Told) -> None:
    folder, answers, _ = told
    metrics = Run(folder / HOSTILE).read_json(folder / HOSTILE / "metrics.json")
    bars = [np.ravel(each["y"]) for each in answers["bars"]]
    for name in ("precision", "recall"):
        assert any(len(y) == 10 and np.allclose(y, metrics[name], atol=1e-9) for y in bars)


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("one/learning-curves.png", [(0, 114, 178), (213, 94, 0), (127, 184, 216)]),
        ("one/precision-recall.png", [(0, 114, 178), (213, 94, 0)]),
        ("one/confusion-matrix.png", [(226, 141, 77), (214, 232, 243)]),
        ("out `touch pwned`/many/validation.png", [(0, 114, 178), (213, 94, 0), (0, 158, 115), (184, 87, 143)]),
        ("out `touch pwned`/many/test.png", [(0, 114, 178), (213, 94, 0)]),
        ("untrained/precision-recall.png", [(0, 114, 178), (213, 94, 0)]),
    ],
)
def test_the_pictures_show_what_they_should(told: Told, name: str, colours: list[tuple[int, int, int]]) -> None:
    picture = np.asarray(Image.open(told[0] / name).convert("RGB"), int)
    assert min(picture.shape[:2]) >= 300
    for colour in colours:
        near = np.abs(picture - colour).max(axis=2) <= 3
        assert near.sum() > 100, f"{name}: hardly anything is drawn in {colour}"


def test_results_are_told_apart_by_their_folders_names(told: Told) -> None:
    _, answers, printed = told
    names = {each["text"] for each in answers["key"]}
    assert {"plain", "other/plain", "unvalidated (training)"} <= names
    assert "measured" not in names  # it has no curves
    assert {"plain", "measured", "unvalidated"} <= {each["text"] for each in answers["test"]}
    assert any(line.split()[:1] == ["measured"] for line in printed.splitlines())


def test_a_name_is_shown_and_not_obeyed(told: Told) -> None:
    folder, answers, _ = told
    assert not list(folder.rglob("pwned"))
    assert any("a_b^{2} 'touch" in each["text"] for each in answers["confusion"])


def test_written_figures_are_closed_and_an_untrained_one_has_no_curves(told: Told) -> None:
    folder, answers, _ = told
    assert answers["open"] == 0
    assert {path.name for path in (folder / "untrained").iterdir()} == {"precision-recall.png", "confusion-matrix.png"}


def test_mistakes_end_in_a_line_that_helps(told: Told) -> None:
    nowhere, text, bare, none, unwritable = told[1]["refusals"]
    assert "nowhere: there is no such file; expected a run folder or a metrics.mat" in nowhere
    assert "text.mat: cannot be read as a .mat file" in text
    assert "bare.mat: lacks confusion matrix, accuracy, precision, recall, training" in bare
    assert "at least one run folder" in none
    assert "text.mat/pictures: cannot be made" in unwritable
