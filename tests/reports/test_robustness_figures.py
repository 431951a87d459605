"""What the pictures of a robustness test and of suspicious labels show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlab.datasets.robustness_sets import hard_sets
from digitlab.evaluation.robustness import Robustness, measure_robustness
from digitlab.reports.figures import figure_style, save_figure
from digitlab.reports.robustness_figures import label_errors_figure, robustness_figure
from digitlab.values import Digits


def answer(images: np.ndarray) -> np.ndarray:
    """Says of each image by its mean what nobody could know."""
    said = np.full((len(images), 10), 0.02)
    said[np.arange(len(images)), images.mean(axis=(1, 2)).astype(int) % 10] = 0.82
    return said


@pytest.fixture(scope="module")
def found() -> Robustness:
    quick = ("plain", "rotation", "shift-x", "shift-y", "other-hand", "stranger")
    sets = [each for each in hard_sets(12) if each.kind in quick or each.name in ("stripe", "brightness")]
    return measure_robustness(answer, [each for each in sets if not each.optional])


def words(figure: object) -> str:
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]  # type: ignore[attr-defined]
    titles = [axes.get_title(loc="left") for axes in figure.axes]  # type: ignore[attr-defined]
    return " | ".join([text.get_text() for text in texts] + titles)


def test_the_picture_names_every_number(found: Robustness, tmp_path: Path) -> None:
    figure = robustness_figure(found)
    said = words(figure)
    for each in found.of("plain", "corruption"):
        assert f"{100 * (each.accuracy or 0):.1f}" in said
    assert f"mean accuracy {100 * (found.corruption_mean or 0):.1f} %" in said
    assert "digits-8x8" in said
    assert "AUROC" in said
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["clean", "brightness", "stripe"]
    save_figure(figure, tmp_path / "robustness.png")
    with Image.open(tmp_path / "robustness.png") as picture:
        assert picture.size == (1740, 1380)


def test_the_lines_are_the_sweeps(found: Robustness) -> None:
    lines = {line.get_label(): line for axes in robustness_figure(found).axes for line in axes.lines}
    for kind, name in (("shift-x", "x, to the right"), ("shift-y", "y, down")):
        places, accuracies, _ = found.sweep(kind)
        np.testing.assert_array_equal(lines[name].get_xdata(), places)
        np.testing.assert_array_equal(lines[name].get_ydata(), accuracies)


def test_it_can_be_drawn_of_the_plain_digits_alone_and_in_the_dark() -> None:
    plain = measure_robustness(answer, [each for each in hard_sets(1) if each.kind == "plain"])
    with figure_style(dark=True):
        robustness_figure(plain)


def test_every_suspicious_label_stands_under_its_image(few_digits: Digits) -> None:
    names = [f"test {number}" for number in range(20)]
    scores = np.linspace(-1, 0.5, 20).tolist()
    figure = label_errors_figure(few_digits.images, few_digits.labels.tolist(), [3] * 20, scores, names, columns=6)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert texts[:5] == ["test 0", "0", "or", "3", "−1.00"]
    assert len(texts) == 100
    canvas = np.asarray(axes.images[0].get_array())
    assert canvas.shape == (4 * 54, 6 * 50)
    np.testing.assert_array_equal(canvas[54 + 10 : 54 + 38, 11:39], few_digits.images[6])


def test_no_suspicious_label_is_a_blank() -> None:
    assert len(label_errors_figure(np.empty((0, 28, 28), np.uint8), [], [], [], []).axes) == 1
