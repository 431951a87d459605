"""Classical filters and their results for an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitlab.reports.figures.style import GREY, canvas, palette, styled, two_colours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["filters_figure"]

_FILTERS_ACROSS = 3


@styled
def filters_figure(
    image: NDArray[np.uint8], kernels: Mapping[str, NDArray[np.float32]], results: Mapping[str, NDArray[np.float32]]
) -> Figure:
    """An image and, for every filter, its kernel and its result (Oviedo slides S2, "More filters").

    image: uint8 (H, W); kernels: float32 (K, K) by name; results: float32 (H, W) by the same names. Results of kernels
        with negative weights are drawn in two colours about 0, others in grey.
    """
    rows = -(-(1 + len(kernels)) // _FILTERS_ACROSS)
    shape = min(1.5, max(0.75, image.shape[0] / image.shape[1]))
    figure = canvas(10.5, (0.35 + 2 * shape) * rows)
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(rows, 2 * _FILTERS_ACROSS, width_ratios=[0.72, 1.0] * _FILTERS_ACROSS)
    axes = figure.add_subplot(grid[0, 1])
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title("image", fontsize=10, loc="center")
    axes.set_axis_off()
    legend = figure.add_subplot(grid[0, 0])
    legend.set_axis_off()
    for height, text, colour in (
        (0.62, "above 0", palette().orange),
        (0.46, "0: background", palette().quiet),
        (0.3, "below 0", palette().blue),
    ):
        legend.text(0.5, height, text, color=colour, fontsize=9, ha="center", va="center", transform=legend.transAxes)
    for index, (name, kernel) in enumerate(kernels.items(), start=1):
        row, column = divmod(index, _FILTERS_ACROSS)
        _draw_kernel(figure.add_subplot(grid[row, 2 * column]), kernel)
        _draw_result(figure.add_subplot(grid[row, 2 * column + 1]), name, results[name], signed=kernel.min() < 0)
    return figure


def _draw_kernel(axes: Axes, kernel: NDArray[np.float32]) -> None:
    numbers, divisor = _in_whole_numbers(kernel)
    size = len(kernel)
    axes.imshow(numbers, cmap=two_colours(), vmin=-3 * np.abs(numbers).max(), vmax=3 * np.abs(numbers).max())
    for (row, column), value in np.ndenumerate(numbers):
        text = f"{value:.0f}".replace("-", "−")
        axes.text(column, row, text, ha="center", va="center", fontsize=10 if size < 4 else 7)
    axes.set_xticks(np.arange(size + 1) - 0.5, [])
    axes.set_yticks(np.arange(size + 1) - 0.5, [])
    axes.grid(color=GREY, linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True, color=GREY)
    if divisor > 1:
        axes.set_xlabel(f"divided by {divisor}", fontsize=8)


def _in_whole_numbers(kernel: NDArray[np.float32]) -> tuple[NDArray[np.float64], int]:
    """A kernel as integers and their common divisor."""
    smallest = float(np.abs(kernel[kernel != 0]).min())
    divisor = 1 if np.array_equal(kernel, np.rint(kernel)) else round(1 / smallest)
    return np.rint(kernel.astype(np.float64) * divisor), divisor


def _draw_result(axes: Axes, name: str, result: NDArray[np.float32], *, signed: bool) -> None:
    if signed:
        strongest = max(1.0, float(np.percentile(np.abs(result), 99.5)))
        axes.imshow(result, cmap=two_colours(), vmin=-strongest, vmax=strongest, interpolation="nearest")
    else:
        axes.imshow(result, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(name.replace("-", " "), fontsize=10, loc="center")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, color=GREY)
