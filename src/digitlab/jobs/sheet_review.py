"""Review of a stack that was read: a page for a person, corrections to table and dataset, a guaranteed error rate."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError, ImageError, UsageError, counted
from digitlab.jobs.events import Counted, Note, ignore
from digitlab.jobs.sheet_agreement import differing_fields
from digitlab.jobs.sheets import (
    corrections_beside,
    filled_confidences,
    kept_beside,
    promise_beside,
    sheet_rows,
    write_table,
)

if TYPE_CHECKING:
    from digitlab.jobs.events import Listener
    from digitlab.sheets.corrections import FieldCorrection
    from digitlab.sheets.promise import Drift, Promise
    from digitlab.values import Digits

__all__ = ["Corrected", "PromiseMade", "correct_sheets", "promise_sheets", "review_sheets"]


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
        listener: called with `Counted`, and with a `Note` on fields that are left out because their photos are gone,
            and on photos that the other reader refused.

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
    others, refused = ({}, 0) if other is None else differing_fields(rows, other)
    if refused:
        listener(Note(f"not compared: {counted(refused, 'photo')} without values in {other}"))
    chosen = chosen_fields(rows.with_rows(), most, sample, seed, others)
    count = write_fields_page(
        chosen, parsed, marks, out, lambda done, of: listener(Counted("cutting out fields", done, of, "photos"))
    )
    if left := len(chosen.fields) - count:
        listener(
            Note(
                f"{left:,} of {counted(len(chosen.fields), 'field is', 'fields are')} left "
                f"out: their photos cannot be opened here"
            )
        )
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
    kept: the file with the promise and the stack's confidences, for `read_sheets`; None if nothing can be promised
    """

    promise: Promise
    filled: int
    above: int
    drift: Drift | None = None
    kept: Path | None = None

    @property
    def looked_at(self) -> float:
        """Share of the filled fields that a person has to look at."""
        return 1.0 - self.above / self.filled if self.filled else 1.0


def promise_sheets(form: Path, marks: Path, *, error: float = 0.001, later: Path | None = None) -> PromiseMade:
    """Find, from the reviewed sample of fields, the confidence above which at most ``error`` of the fields are wrong.

    The promise is kept beside the table (marks.promise.json), with the confidences of its stack.

    Args:
        form: the form's TOML file.
        marks: the table, with its corrections.
        error: the share of filled fields that may be wrong.
        later: the table of a later stack: raise an alarm if its confidences differ.

    Raises:
        DatasetError: for a table without corrections.
        UsageError: for too few corrections, or an error that is no share.
        StorageError: if the promise cannot be kept.
    """
    from digitlab.archives import Results
    from digitlab.sheets.corrections import read_field_corrections
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.promise import drift_of, promise_of
    from digitlab.sheets.promise_file import StoredPromise, save_promise

    parsed = read_form(form)
    stored = corrections_beside(marks)
    if not stored.exists():
        if not marks.exists():
            raise DatasetError(f"there is no file {marks}; expected the table that `digitlab sheet read` wrote")
        raise DatasetError(f"{marks} has no corrections; `digitlab sheet review` makes a page of fields to review")
    sample = [each for each in read_field_corrections([stored]).values() if each.sampled]
    promise = promise_of([each.confidence for each in sample], [each.wrong for each in sample], error)
    confidences = filled_confidences(parsed, kept_beside(marks))
    above = 0 if promise.threshold is None else int((confidences >= promise.threshold).sum())
    drift = None if later is None else drift_of(confidences, filled_confidences(parsed, kept_beside(later)))
    kept = None
    if promise.threshold is not None:
        made_by = next((row["made_by"] for row in Results(kept_beside(marks), "")), "")
        kept = promise_beside(marks)
        save_promise(kept, StoredPromise(error, promise.threshold, made_by, confidences))
    return PromiseMade(promise, len(confidences), above, drift, kept)
