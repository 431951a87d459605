"""`digitlab sheet`: from a stack of photographed forms to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.sheet_review import agree, correct, promise, review, writers

if TYPE_CHECKING:
    from digitlab.jobs.sheets import StackRead

app = App(
    "sheet",
    help="Forms: draw one, photograph the filled sheets, get a table.",
    help_format="plaintext",
    help_epilogue="""\
First steps:
  digitlab sheet example marks.toml              a form to start from
  digitlab sheet new marks.toml --out form.pdf   print this
  digitlab sheet read marks.toml photos/ --out marks.csv
""",
)

__all__ = ["app"]


@app.command
def example(out: Path, *, force: bool = False) -> int:
    """Write a form to start from: a TOML file with comments.

    For example:
    digitlab sheet example marks.toml

    Args:
        out: The file, ending in .toml.
        force: Write over a file that is there.
    """
    from digitlab.jobs.sheets import example_form

    example_form(out, force=force)
    say(str(out))
    advise(f"change it, then: digitlab sheet new {out} --out {out.with_suffix('.pdf')}")
    return 0


@app.command
def new(form: Path | None = None, *, out: Path, practice: bool = False) -> int:
    """Draw a form as a PDF to be printed.

    For example:
    digitlab sheet new marks.toml --out form.pdf
    digitlab sheet new --practice --out practice.pdf

    Args:
        form: The form's TOML file.
        out: The PDF.
        practice: The sheet on which everybody writes each digit ten times, for `digitlab data from-sheets`.
    """
    from digitlab.errors import UsageError
    from digitlab.jobs.practice import practice_file
    from digitlab.jobs.sheets import new_form

    if (form is None) != practice:
        raise UsageError("expected either a form's TOML file or --practice")
    fields = new_form(form or practice_file(), out)
    say(str(out))
    advise(f"{fields:,} fields; print it at its own size or fitted to the page, one side only")
    return 0


@app.command(name="from")
def from_(blank: Path, *, out: Path, width: float = 210.0, force: bool = False) -> int:
    """Make a form's file of a form that exists already: a scan of the empty one, whose boxes are found.

    Beside the file lies a picture with the fields' names. Photos are then registered by what is printed on the form;
    those of other forms are refused.

    For example:
    digitlab sheet from blank.png --out lab.toml

    Args:
        blank: The scan (JPEG, PNG, a page of a PDF …), upright.
        out: The file, ending in .toml.
        width: Of the paper in mm: 210 for A4, 216 for letter.
        force: Write over a file that is there.
    """
    from digitlab.jobs.sheets import mark_form

    made = mark_form(blank, out, width=width, force=force)
    say(str(made.form))
    advise(f"{made.fields:,} rows of boxes; {made.picture} shows which is which: rename them in {made.form}")
    return 0


@app.command
def read(
    form: Path,
    *photos: Path,
    out: Path | None = None,
    model: str | None = None,
    threshold: float | None = None,
    least: float = 0.0,
    jobs: int | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    json: bool = False,
) -> int:
    """Read the photos of a filled form: one row a sheet, a column a field.

    In the table stand file, then the value of each field (? for each digit that was not answered), then its confidence
    and state: answered, doubtful, empty, or failed check; then a note. Ends with 2 when a photo could not be read: its
    row says why. After a kill, the same command goes on. What was seen is kept beside the table (marks.sheets.jsonl):
    with a changed list or check the same command makes the table anew without reading again.

    For example:
    digitlab sheet read marks.toml photos/ --out marks.csv
    digitlab sheet read marks.toml photos/ --out marks.xlsx
    digitlab sheet read marks.toml sheet.jpg

    Args:
        form: The form's TOML file.
        photos: Pictures (JPEG, PNG, PDF, HEIC …), or folders: all pictures in and below them.
        out: The table: .csv, .xlsx or .parquet. Without it, the values are shown.
        model: A shipped name, a run folder or a file (.onnx, .keras, .h5); else the shipped reader.
        threshold: Answer a digit only where its confidence is at least this, 0 to 1.
        least: Mark a value as doubtful where its confidence is below this, 0 to 1.
        jobs: Processes; else one per core.
        engine: local: this machine; ray: a cluster.
        address: Of a running Ray cluster's head, HOST:PORT, or auto; else one is started here.
        json: One JSON object; without --out one a photo.
    """
    from digitlab.apps.cli.reading import as_onnx
    from digitlab.errors import UsageError
    from digitlab.jobs.sheets import read_sheets

    if not photos:
        raise UsageError("no photo given; expected one or more, or a folder: digitlab sheet read marks.toml photos/")
    for name, value in (("--threshold", threshold), ("--least", least)):
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"{name} is {value:g}; expected 0 to 1")
    if engine == "ray" and jobs is not None:
        raise UsageError("the processors of a Ray cluster decide how many read at once; expected no --jobs")
    if engine == "local" and address is not None:
        raise UsageError("--address is of a Ray cluster; expected --engine ray beside it")
    if out is None:
        return _show(form, photos, model, threshold, least, json=json)
    if engine == "ray":
        advise("starting Ray …" if address is None else f"asking the cluster at {address} …")
    with JobView() as view:
        done = read_sheets(
            form, photos, out, model=as_onnx(model), threshold=threshold, least=least, processes=jobs, engine=engine,
            address=address, listener=view,
        )  # fmt: skip
    _say_done(done, json=json)
    return 2 if done.refused else 0


def _say_done(done: StackRead, *, json: bool) -> None:
    if json:
        counts = {"sheets": done.sheets, "read_now": done.read_now, "refused": done.refused}
        say_json({"out": str(done.out), "kept": str(done.kept), **counts, "fields": dict(done.states)})
        return
    say(str(done.out))
    states = ", ".join(f"{done.states[each]:,} {each}" for each in _STATES if done.states.get(each))
    refused = f"; {done.refused:,} photos gave no values: their note says why" if done.refused else ""
    advise(f"{done.sheets:,} photos; fields: {states or 'none'}{refused}")


_STATES = ("answered", "doubtful", "failed check", "empty")


def _show(
    form: Path, photos: tuple[Path, ...], model: str | None, threshold: float | None, least: float, *, json: bool
) -> int:
    """The values of a few sheets on the terminal."""
    from digitlab.apps.cli.reading import as_onnx
    from digitlab.archives import find_pictures
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.job import SheetJob, sheet_row
    from digitlab.sheets.table import SheetTable

    made = read_form(form)
    job = SheetJob(made, as_onnx(model), threshold)
    reader = job.reader(threads=0)
    answer = job.answering(0, reader)
    rows = [sheet_row(answer(picture), "") for picture in find_pictures(photos, tell=advise)]
    failed = False
    for row in SheetTable(made, rows, reader.threshold, least):
        failed |= row.failed
        if row.failed:
            complain(row.note)
        if json:
            fields = {each.name: {"value": each.value, "confidence": round(each.confidence, 4), "state": each.state}
                      for each in row.fields}  # fmt: skip
            say_json({"file": row.file, **({"error": row.note} if row.failed else {"fields": fields})})
            continue
        if row.note and not row.failed:
            advise(f"{row.file}: {row.note}")
        if len(rows) > 1 and not row.failed:
            say(f"{row.file}:")
        for each in row.fields:
            remark = "" if each.state == "answered" else f"   ({each.state})"
            say(f"{each.name}: {each.value}{remark}")
    return 2 if failed else 0


@app.command
def draw(form: Path, *, count: int = 20, seed: int = 0, out: Path, megapixels: int = 3, jobs: int | None = None) -> int:
    """Draw filled, photographed sheets of a form, and their truth: to try the form before anybody writes on it.

    The digits are MNIST's test images; each sheet has its own pen, light, shadow, perspective and curl. truth.csv has
    file, then a column a field. A run that was stopped goes on.

    For example:
    digitlab sheet draw marks.toml --count 200 --seed 1 --out STACK/

    Args:
        form: The form's TOML file.
        count: Number of sheets.
        seed: What decides everything; the same one gives the same stack.
        out: The folder.
        megapixels: Of the photos: 3, or 12 as a telephone's.
        jobs: Processes; else one per core.
    """
    from digitlab.examples.sheet_stacks import draw_stack
    from digitlab.sheets.form_file import read_form

    with JobView() as view:
        made = read_form(form)
        draw_stack(made, out, count=count, seed=seed, megapixels=megapixels, processes=jobs, listener=view)
    say(str(out))
    advise(f"{count:,} photos and truth.csv; now: digitlab sheet read {form} {out} --out {out / 'marks.csv'}")
    return 0


for each in (review, correct, promise, agree, writers):
    app.command(each)
