"""The style of all figures: colours, fonts, panels; light and dark.

Readable at half size and by the colour-blind: the colours are those of Okabe and Ito, and where there are more lines
than colours, the second half is dashed. Figure functions are decorated with `styled` and take their colours from
`palette`. Figures are made without pyplot: no global state, no window.
"""

from __future__ import annotations

import functools
import io
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib as mpl
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes

__all__ = [
    "DARK", "GREY", "LIGHT", "Palette", "canvas", "figure_style", "ink_colours", "line_styles",
    "palette", "panel", "png_content", "quietly", "styled", "two_colours",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by purpose: ``ink`` for text, ``quiet`` for secondary text, ``line`` for grids; five for curves."""

    paper: str
    ink: str
    quiet: str
    line: str
    blue: str
    orange: str
    green: str
    pink: str
    amber: str

    @property
    def series(self) -> tuple[str, ...]:
        """Colours that red–green colour-blind people can distinguish."""
        return (self.blue, self.orange, self.green, self.pink, self.amber)


# Every colour is unique, as pages replace each by a CSS variable.
LIGHT = Palette(
    paper="#ffffff", ink="#1d2129", quiet="#5d6470", line="#dfe2e7",
    blue="#0072b2", orange="#d55e00", green="#009e73", pink="#b8578f", amber="#c98a00",
)  # fmt: skip
DARK = Palette(
    paper="#17191d", ink="#e6e8ec", quiet="#a2a9b5", line="#383d47",
    blue="#56b4e9", orange="#ff8b4a", green="#35c99b", pink="#e59bc9", amber="#f0e442",
)  # fmt: skip
GREY = "#8a8f98"

_ON_SCREEN = 100  # dots per inch: a panel of 4.8 inches fills a notebook's column, and takes some tens of kilobytes

_current: ContextVar[Palette] = ContextVar("palette", default=LIGHT)


def palette() -> Palette:
    """The colours of the current style."""
    return _current.get()


def ink_colours() -> Colormap:
    """From the paper to the ink of the current style."""
    return LinearSegmentedColormap.from_list("ink on paper", [palette().paper, palette().ink])


def two_colours() -> Colormap:
    """Blue below 0, paper at 0, orange above, in the current style."""
    return LinearSegmentedColormap.from_list("below and above 0", [palette().blue, palette().paper, palette().orange])


@contextmanager
def figure_style(*, dark: bool = False) -> Iterator[Palette]:
    """Context in which figures are made in the common style; ``dark``: light lines on a dark background.

    >>> with figure_style(dark=True) as colours:
    ...     colours.paper, palette().blue
    ('#17191d', '#56b4e9')
    """
    colours = DARK if dark else LIGHT
    before = _current.set(colours)
    try:
        with mpl.rc_context(_settings(colours)):
            yield colours
    finally:
        _current.reset(before)


def _settings(colours: Palette) -> dict[Any, Any]:
    return {
        "text.color": colours.ink,
        "text.parse_math": False,  # a run may be named "$x$"
        "axes.edgecolor": colours.quiet,
        "axes.facecolor": "none",
        "axes.labelcolor": colours.ink,
        "axes.titlesize": 11.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": colours.ink,
        "axes.labelsize": 11,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": colours.quiet,
        "ytick.color": colours.quiet,
        "xtick.labelcolor": colours.ink,
        "ytick.labelcolor": colours.ink,
        "xtick.labelsize": 10.5,
        "ytick.labelsize": 10.5,
        "grid.color": colours.line,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": 10,
        "legend.labelcolor": colours.ink,
        "lines.linewidth": 1.8,
        "figure.facecolor": colours.paper,
    }


_Arguments = ParamSpec("_Arguments")


def styled(draw: Callable[_Arguments, Figure]) -> Callable[_Arguments, Figure]:
    """Decorator that makes a figure function draw in the common style, light or dark as the caller chose."""

    @functools.wraps(draw)
    def in_house_style(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Figure:
        with figure_style(dark=palette() is DARK):
            return draw(*args, **kwargs)

    return in_house_style


class ShownFigure(Figure):
    """A figure that a notebook shows without pyplot, which would keep every one of them in memory."""

    def _repr_png_(self) -> bytes:
        return png_content(self)


def png_content(figure: Figure) -> bytes:
    """A figure as the content of a PNG file; the same figure gives the same bytes."""
    out = io.BytesIO()
    with quietly():
        figure.savefig(out, format="png", dpi=_ON_SCREEN, metadata={"Software": None})
    return out.getvalue()


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the warning about letters missing from the font, which are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def canvas(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    return ShownFigure(figsize=(width, height))


def panel(
    width: float = 4.8,
    height: float = 3.5,
    *,
    left: float = 0.75,
    bottom: float = 0.6,
    right: float = 0.15,
    top: float = 0.4,
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes and fixed margins in inches, so that panels side by side are aligned.

    Automatic margins would make matplotlib draw everything several times.
    """
    figure = canvas(width, height)
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )
    axes.grid(visible=True)
    axes.tick_params(length=0)
    return figure, axes


def line_styles(count: int) -> list[dict[str, str]]:
    """Distinguishable styles for ``count`` lines: colour and dash.

    >>> styles = line_styles(10)
    >>> len({(style["color"], style["linestyle"]) for style in styles})
    10
    """
    colours, dashes = palette().series, ("-", "--", ":", "-.")
    return [
        {
            "color": colours[number % len(colours)],
            "linestyle": dashes[number // len(colours) % len(dashes)],
        }
        for number in range(count)
    ]
