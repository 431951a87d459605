"""A run folder → `report.html`: one page, self-contained, readable without scripts."""

from __future__ import annotations

import base64
import io
import math
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from digitlab.storage import write_text

if TYPE_CHECKING:
    import jinja2
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitlab.runs import Run

__all__ = ["write_report"]

_MOST_MISTAKES = 30


def write_report(run: Run) -> None:
    """Write ``run``'s `report.html` from its other files; what it lacks is left out.

    Raises:
        RunError: when it has no metrics or predictions, or they are damaged.
        StorageError: when the page cannot be written.
    """
    metrics = run.read_json(run.metrics)
    environment = run.read_json(run.environment) if run.environment.is_file() else {}
    page = _environment().get_template("report.html").render(
        title=run.path.name,
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
        metrics=metrics,
        config=run.read_config(),
        environment=environment,
        history=_rows(run.read_table(run.history)),
        curves=_curves(run),
        confusion=_confusion(metrics["confusion_matrix"]),
        mistakes=_mistakes(run),
        wrong=round(metrics["images"] * (1 - metrics["accuracy"])),
    )  # fmt: skip
    write_text(run.report, page)


def _rows(table: dict[str, list[float]]) -> list[dict[str, float | None]]:
    """Columns → rows; NaN, an empty cell, becomes None."""
    count = len(next(iter(table.values()), []))
    return [
        {name: None if math.isnan(column[row]) else column[row] for name, column in table.items()}
        for row in range(count)
    ]


def _curves(run: Run) -> str:
    history = run.read_table(run.history)
    if not history or not history["epoch"]:
        return ""
    from digitlab.reports.figures import learning_curves_figure

    return _svg(learning_curves_figure(history, run.read_table(run.batches)))


def _confusion(matrix: list[list[int]]) -> str:
    from digitlab.reports.figures import confusion_matrix_figure

    return _svg(confusion_matrix_figure(matrix))


def _mistakes(run: Run) -> list[dict[str, Any]]:
    """The surest mistakes with their three best guesses."""
    said = run.read_predictions()
    shown = []
    for row, image in list(zip(said.mistakes, said.mistaken_images, strict=True))[:_MOST_MISTAKES]:
        guesses = said.probabilities[row].argsort()[::-1][:3]
        shown.append(
            {
                "number": int(row),
                "truth": int(said.labels[row]),
                "guesses": [(int(digit), float(said.probabilities[row, digit])) for digit in guesses],
                "png": _png(255 - image),
            }
        )
    return shown


def _svg(figure: Figure) -> str:
    """The figure as an SVG element; its text stays text, in the page's font."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "digitlab", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _png(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W) → data URI."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitlab.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["percent"] = lambda share, places=2: f"{100 * share:.{places}f} %"
    return environment
