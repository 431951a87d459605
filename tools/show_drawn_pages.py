"""Draw a contact sheet of the pages on which the page reader is trained, with the boxes of their digits.

make fonts && python tools/show_drawn_pages.py docs/pictures/drawn-pages.jpg
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from digitlab.datasets.pages import IGNORED, NOT_A_DIGIT, DrawnPage, draw_page
from digitlab.training.page_reader.making import made_alphabets

COLUMNS, ROWS, SIDE = 5, 4, 256
GREEN, BLUE = (40, 160, 60), (40, 80, 220)


def main(target: str) -> None:
    """Draw twenty pages with validation fonts and images; green: digits, blue: ignored, whether found or not."""
    glyphs = made_alphabets("validation")
    tiles = [tile(draw_page(glyphs, np.random.default_rng((20, number)))) for number in range(COLUMNS * ROWS)]
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(target, cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, 82))


def tile(page: DrawnPage) -> np.ndarray:
    """Draw one page, reduced."""
    image = page.image.copy()
    for box, label in zip(page.boxes, page.labels, strict=True):
        if label == NOT_A_DIGIT:
            continue
        x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
        cv2.rectangle(image, (x0, y0), (x1, y1), BLUE if label == IGNORED else GREEN, 1)
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))


if __name__ == "__main__":
    main(*sys.argv[1:])
