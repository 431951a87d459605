"""Forms: an example to start from, a PDF to print, and the boxes of an existing form found."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path  # noqa: TC003 - the settings of a job are read from its types
from typing import Annotated

from digitlab.errors import UsageError
from digitlab.settings import Range, Setting, checked
from digitlab.storage import write_bytes, write_text

__all__ = ["BlankMarked", "example_form", "mark_form", "new_form"]


def example_form(out: Path, *, force: bool = False) -> None:
    """Write a commented form to start from.

    Args:
        out: the file, ending in .toml.
        force: overwrite an existing file.

    Raises:
        UsageError: for a file that exists already, unless forced.
        StorageError: if it cannot be written.
    """
    _expect_new(out, force=force)
    text = resources.files("digitlab.sheets").joinpath("example.toml").read_text("utf-8")
    write_text(out, text.replace("FORM.toml", out.name))


def _expect_new(form: Path, *, force: bool) -> None:
    if form.suffix.lower() != ".toml":
        raise UsageError(f"{form}: expected a name ending in .toml")
    if form.exists() and not force:
        raise UsageError(f"{form}: already exists; choose another name, or add --force to overwrite it")


def new_form(form: Path | None = None, *, out: Path, practice: bool = False) -> int:
    """Draw a form as a PDF to be printed; return its number of fields.

    Args:
        form: the form's TOML file.
        out: the PDF.
        practice: the sheet on which everybody writes each digit ten times, for `digitlab data from-sheets`.

    Raises:
        RecipeError: for an invalid form.
        UsageError: for another extension, or for both a form and the practice sheet, or neither.
        StorageError: if it cannot be written.
    """
    from digitlab.jobs.practice import practice_file
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.layout import lay_out
    from digitlab.sheets.printing import form_pdf

    if (form is None) != practice:
        raise UsageError("expected either a form's TOML file or --practice")
    if out.suffix.lower() != ".pdf":
        raise UsageError(f"--out {out}: expected a name ending in .pdf")
    parsed = read_form(form or practice_file())
    if parsed.blank is not None:
        raise UsageError(f"{form}: is a form that exists already ({parsed.blank}); print that")
    layout = lay_out(parsed)
    write_bytes(out, form_pdf(layout))
    return len(layout.placed)


@dataclass(frozen=True, slots=True)
class BlankMarked:
    """An existing form that was marked. form: its file; picture: shows the names of the fields; fields: how many."""

    form: Path
    picture: Path
    fields: int


@checked
def mark_form(
    blank: Path,
    *,
    out: Path,
    width: Annotated[float, Setting(within=Range(40, 600), unit="mm")] = 210.0,
    force: bool = False,
) -> BlankMarked:
    """Write a form's file from a scan of the empty form: every row of boxes becomes a field, to be renamed.

    Args:
        blank: the scan (JPEG, PNG, a page of a PDF …), upright.
        out: the file, ending in .toml.
        width: of the paper in mm: 210 for A4, 216 for letter.
        force: overwrite an existing file.

    Raises:
        ImageError: if the blank cannot be opened.
        RecipeError: if there is too little on it to find it in photos.
        UsageError: for an existing file, another extension, a width out of range, or a scan without boxes.
    """
    from PIL import Image

    from digitlab.sheets.marking import mark_blank, numbered
    from digitlab.storage import atomic_path

    _expect_new(out, force=force)
    rows = mark_blank(blank, out, width)
    picture = out.with_name(f"{out.stem}-fields.png")
    with atomic_path(picture) as temporary:
        Image.fromarray(numbered(blank, rows)).save(temporary)
    return BlankMarked(out, picture, len(rows))
