"""The pictures of docs/sheets.md: a form, its photo, and what becomes of it, step by step.

python docs/pictures/sheets.py                 # into docs/pictures/sheets/
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw

from digitlab.datasets import load_dataset
from digitlab.examples.filled_sheets import filled
from digitlab.examples.sheet_photos import photographed_sheet
from digitlab.examples.sheet_stacks import form_page
from digitlab.jobs.forms import example_form
from digitlab.jobs.practice import practice_file
from digitlab.reading import Reader
from digitlab.sheets import SheetReader, lay_out, read_form
from digitlab.sheets.cells import strength_of, written_in
from digitlab.sheets.digits import page_of
from digitlab.sheets.layout import corner_markers
from digitlab.sheets.registration import register
from digitlab.sheets.strips import cut_strip
from digitlab.sheets.values import known_of, value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "sheets"
VALUES = {
    "student": "4071392", "date": "24.11.2026", "task.1.points": "12", "task.2.points": "7", "task.3.points": "",
    "task.4.points": "15", "task.5.points": "9", "task.6.points": "20", "task.1.pages": "2", "task.2.pages": "1",
    "task.4.pages": "3", "total": "63", "grade": "B", "minutes": "95", "task.1.looked": "yes", "task.2.looked": "yes",
    "task.4.looked": "yes",
}  # fmt: skip
PEN, SEED = 3, 21


def main() -> None:
    """Draw, photograph, read, and keep a picture of each step."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "marks.toml"
        example_form(path)
        layout = lay_out(read_form(path))
    page = form_page(layout)
    values = {each.field.name: VALUES.get(each.field.name, "") for each in layout.placed}
    digits = load_dataset("mnist").split("test")
    written = filled(page, layout, values, digits, np.random.default_rng(PEN))
    photo, _ = photographed_sheet(written, layout.size, np.random.default_rng(SEED))
    save("form", page, 620)
    save("practice", form_page(lay_out(read_form(practice_file())))[:1500], 620)
    save("photo", photo, 620)
    found = register(np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8), layout)
    seen = photo.copy()
    for each in layout.placed:
        for cell in each.cells:
            outline(seen, found, cell, (220, 40, 40), 3)
    for marker in corner_markers(layout.size):
        outline(seen, found, marker, (20, 130, 230), 6)
    for x, y in layout.marks:
        outline(seen, found, (x - 2.0, y - 2.0, x + 2.0, y + 2.0), (20, 150, 60), 5)
    save("registered", seen, 620)
    strips = [cut_strip(photo, found, each) for each in layout.placed[:4]]
    save("cleared", cleared(strips), None)
    inks = [
        mark.ink
        for strip, strength in zip(strips, strength_of(strips), strict=True)
        for cell in strip.cells
        if (mark := written_in(strength, cell, strip.level)) is not None
    ]
    save("cells", page_of(inks)[0], None)
    reader = Reader()
    fields = SheetReader(layout, reader).read_pixels(photo).fields
    named = {each.field.name: each.field for each in layout.placed}
    rows = [value_of(named[each.name], each, known_of(named[each.name]), reader.threshold) for each in fields]
    save("read", shown(photo, rows), 760)


def outline(picture: NDArray[np.uint8], found, part, colour, width: int) -> None:
    """A part of the sheet, in mm, as a frame on the photo."""
    x0, y0, x1, y1 = part
    corners = found(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
    cv2.polylines(picture, [np.rint(corners * 8).astype(np.int32)], True, colour, width, cv2.LINE_AA, 3)


def cleared(strips) -> NDArray[np.uint8]:
    """Each field with its boxes, and below without."""
    widest = max(strip.picture.shape[1] for strip in strips[:2])
    rows = []
    for strip in strips[:2]:
        both = np.concatenate([strip.before, strip.picture])
        rows.append(np.pad(both, ((0, 6), (0, widest - both.shape[1]), (0, 0)), constant_values=255))
    return np.concatenate(rows)


def shown(photo: NDArray[np.uint8], rows) -> NDArray[np.uint8]:
    """The upper part of the photo with the value of each field beside it."""
    picture = Image.fromarray(photo)
    draw = ImageDraw.Draw(picture)
    colours = {"answered": (10, 110, 40), "doubtful": (200, 110, 0), "failed check": (200, 20, 20), "empty": (110,) * 3}
    for row in rows:
        x0, y0, x1, y1 = row.box
        draw.rectangle((x0 - 4, y0 - 4, x1 + 4, y1 + 4), outline=colours[row.state], width=4)
        place = (x0, y1 + 6) if x1 - x0 > 250 else (x1 + 10, (y0 + y1) // 2 - 16)
        draw.text(place, row.value, fill=colours[row.state], font_size=26, stroke_width=3, stroke_fill=(255, 255, 255))
    return np.asarray(picture)[: int(photo.shape[0] * 0.68)]


def save(name: str, picture: NDArray[np.uint8], width: int | None) -> None:
    """As a JPEG, so many pixels wide."""
    image = Image.fromarray(picture)
    if width is not None:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    image.save(FOLDER / f"{name}.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main()
