"""Values that show themselves: in a notebook, on a terminal by rich, as a figure, as pandas' table.

A value says that it can be shown, by these classes, and holds nothing for it. How it looks is the affair of
`digitlab.showing`, which is imported when something is shown first: so a value stays as light as its numbers.

Tables are HTML and pictures PNG, never both of one value: a notebook that is kept then reads the same in JupyterLab, in
an editor and on a code host, none of which agree about pictures within HTML.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawn", "Shown", "Tabular"]


def _room() -> Any:
    """`digitlab.showing`, which knows all values, and so cannot be imported by them when they are."""
    return importlib.import_module("digitlab.showing")


class Shown:
    """A value that IPython and rich show as tables or as a picture."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return _room().html_of(self)  # type: ignore[no-any-return]

    def _repr_png_(self) -> bytes | None:
        return _room().png_of(self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        return _room().rich_of(self)


class Drawn(Shown):
    """A value with figures: those of the reports."""

    __slots__ = ()

    def plot(self, what: str | None = None, *, dark: bool = False) -> Figure:
        """A figure of matplotlib, which a notebook shows, and whose ``axes`` and ``savefig`` are matplotlib's own.

        what: which figure; None: the usual one. Another name is answered with those that there are.
        dark: light lines on a dark background

        Raises:
            UsageError: when there is no such figure.
            MissingExtraError: without the extra that draws.
        """
        return _room().figure_of(self, what, dark=dark)  # type: ignore[no-any-return]


class Tabular:
    """A value whose rows become pandas' table."""

    __slots__ = ()

    def to_frame(self) -> Any:
        """The rows as a pandas ``DataFrame``.

        Raises:
            UsageError: when pandas is not installed.
        """
        return _room().frame_of(self)
