"""The picture at the top of the README:  python docs/pictures/reading.py   (some seconds).

Four photos that code draws, of numbers in MNIST's test digits, which were used in no training, and on them what the
shipped reader answers. The seeds are fixed and mistakes stay in: for each photo, it prints what is written and what
was read. To be run again after the reader was trained anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from digitlab.examples.pages import page_of
from digitlab.examples.paper_video import digits_of
from digitlab.reading import Reader
from digitlab.reading.drawing import draw_reading

PHOTOS = (("ruled", "3141\n5926"), ("shadow", "2718\n2818"), ("whiteboard", "1414\n2135"), ("dark", "1618\n0339"))
SIZE = (440, 290)  # width and height of a photo in pixels
GAP = 12  # pixels between two photos
SEED = 1


def main() -> None:
    """Draw, read and assemble the photos; write reading.png beside this file."""
    reader, tiles = Reader(), []
    for kind, text in PHOTOS:
        page = page_of(kind, digits_of(text, seed=SEED), seed=SEED, size=SIZE)
        reading = reader.read(page.image)
        sys.stdout.write(f"{kind}: written {page.text.split()}, read {reading.text.split()}\n")
        tiles.append(draw_reading(page.image, reading))
    picture = Image.new("RGB", (2 * SIZE[0] + GAP, 2 * SIZE[1] + GAP), "white")
    for number, tile in enumerate(tiles):
        row, column = divmod(number, 2)
        picture.paste(Image.fromarray(tile), (column * (SIZE[0] + GAP), row * (SIZE[1] + GAP)))
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
    few.save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
