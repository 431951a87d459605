"""`digitlab sheet`: from a stack of photographed forms to a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.sheet_review import agree, correct, promise, review, writers
from digitlab.errors import UsageError, counted
from digitlab.jobs import forms
from digitlab.jobs import sheets as jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.sheets.table import TableRow

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
@options_of(forms.example_form)
def example(**options: Any) -> int:
    """Write a form to start from: a TOML file with comments.

    For example:
    digitlab sheet example marks.toml
    """
    out: Path = options["out"]
    forms.example_form(**options)
    say(str(out))
    advise(f"change it, then: digitlab sheet new {out} --out {out.with_suffix('.pdf')}")
    return 0


@app.command
@options_of(forms.new_form)
def new(**options: Any) -> int:
    """Draw a form as a PDF to be printed.

    For example:
    digitlab sheet new marks.toml --out form.pdf
    digitlab sheet new --practice --out practice.pdf
    """
    fields = forms.new_form(**options)
    say(str(options["out"]))
    advise(f"{counted(fields, 'field')}; print it at its original size or fitted to the page, one side only")
    return 0


@app.command(name="from")
@options_of(forms.mark_form)
def from_(*, mark: bool = False, no_open: bool = False, **options: Any) -> int:
    """Make the TOML file of an existing form from a scan of the empty form, whose boxes are detected.

    A picture with the fields' names is written beside the file. With --mark the boxes are shown in the browser instead,
    where fields are drawn, named and described; an existing file is loaded for editing. Photos are then registered by
    what is printed on the form; those of other forms are refused.

    For example:
    digitlab sheet from blank.png --out lab.toml --mark
    digitlab sheet from blank.png --out lab.toml

    Args:
        mark: Mark the fields on a page in the browser; this machine alone can reach it.
        no_open: With --mark, only print the address of the page.
    """
    if mark:
        from digitlab.apps.cli.sheet_marking import mark_in_browser

        return mark_in_browser(options["blank"], options["out"], options.get("width"), show=not no_open)
    if no_open:
        raise UsageError("--no-open is for the page of --mark; add --mark")
    result = forms.mark_form(**options)
    say(str(result.form))
    advise(
        f"{counted(result.fields, 'row')} of boxes; {result.picture} shows which is which: rename them in {result.form}"
    )
    advise("or in the browser: the same command with --mark")
    return 0


@app.command
@options_of(jobs.show_sheets, jobs.read_sheets)
def read(*photos: Path, json: bool = False, **options: Any) -> int:
    """Read the photos of a filled form into a table: one row per sheet, one column per field.

    The columns are file, then the value of each field (? for each digit that was not answered), then its confidence and
    state: answered, doubtful, empty, or failed check; then a note. Exit code 2 when a photo could not be read: its row
    says why. After a kill, the same command goes on. What was seen is kept beside the table (marks.sheets.jsonl): with
    a changed list or check the same command makes the table anew without reading again.

    For example:
    digitlab sheet read marks.toml photos/ --out marks.csv
    digitlab sheet read marks.toml photos/ --out marks.xlsx
    digitlab sheet read marks.toml more/ --out may.csv --promise marks.promise.json
    digitlab sheet read marks.toml sheet.jpg

    Args:
        json: One JSON object, with every photo that was refused and why; without --out one per photo.
    """
    from digitlab.apps.cli.reading import as_onnx

    form = options.pop("form")
    if "out" not in options and ("address" in options or options.get("engine") == "ray"):
        raise UsageError("--engine ray and --address need a table to write; add --out marks.csv")
    if "out" not in options and "promise" in options:
        raise UsageError("--promise needs a table to write; add --out marks.csv")
    if photos:
        options["model"] = as_onnx(options.get("model"))
    if "out" not in options:
        read_options = {name: value for name, value in options.items() if name not in ("processes", "engine")}
        with JobView() as view:
            rows = jobs.show_sheets(form, *photos, **read_options, listener=view)
        return _show(rows, json=json)
    if options.get("engine") == "ray":
        address = options.get("address")
        advise("starting Ray …" if address is None else f"connecting to the cluster at {address} …")
    with JobView() as view:
        result = jobs.read_sheets(form, *photos, **options, listener=view)
    _say_done(result, json=json)
    return 2 if result.refused else 0


def _say_done(result: jobs.StackRead, *, json: bool) -> None:
    if json:
        counts = {"sheets": result.sheets, "read_now": result.read_now, "refused": result.refused}
        refusals = [{"file": file, "error": reason} for file, reason in result.refusals]
        content = {"out": str(result.out), "kept": str(result.kept), **counts, "fields": dict(result.states)}
        drift = None if result.drift is None else {**asdict(result.drift), "alarm": result.drift.alarm}
        say_json({**content, "refusals": refusals, "drift": drift})
        return
    say(str(result.out))
    states = ", ".join(f"{result.states[state]:,} {state}" for state in _STATES if result.states.get(state))
    refused = f"; {counted(result.refused, 'photo')} gave no values; the column note says why" if result.refused else ""
    advise(f"{counted(result.sheets, 'photo')}; fields: {states or 'none'}{refused}")


_STATES = ("answered", "doubtful", "failed check", "empty")


def _show(rows: Sequence[TableRow], *, json: bool) -> int:
    """Print the values of a few sheets."""
    for row in rows:
        if row.failed:
            complain(row.note)
        if json:
            fields = {field.name: {"value": field.value, "confidence": round(field.confidence, 4), "state": field.state}
                      for field in row.fields}  # fmt: skip
            note = {"note": row.note} if row.note else {}
            say_json({"file": row.file, **({"error": row.note} if row.failed else {"fields": fields, **note})})
            continue
        if row.note and not row.failed:
            advise(f"{row.file}: {row.note}")
        if len(rows) > 1 and not row.failed:
            say(f"{row.file}:")
        for field in row.fields:
            remark = "" if field.state == "answered" else f"   ({field.state})"
            say(f"{field.name}: {field.value}{remark}")
    return 2 if any(row.failed for row in rows) else 0


@app.command
@options_of()
def draw(
    form: Path, /, *, count: int = 20, seed: int = 0, out: Path, megapixels: int = 3, jobs: int | None = None
) -> int:
    """Draw filled, photographed sheets of a form with their true values, to try the form before anybody uses it.

    The digits are MNIST's test images; each sheet has its own pen, light, shadow, perspective and curl. truth.csv has
    the column file, then one column per field. A run that was stopped goes on.

    For example:
    digitlab sheet draw marks.toml --count 200 --seed 1 --out STACK/

    Args:
        form: The form's TOML file.
        count: Number of sheets.
        seed: Random seed; the same one gives the same stack.
        out: The folder to write.
        megapixels: Size of the photos: 3, or 12 like a phone's.
        jobs: Number of processes; default: one per core.
    """
    from digitlab.examples.sheet_stacks import draw_stack
    from digitlab.sheets.form_file import read_form

    with JobView() as view:
        parsed = read_form(form)
        draw_stack(parsed, out, count=count, seed=seed, megapixels=megapixels, processes=jobs, listener=view)
    say(str(out))
    advise(f"{counted(count, 'photo')} and truth.csv; now: digitlab sheet read {form} {out} --out {out / 'marks.csv'}")
    return 0


for command in (review, correct, promise, agree, writers):
    app.command(command)
