"""The confusion matrix: true digits against predicted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle

from digitlab.reports.figures.style import palette, panel, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["confusion_matrix_figure"]


@styled
def confusion_matrix_figure(matrix: Sequence[Sequence[int]], *, shares: bool = False) -> Figure:
    """True digits (rows) against predicted ones (columns), with totals; errors are tinted (thesis S0, figure 2.6).

    matrix: 10 rows of 10 counts
    shares: per cent of each row instead of counts (normalised over the true digit). The right column and the last
        row stay counts.
    """
    counts = np.asarray(matrix)  # (10, 10)
    figure, axes = panel(5.9, 5.4, left=0.85, bottom=0.15, right=0.1, top=0.65)
    axes.grid(visible=False)
    axes.set_xlim(-0.5, 10.6)
    axes.set_ylim(10.6, -0.5)
    axes.spines[:].set_visible(False)
    _tint(axes, counts)
    for (row, column), count in np.ndenumerate(counts):
        text = "·" if not count else _share(count, counts[row].sum()) if shares else f"{count:,}"
        axes.text(column, row, text, **_as(lesser=not count, bold=row == column))
    for digit in range(10):
        axes.text(10.1, digit, f"{counts[digit].sum():,}", **_as(lesser=True))
        axes.text(digit, 10.1, f"{counts[:, digit].sum():,}", **_as(lesser=True))
    axes.text(10.1, 10.1, f"{counts.sum():,}", **_as(lesser=False, bold=True))
    names, positions = [*map(str, range(10)), "total"], [*range(10), 10.1]
    axes.set_xticks(positions, names)
    axes.set_yticks(positions, names)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted digit" + (", % of the true digit's images" if shares else ""))
    axes.set_ylabel("true digit")
    return figure


def _tint(axes: Axes, counts: NDArray[np.integer]) -> None:
    """A cell's colour is transparent rather than pale, for dark backgrounds too."""
    colours = palette()
    wrong = counts * (1 - np.eye(10, dtype=counts.dtype))
    most = max(1, int(wrong.max()))
    for (row, column), count in np.ndenumerate(counts):
        colour, strength = (colours.blue, 0.16) if row == column else (colours.orange, 0.7 * (count / most) ** 0.7)
        if count:
            axes.add_patch(
                Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=colour, alpha=strength, linewidth=0)
            )


def _as(*, lesser: bool, bold: bool = False) -> dict[str, Any]:
    colours = palette()
    return {
        "ha": "center",
        "va": "center",
        "fontsize": 10,
        "color": colours.quiet if lesser else colours.ink,
        "weight": "bold" if bold else "normal",
    }


def _share(count: int, whole: int) -> str:
    """Per cent in at most four letters.

    >>> _share(1, 1135), _share(5, 980), _share(979, 980), _share(980, 980)
    ('0.1', '0.5', '99.9', '100')
    """
    share = 100 * count / whole
    return "100" if count == whole else f"{min(share, 99.9):.1f}"
