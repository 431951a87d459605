"""Mark the fields of an existing form by hand: what to show of its blank scan, and how to write the form's file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.sheets.marked_fields import MarkedField

__all__ = ["Marking", "begin_marking", "keep_marking"]


@dataclass(frozen=True, slots=True)
class Marking:
    """A blank and its fields. out: the form's file; width: of the paper in mm; size: of the blank in pixels.

    title: of the form; fields: from the file, if it exists already (``known``), else the boxes that were found
    """

    blank: Path
    out: Path
    width: float
    size: tuple[int, int]
    title: str
    fields: tuple[MarkedField, ...]
    known: bool


def begin_marking(blank: Path, out: Path, width: float = 210.0) -> Marking:
    """Open a blank, with the fields from its file, or with every row of boxes found on it.

    Args:
        blank: the scan (JPEG, PNG, a page of a PDF …), upright.
        out: the form's file, ending in .toml; it need not exist.
        width: of the paper in mm.

    Raises:
        ImageError: if the blank cannot be opened.
        RecipeError: for a file that is no form.
        UsageError: for a file of another blank, or another extension.
    """
    from digitlab.reading.images import load_reduced
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.marked_fields import MarkedField, marked_fields_of
    from digitlab.sheets.marking import find_rows

    if out.suffix.lower() != ".toml":
        raise UsageError(f"--out {out}: expected a name ending in .toml")
    picture, _ = load_reduced(blank, None)
    size = picture.shape[1], picture.shape[0]
    if out.exists():
        form = read_form(out)
        if form.blank is None or form.blank.resolve() != blank.resolve():
            raise UsageError(f"--out {out}: is the form of {form.blank or 'no blank'}; expected that of {blank}")
        return Marking(blank, out, form.width, size, form.title, marked_fields_of(form), known=True)
    fields = tuple(
        MarkedField(f"field{number}", "", *(("tick", "") if row.tick else ("boxes", str(row.boxes))), row.at)
        for number, row in enumerate(find_rows(picture, width), 1)
    )
    return Marking(blank, out, width, size, out.stem, fields, known=False)


def keep_marking(marking: Marking, title: str, fields: Sequence[Any]) -> int:
    """Write the form's file, if it is valid; return its number of fields.

    Args:
        marking: as returned by `begin_marking`.
        title: of the form.
        fields: as accepted by `digitlab.sheets.marked_fields.marked_field`.

    Raises:
        RecipeError: for fields that make no valid form, with the line and key in the file, which is then not written;
            for too little print on the blank.
        UsageError: for a field that is invalid.
        StorageError: if it cannot be written.
    """
    from digitlab.sheets.marked_fields import form_text, marked_field
    from digitlab.sheets.marking import write_marked

    parsed = [marked_field(each, number) for number, each in enumerate(fields, 1)]
    out = marking.out
    name = Path(os.path.relpath(marking.blank.resolve(), out.resolve().parent)).as_posix()
    text = form_text(title.strip() or out.stem, name, marking.width, marking.size[0], parsed)
    write_marked(out, text)
    return len(parsed)
