"""Numbers → figures: functions of arrays that return matplotlib figures, in one house style.

Readable at half size and by the colour-blind (Okabe–Ito colours). Figures are made without pyplot: no
global state, no window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from digitlab.errors import UsageError
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = [
    "confusion_matrix_figure",
    "digits_figure",
    "filters_figure",
    "learning_curves_figure",
    "learning_rate_figure",
    "save_digits",
    "save_figure",
    "sets_figure",
]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"
_DPI = 150
_FILTERS_ACROSS = 3
# A digit with its caption, and a title, in pixels of the digit; each of which is drawn as so many of the picture.
_CELL, _TITLE, _MAGNIFIED = (40, 32), 20, 3
_MOST_POINTS = 1500  # more batches than pixels across only make the file large


def learning_curves_figure(history: Mapping[str, Sequence[float]], batches: Mapping[str, Sequence[float]]) -> Figure:
    """Loss and accuracy: every batch as a thin line, epochs as points, validation where there was one (S0, figure 5.7).

    history: columns epoch, loss, accuracy, validation_loss, validation_accuracy; batches: columns epoch, batch, loss,
        accuracy
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        _curve(axes, name, history, batches)
    loss.set_ylim(0, None)
    shown = np.concatenate([history["accuracy"], history["validation_accuracy"]])
    accuracy.set_ylim(max(0.0, 1 - 3 * (1 - float(np.nanmin(shown)))), 1.0)
    loss.legend(frameon=False)
    return figure


def _curve(
    axes: Axes, name: str, history: Mapping[str, Sequence[float]], batches: Mapping[str, Sequence[float]]
) -> None:
    epochs = np.asarray(history["epoch"])
    if batches:
        place = np.asarray(batches["epoch"]) - 1 + np.asarray(batches["batch"]) / np.max(batches["batch"])
        step = -(-len(place) // _MOST_POINTS)
        axes.plot(
            place[::step],
            _block_means(np.asarray(batches[name]), step),
            color=BLUE,
            alpha=0.35,
            linewidth=0.8,
            label="each batch",
        )
    axes.plot(epochs, history[name], "o-", color=BLUE, markersize=4, label="training, mean of the epoch")
    if np.isfinite(history[f"validation_{name}"]).any():
        axes.plot(epochs, history[f"validation_{name}"], "s-", color=ORANGE, markersize=4, label="validation")
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _block_means(values: NDArray[Any], step: int) -> NDArray[Any]:
    return np.array([values[start : start + step].mean() for start in range(0, len(values), step)])


def learning_rate_figure(
    rates: NDArray[np.float64],
    losses: NDArray[np.float64],
    smoothed: NDArray[np.float64],
    suggested: float | None,
    least: float | None,
) -> Figure:
    """The loss as the learning rate rises from step to step, and the rates to choose (S1, figure 3.9).

    rates, losses, smoothed: float64 (S,)
    suggested: where the smoothed loss falls fastest; least: where it is least, of which a tenth is marked as well
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(rates, losses, color=BLUE, alpha=0.35, linewidth=0.8, label="each batch")
    axes.semilogx(rates, smoothed, color=BLUE, linewidth=2, label="smoothed")
    # Where it diverges, a loss can be a thousand times the first; the way down is what is looked at.
    axes.set_ylim(0, 1.4 * max(smoothed[0], smoothed.min()))
    tenth = least and least / 10
    if least is not None:
        axes.plot(least, np.interp(least, rates, smoothed), "o", color=ORANGE, label=f"least at: {least:.2g}")
    for rate, text, style in ((tenth, "a tenth of that", ":"), (suggested, "falls fastest at", "-")):
        if rate is not None:
            axes.axvline(rate, color=ORANGE, linestyle=style, label=f"{text}: {rate:.2g}")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure


def confusion_matrix_figure(matrix: Sequence[Sequence[int]]) -> Figure:
    """Counts of true class (rows) against answer (columns), with totals; mistakes tinted (S0, figure 2.6)."""
    counts = np.asarray(matrix)  # (10, 10)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    wrong = counts * (1 - np.eye(10, dtype=counts.dtype))
    shade = np.zeros((11, 11))
    shade[:10, :10] = wrong / max(1, wrong.max())
    axes.imshow(shade, cmap="Oranges", vmin=0, vmax=1.6)
    whole = np.block(
        [[counts, counts.sum(1, keepdims=True)], [counts.sum(0, keepdims=True), counts.sum(keepdims=True)]]
    )
    for (row, column), value in np.ndenumerate(whole):
        total = row == 10 or column == 10
        weight, colour = ("bold", BLUE) if row == column and not total else ("normal", "#555" if total else "#222")
        axes.text(
            column, row, str(value) if value else "·", ha="center", va="center", fontsize=9, weight=weight, color=colour
        )
    names = [*map(str, range(10)), "all"]
    axes.set_xticks(range(11), names)
    axes.set_yticks(range(11), names)
    axes.axhline(9.5, color=GREY, linewidth=0.8)
    axes.axvline(9.5, color=GREY, linewidth=0.8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("answer")
    axes.set_ylabel("true digit")
    return figure


def digits_figure(images: NDArray[np.uint8], captions: Sequence[str], columns: int = 10) -> Figure:
    """A grid of captioned digits: images uint8 (N, 28, 28), drawn dark on light as on paper."""
    return sets_figure([("", images, captions)], columns)


def sets_figure(sets: Sequence[tuple[str, NDArray[np.uint8], Sequence[str]]], columns: int = 12) -> Figure:
    """Grids of captioned digits, one below the other, each under its title: (title, images, captions).

    images: uint8 (N, 28, 28), drawn dark on light as on paper
    """
    across = max(1, min(columns, max(len(images) for _, images, _ in sets)))
    downs = [max(1, -(-len(images) // across)) for _, images, _ in sets]
    heights = [_CELL[0] * down + (_TITLE if title else 0) for down, (title, _, _) in zip(downs, sets, strict=True)]
    whole = sum(heights)
    figure = Figure(figsize=(_CELL[1] * across * _MAGNIFIED / _DPI, whole * _MAGNIFIED / _DPI))
    below = whole
    for (title, images, captions), down, height in zip(sets, downs, heights, strict=True):
        below -= height
        axes = figure.add_axes((0, below / whole, 1, _CELL[0] * down / whole))
        _draw_grid(axes, images, captions, (down, across))
        figure.text(0.1 / across, (below + height - 12) / whole, title, fontsize=10, weight="bold", va="center")
    return figure


def _draw_grid(axes: Axes, images: NDArray[np.uint8], captions: Sequence[str], shape: tuple[int, int]) -> None:
    """One picture of all images, for a thousand axes take a minute; a caption above each."""
    (down, across), (high, wide) = shape, _CELL
    canvas = np.zeros((down, high, across, wide), np.uint8)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(place, across)
        canvas[row, 11:39, column, 2:30] = image
        axes.text(wide * (column + 0.5) - 0.5, high * row + 5.5, caption, ha="center", va="center", fontsize=8)
    axes.imshow(canvas.reshape(high * down, -1), cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axes.set_aspect("auto")
    axes.set_axis_off()


def filters_figure(
    image: NDArray[np.uint8], kernels: Mapping[str, NDArray[np.float32]], results: Mapping[str, NDArray[np.float32]]
) -> Figure:
    """An image and, for every filter, its kernel as numbers beside what it makes of the image (S2, "More filters").

    image: uint8 (H, W); kernels: float32 (K, K) by name; results: float32 (H, W) by the same names. Results of kernels
        that subtract are drawn in two colours about 0, those of the others in grey.
    """
    rows = -(-(1 + len(kernels)) // _FILTERS_ACROSS)
    shape = min(1.5, max(0.75, image.shape[0] / image.shape[1]))
    figure = Figure(figsize=(10.5, (0.35 + 2 * shape) * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 2 * _FILTERS_ACROSS, width_ratios=[0.72, 1.0] * _FILTERS_ACROSS)
    axes = figure.add_subplot(grid[0, 1])
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title("image", fontsize=10)
    axes.set_axis_off()
    legend = figure.add_subplot(grid[0, 0])
    legend.set_axis_off()
    for height, text, colour in ((0.62, "above 0", ORANGE), (0.46, "0 is white", "#555"), (0.3, "below 0", BLUE)):
        legend.text(0.5, height, text, color=colour, fontsize=9, ha="center", va="center", transform=legend.transAxes)
    for place, (name, kernel) in enumerate(kernels.items(), start=1):
        row, column = divmod(place, _FILTERS_ACROSS)
        _draw_kernel(figure.add_subplot(grid[row, 2 * column]), kernel)
        _draw_result(figure.add_subplot(grid[row, 2 * column + 1]), name, results[name], signed=kernel.min() < 0)
    return figure


def _draw_kernel(axes: Axes, kernel: NDArray[np.float32]) -> None:
    numbers, divisor = _in_whole_numbers(kernel)
    size = len(kernel)
    axes.imshow(numbers, cmap=_two_colours(), vmin=-3 * np.abs(numbers).max(), vmax=3 * np.abs(numbers).max())
    for (row, column), value in np.ndenumerate(numbers):
        text = f"{value:.0f}".replace("-", "−")
        axes.text(column, row, text, ha="center", va="center", fontsize=10 if size < 4 else 7)
    axes.set_xticks(np.arange(size + 1) - 0.5, [])
    axes.set_yticks(np.arange(size + 1) - 0.5, [])
    axes.grid(color=GREY, linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines[:].set_color(GREY)
    if divisor > 1:
        axes.set_xlabel(f"divided by {divisor}", fontsize=8)


def _in_whole_numbers(kernel: NDArray[np.float32]) -> tuple[NDArray[np.float64], int]:
    """A kernel as whole numbers and what they are divided by."""
    smallest = float(np.abs(kernel[kernel != 0]).min())
    divisor = 1 if np.array_equal(kernel, np.rint(kernel)) else round(1 / smallest)
    return np.rint(kernel.astype(np.float64) * divisor), divisor


def _draw_result(axes: Axes, name: str, result: NDArray[np.float32], *, signed: bool) -> None:
    if signed:
        strongest = max(1.0, float(np.percentile(np.abs(result), 99.5)))
        axes.imshow(result, cmap=_two_colours(), vmin=-strongest, vmax=strongest, interpolation="nearest")
    else:
        axes.imshow(result, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(name.replace("-", " "), fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(GREY)


def _two_colours() -> Colormap:
    return LinearSegmentedColormap.from_list("below and above 0", [BLUE, "white", ORANGE])


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, atomically; the name's end chooses the format.

    Raises:
        UsageError: for an ending that matplotlib cannot write.
        StorageError: when it cannot be written.
    """
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in kinds:
        raise UsageError(f"cannot write a picture as {path.name!r}; expected a name that ends in .png, .svg or .pdf")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)


def save_digits(path: Path, images: NDArray[np.uint8], captions: Sequence[str]) -> None:
    """Write `digits_figure` to ``path``; errors as `save_figure`."""
    save_figure(digits_figure(images, captions), path)
