"""From digits to values: gaps, checks, lists, ticks; and the table of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.errors import DatasetError
from digitlab.sheets.form import Field, Form
from digitlab.sheets.table import SheetTable, columns_of
from digitlab.sheets.table_files import table_file
from digitlab.sheets.values import Known, Seen, known_of, value_of
from digitlab.values import ReadDigit

if TYPE_CHECKING:
    from pathlib import Path

BOX = (0, 0, 10, 10)
THREE = Field("n", "N", "boxes", boxes=3, pattern="###")


def digit(sign: str, confidence: float = 0.99, second: int = 0) -> ReadDigit | None:
    """ "7": answered, "?": not, " ": an empty box."""
    if sign == " ":
        return None
    value = 5 if sign == "?" else int(sign)
    sure = 0.4 if sign == "?" else confidence
    probabilities = [0.0] * 10
    probabilities[second] += 1 - sure
    probabilities[value] += sure
    return ReadDigit(None if sign == "?" else value, sure, BOX, 0, tuple(probabilities))


def seen(text: str, **known: Any) -> Seen:
    return Seen("n", tuple(digit(sign, **known) for sign in text), (), (), BOX)


@pytest.mark.parametrize(
    ("written", "value", "state", "full_value"),
    [
        ("123", "123", "answered", "123"),
        ("12 ", "12", "answered", "12?"),
        (" 12", "12", "answered", "?12"),
        ("1 2", "1?2", "doubtful", "1?2"),
        ("1?3", "1?3", "doubtful", "1?3"),
        ("   ", "", "empty", ""),
    ],
)
def test_a_gap_is_a_question_and_never_closed(written: str, value: str, state: str, full_value: str) -> None:
    found = value_of(THREE, seen(written), Known(), 0.5)
    assert (found.value, found.state) == (value, state)
    assert value_of(replace(THREE, full=True), seen(written), Known(), 0.5).value == full_value


def test_what_fails_its_check_is_never_bent() -> None:
    field = replace(THREE, check="range:0-500")
    assert value_of(field, seen("432"), known_of(field), 0.5).state == "answered"
    failed = value_of(field, seen("732"), known_of(field), 0.5)
    assert failed.state == "failed check"
    assert failed.read == "732"
    assert "?" in failed.value


def test_a_date_keeps_what_is_printed() -> None:
    field = Field("n", "N", "boxes", boxes=8, pattern="##.##.####", full=True, check="date")
    found = value_of(field, seen("24122026"), known_of(field), 0.5)
    assert (found.value, found.state) == ("24.12.2026", "answered")
    assert value_of(field, seen("24132026"), known_of(field), 0.5).state == "failed check"


@pytest.mark.parametrize(
    ("written", "pattern", "full", "check", "value"),
    [
        ("1 2", "###", False, "range:0-200", "1?2"),
        (" 25", "##.#", True, "range:0-100", "?2.5"),
        ("7992739871 ", "###########", True, "luhn", "7992739871?"),
    ],
)
def test_a_check_closes_no_gap(written: str, pattern: str, full: bool, check: str, value: str) -> None:
    field = Field("n", "N", "boxes", boxes=pattern.count("#"), pattern=pattern, full=full, check=check)
    found = value_of(field, seen(written), known_of(field), 0.5)
    assert (found.value, found.state) == (value, "doubtful")


def test_of_a_list_with_a_gap_the_shorter_number_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id\n12\n345\n")
    field = replace(THREE, among=str(tmp_path / "l.csv"))
    assert value_of(field, seen("12 "), known_of(field), 0.5).state == "answered"
    found = value_of(field, seen("1 2"), known_of(field), 0.5)
    assert (found.value, found.state) == ("12", "doubtful")
    found = value_of(field, seen("3 5"), known_of(field), 0.5)
    assert (found.value, found.state) == ("345", "answered")  # the list says what stands in the gap


def test_a_check_of_boxes_that_are_all_filled_costs_no_confidence() -> None:
    """No digit can be missing there (docs/reading.md)."""
    plain = Field("n", "N", "boxes", boxes=7, pattern="#######", full=True)
    field = replace(plain, check="range:0-9999999")
    unchecked, checked = (value_of(each, seen("1234567"), known_of(each), 0.5) for each in (plain, field))
    assert checked.confidence == pytest.approx(unchecked.confidence, abs=0.02)


@pytest.mark.parametrize(
    ("signs", "check", "value", "state"),
    [
        (",", "range:0-1000", "12,5", "answered"),
        (",", "range:100-200", None, "failed check"),
        ("?", "range:0-1000", "12?5", "doubtful"),
        (".", "date", None, "failed check"),
    ],
)
def test_a_check_of_a_free_line_takes_its_signs_into_account(
    signs: str, check: str, value: str | None, state: str
) -> None:
    field = Field("n", "N", "line", line=40.0, check=check)
    cells = (digit("1"), digit("2"), None, digit("5"))
    found = value_of(field, Seen("n", cells, ("", "", signs, ""), (), BOX), known_of(field), 0.5)
    assert found.state == state
    assert value is None or found.value == value


def test_a_list_decides_between_two_digits(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id\n123\n623\n")
    field = replace(THREE, among=str(tmp_path / "l.csv"))
    cells = (digit("1", 0.55, second=7), digit("2"), digit("3"))
    found = value_of(field, Seen("n", cells, (), (), BOX), known_of(field), 0.5)
    assert (found.value, found.state) == ("123", "answered")
    assert value_of(field, seen("999"), known_of(field), 0.5).state == "failed check"


@pytest.mark.parametrize(
    ("longest", "value", "state"),
    [
        ((0.0, 4.0, 0.0), "b", "answered"),
        ((0.0, 0.0, 0.0), "", "empty"),
        ((4.0, 4.0, 0.0), "?", "doubtful"),
        ((0.0, 1.4, 0.0), "?", "doubtful"),
    ],
)
def test_one_of_several_is_ticked(longest: tuple[float, ...], value: str, state: str) -> None:
    field = Field("n", "N", "choice", choices=("a", "b", "c"))
    found = value_of(field, Seen("n", (), (), longest, BOX), Known(), 0.5)
    assert (found.value, found.state) == (value, state)


def row(name: str, *seens: Seen, error: str | None = None) -> dict[str, Any]:
    from dataclasses import asdict

    return {"path": name, "fields": [asdict(each) for each in seens], "note": None, "error": error}


@pytest.fixture
def form(tmp_path: Path) -> Form:
    (tmp_path / "l.csv").write_text("id\n111\n117\n711\n")
    listed = Field(
        "id", "Id", "boxes", boxes=3, pattern="###", full=True, among=str(tmp_path / "l.csv"), one_to_one=True
    )
    return Form(tmp_path / "f.toml", "T", 1, "a4", "", (listed, THREE))


def stack() -> list[dict[str, Any]]:
    """Three sheets: of the first it is open whether its number is 111 or 117, which the third one has clearly."""
    open_one = Seen("id", (digit("1"), digit("1"), digit("7", 0.51, second=1)), (), (), BOX)
    clear = Seen("id", (digit("1"), digit("1"), digit("7", 0.999, second=1)), (), (), BOX)
    other = Seen("id", (digit("7"), digit("1"), digit("1")), (), (), BOX)
    return [
        row("=1+1.jpg", open_one, seen("012")),
        row("b.jpg", other, seen("7 ")),
        row("c.jpg", clear, seen("1?")),
        row("d.jpg", error="d.jpg: shows no marker of a form"),
    ]


def test_each_entry_belongs_to_one_sheet(form: Form) -> None:
    pytest.importorskip("scipy", reason="the extra sheets is not installed")
    rows = list(SheetTable(form, stack(), 0.5))
    assert [each.fields[0].value for each in rows[:3]] == ["111", "711", "117"]
    assert rows[3].failed
    assert rows[3].note == "d.jpg: shows no marker of a form"


@pytest.mark.parametrize(
    "changed",
    [
        replace(THREE, name="m"),
        replace(THREE, boxes=2, pattern="##"),
        Field("n", "N", "line", line=40.0),
        Field("n", "N", "tick"),
    ],
)
def test_readings_of_a_form_whose_fields_have_changed_are_refused(form: Form, changed: Field) -> None:
    rows = [row("a.jpg", error="a.jpg: no marker"), row("b.jpg", seen("123"))]
    with pytest.raises(DatasetError, match="other fields than"):
        list(SheetTable(replace(form, items=(changed,)), rows, 0.5))
    more = (THREE, Field("total", "T", "boxes", boxes=3, pattern="###", check="sum:n"))
    with pytest.raises(DatasetError, match="other fields than"):
        list(SheetTable(replace(form, items=more), rows, 0.5))


def test_low_confidence_is_marked(form: Form) -> None:
    plain = replace(form, items=(THREE,))
    rows = [row("a.jpg", seen("123", confidence=0.9))]
    assert next(iter(SheetTable(plain, rows, 0.5))).fields[0].state == "answered"
    assert next(iter(SheetTable(plain, rows, 0.5, least=0.8))).fields[0].state == "doubtful"


def test_the_table_as_csv(form: Form, tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the extra sheets is not installed")
    out = tmp_path / "t.csv"
    with table_file(out, form) as write:
        for each in SheetTable(form, stack(), 0.5):
            write(each)
    head, *rows = list(csv.reader(out.read_text("utf-8").splitlines()))
    assert head == columns_of(["id", "n"])
    assert head == ["file", "id", "n", "id confidence", "id state", "n confidence", "n state", "note"]
    assert rows[0][:3] == ["./=1+1.jpg", "111", "012"]  # what a table program would compute
    assert rows[2][2] == "1?"
    assert rows[3] == ["d.jpg", "", "", "", "", "", "", "d.jpg: shows no marker of a form"]


def test_a_note_that_begins_with_a_file_s_name_is_no_formula(form: Form, tmp_path: Path) -> None:
    plain, out = replace(form, items=(THREE,)), tmp_path / "t.csv"
    with table_file(out, plain) as write:
        for each in SheetTable(plain, [row("=a.jpg", error="=a.jpg: shows no marker of a form")], 0.5):
            write(each)
    assert out.read_text("utf-8").splitlines()[1].endswith(",./=a.jpg: shows no marker of a form")


def test_a_spreadsheet_takes_any_file_s_name(form: Form, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra sheets is not installed")
    plain, out = replace(form, items=(THREE,)), tmp_path / "t.xlsx"
    with table_file(out, plain) as write:
        for each in SheetTable(plain, [row("a\x07.jpg", seen("123"))], 0.5):
            write(each)
    assert openpyxl.load_workbook(out)["sheets"]["A2"].value == "a\ufffd.jpg"


def test_the_table_as_a_spreadsheet(form: Form, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra sheets is not installed")
    pytest.importorskip("scipy")
    out = tmp_path / "t.xlsx"
    with table_file(out, form) as write:
        for each in SheetTable(form, stack(), 0.5):
            write(each)
    sheet = openpyxl.load_workbook(out)["sheets"]
    rows = [[cell.value for cell in each] for each in sheet.iter_rows()]
    assert rows[0] == columns_of(["id", "n"])
    assert sheet["A2"].data_type == "s"  # no formula
    assert rows[1][:3] == ["=1+1.jpg", "111", "012"]  # a number of the list stays text, and so do leading zeros
    assert rows[2][2] == 7  # what is counted is a number
    assert sheet["C4"].fill.fgColor.rgb.endswith("FFF2CC")  # to be looked at
    assert rows[4][-1] == "d.jpg: shows no marker of a form"


def test_the_table_as_parquet(form: Form, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra ray is not installed")
    pytest.importorskip("scipy")
    out = tmp_path / "t.parquet"
    with table_file(out, form) as write:
        for each in SheetTable(form, stack(), 0.5):
            write(each)
    table = parquet.read_table(out).to_pydict()
    assert table["id"] == ["111", "711", "117", None]
    assert table["id confidence"][3] is None
