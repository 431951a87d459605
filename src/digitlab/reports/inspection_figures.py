"""Figures of a network: filters, activation maps, forward pass, attribution, counterfactuals.

Like all figures, these are functions of arrays. Blue is below 0, orange above, the background is 0; one scale per
picture or per row, with a colour bar or its limits. Filters and maps are numbered from 1, as in the thesis S0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.patches import Rectangle

from digitlab.reports.figures import canvas, palette, styled
from digitlab.reports.figures.style import ink_colours, two_colours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "CHANNELS_A_PAGE", "TILES_A_PAGE", "Stage", "activation_maps_figure", "changes_figure", "filter_channels_figure",
    "learned_filters_figure", "reasons_figure", "walk_figure",
]  # fmt: skip

TILES_A_PAGE = 64  # filters of a first layer, or maps
CHANNELS_A_PAGE = 64  # filters down and channels across

_ACROSS = 8
_TILE = 26  # pixels, approximately; small filters are enlarged by an integer factor
_GAP, _CAPTION = 4, 10  # pixels
_PIXELS = 36  # per inch
_TITLE, _BAR = 0.45, 0.85  # inches


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer of a forward pass: its output, (H, W, C) maps or (C,) units; a title and a note."""

    title: str
    note: str
    values: NDArray[np.float32]


@styled
def learned_filters_figure(
    kernels: NDArray[np.float32], captions: Sequence[str], title: str, limit: float, first: int = 1
) -> Figure:
    """Filters of one channel as a grid (thesis S0, figure 5.1).

    kernels: float32 (height, width, number); captions: one each, after its number; first: the first one's number;
    limit: the colour scale goes from −limit to limit
    """
    numbered = [f"{first + index} {caption}".strip() for index, caption in enumerate(captions)]
    return _tiles_figure(np.moveaxis(kernels, -1, 0), numbered, title, (-limit, limit))


@styled
def activation_maps_figure(
    maps: NDArray[np.float32], captions: Sequence[str], title: str, ends: tuple[float, float], first: int = 1
) -> Figure:
    """The activation maps of a layer as a grid (thesis S0, figures 5.3 and 5.4).

    maps: float32 (H, W, number); captions, first: as in `learned_filters_figure`; ends: limits of the colour scale,
        ≤ 0 and ≥ 0
    """
    numbered = [f"{first + index} {caption}".strip() for index, caption in enumerate(captions)]
    return _tiles_figure(np.moveaxis(maps, -1, 0), numbered, title, ends)


def _tiles_figure(tiles: NDArray[np.float32], captions: Sequence[str], title: str, ends: tuple[float, float]) -> Figure:
    """Tiles (number, H, W) row by row, each under its caption, with a colour bar."""
    across, ends = min(_ACROSS, len(tiles)), (ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1)
    pixels, corners = _laid_out(tiles, across)
    high, wide = pixels.shape
    inside = (wide / _PIXELS, high / _PIXELS)
    width, height = max(4.2, inside[0] + 0.25 + _BAR), inside[1] + _TITLE + 0.1
    figure = canvas(width, height)
    axes = figure.add_axes((0.15 / width, 0.1 / height, inside[0] / width, inside[1] / height))
    _show(axes, pixels, ends)
    for (left, top), caption in zip(corners, captions, strict=True):
        axes.text(left, top - 2, caption, fontsize=7.5, va="bottom")
        axes.add_patch(_frame(left, top, tiles.shape[1:]))
    _bar(figure, (inside[0] + 0.3, 0.1, 0.14, min(inside[1] - 0.1, 2.4)), ends)
    figure.text(0.15 / width, 1 - 0.25 / height, title, fontsize=11, weight="bold", va="center")
    return figure


def _laid_out(tiles: NDArray[np.float32], across: int) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
    """One picture of all tiles (number, H, W), NaN between them, and the left and top edge of each."""
    scale = _enlarged(tiles.shape[1:])
    large = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    _, high, wide = large.shape
    down = -(-len(tiles) // across)
    pixels = np.full((down * (high + _CAPTION), across * (wide + _GAP) - _GAP), np.nan, np.float32)
    corners = []
    for index, tile in enumerate(large):
        top, left = (index // across) * (high + _CAPTION) + _CAPTION, (index % across) * (wide + _GAP)
        pixels[top : top + high, left : left + wide] = tile
        corners.append((left, top))
    return pixels, corners


def _enlarged(shape: tuple[int, ...]) -> int:
    """The enlargement of a tile: pixels per value."""
    return max(1, round(_TILE / max(shape)))


def _frame(left: int, top: int, shape: tuple[int, ...]) -> Rectangle:
    """The frame around a tile."""
    high, wide = (size * _enlarged(shape) for size in shape)
    return Rectangle(
        (left - 0.5, top - 0.5), wide, high, fill=False, linewidth=0.6, edgecolor=palette().line, clip_on=False
    )


@styled
def filter_channels_figure(
    kernel: NDArray[np.float32], title: str, limit: float, first: tuple[int, int] = (1, 1)
) -> Figure:
    """Filters with several channels: one row per filter, one column per channel (thesis S0, figure 5.2).

    kernel: float32 (height, width, depth, number), the part on this page; first: the numbers of its first filter and
        channel; limit: the colour scale goes from −limit to limit
    """
    height, width, depth, number = kernel.shape
    scale = max(1, round(560 / (max(depth, number, 16) * (max(height, width) + 1))))
    tiles = kernel.transpose(3, 2, 0, 1).reshape(-1, height, width)  # filter by filter
    large = tiles.repeat(scale, axis=1).repeat(scale, axis=2).reshape(number, depth, height * scale, width * scale)
    gap = max(1, scale // 2)
    framed = np.pad(large, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
    pixels = framed.transpose(0, 2, 1, 3).reshape(number * (height * scale + gap), -1)
    inside = (pixels.shape[1] / 80, pixels.shape[0] / 80)
    whole = (inside[0] + 0.6 + _BAR, max(1.6, inside[1]) + _TITLE + 0.5)
    figure = canvas(*whole)
    axes = figure.add_axes((0.55 / whole[0], 0.1 / whole[1], inside[0] / whole[0], inside[1] / whole[1]))
    _show(axes, pixels, (-limit, limit))
    axes.set_axis_on()
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    for axis, count, start, cell in (
        (axes.xaxis, depth, first[1], width * scale + gap),
        (axes.yaxis, number, first[0], height * scale + gap),
    ):
        step = 1 if cell > 13 else 4
        shown = [index for index in range(count) if step == 1 or (index + start) % step == 0]
        axis.set_ticks(
            [(index + 0.5) * cell - gap / 2 - 0.5 for index in shown], [str(index + start) for index in shown]
        )
    axes.tick_params(length=0, labelsize=6.5, pad=2)
    axes.set_xlabel("channel", fontsize=8.5, labelpad=3)
    axes.set_ylabel("filter", fontsize=8.5, labelpad=3)
    _bar(figure, (inside[0] + 0.7, 0.1, 0.14, min(inside[1], 2.4)), (-limit, limit))
    figure.text(0.15 / whole[0], 1 - 0.28 / whole[1], title, fontsize=11, weight="bold", va="center")
    return figure


@styled
def walk_figure(image: NDArray[np.uint8], stages: Sequence[Stage], probabilities: Sequence[float]) -> Figure:
    """A forward pass: a row per layer with its most strongly activated maps, the ten softmax probabilities last.

    image: uint8 (28, 28); stages: in order. Each row has its own scale, whose maximum is printed.
    """
    shown, left, high = 10, 1.9, 0.98
    width, height = left + shown * 0.84 + 0.15, high * (len(stages) + 1) + 1.35
    figure = canvas(width, height)

    def row(index: int, title: str, note: str, tall: float = high) -> tuple[float, float, float, float]:
        top = height - 0.1 - index * high
        size = min(10.5, 190 / max(1, len(title)))  # layer names in an ensemble are long
        figure.text(0.15 / width, (top - 0.28) / height, title, fontsize=size, weight="bold", va="center")
        figure.text(0.15 / width, (top - 0.42) / height, note, fontsize=8.5, va="top", color=palette().quiet)
        return (left / width, (top - tall + 0.08) / height, (shown * 0.84) / width, (tall - 0.1) / height)

    axes = figure.add_axes(row(0, "image", "28×28, 0 to 255"))
    _strip(axes, np.asarray(image[None] / 255, np.float32), [], shown, ink=True)
    for index, stage in enumerate(stages, start=1):
        axes = figure.add_axes(row(index, stage.title, stage.note))
        if stage.values.ndim == 3:
            strongest = np.sort(np.argsort(-stage.values.max(axis=(0, 1)), kind="stable")[:shown])
            _strip(axes, np.moveaxis(stage.values[:, :, strongest], -1, 0), [str(at + 1) for at in strongest], shown)
        else:
            _units(axes, stage.values)
    axes = figure.add_axes(row(len(stages) + 1, "prediction", "softmax: ten probabilities", 1.15))
    _answers(axes, probabilities)
    return figure


def _strip(axes: Axes, tiles: NDArray[np.float32], captions: Sequence[str], shown: int, *, ink: bool = False) -> None:
    """Tiles in a row, with room for ``shown`` of them."""
    size = tiles.shape[1]
    gap = max(1, round(size * 0.12))
    high, wide = size + round(size * 0.3), shown * (tiles.shape[2] + gap) - gap
    pixels = np.full((high, wide), np.nan, np.float32)
    for index, tile in enumerate(tiles):
        left = index * (tile.shape[1] + gap)
        pixels[high - size :, left : left + tile.shape[1]] = tile
        if index < len(captions):
            axes.text(left - 0.5, high - size - 1 - size * 0.04, captions[index], fontsize=7.5, va="bottom")
    most = max(float(np.abs(tiles).max(initial=0)), 1e-12)
    if ink:
        axes.imshow(pixels, cmap=ink_colours(), vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
    else:
        _show(axes, pixels, (-most, most))
    axes.set_anchor("W")


def _units(axes: Axes, units: NDArray[np.float32]) -> None:
    """Bars side by side, one per unit."""
    positions = np.arange(len(units))
    colours = np.where(units >= 0, palette().orange, palette().blue)
    axes.bar(positions, units, width=1.0 if len(units) > 200 else 0.8, color=list(colours), linewidth=0)
    axes.set_xlim(-0.5, max(len(units), 10) - 0.5)
    axes.axhline(0, color=palette().quiet, linewidth=0.6)
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=7.5)
    axes.spines[:].set_visible(False)
    axes.locator_params(axis="y", nbins=3)


def _answers(axes: Axes, probabilities: Sequence[float]) -> None:
    best = int(np.argmax(probabilities))
    colours = [palette().orange if digit == best else palette().quiet for digit in range(10)]
    axes.bar(range(10), probabilities, width=0.5, color=colours)
    for digit, share in enumerate(probabilities):
        text = f"{100 * share:.1f} %" if share >= 0.0005 else ""
        axes.text(digit, share + 0.03, text, fontsize=8, ha="center", va="bottom")
    axes.set_ylim(0, 1.25)
    axes.set_xticks(range(10))
    axes.set_yticks([])
    axes.tick_params(length=0, labelsize=10)
    axes.spines[["left"]].set_visible(False)


@styled
def reasons_figure(
    image: NDArray[np.uint8],
    rows: Mapping[str, NDArray[np.float32]],
    columns: Sequence[str],
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Attribution maps: one row per method, one column per question, with the digit's outline.

    image: uint8 (28, 28); rows: by name and, on further lines, a description, float32 (columns, 28, 28), positive for
        evidence in favour. The maps of a row share a scale, clipped at the 99.5th percentile.
    notes: under each map; each map then has its own scale
    """
    side, left, top, below = (1.25 if len(columns) < 8 else 0.95), 1.75, 0.45, (0.2 if notes else 0.06)
    width, height = left + (side + 0.08) * (len(columns) + 1), top + (side + below + 0.06) * len(rows) + 0.4
    figure = canvas(width, height)

    def cell(row: int, column: int) -> Axes:
        bottom = height - top - (row + 1) * side - row * (below + 0.06)
        axes = figure.add_axes(((left + column * (side + 0.08)) / width, bottom / height, side / width, side / height))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set(visible=True, color=palette().line)
        return axes

    axes = cell(0, 0)
    axes.imshow(image, cmap=ink_colours(), vmin=0, vmax=255, interpolation="nearest")
    axes.set_title("image", fontsize=9.5, loc="center", weight="normal")
    for row, (name, maps) in enumerate(rows.items()):
        middle = height - top - row * (side + below + 0.06) - side / 2
        title, _, subtitle = name.partition("\n")
        figure.text(0.12 / width, (middle + 0.3) / height, title, fontsize=9.5, weight="bold", va="bottom")
        figure.text(0.12 / width, (middle + 0.24) / height, subtitle, fontsize=8, va="top", color=palette().quiet)
        shared = max(float(np.quantile(np.abs(maps), 0.995)), 1e-12)
        for column, (title, heat_map) in enumerate(zip(columns, maps, strict=True), start=1):
            axes = cell(row, column)
            most = max(float(np.quantile(np.abs(heat_map), 0.995)), 1e-12) if notes else shared
            axes.imshow(heat_map, cmap=two_colours(), vmin=-most, vmax=most, interpolation="nearest")
            axes.contour(image, levels=[127], colors=[palette().ink], linewidths=0.5, alpha=0.7)
            if row == 0:
                axes.set_title(title, fontsize=9.5, loc="center", weight="normal")
            if notes:
                axes.set_xlabel(notes[name][column - 1], fontsize=8, labelpad=2)
    _legend(
        figure,
        "each map has its own scale; below it: rank correlation with the first map" if notes else "one scale per row",
    )
    return figure


def _legend(figure: Figure, scale: str) -> None:
    width, height = figure.get_size_inches()
    figure.text(0.12 / width, 0.16 / height, "■ for the class", color=palette().orange, fontsize=8.5, va="center")
    figure.text(1.1 / width, 0.16 / height, "■ against it", color=palette().blue, fontsize=8.5, va="center")
    figure.text(2.3 / width, 0.16 / height, scale, color=palette().quiet, fontsize=8.5, va="center")


@styled
def changes_figure(pictures: Sequence[tuple[str, str, NDArray[np.uint8] | None]]) -> Figure:
    """The image and the smallest changes that change the prediction: (title, prediction, uint8 (28, 28) or None)."""
    side = 1.55
    width, height = 0.15 + (side + 0.25) * len(pictures), side + 0.9
    figure = canvas(width, height)
    for index, (title, answer, image) in enumerate(pictures):
        left = 0.15 + index * (side + 0.25)
        axes = figure.add_axes((left / width, 0.42 / height, side / width, side / height))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set(visible=True, color=palette().line)
        shown = np.zeros((28, 28)) if image is None else image
        axes.imshow(shown, cmap=ink_colours(), vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(title, fontsize=8.5, loc="center", weight="normal")
        axes.set_xlabel(answer, fontsize=11, weight="bold", labelpad=4)
        if image is None:
            axes.set_facecolor(palette().line)
            axes.images[0].remove()
    return figure


def _show(axes: Axes, pixels: NDArray[np.float32], ends: tuple[float, float]) -> None:
    axes.imshow(pixels, cmap=_of(ends), vmin=ends[0], vmax=ends[1], interpolation="nearest")
    axes.set_axis_off()


def _bar(figure: Figure, rect: tuple[float, float, float, float], ends: tuple[float, float]) -> None:
    """The colour scale, its lower left corner and size in inches."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = rect
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    axes.imshow(np.linspace(*ends, 128)[:, None], cmap=_of(ends), aspect="auto", origin="lower", extent=(0, 1, *ends))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    shown: list[float] = [*ends] if 0 in ends else [ends[0], 0, ends[1]]
    axes.set_yticks(shown, [f"{end:.3g}".replace("-", "−") for end in shown])
    axes.tick_params(length=2, labelsize=8)
    axes.spines[:].set(visible=True, linewidth=0.5)


def _of(ends: tuple[float, float]) -> Colormap:
    """Blue below 0, background at 0, orange above, whatever the limits: the same meaning in every picture."""
    low, high = ends
    most = max(-low, high, 1e-12)
    whole = two_colours()
    return LinearSegmentedColormap.from_list(
        "part", whole(np.linspace(0.5 + 0.5 * low / most, 0.5 + 0.5 * high / most, 129))
    )
