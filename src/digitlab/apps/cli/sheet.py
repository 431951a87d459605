"""`digitlab sheet`: from a stack of photographed forms to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.sheet_review import agree, correct, promise, review, writers
from digitlab.errors import UsageError
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
@options_of(jobs.example_form)
def example(**given: Any) -> int:
    """Write a form to start from: a TOML file with comments.

    For example:
    digitlab sheet example marks.toml
    """
    out: Path = given["out"]
    jobs.example_form(**given)
    say(str(out))
    advise(f"change it, then: digitlab sheet new {out} --out {out.with_suffix('.pdf')}")
    return 0


@app.command
@options_of(jobs.new_form)
def new(**given: Any) -> int:
    """Draw a form as a PDF to be printed.

    For example:
    digitlab sheet new marks.toml --out form.pdf
    digitlab sheet new --practice --out practice.pdf
    """
    fields = jobs.new_form(**given)
    say(str(given["out"]))
    advise(f"{fields:,} fields; print it at its own size or fitted to the page, one side only")
    return 0


@app.command(name="from")
@options_of(jobs.mark_form)
def from_(*, mark: bool = False, no_open: bool = False, **given: Any) -> int:
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

        return mark_in_browser(given["blank"], given["out"], given.get("width"), show=not no_open)
    if no_open:
        raise UsageError("--no-open is of the page; expected --mark beside it")
    made = jobs.mark_form(**given)
    say(str(made.form))
    advise(f"{made.fields:,} rows of boxes; {made.picture} shows which is which: rename them in {made.form}")
    advise("or in the browser: the same command with --mark")
    return 0


@app.command
@options_of(jobs.show_sheets, jobs.read_sheets)
def read(*photos: Path, json: bool = False, **given: Any) -> int:
    """Read the photos of a filled form into a table: one row per sheet, one column per field.

    The columns are file, then the value of each field (? for each digit that was not answered), then its confidence and
    state: answered, doubtful, empty, or failed check; then a note. Exit code 2 when a photo could not be read: its row
    says why. After a kill, the same command goes on. What was seen is kept beside the table (marks.sheets.jsonl): with
    a changed list or check the same command makes the table anew without reading again.

    For example:
    digitlab sheet read marks.toml photos/ --out marks.csv
    digitlab sheet read marks.toml photos/ --out marks.xlsx
    digitlab sheet read marks.toml sheet.jpg

    Args:
        json: One JSON object, with every photo that was refused and why; without --out one per photo.
    """
    from digitlab.apps.cli.reading import as_onnx

    form = given.pop("form")
    if "out" not in given and ("address" in given or given.get("engine") == "ray"):
        raise UsageError("--engine ray and --address are of a table; name it: --out marks.csv")
    if photos:
        given["model"] = as_onnx(given.get("model"))
    if "out" not in given:
        shown = {name: value for name, value in given.items() if name not in ("processes", "engine")}
        with JobView() as view:
            rows = jobs.show_sheets(form, *photos, **shown, listener=view)
        return _show(rows, json=json)
    if given.get("engine") == "ray":
        address = given.get("address")
        advise("starting Ray …" if address is None else f"asking the cluster at {address} …")
    with JobView() as view:
        done = jobs.read_sheets(form, *photos, **given, listener=view)
    _say_done(done, json=json)
    return 2 if done.refused else 0


def _say_done(done: jobs.StackRead, *, json: bool) -> None:
    if json:
        counts = {"sheets": done.sheets, "read_now": done.read_now, "refused": done.refused}
        refusals = [{"file": file, "error": reason} for file, reason in done.refusals]
        told = {"out": str(done.out), "kept": str(done.kept), **counts, "fields": dict(done.states)}
        say_json({**told, "refusals": refusals})
        return
    say(str(done.out))
    states = ", ".join(f"{done.states[each]:,} {each}" for each in _STATES if done.states.get(each))
    refused = f"; {done.refused:,} photos gave no values: their note says why" if done.refused else ""
    advise(f"{done.sheets:,} photos; fields: {states or 'none'}{refused}")


_STATES = ("answered", "doubtful", "failed check", "empty")


def _show(rows: Sequence[TableRow], *, json: bool) -> int:
    """Print the values of a few sheets."""
    for row in rows:
        if row.failed:
            complain(row.note)
        if json:
            fields = {each.name: {"value": each.value, "confidence": round(each.confidence, 4), "state": each.state}
                      for each in row.fields}  # fmt: skip
            note = {"note": row.note} if row.note else {}
            say_json({"file": row.file, **({"error": row.note} if row.failed else {"fields": fields, **note})})
            continue
        if row.note and not row.failed:
            advise(f"{row.file}: {row.note}")
        if len(rows) > 1 and not row.failed:
            say(f"{row.file}:")
        for each in row.fields:
            remark = "" if each.state == "answered" else f"   ({each.state})"
            say(f"{each.name}: {each.value}{remark}")
    return 2 if any(row.failed for row in rows) else 0


@app.command
@options_of()
def draw(form: Path, *, count: int = 20, seed: int = 0, out: Path, megapixels: int = 3, jobs: int | None = None) -> int:
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
        made = read_form(form)
        draw_stack(made, out, count=count, seed=seed, megapixels=megapixels, processes=jobs, listener=view)
    say(str(out))
    advise(f"{count:,} photos and truth.csv; now: digitlab sheet read {form} {out} --out {out / 'marks.csv'}")
    return 0


for each in (review, correct, promise, agree, writers):
    app.command(each)
