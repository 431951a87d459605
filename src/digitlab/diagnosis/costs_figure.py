"""The figure of what mistakes cost: bars of accuracy, drawn as SVG, which a page needs nothing for."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitlab.diagnosis.mistakes import Costs

__all__ = ["costs_figure"]

_LABELS, _BARS, _ROW, _AFTER = 300, 360, 22, 60  # pixels


def costs_figure(costs: Costs) -> str:
    """An <svg> element: a bar for each mistake, the most costly first, and a line at the accuracy without any."""
    rows = sorted(costs.mistakes, key=lambda each: each.accuracy)
    height = _ROW * (len(rows) + 1) + 10
    at = _LABELS + _BARS * costs.accuracy
    worst = rows[0]
    words = (
        f"Accuracy of each mistake as bars, from {worst.words}, {100 * worst.accuracy:.0f} %, to {rows[-1].words}, "
        f"{100 * rows[-1].accuracy:.0f} %; without mistakes {100 * costs.accuracy:.0f} %"
    )
    bars = [_bar(place, each.words, each.accuracy, "bar") for place, each in enumerate(rows)]
    bars.append(_bar(len(rows), "none: as MNIST has them", costs.accuracy, "plain"))
    return (
        f'<svg viewBox="0 0 {_LABELS + _BARS + _AFTER} {height}" width="{_LABELS + _BARS + _AFTER}" height="{height}" '
        f'role="img" aria-label="{html.escape(words)}">'
        f'{"".join(bars)}<line x1="{at:.1f}" y1="0" x2="{at:.1f}" y2="{height}"/></svg>'
    )


def _bar(place: int, words: str, share: float, kind: str) -> str:
    top = place * _ROW + 4
    width = max(_BARS * share, 1)
    return (
        f'<text x="{_LABELS - 8}" y="{top + 13}" text-anchor="end">{html.escape(words)}</text>'
        f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_ROW - 6}"/>'
        f'<text x="{_LABELS + _BARS + 8}" y="{top + 13}">{100 * share:.1f} %</text>'
    )
