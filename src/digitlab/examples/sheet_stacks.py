"""A stack of filled-in, photographed sheets with its ground truth: for trying a form, for docs, tests and the bench."""

from __future__ import annotations

import contextlib
import csv
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.errors import UsageError, counted
from digitlab.examples.filled_sheets import filled
from digitlab.examples.sheet_photos import SIZES, photographed_sheet
from digitlab.jobs.events import Counted, ignore
from digitlab.sheets.layout import lay_out
from digitlab.sheets.sums import sums_of
from digitlab.sheets.values import known_of
from digitlab.storage import atomic_path, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.jobs.events import Listener
    from digitlab.sheets.form import Field, Form
    from digitlab.sheets.layout import Layout
    from digitlab.sheets.values import Known

__all__ = ["Stack", "draw_stack", "form_page", "sheet_values"]

_LARGEST = 100_000  # sheets
_EMPTY, _SHORT = 0.08, 0.35  # fractions of the fields that need not be full: left empty; with fewer digits than boxes
_TRIES = 20_000  # maximum, until random digits fulfil a check
_QUALITY = 90  # of the JPEG; the photo has been compressed once before, as in a phone


@dataclass(frozen=True, slots=True)
class Stack:
    """What to draw: a form, the printed page as pixels, and how photos are taken. page: uint8 (H, W, 3)."""

    form: Form
    page: NDArray[np.uint8]
    seed: int
    megapixels: int

    def sheet(self, number: int, values: dict[str, str]) -> NDArray[np.uint8]:
        """Draw the photo of a sheet, uint8 (H, W, 3) RGB."""
        from digitlab.datasets import load_dataset

        rng = np.random.default_rng((self.seed, number, 1))
        layout = lay_out(self.form)
        written = filled(self.page, layout, values, load_dataset("mnist").split("test"), rng)
        return photographed_sheet(written, layout.size, rng, megapixels=self.megapixels)[0]


def form_page(layout: Layout) -> NDArray[np.uint8]:
    """Render the printed form as pixels, uint8 (H, W, 3): its PDF, drawn by PDFium.

    Raises:
        MissingExtraError: without the extra ``pdf``.
    """
    from digitlab.picture_files.pdf import draw_pdf_page
    from digitlab.sheets.printing import form_pdf

    return draw_pdf_page(form_pdf(layout), layout.form.path, 1, 50_000_000)[0]


def draw_stack(
    form: Form,
    out: Path,
    *,
    count: int,
    seed: int = 0,
    megapixels: int = 3,
    processes: int | None = None,
    listener: Listener = ignore,
) -> None:
    """Draw ``count`` filled sheets, sheet-00001.jpg …, and truth.csv (``file``, one column per field).

    Existing sheets are not drawn again, so an interrupted run can be resumed. The digits are MNIST's test images.

    Raises:
        UsageError: for a number out of range, a list that is too short, a check that random digits do not fulfil, or a
            folder with another stack.
        MissingExtraError: without the extra ``pdf``. StorageError: when it cannot be written.
    """
    from digitlab.archives.processes import all_cores, expect_processes

    expect_processes(processes)
    if not 1 <= count <= _LARGEST:
        raise UsageError(f"--count is {count}; expected 1 to {_LARGEST:,}")
    if megapixels not in SIZES:
        raise UsageError(f"--megapixels is {megapixels}; expected {' or '.join(map(str, SIZES))}")
    if form.blank is not None:
        raise UsageError(f"{form.path}: is a form that exists already; expected one that digitlab prints")
    with saying_what_failed(out):
        out.mkdir(parents=True, exist_ok=True)
    stack = Stack(form, form_page(lay_out(form)), seed, megapixels)
    truth = list(sheet_values(form, count, seed))
    _write_truth(out / "truth.csv", stack, truth)
    work = [(number, values) for number, values in enumerate(truth, 1) if not _path(out, number).exists()]
    wanted = min(processes or all_cores(), -(-len(work) // 4))
    done = count - len(work)
    for done, _ in enumerate(_drawn(stack, out, work, wanted), done + 1):  # noqa: B020 - counts on
        listener(Counted("drawing sheets", done, count, "sheets"))


def _path(out: Path, number: int) -> Path:
    return out / f"sheet-{number:05d}.jpg"


def _drawn(stack: Stack, out: Path, work: list[tuple[int, dict[str, str]]], processes: int) -> Iterator[None]:
    if processes <= 1:
        for number, values in work:
            _draw(stack, out, number, values)
            yield
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(stack, out))
    try:
        yield from (None for _ in pool.map(_draw_here, work, chunksize=2))
    finally:
        pool.shutdown(cancel_futures=True)


_here: tuple[Stack, Path] | None = None


def _begin(stack: Stack, out: Path) -> None:
    global _here  # noqa: PLW0603 - a process draws one stack
    from digitlab.archives.processes import end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent process, which ends this one
    end_with_parent()
    cv2.setNumThreads(1)
    _here = stack, out


def _draw_here(work: tuple[int, dict[str, str]]) -> None:
    assert _here is not None  # noqa: S101 - the initializer has run
    _draw(*_here, *work)


def _draw(stack: Stack, out: Path, number: int, values: dict[str, str]) -> None:
    from PIL import Image

    with atomic_path(_path(out, number)) as temporary:
        Image.fromarray(stack.sheet(number, values)).save(temporary, quality=_QUALITY)


def _write_truth(path: Path, stack: Stack, truth: list[dict[str, str]]) -> None:
    """Write the values, also of the further sheets of an earlier, larger run.

    Raises:
        UsageError: for a folder with sheets of another stack, which would get the values of this one.
    """
    names = [each.name for each in stack.form.fields]
    rows = [["file", *names]]
    for number, values in enumerate(truth, 1):
        rows.append([_path(path.parent, number).name, *(values[name] for name in names)])
    drawn = next(path.parent.glob("sheet-*.jpg"), None)
    if drawn is not None:
        earlier = _rows_of(path)
        if not earlier or any(one != other for one, other in zip(earlier, rows, strict=False)):
            raise UsageError(
                f"{path.parent}: contains sheets of another form, list or seed; choose another folder, or delete them"
            )
        _expect_size(drawn, stack.megapixels)
        rows += earlier[len(rows) :]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _rows_of(path: Path) -> list[list[str]]:
    """Return the rows of a table; none if it is missing or damaged."""
    if not path.exists():
        return []
    with saying_what_failed(path, "read"), path.open(newline="", encoding="utf-8", errors="replace") as file:
        try:
            return list(csv.reader(file))
        except csv.Error:
            return []


def _expect_size(drawn: Path, megapixels: int) -> None:
    from PIL import Image

    with contextlib.suppress(OSError), Image.open(drawn) as photo:
        if photo.size != SIZES[megapixels]:
            raise UsageError(
                f"{drawn.parent}: contains sheets of {photo.width} × {photo.height} pixels; choose another folder, "
                "delete them, or leave --megapixels as it was"
            )


def sheet_values(form: Form, count: int, seed: int) -> Iterator[dict[str, str]]:
    """Yield what is written on each sheet, by field; entries of a one-to-one list are used once.

    Raises:
        UsageError: for a list that is too short, or a check that random digits do not fulfil.
    """
    fields = {each.name: each for each in form.fields}
    known, sums = {name: known_of(each) for name, each in fields.items()}, sums_of(form.fields)
    order = {}
    for place, field in enumerate(form.fields):
        among = known[field.name].among
        if field.one_to_one and among is not None:
            if len(among) < count:
                raise UsageError(
                    f"{field.among}: has {counted(len(among), 'entry', 'entries')}; "
                    f"expected {count:,}, one for each sheet"
                )
            order[field.name] = np.random.default_rng((seed, place, 2)).permutation(len(among))
    for number in range(count):
        rng = np.random.default_rng((seed, number, 0))
        values = {}
        for field in form.fields:
            among = known[field.name].among
            if field.name in order and among is not None:
                values[field.name] = among.entries[int(order[field.name][number])]
            else:
                values[field.name] = _value(field, known[field.name], rng)
        for total, addends in sums.items():
            _add_up(fields[total], addends, values)
        yield values


def _add_up(total: Field, addends: Sequence[Field], values: dict[str, str]) -> None:
    """Write the sum into the total's boxes, in place.

    Raises:
        UsageError: when it has too few.
    """
    digits = str(sum(int("".join(filter(str.isdigit, values[each.name])) or "0") for each in addends))
    if len(digits) > total.boxes:
        raise UsageError(
            f"{total.name}: has {total.boxes} boxes, and the sum of its fields may have {digits} digits; give it more "
            "boxes"
        )
    if total.full:
        digits = digits.zfill(total.boxes)
    values[total.name] = total.written(digits) if len(digits) == total.boxes else digits


def _value(field: Field, known: Known, rng: np.random.Generator) -> str:
    if field.kind == "tick":
        return "yes" if rng.random() < 0.5 else "no"
    if field.kind == "choice":
        return "" if rng.random() < _EMPTY else str(rng.choice(field.choices))
    if known.among is not None:
        return known.among.entries[int(rng.integers(len(known.among)))]
    if not field.full and rng.random() < _EMPTY:
        return ""
    for _ in range(_TRIES):
        text = _digits(field, rng)
        if known.check is None or known.check.fulfilled(text):
            return text
    raise UsageError(f"{field.name}: none of {_TRIES:,} random numbers fulfils {field.check}; leave the check out")


def _digits(field: Field, rng: np.random.Generator) -> str:
    if field.kind == "line":
        return "".join(map(str, rng.integers(0, 10, int(rng.integers(1, max(2, int(field.line // 8)))))))
    count = field.boxes
    if not field.full and count > 1 and rng.random() < _SHORT:
        count = int(rng.integers(1, count))
    digits = "".join(map(str, rng.integers(0, 10, count)))
    return field.written(digits) if count == field.boxes else digits
