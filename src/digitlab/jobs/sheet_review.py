"""Review of a stack that was read: a page for a person, corrections to table and dataset, a guaranteed error rate."""

from __future__ import annotations

import collections
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError, ImageError, UsageError
from digitlab.jobs.events import Counted, Note, ignore
from digitlab.jobs.sheets import corrections_beside, kept_beside, sheet_rows, write_table
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from digitlab.jobs.events import Listener
    from digitlab.sheets.corrections import FieldCorrection
    from digitlab.sheets.form import Form
    from digitlab.sheets.promise import Drift, Promise
    from digitlab.sheets.table import SheetTable
    from digitlab.values import Digits

__all__ = ["Agreement", "Corrected", "PromiseMade", "agreement", "correct_sheets", "promise_sheets", "review_sheets"]


def review_sheets(
    form: Path,
    marks: Path,
    *,
    out: Path = Path("review.html"),
    most: int = 200,
    sample: int = 60,
    seed: int = 0,
    other: Path | None = None,
    listener: Listener = ignore,
) -> tuple[Path, int]:
    """Write the page for reviewing fields in their sheets; return its path, and the number of fields on it.

    Args:
        form: the form's TOML file.
        marks: the table written by `digitlab sheet read`.
        out: the page (HTML).
        most: maximum number of doubtful fields.
        sample: number of other fields, drawn at random; -1 for all of them.
        seed: seed of the sample.
        other: another reader's result for the same photos, a table (CSV) or corrections: differences are doubtful.
        listener: called with `Counted`, and with a `Note` if fields are left out because their photos are gone.

    Raises:
        RecipeError: for an invalid form.
        DatasetError: for a table without kept readings, or another reader's table of other photos.
        UsageError: for numbers out of range, or a page whose name does not end in .html.
        StorageError: if the page cannot be written.
    """
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.review_page import chosen_fields, write_fields_page

    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: expected a name ending in .html")
    if not 0 <= most <= 5000 or not -1 <= sample <= 5000:
        raise UsageError(f"--most is {most} and --sample {sample}; expected 0 to 5000, and -1 for a sample of all")
    parsed = read_form(form)
    rows = sheet_rows(parsed, kept_beside(marks))
    others = {} if other is None else _differing(rows, other)
    chosen = chosen_fields(rows.with_rows(), most, sample, seed, others)
    count = write_fields_page(
        chosen, parsed, marks, out, lambda done, of: listener(Counted("cutting out fields", done, of, "photos"))
    )
    if left := len(chosen.fields) - count:
        listener(Note(f"{left:,} of {len(chosen.fields):,} fields are left out: their photos cannot be opened here"))
    return out, count


@dataclass(frozen=True, slots=True)
class Corrected:
    """Effect of corrections. looked_over: fields reviewed in all; changed: read differently; digits: in the dataset."""

    looked_over: int
    changed: int
    digits: int


def correct_sheets(
    form: Path, marks: Path, *corrections: Path, dataset: str | Path | None = None, listener: Listener = ignore
) -> Corrected:
    """Apply a person's corrections to the table permanently, and write their digits into a dataset.

    Boxes yield digits only if as many digits were entered as are written.

    Args:
        form: the form's TOML file.
        marks: the table written by `digitlab sheet read`.
        corrections: the files saved by the page.
        dataset: write the digits, labelled with the corrections: .npz, .h5, .csv, a folder …
        listener: called with `Counted` and `Note`.

    Raises:
        UsageError: for no file.
        DatasetError: for files that are no corrections, or concern photos that are not in the table.
        StorageError: if a file cannot be written.
    """
    from digitlab.sheets.corrections import keep_corrections, read_field_corrections
    from digitlab.sheets.form_file import read_form

    if not corrections:
        raise UsageError("no corrections given; expected the file that the page of digitlab sheet review saved")
    parsed = read_form(form)
    stored = corrections_beside(marks)
    by_field = read_field_corrections([*([stored] if stored.exists() else []), *corrections])
    files = {row.file for row in sheet_rows(parsed, kept_beside(marks))}
    unknown = sorted({each.file for each in by_field.values() if each.file not in files})
    if unknown:
        raise DatasetError(f"corrections of {unknown[0]}, which is not in {marks}; expected those of this table's page")
    keep_corrections(stored, by_field)
    write_table(parsed, marks)
    count = 0
    if dataset is not None:
        digits = _digits_of(form, list(by_field.values()), listener)
        count = len(digits)
        _write(dataset, digits)
    return Corrected(len(by_field), sum(each.wrong for each in by_field.values()), count)


def _write(path: str | Path, digits: Digits) -> None:
    from digitlab.datasets.formats import dataset_writer

    with dataset_writer(path) as sink:
        sink.write(digits)


def _digits_of(form: Path, corrections: list[FieldCorrection], listener: Listener) -> Digits:
    """Cut out the written digits of fields that a person reviewed, and label them with what that person entered."""
    import numpy as np

    from digitlab.reading import Reader
    from digitlab.sheets.features import layout_of
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.sheet_reading import SheetReader
    from digitlab.values import Digits

    sheets = SheetReader(layout_of(read_form(form)), Reader())
    by_file: dict[str, list[FieldCorrection]] = collections.defaultdict(list)
    for correction in corrections:
        by_file[correction.file].append(correction)
    images, labels = [], []
    for done, (file, fields) in enumerate(by_file.items(), 1):
        try:
            glyphs = sheets.glyphs(file)
        except ImageError as error:
            listener(Note(str(error)))
            continue
        for correction in fields:
            written = [glyph for glyph in glyphs.get(correction.field, []) if glyph is not None]
            digits = [int(sign) for sign in correction.said if sign in "0123456789"]
            if written and len(written) == len(digits):
                images += written
                labels += digits
        listener(Counted("cutting out digits", done, len(by_file), "photos"))
    return Digits(np.array(images, np.uint8).reshape(-1, 28, 28), np.array(labels, np.uint8))


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """A guarantee for a stack. filled: its fields that are filled in; above: those at or above the threshold.

    drift: of a later stack relative to this one, if requested
    """

    promise: Promise
    filled: int
    above: int
    drift: Drift | None = None

    @property
    def looked_at(self) -> float:
        """Share of the filled fields that a person has to look at."""
        return 1.0 - self.above / self.filled if self.filled else 1.0


def promise_sheets(form: Path, marks: Path, *, error: float = 0.001, later: Path | None = None) -> PromiseMade:
    """Find, from the reviewed sample of fields, the confidence above which at most ``error`` of the fields are wrong.

    Args:
        form: the form's TOML file.
        marks: the table, with its corrections.
        error: the share of filled fields that may be wrong.
        later: the table of a later stack: raise an alarm if its confidences differ.

    Raises:
        DatasetError: for a table without corrections.
        UsageError: for too few corrections, or an error that is no share.
    """
    from digitlab.sheets.corrections import read_field_corrections
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.promise import drift_of, promise_of

    parsed = read_form(form)
    stored = corrections_beside(marks)
    if not stored.exists():
        if not marks.exists():
            raise DatasetError(f"there is no file {marks}; expected the table that `digitlab sheet read` wrote")
        raise DatasetError(f"{marks} has no corrections; `digitlab sheet review` makes a page of fields to review")
    sample = [each for each in read_field_corrections([stored]).values() if each.sampled]
    promise = promise_of([each.confidence for each in sample], [each.wrong for each in sample], error)
    confidences = _confidences(parsed, marks)
    above = 0 if promise.threshold is None else int((confidences >= promise.threshold).sum())
    drift = None if later is None else drift_of(confidences, _confidences(parsed, later))
    return PromiseMade(promise, len(confidences), above, drift)


def _confidences(form: Form, marks: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the confidences of the fields that are filled in, as they were read."""
    import numpy as np

    rows = sheet_rows(form, kept_beside(marks), least=0.0)  # an earlier guarantee must not restrict the next one
    return np.array([each.confidence for _, fields in rows.with_rows() for each in fields if each.filled], np.float64)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two readers: fields that both have, fields with equal values, and differences: file, field, both."""

    fields: int
    same: int
    differ: tuple[tuple[str, str, str, str], ...]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share that is the same (Wilson)."""
        from digitlab.evaluation.intervals import wilson

        return wilson(self.same, self.fields)


def agreement(one: Path, other: Path) -> Agreement:
    """Compare the values of two readers of the same sheets: two models, or a person and a model.

    Columns count if both have them, and if they are not confidences, states or notes.

    Args:
        one: a table (CSV), or the corrections that a person saved.
        other: the other one; its photos are identified by name, whatever their folder; by path if names occur twice.

    Raises:
        DatasetError: for a file that is neither, or if no sheet or column is in both.
    """
    first, second = _values_of(one), _values_of(other)
    identify = _identity(first, second)
    first, second = ({identify(key): value for key, value in values.items()} for values in (first, second))
    common = sorted(first.keys() & second.keys())
    differ = tuple((*key, first[key], second[key]) for key in common if first[key] != second[key])
    if not common:
        raise DatasetError(f"{one} and {other} have no sheet and column in common; expected tables of the same photos")
    return Agreement(len(common), len(common) - len(differ), differ)


def _differing(rows: SheetTable, other: Path) -> dict[tuple[str, str], str]:
    """Find what another reader read differently, by file and field.

    Raises:
        DatasetError: for a file that was not written by a reader, or that concerns other photos.
    """
    theirs = _values_of(other)
    ours = {(row["path"], each.name): each.value for row, fields in rows.with_rows() for each in fields}
    identify = _identity(ours, theirs)
    theirs = {identify(key): value for key, value in theirs.items()}
    common = [key for key in ours if identify(key) in theirs]
    if not common:
        raise DatasetError(f"{other} has no sheet and column of this table; expected a reading of the same photos")
    return {key: theirs[identify(key)] for key in common if theirs[identify(key)] != ours[key]}


def _identity(*tables: Mapping[tuple[str, str], str]) -> Callable[[tuple[str, str]], tuple[str, str]]:
    """Return what identifies a field in tables of the same photos: the photo's name; its path if names occur twice."""
    return _by_name if all(map(_names_are_unique, tables)) else lambda key: key


def _by_name(key: tuple[str, str]) -> tuple[str, str]:
    """Return the photo's name without its folder, and the field."""
    return key[0].replace("\\", "/").rpartition("/")[2], key[1]


def _names_are_unique(values: Mapping[tuple[str, str], str]) -> bool:
    """Return whether no two photos have the same name, in different folders."""
    return len(set(map(_by_name, values))) == len(values)


def _values_of(path: Path) -> dict[tuple[str, str], str]:
    """Read values by the photo's path and the field's name."""
    from digitlab.sheets.corrections import read_field_corrections

    if path.suffix.lower() == ".json":
        corrections = read_field_corrections([path]).values()
        return {(each.file, each.field): each.said for each in corrections}
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8-sig", errors="replace")
    table = csv.DictReader(text.splitlines())
    if "file" not in (table.fieldnames or []):
        raise DatasetError(f"{path}: has no column file; expected a CSV table that `digitlab sheet read` wrote")
    return {
        (str(row["file"]), name): str(value)
        for row in table
        for name, value in row.items()
        if name not in ("file", "note", None) and not name.endswith((" confidence", " state"))
    }
