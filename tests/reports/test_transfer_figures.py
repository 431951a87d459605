"""The figure of a transfer study."""

from __future__ import annotations

import numpy as np

from transfer import transfer_figure


def test_a_panel_a_set_a_line_a_way_and_all_names_inside() -> None:
    ways = {f"a way with a name, {number}": {10: [0.5, 0.6], 100: [0.7 + number / 50, 0.8]} for number in range(5)}
    figure = transfer_figure({"fashion-mnist": ways, "digits-8x8": {"a way with a name, 0": {10: [0.9]}}})
    figure.draw_without_rendering()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["fashion-mnist", "digits-8x8"]
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), [10, 100])
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), [55, 75])
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 < figure.axes[0].get_tightbbox().y0
