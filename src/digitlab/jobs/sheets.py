"""Photos of filled forms read into a table."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 - the settings of a job are read from its types
from typing import TYPE_CHECKING, Annotated, Literal

from digitlab.errors import UsageError, counted
from digitlab.jobs.events import Counted, Note, ignore
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    import numpy as np

    from digitlab.archives import Answer, Picture, Results
    from digitlab.jobs.events import Listener
    from digitlab.sheets.form import Form
    from digitlab.sheets.promise import Drift
    from digitlab.sheets.promise_file import StoredPromise
    from digitlab.sheets.sheet_reading import SheetReading
    from digitlab.sheets.table import SheetTable, TableRow

__all__ = [
    "StackRead", "corrections_beside", "filled_confidences", "kept_beside", "promise_beside", "read_sheets",
    "sheet_rows", "show_sheets", "write_table",
]  # fmt: skip

_COMPLAINTS = 20  # maximum number of messages about refused photos
_KEPT, _OPTIONS = ".sheets.jsonl", ".asked.json"
_SETTINGS = "another form, model or version, or with another threshold"

Share = Annotated[float | None, Setting(within=Range(0, 1))]
Least = Annotated[float, Setting(within=Range(0, 1))]
Checks = Annotated[tuple[str, ...], Setting(flag="--check")]


@dataclass(frozen=True, slots=True)
class StackRead:
    """Result for a stack of sheets.

    out: the table; kept: the file of raw readings, from which a run continues and other lists can be tried
    sheets: number of photos that became rows; read_now: number read in this run
    refusals: for each photo without values, its name and the reason given in its row
    states: number of fields that are answered, doubtful, empty, or failed their check
    drift: of the confidences since the promise's stack, if one was given and both stacks have filled fields
    """

    out: Path
    kept: Path
    sheets: int
    refusals: tuple[tuple[str, str], ...]
    read_now: int
    states: Mapping[str, int]
    drift: Drift | None = None

    @property
    def refused(self) -> int:
        """Number of photos that gave no values."""
        return len(self.refusals)


def kept_beside(out: Path) -> Path:
    """Return the path for the raw readings: marks.csv → marks.sheets.jsonl."""
    return out.with_suffix(_KEPT)


@checked
def show_sheets(
    form: Path,
    *photos: Path,
    model: str | Path | None = None,
    threshold: Share = None,
    least: Least = 0.0,
    checks: Checks = (),
    listener: Listener = ignore,
) -> tuple[TableRow, ...]:
    """Read a few photos of a filled form at once; nothing is written.

    Args:
        form: the form's TOML file.
        photos: pictures (JPEG, PNG, PDF, HEIC …), or folders: all pictures in and below them.
        model: a shipped name, a run folder or a file (.onnx, .keras, .h5); default: the shipped reader.
        threshold: answer a digit only if its confidence is at least this.
        least: mark a value as doubtful if its confidence is below this.
        checks: FIELD=CHECK, overriding the form's: e.g. total=sum:task.*.points, task.*.points=range:0-20, date=date.
        listener: called with `Note`.

    Raises:
        RecipeError: for an invalid form.
        ImageError: for a folder without pictures.
        ModelError: for a model that cannot be used.
        UsageError: for no photo, or a number outside its range.
    """
    from digitlab.archives import find_pictures
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.job import SheetJob, sheet_row
    from digitlab.sheets.stack_options import with_checks
    from digitlab.sheets.table import SheetTable

    _expect_photos(photos)
    parsed = with_checks(read_form(form), checks)
    job = SheetJob(parsed, model, threshold)
    reader = job.reader(threads=0)
    answer = job.answering(0, reader)
    pictures = find_pictures(photos, on_note=lambda text: listener(Note(text)))
    return tuple(SheetTable(parsed, [sheet_row(answer(each), "") for each in pictures], reader.threshold, least))


def _expect_photos(photos: Sequence[Path]) -> None:
    if not photos:
        raise UsageError("no photo given; expected one or more, or a folder: digitlab sheet read marks.toml photos/")


@checked
def read_sheets(
    form: Path,
    *photos: Path,
    out: Path,
    model: str | Path | None = None,
    threshold: Share = None,
    least: Least = 0.0,
    promise: Path | None = None,
    checks: Checks = (),
    processes: Annotated[int | None, Setting(flag="--jobs")] = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    listener: Listener = ignore,
) -> StackRead:
    """Read the photos of a filled form into a table: one row per photo.

    A stopped run can be continued; raw readings are kept next to the table, so changed lists need no photo again.

    Args:
        form: as for `show_sheets`.
        photos: as for `show_sheets`.
        out: the table: .csv, .xlsx or .parquet. Without it, the values are shown.
        model: as for `show_sheets`.
        threshold: as for `show_sheets`.
        least: as for `show_sheets`.
        promise: file of `digitlab sheet promise`: gives the least; a note says if confidences are lower than there.
        checks: as for `show_sheets`.
        processes: number of processes; default: one per core.
        engine: where photos are read: local (this machine) or ray (a cluster).
        address: of a running Ray cluster's head, HOST:PORT, or auto; default: one is started here.
        listener: called with `Counted` and `Note`.

    Raises:
        RecipeError: for an invalid form. ImageError: for a folder without pictures.
        ModelError: for a model that cannot be used.
        UsageError: for no photo, another kind of table, a number out of range, an option or promise that does not fit.
        DatasetError: for a file that is no promise.
        MissingExtraError: if the library that writes the table, or Ray, is missing.
        StorageError: if it cannot be written.
    """
    from digitlab.archives import Results
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.job import SheetJob
    from digitlab.sheets.stack_options import SheetOptions, save_options, with_checks

    _expect_feasible(photos, out, engine, processes, address)
    stored, parsed = _stored_promise(promise, least), read_form(form)
    with_checks(parsed, checks)
    kept, job = kept_beside(out), SheetJob(parsed, model, threshold)
    pictures = _photos_to_read(photos, out, listener)
    reader = job.reader(threads=processes or 0)  # a model that cannot be loaded is reported now, and only once
    made_by = job.digest(reader), reader.threshold
    _expect_made_alike(stored, promise, made_by[0])
    with Results(kept, made_by[0], name=f"{kept}, beside --out {out}", settings=_SETTINGS) as results:
        missing = _missing(results, pictures, listener)
        answers = _answers(missing, job, processes, engine, address)
        read_count = _store_rows(results, answers, len(missing), made_by, listener)
        results.finish(pictures)
    save_options(options_beside(out), SheetOptions(least if stored is None else stored.threshold, tuple(checks)))
    return replace(write_table(parsed, out, read_now=read_count), drift=_drift_since(stored, parsed, kept, listener))


def _photos_to_read(photos: Sequence[Path], out: Path, listener: Listener) -> Sequence[Picture]:
    """Find the photos; the files of the table, in the same folder, are none."""
    from digitlab.archives import find_pictures

    kept = kept_beside(out)
    own_files = (out, kept, kept.with_name(kept.name + ".parts"))
    return find_pictures(photos, leave_out=own_files, on_note=lambda text: listener(Note(text)))


def _stored_promise(promise: Path | None, least: float) -> StoredPromise | None:
    from digitlab.sheets.promise_file import read_promise

    if promise is not None and least:
        raise UsageError("--promise gives the least confidence itself; leave out --least")
    return None if promise is None else read_promise(promise)


def _expect_made_alike(stored: StoredPromise | None, promise: Path | None, digest: str) -> None:
    if stored is not None and stored.made_by != digest:
        raise UsageError(f"--promise {promise}: was made with {_SETTINGS}; run `digitlab sheet promise` again")


def _drift_since(stored: StoredPromise | None, form: Form, kept: Path, listener: Listener) -> Drift | None:
    """Compare a stack's confidences with those of the promise's; note if they are clearly lower."""
    from digitlab.sheets.promise import drift_of

    if stored is None:
        return None
    confidences = filled_confidences(form, kept)
    if not len(confidences) or not len(stored.confidences):
        return None
    drift = drift_of(stored.confidences, confidences)
    if drift.alarm and drift.lower:
        medians = f"medians {drift.later:.4f} and {drift.earlier:.4f}"
        test = f"Kolmogorov-Smirnov distance {drift.distance:.3f}, p = {drift.probability:.2g}"
        listener(
            Note(
                f"the confidences are lower than in the stack of the promise ({medians}; {test}): the promise may not "
                "hold for this stack; review a sample of it: digitlab sheet review"
            )
        )
    return drift


def _expect_feasible(
    photos: Sequence[Path], out: Path, engine: str, processes: int | None, address: str | None
) -> None:
    """Refuse at once what would otherwise fail in an hour."""
    from digitlab.archives.processes import expect_processes
    from digitlab.sheets.table_files import expect_writable

    expect_processes(processes)
    _expect_photos(photos)
    expect_writable(out)
    if engine == "ray" and processes is not None:
        raise UsageError("--engine ray uses all processors of the cluster; leave out --jobs")
    if engine == "local" and address is not None:
        raise UsageError("--address is for a Ray cluster; add --engine ray")


def sheet_rows(form: Form, kept: Path, least: float | None = None) -> SheetTable:
    """Make the table from the raw readings of a stack, with the options of the run that read it.

    least: overrides that run's option

    Raises:
        DatasetError: for a file that is missing or something else.
    """
    from digitlab.archives import Results
    from digitlab.errors import DatasetError
    from digitlab.sheets.stack_options import read_options, with_checks
    from digitlab.sheets.table import SheetTable

    if not kept.is_file():
        raise DatasetError(f"there is no file {kept}; `digitlab sheet read` writes it beside the table")
    rows = Results(kept, "")
    threshold = next((float(row.get("threshold", 0.5)) for row in rows), 0.5)
    options = read_options(kept.with_name(kept.name.removesuffix(_KEPT) + _OPTIONS))
    return SheetTable(with_checks(form, options.checks), rows, threshold, options.least if least is None else least)


def filled_confidences(form: Form, kept: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the confidences of the fields that are filled in, as they were read."""
    import numpy as np

    rows = sheet_rows(form, kept, least=0.0)  # an earlier promise must not restrict the next one
    return np.array([each.confidence for _, fields in rows.with_rows() for each in fields if each.filled], np.float64)


def options_beside(out: Path) -> Path:
    """Return the path for the options used besides the form: marks.csv → marks.asked.json."""
    return out.with_suffix(_OPTIONS)


def promise_beside(out: Path) -> Path:
    """Return the path for a promise made from a table: marks.csv → marks.promise.json."""
    return out.with_suffix(".promise.json")


def corrections_beside(out: Path) -> Path:
    """Return the path for a person's corrections: marks.csv → marks.corrections.json."""
    return out.with_suffix(".corrections.json")


def _missing(results: Results, pictures: Sequence[Picture], listener: Listener) -> Sequence[Picture]:
    """Return the photos that are still to be read; note how many of them are read already."""
    missing = results.missing(pictures)
    if len(missing) < len(pictures):
        listener(
            Note(f"{len(pictures) - len(missing):,} of {counted(len(pictures), 'photo is', 'photos are')} read already")
        )
    return missing


def _answers(
    missing: Sequence[Picture], job: Any, processes: int | None, engine: str, address: str | None
) -> Iterator[Answer[SheetReading]]:
    from digitlab.archives import read_pictures

    if not missing:
        return iter(())
    if engine == "ray":
        from digitlab.archives.on_ray import read_on_ray

        return read_on_ray(missing, job, address=address)
    return read_pictures(missing, job, jobs=processes)


def _store_rows(
    results: Results,
    answers: Iterator[Answer[SheetReading]],
    count: int,
    made_by: tuple[str, float],
    listener: Listener,
) -> int:
    """Keep each answer as it comes; return their number."""
    from digitlab.sheets.job import sheet_row

    done = refused = 0
    with _closing(answers):
        for answer in answers:
            results.add(sheet_row(answer, *made_by))
            done += 1
            if answer.error is not None:
                refused += 1
                if refused <= _COMPLAINTS:
                    listener(Note(answer.error))
            listener(Counted("reading sheets", done, count, "sheets"))
    if refused > _COMPLAINTS:
        unreported = refused - _COMPLAINTS
        listener(
            Note(
                f"… and {counted(unreported, 'more photo was', 'more photos were')} "
                f"refused; the column note of the table has each with its reason"
            )
        )
    return done


@contextlib.contextmanager
def _closing(answers: Iterator[Any]) -> Iterator[None]:
    """Close the generator of answers at the end, even after Ctrl-C."""
    try:
        yield
    finally:
        if isinstance(answers, Generator):
            answers.close()


def write_table(form: Form, out: Path, *, read_now: int = 0) -> StackRead:
    """Write the table from the raw readings, with a person's corrections.

    Raises:
        DatasetError: for raw readings that are missing or something else. StorageError: if it cannot be written.
    """
    from digitlab.sheets.corrections import corrected, read_field_corrections
    from digitlab.sheets.table_files import table_file

    kept, corrections_file = kept_beside(out), corrections_beside(out)
    corrections = read_field_corrections([corrections_file]) if corrections_file.exists() else {}
    states: collections.Counter[str] = collections.Counter()
    sheets, refusals = 0, []
    rows = sheet_rows(form, kept)
    with table_file(out, form) as write:
        for row in rows:
            shown = corrected(row, corrections)
            write(shown)
            sheets += 1
            if row.failed:
                refusals.append((row.file, row.note))
            states.update(each.state for each in shown.fields)
    return StackRead(out, kept, sheets, tuple(refusals), read_now, dict(states))
