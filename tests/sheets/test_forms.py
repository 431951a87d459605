"""Forms: their files, with the line of what is wrong; their places; the page that is printed."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitlab.errors import RecipeError
from digitlab.sheets import form_pdf, lay_out, read_form

from .conftest import FORM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = '[form]\ntitle = "T"\nnumber = 1\n\n[[field]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "boxes = 0\n", "line 7, boxes: is 0; expected 1 to 30"),
        (HEAD + "boxes = true\n", "line 7, boxes: is true; expected a whole number"),
        (HEAD, "line 6, name: a has none of them; expected one of boxes, pattern"),
        (HEAD + "boxs = 3\n", "line 7, boxs: is not a key of this [[field]]; did you mean boxes?"),
        (HEAD + "digits = 3\n", "line 7, digits: is not a key of this [[field]]; did you mean boxes?"),
        (HEAD + "boxes = 3\nlabl = 'x'\n", "line 8, labl: is not a key of this [[field]]; did you mean label?"),
        (HEAD + "boxes = 3\nline = 40\n", "line 8, line: a has boxes and line; expected one of"),
        (HEAD + 'pattern = "12.##"\n', "line 7, pattern: is '12.##'; expected a # for each digit"),
        (HEAD + "line = 5\n", "line 7, line: is 5; expected 15 to 170"),
        (HEAD + 'choices = ["x", "y\\u0007"]\n', "line 7, choices: has 'y\\x07'; expected one line"),
        (HEAD + 'choices = ["x"]\n', "line 7, choices: is ['x']; expected a list of 2 to 20 texts"),
        (HEAD + 'boxes = 3\ncheck = "lun"\n', "line 8, check: check is 'lun'; expected one of luhn"),
        (HEAD + 'boxes = 3\namong = "no.csv"\n', "line 8, among: there is no file"),
        (HEAD + "boxes = 3\none_to_one = true\n", "line 8, one_to_one: needs a list"),
        (HEAD + 'boxes = 3\n[[field]]\nname = "a"\nboxes = 1\n', "the name a occurs twice"),
        (HEAD + "boxes = 3\nbeside = 1\n", "line 8, beside: is 1; expected true or false"),
        (HEAD.replace("= 1\n", "= 250\n") + "boxes = 3\n", "line 3, number: is 250; expected 0 to 249"),
        ('[form]\ntitle = "T"\n\n[[field]]\nname = "a"\nboxes = 2\n', "line 1, number: is missing in [form]"),
        (HEAD + "boxes = \n", "is not TOML (line 7, column 9: Invalid value)"),
        ("[form]\nnumber = 1\n", "has no [[field]] and no [[table]]"),
        (
            HEAD + 'boxes = 1\n[[table]]\nname = "t"\nrows = ["1"]\ncolumns = [{ name = "p", boxen = 2 }]\n',
            "line 11, boxen: is not a key of this column; did you mean boxes?",
        ),
    ],
)
def test_what_is_wrong_with_a_form_is_said_with_its_line(
    text: str, said: str, form_file: Callable[[str], Path]
) -> None:
    path = form_file(text)
    with pytest.raises(RecipeError, match=re.escape(said)) as refused:
        read_form(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_file_may_begin_as_windows_writes_them(form_file: Callable[[str], Path]) -> None:
    assert read_form(form_file("\ufeff" + HEAD + "boxes = 3\n")).fields[0].boxes == 3


def test_what_does_not_fit_on_the_sheet_is_named(form_file: Callable[[str], Path]) -> None:
    many = "".join(f'[[field]]\nname = "f{n}"\nboxes = 3\n' for n in range(30))
    with pytest.raises(RecipeError, match="does not fit on the sheet"):
        lay_out(read_form(form_file('[form]\ntitle = "T"\nnumber = 1\n' + many)))
    wide = HEAD + "boxes = 30\n"
    with pytest.raises(RecipeError, match="to the right; expected fewer boxes"):
        lay_out(read_form(form_file(wide)))


def test_letters_that_the_font_has_not_are_refused(form_file: Callable[[str], Path]) -> None:
    layout = lay_out(read_form(form_file(HEAD.replace('"T"', '"Ωmega"') + "boxes = 3\n")))
    with pytest.raises(RecipeError, match="has no 'Ω'"):
        form_pdf(layout)


def test_fields_stand_in_the_order_of_the_file(form_file: Callable[[str], Path]) -> None:
    form = read_form(form_file(FORM))
    assert [each.name for each in form.fields] == [
        "animal", "day", "w.am.g", "w.am.sick", "w.pm.g", "w.pm.sick", "sex", "remark",
    ]  # fmt: skip


BOXES = st.integers(1, 12).map(lambda n: f"boxes = {n}")
FIELDS = st.lists(
    st.tuples(BOXES | st.just("tick = true") | st.just("line = 30"), st.booleans()), min_size=1, max_size=9
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FIELDS, paper=st.sampled_from(["a4", "letter"]))
def test_no_two_cells_share_a_place(
    fields: list[tuple[str, bool]], paper: str, form_file: Callable[[str], Path]
) -> None:
    text = f'[form]\ntitle = "T"\nnumber = 3\npaper = "{paper}"\n'
    for number, (kind, beside) in enumerate(fields):
        text += f'[[field]]\nname = "f{number}"\n{kind}\nbeside = {str(beside and number > 0).lower()}\n'
    try:
        layout = lay_out(read_form(form_file(text)))
    except RecipeError as refused:
        assert "does not fit" in str(refused)  # noqa: PT017 - either is right
        return
    cells = [cell for each in layout.placed for cell in each.cells]
    for one, other in itertools.combinations(cells, 2):
        apart = one[2] <= other[0] + 1e-6 or other[2] <= one[0] + 1e-6
        assert apart or one[3] <= other[1] + 1e-6 or other[3] <= one[1] + 1e-6
    assert all(cell[0] > 20 and cell[2] < layout.size[0] - 20 for cell in cells)  # clear of the markers


def test_the_page_is_one_page_of_its_size(form_file: Callable[[str], Path]) -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    for paper, size in (("a4", (595.3, 841.9)), ("letter", (612.0, 792.0))):
        layout = lay_out(read_form(form_file(FORM.replace("number = 9", f'number = 9\npaper = "{paper}"'))))
        document = pdfium.PdfDocument(form_pdf(layout))
        assert len(document) == 1
        assert document[0].get_size() == pytest.approx(size, abs=0.2)
        text = document[0].get_textpage().get_text_range()
        assert "Weights" in text
        assert "form 9" in text
        document.close()


def test_the_code_follows_the_places(form_file: Callable[[str], Path]) -> None:
    one = lay_out(read_form(form_file(FORM)))
    renamed = lay_out(read_form(form_file(FORM.replace("Animal", "Beast"))))
    moved = lay_out(read_form(form_file(FORM.replace("boxes = 3", "boxes = 2"))))
    assert one.code == renamed.code != moved.code
