"""A network without an image: layers, filters, dead maps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import counted
from digitlab.inspection.activations import activation_statistics
from digitlab.inspection.filter_reading import READINGS, read_filters
from digitlab.inspection.filters import convolution_filters
from digitlab.inspection.summary import summarise
from digitlab.reports.diagram import write_diagram
from digitlab.reports.inspection_figures import (
    CHANNELS_A_PAGE,
    TILES_A_PAGE,
    filter_channels_figure,
    learned_filters_figure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitlab.inspection.activations import ActivationStatistics
    from digitlab.inspection.filters import Filters
    from digitlab.inspection.look.album import Album

__all__ = ["look_at_network"]


def look_at_network(album: Album, sample: NDArray[np.uint8]) -> dict[str, Any]:
    """Describe layers, filters and dead maps: numbers for JSON; pictures of the filters and a diagram in the folder.

    sample: uint8 (N, 28, 28), as the network takes them; a map that is constant over all of them counts as dead
    """
    network = album.network
    layers = summarise(network)
    write_diagram(album.folder / "diagram.svg", layers, network.model.name)
    album.pictures.append("diagram.svg")
    return {
        "network": network.model.name,
        "layers": [layer.as_dict() for layer in layers],
        "parameters": sum(layer.parameters for layer in layers),
        "multiply_adds": sum(layer.multiply_adds for layer in layers),
        "filters": _keep_filters(album),
        "maps": [_as_dict(found) for found in activation_statistics(network, sample, album.layers)],
    }


def _as_dict(statistics: ActivationStatistics) -> dict[str, Any]:
    return {
        "layer": statistics.layer,
        "number": len(statistics.least),
        "least": float(statistics.least.min()),
        "greatest": float(statistics.greatest.max()),
        "dead": statistics.dead,
        "faint": statistics.faint,
        "images": statistics.images,
    }


def _keep_filters(album: Album) -> list[dict[str, Any]]:
    chosen = album.layer
    all_filters = [each for each in convolution_filters(album.network) if chosen is None or each.layer == chosen.name]
    drawn = album.first(all_filters, "filters")
    entries = []
    for filters in all_filters:
        readings = read_filters(filters)
        entry = filters.as_dict()
        if readings:
            entry["reads"] = {reads: [each.number for each in readings if each.reads == reads] for reads in READINGS}
            entry["readings"] = [each.as_dict() for each in readings]
        captions = ["" if each.reads == "nothing" else each.reads for each in readings]
        entry["pictures"] = []
        if filters in drawn:
            entry["pictures"] = album.keep_pages(f"filters-{filters.name}", list(_pages(filters, captions)))
        entries.append(entry)
    return entries


def _pages(filters: Filters, captions: Sequence[str]) -> Iterator[Callable[[], Figure]]:
    """Yield a function per page: filters of one channel as a grid (S0, figure 5.1), else filter by channel (5.2)."""
    height, width, depth, number = filters.kernel.shape
    limit = max(float(np.abs(filters.kernel).max()), 1e-12)
    title = f"{filters.name}: {counted(number, 'filter')} {height}×{width}" + (f"×{depth}" if depth > 1 else "")
    if depth == 1:
        captions = captions or [""] * number
        for start in range(0, number, TILES_A_PAGE):
            page = slice(start, start + TILES_A_PAGE)
            kernels = filters.kernel[:, :, 0, page]
            yield functools.partial(learned_filters_figure, kernels, captions[page], title, limit, start + 1)
        return
    for top in range(0, number, CHANNELS_A_PAGE):
        for left in range(0, depth, CHANNELS_A_PAGE):
            part = filters.kernel[:, :, left : left + CHANNELS_A_PAGE, top : top + CHANNELS_A_PAGE]
            yield functools.partial(filter_channels_figure, part, title, limit, (top + 1, left + 1))
