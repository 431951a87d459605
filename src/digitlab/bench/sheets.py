"""`digitlab bench sheets`: read a drawn stack of forms with foreign photos among them, and compare with its truth."""

from __future__ import annotations

import csv
import functools
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.bench.machine import described, processor
from digitlab.errors import UsageError
from digitlab.evaluation.intervals import wilson
from digitlab.examples.sheet_photos import SIZES
from digitlab.examples.sheet_stacks import Stack, draw_stack, form_page, sheet_values
from digitlab.jobs.forms import example_form
from digitlab.jobs.sheets import kept_beside, read_sheets, sheet_rows
from digitlab.sheets.form_file import read_form
from digitlab.sheets.layout import lay_out
from digitlab.storage import write_bytes, write_text
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from digitlab.jobs.events import Listener
    from digitlab.sheets.table import TableRow

__all__ = ["SheetBench", "certain_fields", "compare_with_truth", "measure_sheets"]

_SPARE = 1.25  # entries in the list per sheet
_ERROR, _FILLED = 0.001, 0.95  # share of wrong fields that is accepted, and of written fields to be filled in with it
_WRONG = 0.5  # share of a sheet's filled fields: if more are wrong, it was registered in a wrong place
_FOREIGN = 24  # number of photos that must be refused
_TIMED = 10  # number of sheets of 12 megapixels that are timed
_FEWEST, _MOST = _TIMED, 100_000  # sheets in a stack: fewer say nothing, and their list has too few entries to time


@dataclass(frozen=True, slots=True)
class SheetBench:
    """Result for a stack of sheets.

    fields: compared; right: correct, without lists and checks; right_known: correct, with them; listed, right_listed:
    fields with a one-to-one list, and how many of them are correct
    answered, wrong: fields answered without lists and checks, and how many of those were wrong
    written: fields with something written, on the sheets that were registered; certain, certain_wrong: fields filled in
        without lists and checks at the confidence from which 0.1 % are wrong, and how many were (see `certain_fields`)
    sheets, refused: sheets drawn, and sheets not registered; misplaced: sheets with most filled fields wrong
    foreign, accepted: photos that should be refused, and how many were not
    milliseconds: for a sheet of 12 megapixels on one core, from file to values, median
    seconds: for reading the stack; 0 if it was read before
    """

    machine: str
    sheets: int
    fields: int
    right: int
    right_known: int
    listed: int
    right_listed: int
    answered: int
    wrong: int
    written: int
    certain: int
    certain_wrong: int
    refused: int
    misplaced: int
    foreign: int
    accepted: int
    milliseconds: float
    seconds: float

    def rows(self) -> list[list[str]]:
        """Return the table's rows: measure, value, target."""
        return [
            ["fields right, without lists and checks", _share(self.right, self.fields), "≥ 98 %"],
            ["fields right, with them", _share(self.right_known, self.fields), "–"],
            ["fields with a list, one-to-one, right", _share(self.right_listed, self.listed), "≥ 99.9 %"],
            ["wrong among the fields answered, without lists", _share(self.wrong, self.answered), "–"],
            [
                "written fields filled in at an error of 0.1 %, without lists",
                _share(self.certain, self.written),
                "≥ 95 %",
            ],
            ["wrong among these", self._certain_error(), "≤ 0.1 %"],
            ["sheets not registered", _share(self.refused, self.sheets), "≤ 0.5 %, said"],
            ["sheets registered in a wrong place", _share(self.misplaced, self.sheets), "0"],
            ["foreign photos accepted", _share(self.accepted, self.foreign), "0"],
            ["one sheet of 12 megapixels, one core", f"{self.milliseconds:.0f} ms", "≤ 250 ms"],
            ["sheets a second, all cores", f"{self.sheets / self.seconds:.1f}" if self.seconds else "–", "–"],
        ]

    def _certain_error(self) -> str:
        if not self.certain:
            return "–"
        low, high = (100 * end for end in wilson(self.certain_wrong, self.certain))
        return f"{_share(self.certain_wrong, self.certain)}; {low:.2f} to {high:.2f} %"

    @property
    def met(self) -> bool:
        """Whether every target is met; the error of 0.1 %, if its 95 % interval does not lie above."""
        enough = self.right >= 0.98 * self.fields and self.right_listed >= 0.999 * self.listed
        registered = self.refused <= 0.005 * self.sheets and not self.misplaced and not self.accepted
        certain = bool(self.certain) and wilson(self.certain_wrong, self.certain).low <= _ERROR
        filled = certain and self.certain >= _FILLED * self.written
        return enough and filled and registered and self.milliseconds <= 250

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} % ({part:,} of {whole:,})" if whole else "–"


def measure_sheets(
    folder: Path,
    *,
    count: int,
    seed: int,
    megapixels: int,
    engine: Literal["local", "ray"] = "local",
    listener: Listener,
) -> SheetBench:
    """Draw a stack of the example form in ``folder``, read it, and compare; what exists already is not made again.

    Raises:
        UsageError: for a number out of range, before anything is drawn; and as for `read_sheets`.
        MissingExtraError: as for `draw_stack` and `read_sheets`.
    """
    if not _FEWEST <= count <= _MOST:
        raise UsageError(f"--count is {count}; expected {_FEWEST} to {_MOST:,}: fewer sheets measure nothing")
    if megapixels not in SIZES:
        raise UsageError(f"--megapixels is {megapixels}; expected {' or '.join(map(str, SIZES))}")
    form_file = _form_with_list(folder, count)
    form = read_form(form_file)
    photos = folder / f"stack-{seed}-{megapixels}"
    draw_stack(form, photos, count=count, seed=seed, megapixels=megapixels, listener=listener)
    foreign = _foreign_photos(folder / f"foreign-{seed}", form_file, seed)
    out = folder / f"marks-{seed}-{megapixels}.csv"
    start = time.perf_counter()
    result = read_sheets(form_file, photos, *foreign, out=out, engine=engine, listener=listener)
    seconds = time.perf_counter() - start if result.read_now >= count else 0.0
    truth = dict(_truth(photos))
    plain, with_lists = compare_with_truth(form_file, kept_beside(out), truth, {path.name for path in foreign})
    machine, single = described(processor("a processor"), {"digitlab": VERSION}), _one_sheet(form_file, seed)
    return SheetBench(machine=machine, milliseconds=single, seconds=seconds, **plain, **with_lists)


def _form_with_list(folder: Path, count: int) -> Path:
    """Write the example form with a list of student numbers, one for each sheet and some to spare."""
    path = folder / "marks.toml"
    if not path.exists():
        example_form(path)
        text = path.read_text("utf-8").replace("# among =", "among =").replace("# one_to_one =", "one_to_one =")
        write_text(path, text)
    listed = folder / "students.csv"
    needed = int(count * _SPARE) + 2
    if not listed.exists() or len(listed.read_text("utf-8").splitlines()) <= needed:
        numbers = np.random.default_rng(5).choice(10_000_000, needed, replace=False)
        write_text(listed, "id\n" + "".join(f"{number:07d}\n" for number in numbers.tolist()))
    return path


def _truth(photos: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with (photos / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row.pop("file"), row


def compare_with_truth(
    form_file: Path, readings: Path, truth: Mapping[str, Mapping[str, str]], foreign: set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Compare a stack's kept readings with its truth, by file name: counts without lists and checks, and with them."""
    from dataclasses import replace

    form = read_form(form_file)
    bare = replace(form, items=tuple(_bare(item) for item in form.items))
    names = "sheets", "fields", "right", "answered", "wrong", "written", "refused", "misplaced", "accepted"
    plain = dict.fromkeys(names, 0) | {"foreign": len(foreign)}
    filled: list[tuple[int, float, bool]] = []
    for row in sheet_rows(bare, readings):
        name = os.path.basename(row.file)  # noqa: PTH119 - of a page it is no path
        if name in foreign:
            plain["accepted"] += not row.failed
        elif name in truth:
            filled += [
                (plain["sheets"], field.confidence, field.value == truth[name][field.name])
                for field in row.fields
                if field.filled
            ]
            _count_plain(row, truth[name], plain)
    plain["certain"], plain["certain_wrong"] = certain_fields(filled)
    with_lists = dict.fromkeys(("right_known", "listed", "right_listed"), 0)
    listed = {field.name for field in form.fields if field.one_to_one}
    for row in sheet_rows(form, readings):
        expected = truth.get(os.path.basename(row.file), {})  # noqa: PTH119
        for field in row.fields if expected else ():
            right = field.value == expected[field.name]
            with_lists["right_known"] += right
            with_lists["listed"] += field.name in listed
            with_lists["right_listed"] += field.name in listed and right
    return plain, with_lists


def certain_fields(filled: Sequence[tuple[int, float, bool]], error: float = _ERROR) -> tuple[int, int]:
    """Count the fields that can be filled in if this share of them may be wrong, and how many of them are wrong.

    The confidence from which they are filled in is chosen on one half of the sheets and counted on the other, and the
    other way round: on the sheets that it was chosen on, the error would never be larger than asked for.

    filled: for each field with a value, the number of its sheet, its confidence, and whether it is right
    """
    if not filled:
        return 0, 0
    sheet, confidence, right = (np.array(column) for column in zip(*filled, strict=True))
    count = wrong = 0
    for half in (0, 1):
        own = sheet % 2 == half
        above = own & (confidence >= _threshold(confidence[~own], right[~own], error))
        count, wrong = count + int(above.sum()), wrong + int((above & ~right).sum())
    return count, wrong


def _threshold(confidence: NDArray[np.float64], right: NDArray[np.bool_], error: float) -> float:
    """Return the lowest confidence (N,) from which at most this share is wrong; infinity if there is none."""
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    shares = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(falling[1:] < falling[:-1], True)[: len(order)]
    possible = falling[last_of_equals & (shares <= error)]
    return float(possible[-1]) if len(possible) else np.inf


def _bare(item: Any) -> Any:
    """Return a field or table without what is known about its values."""
    from dataclasses import replace

    from digitlab.sheets.form import Field

    if isinstance(item, Field):
        return replace(item, among="", one_to_one=False, check="")
    return replace(item, columns=tuple(_bare(column) for column in item.columns))


def _count_plain(row: TableRow, expected: Mapping[str, str], counts: dict[str, int]) -> None:
    counts["sheets"] += 1
    if row.failed:
        counts["refused"] += 1
        return
    filled = wrong = 0
    for field in row.fields:
        right = field.value == expected[field.name]
        counts["fields"] += 1
        counts["right"] += right
        if field.state == "answered":
            counts["answered"] += 1
            counts["wrong"] += not right
        if expected[field.name] not in ("", "no"):
            filled, wrong = filled + 1, wrong + (not right)
    counts["written"] += filled
    counts["misplaced"] += wrong > _WRONG * filled


def _foreign_photos(folder: Path, form_file: Path, seed: int) -> list[Path]:
    """Draw photos that must be refused: other forms, an older version, two sheets, half a sheet, no sheet at all."""
    paths = [folder / f"foreign-{number:02d}.jpg" for number in range(_FOREIGN)]
    if all(path.exists() for path in paths):
        return paths
    text = form_file.read_text("utf-8").replace("\namong =", "\n# among =").replace("\none_to_one", "\n# one_to_one")
    other_forms = {"other": text.replace("number = 17", "number = 18"), "older": text.replace("boxes = 3", "boxes = 4")}
    stacks = {}
    for name, content in {"same": text, **other_forms}.items():
        path = folder / f"{name}.toml"
        write_text(path, content)
        form = read_form(path)
        stacks[name] = Stack(form, form_page(lay_out(form)), seed + 77, 3)
    for number, path in enumerate(paths):
        picture = _foreign_photo(stacks, number)
        write_bytes(path, cv2.imencode(path.suffix, picture[:, :, ::-1])[1].tobytes())
    return paths


def _foreign_photo(stacks: Mapping[str, Stack], number: int) -> NDArray[np.uint8]:
    kind = ("other", "older", "two", "half", "none", "cut")[number % 6]

    def photo(name: str, index: int) -> NDArray[np.uint8]:
        values = list(sheet_values(stacks[name].form, index + 1, index))[-1]
        return stacks[name].sheet(index, values)

    if kind in ("other", "older"):
        return photo(kind, number)
    if kind == "none":
        from digitlab.bench.made_pages import page

        return page(3, seed=number)
    one = photo("same", number)
    high, wide = one.shape[:2]
    if kind == "half":
        return np.ascontiguousarray(one[: high // 2])
    second = photo("same", number + 100)
    if kind == "two":
        return np.ascontiguousarray(np.concatenate([one, second], axis=1))
    one[:, wide // 2 :] = second[:, wide // 2 :]  # the right half of another sheet
    return one


def _one_sheet(form_file: Path, seed: int) -> float:
    """Measure the median CPU milliseconds for a sheet of 12 megapixels, from its file to its values, on one thread."""
    from tempfile import TemporaryDirectory

    from digitlab.archives.job import answered
    from digitlab.archives.pictures import Picture
    from digitlab.reading import Reader
    from digitlab.sheets.job import sheet_row
    from digitlab.sheets.sheet_reading import SheetReader
    from digitlab.sheets.table import SheetTable

    form = read_form(form_file)
    reader = Reader(threads=1)
    sheets, threads = SheetReader(lay_out(form), reader), cv2.getNumThreads()
    times = []
    with TemporaryDirectory() as folder:
        draw_stack(form, Path(folder), count=_TIMED, seed=seed, megapixels=12, processes=1)
        cv2.setNumThreads(1)
        try:
            for path in sorted(Path(folder).glob("*.jpg")):
                start = time.process_time()
                answer = answered(Picture(str(path)), functools.partial(sheets.read, path))
                row = sheet_row(answer, "")
                list(SheetTable(form, [json.loads(json.dumps(row))], reader.threshold))
                times.append((time.process_time() - start) * 1000.0)
        finally:
            cv2.setNumThreads(threads)
    return float(np.median(times))
