"""The pictures of docs/walk-through.md, of what `digitlab inspect` wrote:  python docs/pictures/walk.py FOLDER.

digitlab train --epochs 4
digitlab inspect runs/2026-…-thesis-2conv-mnist --digit mnist:4 --why 4 --not 9 --out FOLDER

Their colours are reduced to 128, and their names lose the numbers that Keras gives its layers.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent / "walk"
NAMES = ("walk", "filters-1", "filters-2", "maps-1-before", "maps-1", "maps-2", "reasons", "sanity", "changes")


def main() -> None:
    """Copy them."""
    folder = Path(sys.argv[1])
    layers = sorted({int(number) for path in folder.iterdir() for number in re.findall(r"conv2d_(\d+)", path.name)})
    for name in NAMES:
        kept = re.sub(r"-([12])", lambda found: f"-conv2d_{layers[int(found[1]) - 1]}", name)
        with Image.open(folder / f"{kept}.png") as picture:
            picture.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).save(
                HERE / f"{name}.png", optimize=True
            )
    shutil.copyfile(folder / "diagram.svg", HERE / "diagram.svg")


if __name__ == "__main__":
    main()
