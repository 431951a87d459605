"""What the figures show, and that they do so in one style."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from digitlab.errors import UsageError
from digitlab.evaluation import measure
from digitlab.evaluation.curves import (
    Reliability,
    error_reject,
    mean_roc,
    precision_recall_curves,
    reliability,
    roc_curves,
)
from digitlab.reports.figures import (
    classification_report_figure,
    confusion_matrix_figure,
    digits_figure,
    error_reject_figure,
    figure_style,
    filters_figure,
    learning_curves_figure,
    learning_rate_figure,
    mistakes_figure,
    precision_recall_bars_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    runs_by_digit_figure,
    runs_figure,
    save_figure,
    sets_figure,
    svg_element,
)
from digitlab.reports.figures.style import DARK, LIGHT
from digitlab.values import Digits

NAN = math.nan
HISTORY = {
    "epoch": [1.0, 2.0, 3.0],
    "loss": [0.5, 0.2, 0.1],
    "accuracy": [0.85, 0.93, 0.96],
    "validation_loss": [NAN, 0.15, 0.12],
    "validation_accuracy": [NAN, 0.95, 0.955],
}


def answers(images: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 10) that are right about nine times in ten, and the labels (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % 10
    scores = rng.normal(size=(images, 10)) + 3.5 * np.eye(10)[labels]
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True), labels


def every_figure() -> dict[str, Figure]:
    probabilities, labels = answers()
    shares = np.linspace(0.95, 1.0, 10).tolist()
    images = np.zeros((3, 28, 28), np.uint8)
    rates = np.logspace(-5, 1, 50)
    return {
        "learning": learning_curves_figure(HISTORY, {}),
        "runs": runs_figure({"A": HISTORY, "B": HISTORY}, "validation_loss"),
        "range": learning_rate_figure(rates, rates, rates, 1e-2, 1e-1),
        "confusion": confusion_matrix_figure(np.eye(10, dtype=int).tolist()),
        "bars": precision_recall_bars_figure(shares, shares),
        "report": classification_report_figure({"precision": shares}, [5] * 10),
        "by digit": runs_by_digit_figure({"A": shares, "B": shares}, "recall"),
        "roc": roc_figure(roc_curves(probabilities, labels), mean_roc(probabilities, labels)),
        "precision": precision_recall_figure(precision_recall_curves(probabilities, labels)),
        "reliability": reliability_figure(reliability(probabilities, labels)),
        "error": error_reject_figure(error_reject(probabilities, labels)),
        "mistakes": mistakes_figure(images, [1, 2, 3], probabilities[:3], [7, 8, 9]),
        "digits": digits_figure(images, ["a", "b", "c"]),
    }


def test_every_figure_is_drawn_in_the_dark_as_well_and_without_pyplot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # to import it is an error from here on
    light = every_figure()
    with figure_style(dark=True):
        dark = every_figure()
    for name, figure in light.items():
        assert to_hex(figure.get_facecolor()) == LIGHT.paper, name
        assert to_hex(dark[name].get_facecolor()) == DARK.paper, name
        words = {
            to_hex(text.get_color())  # type: ignore[attr-defined]
            for text in dark[name].findobj(lambda artist: hasattr(artist, "get_fontsize"))
        }
        assert words <= {DARK.ink, DARK.quiet, DARK.blue, DARK.orange}, name
    save_figure(dark["roc"], tmp_path / "dark.png")
    save_figure(light["roc"], tmp_path / "light.svg")


def test_colours_of_the_page_take_the_place_of_the_palette() -> None:
    for name, figure in every_figure().items():
        element = svg_element(figure, name, f"{name} <&>")
        assert element.startswith('<svg role="img" aria-label="')
        assert "&lt;&amp;&gt;" in element
        assert "var(--ink" in element or name == "mistakes"
        assert not re.findall(r'(?<=: )#[0-9a-f]{6}(?=[;"])', element), name  # nothing keeps its colour in the dark
        assert "http" not in element
        assert not re.search(r"<(style|metadata|script)", element)
        assert len(element) < 120_000, name


def test_two_elements_of_a_page_share_no_names() -> None:
    figures = every_figure()
    named = [set(re.findall(r' id="([^"]+)"', svg_element(figures[name], name, ""))) for name in ("roc", "precision")]
    assert all(named)
    assert not named[0] & named[1]
    for name in ("roc", "precision"):
        element = svg_element(figures[name], name, "")
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', element)) <= set(re.findall(r' id="([^"]+)"', element))


def test_a_run_may_be_called_anything() -> None:
    history = {"epoch": [1.0], "loss": [0.5]}
    names = ["</text><script>", r"$\frac$", "_hidden", "数字", "a" * 200]
    element = svg_element(runs_figure(dict.fromkeys(names, history), "loss"), "runs", "")
    assert "<script>" not in element
    assert "&lt;script&gt;" in element
    for name in names[1:]:
        assert name in element


def test_learning_curves_show_batches_epochs_and_validation() -> None:
    batches = {
        "epoch": np.repeat([1.0, 2.0, 3.0], 1000).tolist(),
        "batch": np.tile(np.arange(1, 1001.0), 3).tolist(),
        "loss": np.linspace(2, 0.1, 3000).tolist(),
        "accuracy": np.linspace(0.1, 0.97, 3000).tolist(),
    }
    loss, accuracy = learning_curves_figure(HISTORY, batches).axes
    lines = {line.get_label(): line for line in loss.lines}
    assert list(lines) == ["training, mean of 6 batches", "training, mean of the epoch", "validation, after the epoch"]
    each = np.asarray(lines["training, mean of 6 batches"].get_ydata())
    assert len(each) == 500
    assert each.mean() == pytest.approx(np.mean(batches["loss"]))
    np.testing.assert_array_equal(lines["training, mean of the epoch"].get_ydata(), HISTORY["loss"])
    np.testing.assert_array_equal(lines["validation, after the epoch"].get_ydata(), HISTORY["validation_loss"])
    assert loss.get_ylim()[0] == 0
    assert accuracy.get_ylim()[1] == 1
    assert [axes.get_title(loc="left") for axes in (loss, accuracy)] == [
        "Learning curve: loss", "Learning curve: accuracy"
    ]  # fmt: skip
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in (loss, accuracy)] == [
        ("epoch", "loss"), ("epoch", "accuracy")
    ]  # fmt: skip


def test_a_curve_of_test_images_is_called_so() -> None:
    nothing = {**HISTORY, "validation_accuracy": [float("nan")] * len(HISTORY["epoch"])}
    watched = {**nothing, "test_accuracy": HISTORY["validation_accuracy"]}
    (axes,) = learning_curves_figure(watched, {}, of=("accuracy",)).axes
    assert [line.get_label() for line in axes.lines] == [
        "training, mean of the epoch", "test, after the epoch\n(not used to choose anything)"
    ]  # fmt: skip
    figure = learning_curves_figure(watched, {"epoch": [1.0], "batch": [1.0], "loss": [1.0], "accuracy": [0.5]})
    figure.draw_without_rendering()
    for axes in figure.axes:
        legend = axes.get_legend()
        assert legend is not None
        box, inside = legend.get_window_extent(), axes.get_window_extent()
        assert inside.x0 < box.x0
        assert box.x1 < inside.x1


def test_learning_curves_without_validation_or_batches() -> None:
    nothing = {**HISTORY, "validation_loss": [NAN] * 3, "validation_accuracy": [NAN] * 3}
    (axes,) = learning_curves_figure(nothing, {}, of=("accuracy",)).axes
    assert [line.get_label() for line in axes.lines] == ["training, mean of the epoch"]


def test_runs_without_the_column_have_no_line() -> None:
    trained, measured = HISTORY, {}
    (axes,) = runs_figure({"A": trained, "B": measured, "C": trained}, "validation_accuracy").axes
    assert [line.get_label() for line in axes.lines] == ["A", "C"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert not runs_figure({"A": {}}, "loss").axes[0].lines


def test_the_drawn_matrix_is_not_transposed() -> None:
    matrix = np.zeros((10, 10), int)
    matrix[2, 7] = 41  # true 2, answered 7
    matrix[2, 2] = 1234
    axes = confusion_matrix_figure(matrix.tolist()).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[7, 2] == "41"
    assert written[2, 7] == "·"
    assert written[2, 2] == "1,234"
    assert written[10.1, 2] == written[10.1, 10.1] == "1,275"
    assert (written[7, 10.1], written[2, 10.1], written[0, 10.1]) == ("41", "1,234", "0")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted digit", "true digit")


def test_a_matrix_of_shares_says_what_became_of_each_digit() -> None:
    matrix = np.eye(10, dtype=int) * 200
    matrix[4, 9] = 1
    axes = confusion_matrix_figure(matrix.tolist(), shares=True).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert (written[4, 4], written[9, 4], written[0, 0]) == ("99.5", "0.5", "100")
    assert written[10.1, 4] == "201"


def test_curves_are_those_that_were_given() -> None:
    probabilities, labels = answers()
    curves, mean = roc_curves(probabilities, labels), mean_roc(probabilities, labels)
    (axes,) = roc_figure(curves, mean).axes
    assert len(axes.lines) == 11
    for digit, (curve, line) in enumerate(zip(curves, axes.lines, strict=False)):
        assert curve is not None
        np.testing.assert_array_equal(line.get_xdata(), curve.x)
        np.testing.assert_array_equal(line.get_ydata(), curve.y)
        assert line.get_label() == f"{digit}  {curve.area:.5f}"
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines[:10]}) == 10


def test_axes_have_the_field_s_names() -> None:
    figures = every_figure()
    named = {name: (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) for name, figure in figures.items()}
    assert named["roc"] == ("false positive rate", "true positive rate")
    assert named["precision"] == ("recall", "precision")
    assert named["confusion"] == ("predicted digit", "true digit")
    assert named["runs"] == ("epoch", "loss")
    assert named["range"] == ("learning rate", "training loss")
    assert named["error"] == ("rejection rate (least confident first)", "error rate of the rest")
    above, below = figures["reliability"].axes
    assert (above.get_ylabel(), below.get_xlabel(), below.get_ylabel()) == ("accuracy", "confidence", "count")


def test_the_corner_shows_where_the_curves_bend() -> None:
    probabilities, labels = answers()
    (axes,) = roc_figure(roc_curves(probabilities, labels), corner=True).axes
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < 0 < right <= 0.5
    assert 0.5 <= low < 1 < high
    for curve in roc_curves(probabilities, labels):
        assert curve is not None
        bend = np.argmin(curve.x + 1 - curve.y)
        assert left <= curve.x[bend] <= right
        assert low <= curve.y[bend] <= high
    (axes,) = precision_recall_figure(precision_recall_curves(probabilities, labels), corner=True).axes
    assert 0.5 <= axes.get_xlim()[0] < 1 < axes.get_xlim()[1]
    assert all(line.get_drawstyle() == "steps-pre" for line in axes.lines)  # as average precision adds it up


def test_digits_that_are_missing_have_no_curve() -> None:
    probabilities, labels = answers(30)
    kept = labels != 3
    curves = roc_curves(probabilities[kept], labels[kept])
    assert len(roc_figure(curves).axes[0].lines) == 9
    alone = labels == 3
    figure = roc_figure(
        roc_curves(probabilities[alone], labels[alone]), mean_roc(probabilities[alone], labels[alone]), corner=True
    )
    assert not figure.axes[0].lines


def test_bars_bear_their_numbers_and_begin_below_the_lowest() -> None:
    precision, recall = [0.99] * 10, [0.975] * 9 + [1.0]
    (axes,) = precision_recall_bars_figure(precision, recall).axes
    assert len(axes.patches) == 20
    tops = [patch.get_y() + patch.get_height() for patch in axes.patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(tops, precision + recall)
    assert axes.get_ylim()[0] == 0.95
    assert [text.get_text().strip() for text in axes.texts] == ["99.0"] * 10 + ["97.5"] * 9 + ["100.0"]
    assert precision_recall_bars_figure([0.0] * 10, recall).axes[0].get_ylim()[0] == 0


def test_the_classification_report_has_plain_and_weighted_means() -> None:
    recall, support = [0.5] + [1.0] * 9, [90] + [10] * 9
    axes = classification_report_figure({"precision": [1.0] * 10, "recall": recall}, support).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert (written[1, 0], written[1, 9], written[0, 0]) == ("0.5000", "1.0000", "1.0000")
    assert (written[1, 10], written[1, 11]) == ("0.9500", "0.7500")
    assert (written[2, 0], written[2, 11]) == ("90", "180")


def test_undefined_numbers_are_a_dash_and_not_0() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2, 3])
    probabilities = np.eye(10)[[0, 0, 1, 2, 2, 2, 9]]  # 3 is never predicted, 9 has no image, 4 to 8 have neither
    found = measure(probabilities, labels)
    (bars,) = precision_recall_bars_figure(found.precision, found.recall).axes
    said = [text.get_text().strip() for text in bars.texts]
    assert said[:10] == ["100.0", "100.0", "66.7", "–", "–", "–", "–", "–", "–", "0.0"]
    assert said[10:] == ["100.0", "50.0", "100.0", "0.0", "–", "–", "–", "–", "–", "–"]
    columns = {"precision": found.precision, "recall": found.recall, "F1": found.f1}
    report = classification_report_figure(columns, found.support).axes[0]
    written = {text.get_position(): text.get_text() for text in report.texts}
    assert [written[column, 5] for column in range(4)] == ["–", "–", "–", "0"]
    assert [written[column, 9] for column in range(4)] == ["0.0000", "–", "–", "0"]
    for column, name in enumerate(("precision", "recall", "f1")):
        assert written[column, 10] == f"{getattr(found, f'{name}_macro'):.4f}"
        assert written[column, 11] == f"{getattr(found, f'{name}_weighted'):.4f}"
    (axes,) = runs_by_digit_figure({"A": found.recall, "B": found.recall}, "recall").axes
    assert np.isnan(np.asarray(axes.lines[0].get_ydata())[4:]).all()


def test_reliability_has_an_interval_about_each_dot() -> None:
    found = Reliability(np.array([0.55, 0.95]), np.array([0.5, 0.99]), np.array([4, 10_000]), 0.0412)
    above, below = reliability_figure(found).axes
    dots = next(line for line in above.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(dots.get_xdata(), found.confidence)
    np.testing.assert_array_equal(dots.get_ydata(), found.accuracy)
    few, many = (segment[1, 1] - segment[0, 1] for segment in above.collections[0].get_segments())  # type: ignore[attr-defined]
    assert few > 0.5 > 0.01 > many
    assert "0.0412" in above.texts[0].get_text()
    assert above.get_xlim() == below.get_xlim()


def test_error_against_refusal_names_what_is_left() -> None:
    probabilities, labels = answers(2000)
    curve = error_reject(probabilities, labels)
    (axes,) = error_reject_figure(curve).axes
    assert float(np.asarray(axes.lines[0].get_ydata())[0]) == pytest.approx(np.mean(probabilities.argmax(1) != labels))
    said = [text.get_text() for text in axes.texts]
    left = curve.y[np.searchsorted(curve.x, 0.01, side="right") - 1]
    assert said[0] == f"1 % rejected: {100 * left:.2f} %"
    perfect = error_reject(np.eye(10), np.arange(10))
    assert not error_reject_figure(perfect).axes[0].texts


def test_mistakes_stand_beside_their_three_best_guesses(few_digits: Digits) -> None:
    probabilities = np.full((5, 10), 0.01)
    probabilities[:, 3], probabilities[:, 8], probabilities[:, 5] = 0.5, 0.3, 0.13
    figure = mistakes_figure(few_digits.images[:5], [5] * 5, probabilities, range(100, 105), columns=3)
    (axes,) = figure.axes
    canvas = np.asarray(axes.images[0].get_array())
    assert canvas.shape == (2 * 44, 3 * 76)
    np.testing.assert_array_equal(canvas[44 + 13 : 44 + 41, 76 + 4 : 76 + 32], few_digits.images[4])
    texts = [text.get_text() for text in axes.texts]
    assert texts[:8] == ["5", "#100", "3", "50", "8", "30", "5", "13"]
    assert len(axes.patches) == 15
    assert to_hex(axes.patches[2].get_facecolor()) == LIGHT.blue  # the true one


def test_every_image_stands_under_its_caption(few_digits: Digits) -> None:
    figure = digits_figure(few_digits.images, [f"no {number}" for number in range(20)], columns=8)
    (axes,) = figure.axes
    canvas = np.asarray(axes.images[0].get_array())
    assert canvas.shape == (3 * 40, 8 * 32)
    for number, text in enumerate(axes.texts):
        row, column = divmod(number, 8)
        assert text.get_text() == f"no {number}"
        x, y = text.get_position()
        assert (x // 32, y // 40) == (column, row)
        cell = canvas[row * 40 : (row + 1) * 40, column * 32 : (column + 1) * 32]
        np.testing.assert_array_equal(cell[11:39, 2:30], few_digits.images[number])


def test_sets_stand_below_each_other_under_their_titles(few_digits: Digits) -> None:
    labels = [str(label) for label in few_digits.labels]
    figure = sets_figure([("one", few_digits.images[:3], labels[:3]), ("two", few_digits.images, labels)], columns=5)
    assert [text.get_text() for text in figure.texts] == ["one", "two"]
    heights = [axes.get_position().y0 for axes in figure.axes]
    assert heights[0] > heights[1] == pytest.approx(0)
    assert figure.texts[0].get_position()[1] > heights[0]
    assert heights[0] > figure.texts[1].get_position()[1]


def test_a_set_without_images_is_a_title() -> None:
    assert len(sets_figure([("none", np.empty((0, 28, 28), np.uint8), [])]).axes) == 1


def test_pictures_of_digits_are_written_by_their_ending(tmp_path: Path, few_digits: Digits) -> None:
    for name in ("grid.png", "grid.svg"):
        save_figure(digits_figure(few_digits.images, [str(label) for label in few_digits.labels]), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    with pytest.raises(UsageError, match="ends in"):
        save_figure(digits_figure(few_digits.images, ["?"] * 20), tmp_path / "grid.txt")


def test_kernels_are_written_as_whole_numbers_beside_their_results(few_digits: Digits) -> None:
    kernels = {
        "edges-up": np.array([[0, -1, 0], [0, 3, 0], [0, 0, 0.0]], np.float32),
        "mean": np.full((3, 3), 1 / 9, np.float32),
    }
    results = {
        "edges-up": np.linspace(-90, 30, 784, dtype=np.float32).reshape(28, 28),
        "mean": np.full((28, 28), 80, np.float32),
    }
    axes = filters_figure(few_digits.images[0], kernels, results).axes
    image, _, edges, edges_result, mean, mean_result = axes
    np.testing.assert_array_equal(image.images[0].get_array(), few_digits.images[0])
    written = {text.get_position(): text.get_text() for text in edges.texts}
    assert (written[1, 0], written[1, 1], written[0, 0]) == ("−1", "3", "0")  # not transposed
    assert {text.get_text() for text in mean.texts} == {"1"}
    assert mean.get_xlabel() == "divided by 9"
    assert (edges_result.get_title(), mean_result.get_title()) == ("edges up", "mean")
    low, high = edges_result.images[0].get_clim()
    assert -low == high > 80  # 0 is as the paper
    assert mean_result.images[0].get_clim() == (0, 255)
