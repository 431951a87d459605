"""Numbers → figures: functions of arrays that return matplotlib figures, in one house style.

Readable at half size and by the colour-blind (Okabe–Ito colours). Figures are made without pyplot: no
global state, no window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from digitlab.errors import UsageError
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["confusion_matrix_figure", "digits_figure", "learning_curves_figure", "save_digits", "save_figure"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8f98"
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
    rows = max(1, -(-len(images) // columns))
    figure = Figure(figsize=(0.8 * columns, 1.0 * rows), layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, image, caption in zip(figure.axes, images, captions, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(caption, fontsize=9, pad=2)
    return figure


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
        figure.savefig(temporary, dpi=150)


def save_digits(path: Path, images: NDArray[np.uint8], captions: Sequence[str]) -> None:
    """Write `digits_figure` to ``path``; errors as `save_figure`."""
    save_figure(digits_figure(images, captions), path)
