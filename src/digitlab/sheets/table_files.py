"""Write the table to a file: CSV, a spreadsheet (.xlsx), or Parquet; the same columns in each, row by row."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import re
from typing import TYPE_CHECKING, Any

from digitlab.archives.rows import plain_name
from digitlab.errors import MissingExtraError, UsageError
from digitlab.sheets.table import columns_of
from digitlab.sheets.values import DOUBTFUL, FAILED
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digitlab.sheets.form import Form
    from digitlab.sheets.table import TableRow

    Write = Callable[[TableRow], None]

__all__ = ["ENDINGS", "expect_writable", "table_file"]

ENDINGS = (".csv", ".xlsx", ".parquet")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})([.,][0-9]{1,9})?")
_COLOURS = {DOUBTFUL: "FFF2CC", FAILED: "F8CBAD"}  # of cells that are to be looked at
_GROUP = 2000  # rows of Parquet held in memory


def expect_writable(path: Path) -> None:
    """Fail at once if the table cannot be written, rather than after an hour.

    Raises:
        UsageError: for another ending. MissingExtraError: without the library that writes it.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"--out {path}: expected a name ending in {', '.join(ENDINGS)}")
    if ending == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise MissingExtraError("sheets", needed_for="a spreadsheet (.xlsx)")
    if ending == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("ray", needed_for="a table as Parquet")


@contextlib.contextmanager
def table_file(path: Path, form: Form) -> Iterator[Write]:
    """Yield a function that writes rows; the file is complete at the end.

    Raises:
        UsageError, MissingExtraError: as `expect_writable`. StorageError: when it cannot be written.
    """
    expect_writable(path)
    writers = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
    with atomic_path(path) as temporary, writers[path.suffix.lower()](temporary, form) as write:
        yield write


@contextlib.contextmanager
def _csv(path: Path, form: Form) -> Iterator[Write]:
    names = [each.name for each in form.fields]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns_of(names))

        def write(row: TableRow) -> None:
            name, *others, note = row.cells(names)
            cells = ("" if each is None else each for each in others)
            table.writerow([plain_name(str(name)), *cells, plain_name(str(note))])

        yield write


@contextlib.contextmanager
def _xlsx(path: Path, form: Form) -> Iterator[Write]:
    """Write a spreadsheet: marks as numbers, student numbers and dates as text, cells to be looked at in colour."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    names = [each.name for each in form.fields]
    # Quantities are numbers; identifiers (a list's entry, a full row of boxes) keep their leading zeros.
    quantities = {each.name for each in form.fields if not (each.among or each.full)}
    book = Workbook(write_only=True)
    sheet = book.create_sheet("sheets")
    sheet.freeze_panes = "B2"
    sheet.column_dimensions["A"].width = 28
    for column in range(2, len(names) + 2):
        sheet.column_dimensions[get_column_letter(column)].width = 14
    fills: dict[str, Any] = {state: PatternFill("solid", fgColor=colour) for state, colour in _COLOURS.items()}

    def cell(value: Any, *, fill: Any = None, bold: bool = False) -> Any:
        text = isinstance(value, str)
        result = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if text else value)
        if text:
            result.data_type = "s"  # never a formula, whatever it begins with
        if fill is not None:
            result.fill = fill
        if bold:
            result.font = Font(bold=True)
        return result

    sheet.append([cell(head, bold=True) for head in columns_of(names)])

    def write(row: TableRow) -> None:
        states = {each.name: each.state for each in row.fields}
        name, *others = row.cells(names)
        values = [
            cell(_as_number(value) if field in quantities else value, fill=fills.get(states.get(field, "")))
            for field, value in zip(names, others, strict=False)
        ]
        sheet.append([cell(name), *values, *(cell(each) for each in others[len(names) :])])

    yield write
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns_of(names)))}1"
    book.save(path)


def _as_number(value: Any) -> Any:
    """Convert a text to a number if it is one without a leading zero.

    >>> _as_number("12"), _as_number("012"), _as_number("1?"), _as_number("2,5")
    (12, '012', '1?', 2.5)
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        return value
    return float(value.replace(",", ".")) if set(value) & {".", ","} else int(value)


@contextlib.contextmanager
def _parquet(path: Path, form: Form) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    names = [each.name for each in form.fields]
    heads = columns_of(names)
    confidences = {f"{name} confidence" for name in names}
    schema = pa.schema([(head, pa.float64() if head in confidences else pa.string()) for head in heads])
    rows: list[list[Any]] = []

    with ParquetWriter(path, schema) as file:

        def flush() -> None:
            columns = zip(*rows, strict=True) if rows else ([] for _ in heads)
            arrays = [pa.array(column, schema.field(head).type) for head, column in zip(heads, columns, strict=True)]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows.clear()

        def write(row: TableRow) -> None:
            rows.append(row.cells(names))
            if len(rows) == _GROUP:
                flush()

        yield write
        flush()
