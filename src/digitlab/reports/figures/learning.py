"""Learning curves over batches and epochs, of one run or several; the learning-rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.ticker import MaxNLocator

from digitlab.reports.figures.style import canvas, line_styles, palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["learning_curves_figure", "learning_rate_figure", "runs_figure"]

_MOST_POINTS = 500  # more points than pixels only make the file larger


@styled
def learning_curves_figure(
    history: Mapping[str, Sequence[float]],
    batches: Mapping[str, Sequence[float]],
    *,
    of: Sequence[str] = ("loss", "accuracy"),
) -> Figure:
    """Loss and accuracy: batches as a thin line, epochs as points, validation where there was one (S0, figure 5.7).

    history: columns epoch, loss, accuracy, validation_loss, validation_accuracy; test_loss, test_accuracy where the
        test images were watched
    batches: columns epoch, batch, loss, accuracy; empty where unknown. Where there are more batches
        than points, each point is a mean.
    of: which of the two, one panel each
    """
    width, height = 4.8, 3.5
    figure = canvas(width * len(of), height)
    for index, name in enumerate(of):
        left, wide = (index + 0.75 / width) / len(of), (1 - 0.9 / width) / len(of)
        axes = figure.add_axes((left, 0.6 / height, wide, 1 - 1.0 / height))
        _curve(axes, name, history, batches)
        axes.legend(loc="upper right" if name == "loss" else "lower right")
    return figure


def _curve(
    axes: Axes, name: str, history: Mapping[str, Sequence[float]], batches: Mapping[str, Sequence[float]]
) -> None:
    colours = palette()
    epochs = np.asarray(history["epoch"])
    if batches and len(batches["epoch"]):
        x = np.asarray(batches["epoch"]) - 1 + np.asarray(batches["batch"]) / np.max(batches["batch"])
        step = -(-len(x) // _MOST_POINTS)
        axes.plot(
            _block_means(x, step),
            _block_means(np.asarray(batches[name]), step),
            color=colours.blue,
            alpha=0.4,
            linewidth=0.9,
            label="training, each batch" if step == 1 else f"training, mean of {step} batches",
        )
    axes.plot(epochs, history[name], "o-", color=colours.blue, markersize=5, label="training, mean of the epoch")
    shown = [*history[name]]
    for column, label in (
        (f"validation_{name}", "validation, after the epoch"),
        # in one line it is wider than the axes
        (f"test_{name}", "test, after the epoch\n(not used to choose anything)"),
    ):
        values = np.asarray(history.get(column, []), float)
        if np.isfinite(values).any():
            axes.plot(epochs, values, "s-", color=colours.orange, markersize=5, label=label)
            shown += [*values]
    _over_epochs(axes, f"Learning curve: {name}", name, shown)


def _over_epochs(axes: Axes, title: str, kind: str, values: Sequence[float]) -> None:
    """Axes for ``values`` over epochs, with limits that ignore the extreme first batches."""
    shown = np.asarray(values, float)
    shown = shown[np.isfinite(shown)]
    if kind == "loss":
        axes.set_ylim(0, 1.6 * shown.max(initial=1e-3))
    else:
        axes.set_ylim(max(0.0, 1 - 2 * (1 - shown.min(initial=0.999))), 1.0)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(kind)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.grid(visible=True)
    axes.tick_params(length=0)


def _block_means(values: NDArray[Any], step: int) -> NDArray[Any]:
    return np.array([values[start : start + step].mean() for start in range(0, len(values), step)])


@styled
def runs_figure(histories: Mapping[str, Mapping[str, Sequence[float]]], column: str) -> Figure:
    """One column of several runs' histories over epochs, one line per run.

    histories: by run name: columns epoch and ``column``, which is loss or accuracy, with or without the prefix
        validation_ or test_; a run without it has no line
    """
    figure, axes = panel()
    values: list[float] = []
    for (name, history), style in zip(histories.items(), line_styles(len(histories)), strict=True):
        numbers = np.asarray(history.get(column, []), float)
        if np.isfinite(numbers).any():
            axes.plot(history["epoch"], numbers, **style, marker="o", markersize=3.5, label=name)  # type: ignore[arg-type]
            values.extend(numbers)
    kind = column.removeprefix("validation_").removeprefix("test_")
    _over_epochs(axes, column.replace("_", " ") if kind != column else f"training {kind}", kind, values)
    if axes.lines:
        # Handles and labels are explicit, since matplotlib skips names that begin with _.
        names = [str(line.get_label()) for line in axes.lines]
        location: Literal["upper right", "lower right"] = "upper right" if kind == "loss" else "lower right"
        axes.legend(axes.lines, names, loc=location, ncols=1 + len(names) // 5)
    return figure


@styled
def learning_rate_figure(
    rates: NDArray[np.float64],
    losses: NDArray[np.float64],
    smoothed: NDArray[np.float64],
    suggested: float | None,
    least: float | None,
) -> Figure:
    """The loss over a rising learning rate, and suggested rates (report S1, figure 3.9).

    rates, losses, smoothed: float64 (S,)
    suggested: where the smoothed loss falls fastest; least: where it is smallest; a tenth of that is marked too
    """
    colours = palette()
    figure, axes = panel(7, 4)
    axes.semilogx(rates, losses, color=colours.blue, alpha=0.4, linewidth=0.9, label="each batch")
    axes.semilogx(rates, smoothed, color=colours.blue, linewidth=2, label="smoothed")
    # A diverging loss can be a thousand times the first one; the limits show the descent.
    axes.set_ylim(0, 1.4 * max(smoothed[0], smoothed.min()))
    tenth = least and least / 10
    if least is not None:
        axes.plot(least, np.interp(least, rates, smoothed), "o", color=colours.orange, label=f"minimum at {least:.2g}")
    for rate, text, style in ((tenth, "a tenth of that:", ":"), (suggested, "steepest descent at", "-")):
        if rate is not None:
            axes.axvline(rate, color=colours.orange, linestyle=style, label=f"{text} {rate:.2g}")
    axes.set_title("Learning-rate range test")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.legend(loc="lower left")
    return figure
