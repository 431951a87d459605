"""Renders pages from templates: self-contained, escaped, with the full precision of every number in an attribute."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import TYPE_CHECKING, Any

from digitlab.reports.facts import percent

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.reports.run_figures import Drawing

__all__ = ["picture", "png_of", "render", "svg"]

_LARGEST_PNG = 5_000_000  # bytes; a robustness test's takes 300,000


def render(template: str, **content: Any) -> str:
    """Render ``template`` with ``content``; an undefined name is an error."""
    return _environment().get_template(template).render(content)


def svg(name: str, drawing: Drawing) -> str:
    """A figure as an SVG element, in the page's colours."""
    from digitlab.reports.figures import svg_element

    return svg_element(drawing.draw(), name, drawing.shows)


def picture(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W) → a PNG as data URI."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def png_of(path: Path) -> str | None:
    """A PNG file as data URI; None where it is missing or not a PNG."""
    if not path.is_file() or path.stat().st_size > _LARGEST_PNG:
        return None
    content = path.read_bytes()
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitlab.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["grouped"] = "{:,}".format
    return environment
