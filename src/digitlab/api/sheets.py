"""Forms from Python: draw one, read the photos of the filled sheets into a table, review and correct it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from digitlab import jobs
from digitlab.api.following import described_by, following

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.jobs import Agreement, Corrected, PromiseMade, StackRead
    from digitlab.jobs.events import Listener

__all__ = [
    "compare_sheets", "correct_sheets", "example_form", "new_form", "promise_sheets", "read_sheets", "review_sheets",
]  # fmt: skip


def _path(file: str | Path | None) -> Path | None:
    return None if file is None else Path(file)


@described_by(jobs.example_form)
def example_form(out: str | Path, *, force: bool = False) -> None:
    """Write a commented form to start from.

    As `digitlab sheet example`.

    >>> example_form("first.toml", force=True)
    """
    jobs.example_form(Path(out), force=force)


@described_by(jobs.new_form)
def new_form(form: str | Path | None = None, *, out: str | Path, practice: bool = False) -> int:
    """Draw a form as a PDF to be printed; return its number of fields.

    As `digitlab sheet new`.

    >>> new_form(out="practice.pdf", practice=True)
    11
    """
    return jobs.new_form(_path(form), out=Path(out), practice=practice)


@described_by(jobs.read_sheets)
def read_sheets(
    form: str | Path,
    *photos: str | Path,
    out: str | Path,
    model: str | Path | None = None,
    threshold: float | None = None,
    least: float = 0.0,
    promise: str | Path | None = None,
    checks: Sequence[str] = (),
    processes: int | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> StackRead:
    """Read the photos of a filled form into a table: one row per photo.

    As `digitlab sheet read`. A photo that shows no such form becomes a row without values, and a refusal.

    Args:
        form: the form's TOML file.
        photos: pictures (JPEG, PNG, PDF, HEIC …), or folders: all pictures in and below them.
        out: the table: .csv, .xlsx or .parquet.
        model: a shipped name, a run folder or a file (.onnx, .keras, .h5); None: the shipped reader.
        threshold: answer a digit only if its confidence is at least this.
        least: mark a value as doubtful if its confidence is below this.
        promise: a file of `promise_sheets`: values below its threshold are doubtful, and a note says if the confidences
            of this stack are clearly lower than those of the promise's.
        checks: FIELD=CHECK each, overriding the form's, e.g. ``"total=sum:task.*.points"``.

    >>> example_form("form.toml", force=True)
    >>> stack = read_sheets("form.toml", page, out="marks.csv", processes=1)
    >>> stack.sheets, stack.refused, "shows no marker of a form" in stack.refusals[0][1]
    (1, 1, True)
    """
    with following("read_sheets", progress, listener) as heard:
        return jobs.read_sheets(
            Path(form), *map(Path, photos), out=Path(out), model=model, threshold=threshold, least=least,
            promise=_path(promise), checks=tuple(checks), processes=processes, engine=engine, address=address,
            listener=heard,
        )  # fmt: skip


@described_by(jobs.review_sheets)
def review_sheets(
    form: str | Path,
    marks: str | Path,
    *,
    out: str | Path = "review.html",
    most: int = 200,
    sample: int = 60,
    seed: int = 0,
    other: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> tuple[Path, int]:
    """Write the page for reviewing fields in their sheets; return its path, and the number of fields on it.

    As `digitlab sheet review`.

    >>> example_form("form.toml", force=True)
    >>> stack = read_sheets("form.toml", page, out="marks.csv", processes=1)
    >>> review_sheets("form.toml", stack.out)[1]  # no photo of the form, no field
    0
    """
    with following("review_sheets", progress, listener) as heard:
        return jobs.review_sheets(
            Path(form), Path(marks), out=Path(out), most=most, sample=sample, seed=seed, other=_path(other),
            listener=heard,
        )  # fmt: skip


@described_by(jobs.correct_sheets)
def correct_sheets(
    form: str | Path,
    marks: str | Path,
    *corrections: str | Path,
    dataset: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Corrected:
    """Apply a person's corrections to the table permanently, and write their digits into a dataset.

    As `digitlab sheet correct`.

    >>> correct_sheets("form.toml", "marks.csv")
    Traceback (most recent call last):
        ...
    digitlab.errors.UsageError: no corrections given; expected the file that the page of digitlab sheet review saved
    """
    with following("correct_sheets", progress, listener) as heard:
        return jobs.correct_sheets(Path(form), Path(marks), *map(Path, corrections), dataset=dataset, listener=heard)


@described_by(jobs.promise_sheets)
def promise_sheets(
    form: str | Path, marks: str | Path, *, error: float = 0.001, later: str | Path | None = None
) -> PromiseMade:
    """Find, from the reviewed sample of fields, the confidence above which at most ``error`` of the fields are wrong.

    As `digitlab sheet promise`; `read_sheets` takes the ``kept`` file of the result as ``promise``.

    >>> example_form("form.toml", force=True)
    >>> promise_sheets("form.toml", "none.csv", error=0.01)
    Traceback (most recent call last):
        ...
    digitlab.errors.DatasetError: there is no file none.csv; expected the table that `digitlab sheet read` wrote
    """
    return jobs.promise_sheets(Path(form), Path(marks), error=error, later=_path(later))


@described_by(jobs.compare_sheets)
def compare_sheets(one: str | Path, other: str | Path) -> Agreement:
    r"""Compare the values of two readers of the same sheets: two models, or a person and a model.

    As `digitlab sheet agree`.

    >>> from pathlib import Path
    >>> for name, read in (("one.csv", 12), ("other.csv", 13)):
    ...     _ = Path(name).write_text(f"file,n,m\na.jpg,{read},4\n")
    >>> found = compare_sheets("one.csv", "other.csv")
    >>> found.same, found.fields, found.differ
    (1, 2, (('a.jpg', 'n', '12', '13'),))
    """
    return jobs.compare_sheets(Path(one), Path(other))
