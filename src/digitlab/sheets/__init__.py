"""Forms: defined in TOML, drawn as PDF, found in photos, read cell by cell into a table.

`read_form` and `lay_out` define what stands where, in millimetres; `form_pdf` prints that. `register` finds it in a
photo, `SheetReader` reads what was written, `SheetTable` makes values of it, using what is known: lists and checks.
"""

from __future__ import annotations

from digitlab.sheets.form import Field, Form, Table
from digitlab.sheets.form_file import read_form
from digitlab.sheets.layout import Layout, lay_out
from digitlab.sheets.printing import form_pdf
from digitlab.sheets.sheet_reading import SheetReader, SheetReading
from digitlab.sheets.table import SheetTable, TableRow
from digitlab.sheets.values import FieldRead, Seen

__all__ = [
    "Field", "FieldRead", "Form", "Layout", "Seen", "SheetReader", "SheetReading", "SheetTable", "Table", "TableRow",
    "form_pdf", "lay_out", "read_form",
]  # fmt: skip
