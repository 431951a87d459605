"""The lesson of docs/sheets.md: the table of `digitlab sheet writers`, and the misread digits of a class drawn by code.

python docs/pictures/sheets_lesson.py          # prints the table; writes docs/pictures/sheets/misread.png

Six practice sheets, each with its own pen, light and camera, filled in with MNIST's test images in the order of the
file, so that a "writer" is a few of MNIST's; then the commands of the lesson.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from digitlab.datasets import load_dataset
from digitlab.examples.filled_sheets import filled
from digitlab.examples.sheet_photos import photographed_sheet
from digitlab.examples.sheet_stacks import form_page
from digitlab.jobs.practice import practice_file
from digitlab.sheets import lay_out, read_form

FOLDER = Path(__file__).parent / "sheets"
CODES, EACH = ("0203", "1948", "3355", "4711", "6120", "8067"), 1600  # test images from which a sheet takes its digits
WIDE = 1100  # pixels of the picture
VALUES = {f"digit.{digit}.written": str(digit) * 10 for digit in range(10)}


def main() -> None:
    """Draw the class, cut its digits out, and show how they are read."""
    layout, test = lay_out(read_form(practice_file())), load_dataset("mnist").split("test")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        page = form_page(layout)
        for number, code in enumerate(CODES):
            rng = np.random.default_rng(number)
            own = test[number * EACH : (number + 1) * EACH]
            sheet = filled(page, layout, VALUES | {"writer": code}, own, rng)
            picture, _ = photographed_sheet(sheet, layout.size, rng)
            Image.fromarray(picture).save(folder / "photos" / f"{code}.jpg", quality=92)
        digitlab(folder, "data", "from-sheets", "photos", "--out", "class.npz")
        digitlab(folder, "sheet", "writers", "class.npz")
        digitlab(folder, "evaluate", "--data", "class.npz", "--split", "all", "--out", "evaluated")
        digitlab(folder, "report", "evaluated", "--figures", "figures")
        figure = Image.open(folder / "figures" / "mistakes.png").convert("RGB")
        small = figure.resize((WIDE, round(figure.height * WIDE / figure.width)), Image.Resampling.LANCZOS)
        small.quantize(64).save(FOLDER / "misread.png", optimize=True)


def digitlab(folder: Path, *words: str) -> None:
    """A command of digitlab."""
    subprocess.run([sys.executable, "-m", "digitlab", *words], cwd=folder, check=True)


if __name__ == "__main__":
    main()
