"""What the pictures of datasets and filters show."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.reports.figures import digits_figure, filters_figure, sets_figure
from digitlab.values import Digits


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
    assert -low == high > 80  # 0 is white
    assert mean_result.images[0].get_clim() == (0, 255)
