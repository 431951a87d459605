"""One run drawn by Octave and by Python: octave-octave.png and octave-python.png, for docs/octave.md.

digitlab train --epochs 4
python docs/pictures/octave.py runs/2026-…-thesis-2conv-mnist
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from digitlab.reports.figures import confusion_matrix_figure, learning_curves_figure, precision_recall_bars_figure
from digitlab.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
HEIGHT = 480


def by_octave(run: Run) -> list[Image.Image]:
    """The three pictures that benchmark.m writes."""
    code = "benchmark (getenv ('RUN'), getenv ('OUT'))"
    octave = ["octave-cli", "--no-history", "--path", HERE.parent.parent / "octave", "--eval", code]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(octave, check=True, env={**os.environ, "RUN": str(run.path), "OUT": folder})
        names = ("learning-curves", "precision-recall", "confusion-matrix")
        return [Image.open(Path(folder, f"{name}.png")).convert("RGB") for name in names]


def by_python(run: Run) -> list[Image.Image]:
    """The same three as the report has them."""
    metrics, history, batches = run.read_json(run.metrics), run.read_table(run.history), run.read_table(run.batches)
    curves = [drawn(learning_curves_figure(history, batches, of=[name])) for name in ("loss", "accuracy")]
    both = Image.new("RGB", (curves[0].width, sum(each.height for each in curves)))
    for number, each in enumerate(curves):
        both.paste(each, (0, number * curves[0].height))
    bars = precision_recall_bars_figure(metrics["precision"], metrics["recall"])
    return [both, drawn(bars), drawn(confusion_matrix_figure(metrics["confusion_matrix"]))]


def drawn(figure: Figure) -> Image.Image:
    """A figure's pixels."""
    out = io.BytesIO()
    figure.savefig(out, dpi=200)
    return Image.open(out).convert("RGB")


def in_a_row(pictures: list[Image.Image], out: Path) -> None:
    """Pictures beside each other, equally high."""
    widths = [round(each.width * HEIGHT / each.height) for each in pictures]
    row = Image.new("RGB", (sum(widths), HEIGHT), "white")
    for number, (picture, width) in enumerate(zip(pictures, widths, strict=True)):
        row.paste(picture.resize((width, HEIGHT), Image.Resampling.LANCZOS), (sum(widths[:number]), 0))
    row.quantize(128).save(out, optimize=True)


run = Run.open(Path(sys.argv[1]).resolve())
in_a_row(by_octave(run), HERE / "octave-octave.png")
in_a_row(by_python(run), HERE / "octave-python.png")
