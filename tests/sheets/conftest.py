"""A small form, printed, and its photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from digitlab.reading import Reader
from digitlab.sheets import SheetReader, lay_out, read_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.sheets import Layout

FORM = """\
[form]
title = "Weights"
number = 9

[[field]]
name = "animal"
label = "Animal"
boxes = 5
full = true

[[field]]
name = "day"
pattern = "##.##"
beside = true

[[table]]
name = "w"
rows = ["am", "pm"]
columns = [{ name = "g", label = "Grams", boxes = 3 }, { name = "sick", tick = true }]

[[field]]
name = "sex"
choices = ["f", "m"]

[[field]]
name = "remark"
line = 40
"""
VALUES = {
    "animal": "40713", "day": "24.12", "w.am.g": "385", "w.am.sick": "yes", "w.pm.g": "", "w.pm.sick": "no", "sex": "m",
    "remark": "62",
}  # fmt: skip


@dataclass(frozen=True)
class Printed:
    """A form as its paper. page: uint8 (H, W, 3), empty; reader: of its photos."""

    path: Path
    layout: Layout
    page: NDArray[np.uint8]
    reader: SheetReader

    def photo(self, values: dict[str, str] | None = None, seed: int = 0) -> tuple[NDArray[np.uint8], Any]:
        """A photo of a filled sheet, and where its places are in it."""
        from digitlab.datasets import load_dataset
        from digitlab.examples.filled_sheets import filled
        from digitlab.examples.sheet_photos import photographed_sheet

        rng = np.random.default_rng(seed)
        page = self.page
        if values is not None:
            page = filled(page, self.layout, values, load_dataset("mnist").split("test"), rng)
        return photographed_sheet(page, self.layout.size, rng)

    def values(self, picture: NDArray[np.uint8]) -> dict[str, str]:
        """What is read from a photo, with what is known of the fields."""
        from digitlab.sheets.values import known_of, value_of

        fields = {each.field.name: each.field for each in self.layout.placed}
        seen = self.reader.read_pixels(picture).fields
        return {each.name: value_of(fields[each.name], each, known_of(fields[each.name]), 0.5).value for each in seen}


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    from digitlab.examples.sheet_stacks import form_page

    path = tmp_path_factory.mktemp("form") / "weights.toml"
    path.write_text(FORM)
    layout = lay_out(read_form(path))
    return Printed(path, layout, form_page(layout), SheetReader(layout, Reader()))


@pytest.fixture(scope="session")
def photo(printed: Printed) -> NDArray[np.uint8]:
    """A photo of a sheet with `VALUES` on it."""
    return printed.photo(VALUES, seed=4)[0]


@pytest.fixture
def form_file(tmp_path: Path) -> Callable[[str], Path]:
    """A form's file of this content."""

    def write(text: str) -> Path:
        path = tmp_path / "form.toml"
        path.write_text(text)
        return path

    return write


def covered(picture: NDArray[np.uint8], place: Any, corners: list[int], layout: Layout) -> NDArray[np.uint8]:
    """The photo with something lying on these corner markers."""
    from digitlab.sheets.layout import corner_markers

    picture = picture.copy()
    for corner in corners:
        x0, y0, x1, y1 = corner_markers(layout.size)[corner]
        around = place(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
        cv2.fillConvexPoly(picture, np.rint(around).astype(np.int32), (120, 80, 60))
    return picture
