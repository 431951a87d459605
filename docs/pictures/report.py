"""The pictures of a report, for the README and docs/evaluation.md:  python docs/pictures/report.py RUN-FOLDER.

`report.png` is the top of report.html in the light beside the part from the ROC curves on in the dark;
`run-figures.png` has six of its figures.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import sync_playwright

from digitlab.reports.figures import figure_style
from digitlab.reports.records import Record
from digitlab.reports.run_figures import drawings_of
from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROWS = (
    ("classification-report", "confusion-matrix"),
    ("roc", "roc-corner"),
    ("precision-recall", "precision-recall-corner"),
)
COLUMN, GAP = 640, 24  # pixels


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Chromium."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        yield started
        started.close()


def pixels(content: bytes) -> Image.Image:
    """A picture in memory."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def save(picture: Image.Image, name: str) -> None:
    """In 256 colours, small enough for a repository."""
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).save(
        HERE / name, optimize=True
    )
    sys.stdout.write(f"{HERE / name} {picture.size}\n")


def report(run: Run) -> None:
    """The page's beginning, and from the curves on in the dark."""
    size = {"width": 960, "height": 2440}
    halves = []
    with browser() as started:
        for scheme, top in (("light", ""), ("dark", "#thresholds")):
            page = started.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
            page.goto(run.report.resolve().as_uri() + top)
            page.wait_for_timeout(1500)
            halves.append(pixels(page.screenshot()))
    both = Image.new("RGB", (2 * size["width"], size["height"]), "white")
    for place, half in enumerate(halves):
        both.paste(half, (place * size["width"], 0))
    save(both.resize((1200, 1525), Image.Resampling.LANCZOS), "report.png")


def figures(run: Run) -> None:
    """Six figures of `digitlab report RUN --figures`, two in a row."""
    drawings = drawings_of(Record.read(run))
    rows = []
    with figure_style():
        for names in ROWS:
            drawn = []
            for name in names:
                out = io.BytesIO()
                drawings[name].draw().savefig(out, dpi=200)
                drawn.append(pixels(out.getvalue()))
            heights = [round(each.height * COLUMN / each.width) for each in drawn]
            row = Image.new("RGB", (2 * COLUMN + GAP, max(heights)), "white")
            for place, (each, height) in enumerate(zip(drawn, heights, strict=True)):
                row.paste(each.resize((COLUMN, height), Image.Resampling.LANCZOS), (place * (COLUMN + GAP), 0))
            rows.append(row)
    whole = Image.new("RGB", (rows[0].width, sum(row.height + GAP for row in rows) - GAP), "white")
    top = 0
    for row in rows:
        whole.paste(row, (0, top))
        top += row.height + GAP
    save(whole, "run-figures.png")


def main() -> None:
    """Make both."""
    run = Run.open(Path(sys.argv[1]).resolve())
    report(run)
    figures(run)


if __name__ == "__main__":
    main()
