"""Photos of forms: found, read, or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from digitlab.errors import ImageError
from digitlab.sheets.registration import register

from .conftest import FORM, VALUES, covered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import Printed

INSIDE = np.array([[x, y] for x in np.linspace(25, 185, 5) for y in np.linspace(30, 265, 6)])


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def millimetres_off(printed: Printed, picture: NDArray[np.uint8], scene: Any) -> float:
    """The largest distance between where places are and where they were found, in mm."""
    ends = scene.place(np.array([[0.0, 0.0], [210.0, 297.0]]))
    scale = np.linalg.norm(ends[1] - ends[0]) / np.hypot(210.0, 297.0)
    off = np.linalg.norm(register(grey(picture), printed.layout)(INSIDE) - scene.place(INSIDE), axis=1)
    return float(off.max() / scale)


@pytest.mark.parametrize("seed", [1, 6])
def test_a_curled_sheet_is_found_to_a_fraction_of_a_box(printed: Printed, seed: int) -> None:
    picture, scene = printed.photo(seed=seed)
    assert millimetres_off(printed, picture, scene) < 0.6


def test_one_marker_may_be_covered(printed: Printed) -> None:
    picture, scene = printed.photo(seed=1)
    assert millimetres_off(printed, covered(picture, scene.place, [2], printed.layout), scene) < 0.9
    assert register(grey(covered(picture, scene.place, [2], printed.layout)), printed.layout).missing == (
        "lower right",
    )


def test_two_covered_markers_are_too_many(printed: Printed) -> None:
    picture, scene = printed.photo(seed=1)
    with pytest.raises(ImageError, match=r"only 2 of 4 corner markers are seen \(upper right, lower left\)"):
        register(grey(covered(picture, scene.place, [0, 2], printed.layout)), printed.layout)


def test_all_fields_are_read(printed: Printed, photo: NDArray[np.uint8]) -> None:
    assert printed.values(photo) == VALUES


def test_it_may_lie_upside_down_or_half_in_shadow(printed: Printed, photo: NDArray[np.uint8]) -> None:
    turned = np.ascontiguousarray(photo[::-1, ::-1])
    assert printed.values(turned) == VALUES
    assert printed.reader.read_pixels(turned).turned == 2
    shaded = photo.copy()
    shaded[:, photo.shape[1] // 2 :] = (shaded[:, photo.shape[1] // 2 :] * 0.45).astype(np.uint8)
    assert printed.values(shaded) == VALUES


def test_boxes_are_given_in_the_picture_as_it_was(printed: Printed, photo: NDArray[np.uint8]) -> None:
    seen = printed.reader.read_pixels(photo, (photo.shape[1] * 2, photo.shape[0] * 2)).fields
    one = printed.reader.read_pixels(photo).fields
    for large, small in zip(seen, one, strict=True):
        assert np.allclose(large.box, np.array(small.box) * 2, atol=2)


def test_weak_pencil_beside_bold_print_is_never_empty(printed: Printed) -> None:
    """Each box is judged by itself: a hard pencil between two bold digits is a digit or "?"."""
    page = printed.page.copy()
    per_mm = page.shape[1] / printed.layout.size[0]
    field = next(each for each in printed.layout.placed if each.field.name == "animal")
    for number, cell in enumerate(field.cells):
        x, y = (cell[0] + cell[2]) / 2 * per_mm, (cell[1] + cell[3]) / 2 * per_mm
        level, width = ((0, 0, 0), 9) if number % 2 == 0 else ((205, 205, 207), 3)
        cv2.line(page, (round(x), round(y - 18)), (round(x), round(y + 18)), level, width, cv2.LINE_AA)
    from digitlab.examples.sheet_photos import photographed_sheet

    for seed in (1, 2):
        picture, _ = photographed_sheet(page, printed.layout.size, np.random.default_rng(seed))
        seen = next(each for each in printed.reader.read_pixels(picture).fields if each.name == "animal")
        assert all(cell is not None for cell in seen.cells)


def test_an_empty_form_is_empty(printed: Printed) -> None:
    picture, _ = printed.photo(seed=9)
    values = printed.values(picture)
    assert {name: value for name, value in values.items() if value not in ("", "no")} == {}


def test_two_sheets_are_refused(printed: Printed, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ImageError, match="shows more than one sheet"):
        printed.reader.read_pixels(np.ascontiguousarray(np.concatenate([photo, photo], axis=1)))


def test_halves_of_two_sheets_are_refused(printed: Printed, photo: NDArray[np.uint8]) -> None:
    other, _ = printed.photo(seed=12)
    mixed = photo.copy()
    mixed[:, photo.shape[1] // 2 :] = other[:, photo.shape[1] // 2 :]
    with pytest.raises(ImageError, match=r"do not lie on one sheet|squares|of the form's lines"):
        printed.reader.read_pixels(mixed)


def test_a_page_without_a_marker_is_refused(printed: Printed) -> None:
    from digitlab.bench.made_pages import page

    with pytest.raises(ImageError, match="shows no marker of a form"):
        printed.reader.read_pixels(page(1))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("number = 9", "number = 10"), "is form 9, expected form 10"),
        (("boxes = 5", "boxes = 6"), "was printed from another version of form.toml"),
    ],
)
def test_another_form_is_refused(
    changed: tuple[str, str], said: str, photo: NDArray[np.uint8], form_file: Callable[[str], Path]
) -> None:
    from digitlab.sheets import lay_out, read_form

    other = lay_out(read_form(form_file(FORM.replace(*changed))))
    with pytest.raises(ImageError, match=said):
        register(grey(photo), other)


def test_a_digit_is_as_sure_as_the_view_that_likes_it_least() -> None:
    from digitlab.reading.candidates import Candidate
    from digitlab.sheets.digits import Look

    def look(*views: float, page: float = 0.9) -> Look:
        def row(share: float) -> NDArray[np.float32]:
            return np.array([share, *[(1.0 - share) / 9.0] * 9], np.float32)

        found = Candidate((0.0, 0.0, 9.0, 9.0), 0.99, row(0.95))
        return Look(found, Candidate(found.box, 0.9, row(page)), np.array([row(each) for each in views]))

    assert look(0.9, 0.9).least == pytest.approx(np.log(9.0), rel=1e-5)
    assert look(0.9, 0.5).least == pytest.approx(0.0, abs=1e-5)
    assert look(0.9, 0.9, page=0.5).least == pytest.approx(0.0, abs=1e-5)
    assert look(1.0, 1.0, page=1.0).least == look(0.99999, 1.0, page=1.0).least  # not told apart
