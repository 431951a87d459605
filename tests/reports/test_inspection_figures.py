"""What the pictures of a network's inside show, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from digitlab.reports.diagram import architecture_svg
from digitlab.reports.figures.style import LIGHT
from digitlab.reports.inspection_figures import (
    Stage,
    activation_maps_figure,
    changes_figure,
    filter_channels_figure,
    learned_filters_figure,
    reasons_figure,
    walk_figure,
)

RNG = np.random.default_rng(2)
DIGIT = np.zeros((28, 28), np.uint8)
DIGIT[5:20, 12:15] = 255


def test_filters_stand_row_by_row_and_upright() -> None:
    kernels = RNG.standard_normal((3, 3, 10)).astype(np.float32)
    figure = learned_filters_figure(kernels, ["vertical", *[""] * 9], "first", 2.5, 65)
    axes, bar = figure.axes
    pixels = np.asarray(axes.images[0].get_array().filled(np.nan))  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts][:2] == ["65 vertical", "66"]
    for place, frame in enumerate(axes.patches):
        left, top = (round(each + 0.5) for each in frame.get_xy())  # type: ignore[attr-defined]
        scale = round(frame.get_width() / 3)  # type: ignore[attr-defined]
        shown = pixels[top : top + 3 * scale : scale, left : left + 3 * scale : scale]
        np.testing.assert_array_equal(shown, kernels[:, :, place])
    assert axes.images[0].get_clim() == (-2.5, 2.5)
    assert [label.get_text() for label in bar.get_yticklabels()] == ["−2.5", "0", "2.5"]


def test_deep_filters_are_rows_and_their_channels_columns() -> None:
    kernel = RNG.standard_normal((3, 3, 5, 4)).astype(np.float32)  # (height, width, depth, number)
    axes, _ = filter_channels_figure(kernel, "deep", 3.0, (65, 129)).axes
    pixels = np.asarray(axes.images[0].get_array().filled(np.nan))  # type: ignore[attr-defined]
    high, wide = pixels.shape[0] // 4, pixels.shape[1] // 5
    scale = high // 3
    for number in range(4):
        for channel in range(5):
            cell = pixels[number * high : (number + 1) * high, channel * wide : (channel + 1) * wide]
            np.testing.assert_array_equal(cell[: 3 * scale : scale, : 3 * scale : scale], kernel[:, :, channel, number])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["65", "66", "67", "68"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["129", "130", "131", "132", "133"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("channel", "filter")


@pytest.mark.parametrize(
    ("ends", "low", "high"), [((-2, 2), LIGHT.blue, LIGHT.orange), ((0, 3), "#ffffff", LIGHT.orange)]
)
def test_colours_mean_the_same_in_every_picture(ends: tuple[float, float], low: str, high: str) -> None:
    maps = RNG.uniform(*ends, (6, 7, 3)).astype(np.float32)
    axes, _ = activation_maps_figure(maps, ["", "dead", ""], "maps", ends).axes
    shown = axes.images[0]
    for value, colour in zip((*ends, 0), (low, high, "#ffffff"), strict=True):
        np.testing.assert_allclose(shown.to_rgba(np.array([value]))[0][:3], to_rgb(colour), atol=0.01)
    assert [text.get_text() for text in axes.texts] == ["1", "2 dead", "3"]


def test_maps_that_are_all_nothing_are_drawn() -> None:
    axes, _ = activation_maps_figure(np.zeros((4, 4, 2), np.float32), ["", ""], "nothing", (0.0, 0.0)).axes
    assert axes.images[0].get_clim() == (0, 1)


def test_the_walk_shows_the_strongest_maps_of_each_layer() -> None:
    maps = np.ones((8, 8, 14), np.float32) * np.arange(14)
    units = RNG.standard_normal(20).astype(np.float32)
    stages = [Stage("conv", "14 maps", maps), Stage("dense", "20 units", units)]
    figure = walk_figure(DIGIT, stages, [0.02] * 5 + [0.9] + [0.0] * 4)
    _, conv, dense, answer = figure.axes
    assert [text.get_text() for text in conv.texts] == [str(number) for number in range(5, 15)]
    np.testing.assert_allclose([bar.get_height() for bar in dense.patches], units)  # type: ignore[attr-defined, arg-type]
    assert "90.0 %" in [text.get_text() for text in answer.texts]
    assert [text.get_text() for text in figure.texts if text.get_weight() == "bold"] == [  # type: ignore[attr-defined]
        "image", "conv", "dense", "prediction"
    ]  # fmt: skip


def test_reasons_of_a_row_share_a_scale_and_those_with_notes_do_not() -> None:
    maps = np.stack([np.full((28, 28), value, np.float32) for value in (1, -4)])
    figure = reasons_figure(DIGIT, {"saliency\nhow steep": maps, "other": 2 * maps}, ["why 4", "why 9"])
    image, *cells = figure.axes
    np.testing.assert_array_equal(image.images[0].get_array(), DIGIT)
    assert [cell.images[0].get_clim()[1] for cell in cells] == pytest.approx([4, 4, 8, 8])
    assert [cell.get_title() for cell in cells[:2]] == ["why 4", "why 9"]
    noted = reasons_figure(DIGIT, {"saliency": maps}, ["a", "b"], {"saliency": ["1.00", "−0.10"]}).axes[1:]
    assert [cell.images[0].get_clim()[1] for cell in noted] == pytest.approx([1, 4])
    assert [cell.get_xlabel() for cell in noted] == ["1.00", "−0.10"]


def test_changes_that_were_not_found_are_left_empty() -> None:
    first, second = changes_figure([("as it is", "7", DIGIT), ("none up to 10", "7", None)]).axes
    assert (len(first.images), len(second.images)) == (1, 0)
    assert (first.get_title(), second.get_xlabel()) == ("as it is", "7")


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    takes: tuple[str, ...] = ()
    detail: str = ""
    input_shape: tuple[int, ...] = (28, 28)
    shape: tuple[int, ...] = (28, 28)
    parameters: int = 0


def parsed(rows: list[Row], title: str = "net") -> tuple[list[str], list[ET.Element], list[str]]:
    """The texts, the boxes (each once, without the paper behind it) and the arrows' paths of a diagram."""
    root = ET.fromstring(architecture_svg(rows, title))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text or "" for element in root.iter(f"{space}text")]
    boxes = [element for element in root.iter(f"{space}rect") if element.get("stroke")]
    return texts, boxes, [element.get("d", "") for element in root.findall(f"{space}path")]


def test_a_chain_of_layers() -> None:
    rows = [
        Row("conv", "Conv2D", (), "32 filters", (28, 28, 1), (26, 26, 32), 320),
        Row("dense <b>&", "Dense", ("conv",), "", (26, 26, 32), (10,), 1290),
    ]
    texts, boxes, arrows = parsed(rows, "a & b")
    assert texts == [
        "a & b", "image", "28×28×1", "conv: Conv2D", "32 filters", "28×28×1 → 26×26×32", "320 parameters",
        "dense <b>&: Dense", "26×26×32 → 10", "1,290 parameters",
    ]  # fmt: skip
    assert (len(boxes), len(arrows)) == (3, 2)
    middles = {float(box.get("x", 0)) + float(box.get("width", 0)) / 2 for box in boxes}
    assert max(middles) - min(middles) < 0.2  # one below the other
    assert [float(box.get("y", 0)) for box in boxes] == sorted(float(box.get("y", 0)) for box in boxes)


def test_an_arrow_that_passes_layers_goes_around_them() -> None:
    rows = [
        Row("first", "Conv2D"),
        Row("second", "Conv2D", ("first",)),
        Row("a rather long name", "BatchNormalization", ("second",)),
        Row("sum", "Add", ("first", "a rather long name")),
    ]
    _, boxes, arrows = parsed(rows)
    assert len(boxes) == 5
    # Where an arrow goes straight down beside a box, it keeps clear of it.
    straight = [re.search(r"([\d.]+) ([\d.]+)V([\d.]+)$", arrow) for arrow in arrows]
    passed = [(float(found[1]), float(found[2]), float(found[3])) for found in straight if found]
    assert len(passed) == 2
    for x, top, bottom in passed:
        for box in boxes:
            left, upper = float(box.get("x", 0)), float(box.get("y", 0))
            beside = upper < bottom and upper + float(box.get("height", 0)) > top
            assert not (beside and left < x < left + float(box.get("width", 0)))


def test_boxes_do_not_overlap_and_lie_inside() -> None:
    rows = [Row(f"branch {number}", "Conv2D", (), "x" * 5 * number) for number in range(6)]
    rows.append(Row("image", "Concatenate", tuple(row.name for row in rows)))
    _, boxes, _ = parsed(rows)
    spans = sorted((float(box.get("x", 0)), float(box.get("width", 0))) for box in boxes[1:7])
    for (left, width), (following, _) in pairwise(spans):
        assert left + width < following
    drawing = architecture_svg(rows, "t")
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    assert size
    assert spans[0][0] > 0
    assert spans[-1][0] + spans[-1][1] < int(size[1])
