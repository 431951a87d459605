"""Mixins for values that can be displayed: in a notebook, on a terminal with rich, as a figure, as a pandas table.

These classes only mark a value as displayable and store nothing for it. The rendering is done by `digitlab.showing`,
which is imported when something is first displayed, so a value stays as light as its numbers.

Tables are HTML and pictures PNG, never both for one value: a saved notebook then looks the same in JupyterLab, in
an editor and on a code host, which all treat pictures within HTML differently.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawn", "Shown", "Tabular"]


def _room() -> Any:
    """Import `digitlab.showing` on use: it imports all value types, so they cannot import it at module level."""
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
    """A value with figures: the figures of the reports."""

    __slots__ = ()

    def plot(self, what: str | None = None, *, dark: bool = False) -> Figure:
        """Return a Matplotlib figure, which a notebook displays; its ``axes`` and ``savefig`` are Matplotlib's own.

        what: which figure; None: the default one. For an unknown name, the error lists the known ones.
        dark: light lines on a dark background

        Raises:
            UsageError: when there is no such figure.
            MissingExtraError: when the extra for plotting is not installed.
        """
        return _room().figure_of(self, what, dark=dark)  # type: ignore[no-any-return]


class Tabular:
    """A value whose rows can be converted to a pandas table."""

    __slots__ = ()

    def to_frame(self) -> Any:
        """Return the rows as a pandas ``DataFrame``.

        Raises:
            UsageError: when pandas is not installed.
        """
        return _room().frame_of(self)
