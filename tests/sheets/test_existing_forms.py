"""Forms that exist already: marked on a scan of the empty one, found in photos by their print, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.errors import ImageError, RecipeError
from digitlab.jobs.forms import mark_form
from digitlab.reading import Reader
from digitlab.sheets import SheetReader, read_form
from digitlab.sheets.features import layout_of
from digitlab.sheets.layout import corner_markers
from digitlab.sheets.marking import mark_blank
from digitlab.storage import write_text

from .conftest import VALUES, Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray


_TEXT = (
    "Weigh each animal twice a day, before it is fed.", "Write grams, one digit in each box, to the right.",
    "Tick the box where it seems to be sick,", "and call Dr. Quigley at once (extension 4711).",
    "Keep this sheet dry: it is photographed in the evening.", "Version 3 of May, printed by the zoological institute",
)  # fmt: skip


def without_markers(printed: Printed) -> NDArray[np.uint8]:
    """Somebody else's form: the same, but for all by which ours are found, and with some text on it."""
    import cv2

    page, per_mm = printed.page.copy(), printed.page.shape[1] / printed.layout.size[0]
    squares = [(x - 2, y - 2, x + 2, y + 2) for x, y in printed.layout.marks]
    for x0, y0, x1, y1 in (*corner_markers(printed.layout.size), printed.layout.code_at, *squares):
        page[round(y0 * per_mm) - 3 : round(y1 * per_mm) + 4, round(x0 * per_mm) - 3 : round(x1 * per_mm) + 4] = 255
    for line, text in enumerate(_TEXT):
        cv2.putText(page, text, (170, 1150 + 90 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (30, 30, 30), 2, cv2.LINE_AA)
    return page


@pytest.fixture(scope="module")
def existing(printed: Printed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Printed]:
    folder = tmp_path_factory.mktemp("existing")
    page = without_markers(printed)
    Image.fromarray(page).save(folder / "blank.png")
    assert run(["sheet", "from", str(folder / "blank.png"), "--out", str(folder / "lab.toml")]) == 0
    form = folder / "lab.toml"
    layout = layout_of(read_form(form))
    return form, Printed(form, printed.layout, page, SheetReader(layout, Reader()))


def test_every_row_of_boxes_is_found(existing: tuple[Path, Printed]) -> None:
    form, _ = existing
    fields = read_form(form).fields
    assert [(each.kind, each.cells) for each in fields] == [
        ("boxes", 5), ("boxes", 4), ("boxes", 3), ("tick", 1), ("boxes", 3), ("tick", 1), ("tick", 1), ("tick", 1),
    ]  # fmt: skip
    assert len(fields[1].at) == 4  # a date: its gaps differ
    assert (form.parent / "lab-fields.png").is_file()


@pytest.mark.parametrize("seed", [3, 4])
def test_a_photo_is_found_by_the_print_and_read(existing: tuple[Path, Printed], seed: int) -> None:
    _, paper = existing
    picture, _ = paper.photo(VALUES, seed=seed)
    fields = paper.reader.read_pixels(picture).fields
    digits = ["".join("" if cell is None else cell.character for cell in each.cells) for each in fields]
    assert digits[:3] == ["40713", "2412", "385"]
    assert [each.longest[0] > 1.9 for each in fields if each.longest] == [True, False, False, True]


def test_a_form_that_differs_in_one_field_is_refused(existing: tuple[Path, Printed]) -> None:
    _, paper = existing
    changed = paper.page.copy()
    per_mm = changed.shape[1] / paper.layout.size[0]
    x0, y0, x1, y1 = (round(side * per_mm) for side in paper.layout.placed[0].box)
    part = changed[y0 - 4 : y1 + 5, x0 - 4 : x1 + 5].copy()
    changed[y0 - 4 : y1 + 5, x0 - 4 : x1 + 5] = 255
    changed[y0 - 4 : y1 + 5, x0 + 38 : x1 + 47] = part  # five millimetres to the right
    other = Printed(paper.path, paper.layout, changed, paper.reader)
    with pytest.raises(ImageError, match="is not this form"):
        paper.reader.read_pixels(other.photo(VALUES, seed=4)[0])


def test_other_pictures_are_refused(existing: tuple[Path, Printed], printed: Printed) -> None:
    from digitlab.bench.made_pages import page

    _, paper = existing
    for picture in (page(1), np.full((600, 800, 3), 200, np.uint8), printed.photo(VALUES, seed=4)[0]):
        with pytest.raises(ImageError, match="this form"):
            paper.reader.read_pixels(picture)


@pytest.mark.parametrize(("blank", "out"), [('a"b.png', "c.toml"), ("a.png", 'c"d.toml'), ("a\\b.png", "c.toml")])
def test_any_file_s_name_will_do_and_a_box_at_the_edge(
    blank: str, out: str, existing: tuple[Path, Printed], tmp_path: Path
) -> None:
    import cv2

    page = existing[1].page.copy()
    cv2.rectangle(page, (0, 2000), (page.shape[1] // 20, 2080), (60, 60, 60), 3)
    Image.fromarray(page).save(tmp_path / blank)
    rows = mark_blank(tmp_path / blank, tmp_path / out, 210.0)
    assert min(row.at[0][0] for row in rows) == 0.0
    form = read_form(tmp_path / out)
    assert (form.title, form.blank) == (Path(out).stem, tmp_path / blank)


def test_an_empty_page_cannot_be_a_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.full((1200, 900, 3), 255, np.uint8)).save(tmp_path / "b.png")
    assert run(["sheet", "from", str(tmp_path / "b.png"), "--out", str(tmp_path / "b.toml")]) == 2
    assert "no boxes were found" in capsys.readouterr().err
    (tmp_path / "f.toml").write_text(
        '[form]\nblank = "b.png"\n[[field]]\nname = "a"\nboxes = 1\nat = [10, 10, 40, 40]\n'
    )
    with pytest.raises(RecipeError, match="has too little print to be found again"):
        SheetReader(layout_of(read_form(tmp_path / "f.toml")), Reader())


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("[10, 10, 40]", "line 5, at: is"),
        ("[10, 10, inf, 40]", "line 5, at: is"),
        (f"[10, 10, {10**400}, 40]", "line 5, at: is"),
        ("[[10, 10, 40, 40], [60, 10, 40, 40]]", "line 5, at: has 2 places; expected one for all 3 boxes"),
        ("[10, 10, 9000, 40]", "reaches beyond the blank of 90×120 pixels"),
    ],
)
def test_a_wrong_place_is_said(at: str, said: str, tmp_path: Path) -> None:
    Image.fromarray(np.full((120, 90, 3), 255, np.uint8)).save(tmp_path / "b.png")
    path = tmp_path / "f.toml"
    path.write_text(f'[form]\nblank = "b.png"\n[[field]]\nname = "a"\nat = {at}\nboxes = 3\n')
    with pytest.raises(RecipeError, match=said.replace("[", r"\[")):
        layout_of(read_form(path))


def test_a_blank_with_too_little_print_leaves_no_file_behind(
    existing: tuple[Path, Printed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> None:
        raise RecipeError("it has too little print to be found again")

    monkeypatch.setattr("digitlab.sheets.marking.Blank", refuses)
    Image.fromarray(existing[1].page).save(tmp_path / "b.png")
    for _ in range(2):
        with pytest.raises(RecipeError, match="too little print"):
            mark_form(tmp_path / "b.png", out=tmp_path / "b.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


def test_marking_that_ends_without_saving_is_1_also_where_a_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("uvicorn")
    from digitlab.apps.cli.sheet_marking import mark_in_browser

    out = tmp_path / "f.toml"
    out.write_text("as it was", "utf-8")
    saves: list[bool] = []

    class Ended:
        def run(self, sockets: list[Any]) -> None:
            for each in sockets:
                each.close()
            if saves:
                write_text(out, "as it was")

    monkeypatch.setattr("digitlab.jobs.sheet_marking.begin_marking", lambda *_: None)
    monkeypatch.setattr("digitlab.apps.web.marking.make_marking", lambda *_: None)
    monkeypatch.setattr("digitlab.apps.web.server.make_server", lambda *_: Ended())
    assert mark_in_browser(tmp_path / "b.png", out, show=False) == 1
    assert "nothing was saved" in capsys.readouterr().err
    saves.append(True)
    assert mark_in_browser(tmp_path / "b.png", out, show=False) == 0
