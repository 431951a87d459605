"""Saves figures to files, and as SVG elements for a page, with the page's colours."""

from __future__ import annotations

import io
import re
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from digitlab.errors import UsageError
from digitlab.reports.figures.style import LIGHT, quietly
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["save_figure", "svg_element"]

_DPI = 150
_VARIABLES = {colour: f"var(--{name})" for name, colour in asdict(LIGHT).items()}


def save_figure(figure: Figure, path: Path, dpi: int = _DPI) -> None:
    """Write a figure, atomically; the file name's ending gives the format.

    Raises:
        UsageError: for an ending that matplotlib cannot write.
        StorageError: when it cannot be written.
    """
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in kinds:
        raise UsageError(f"cannot write a picture as {path.name!r}; expected a name that ends in .png, .svg or .pdf")
    with atomic_path(path) as temporary, quietly():
        figure.savefig(temporary, dpi=dpi)


def svg_element(figure: Figure, name: str, description: str) -> str:
    """A figure in the light style as an SVG element for a page, without background.

    Text stays text, in the page's font; colours become the page's CSS variables --ink, --blue …, one per palette
    colour, so that the figure follows the page's dark mode.

    name: a prefix for the element's ids, which must be unique on the page
    description: the alternative text
    """
    out = io.StringIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": name, "path.simplify_threshold": 0.4}
    with mpl.rc_context(settings), quietly():
        figure.savefig(
            out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")), transparent=True
        )
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", text, flags=re.DOTALL)
    referenced = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda named: named[0] if named[1] in referenced else "", text)
    text = re.sub(r' xmlns(?::xlink)?="[^"]*"', "", text)
    text = re.sub(r'(?<=: )#[0-9a-f]{6}(?=[;"])', lambda colour: _VARIABLES.get(colour[0], colour[0]), text)
    text = re.sub(r"\n\s*", "\n", text).replace("\n/>", "/>")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1).strip()
