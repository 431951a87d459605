"""A page with fields for a person to review in their sheets: the doubtful first, then a random sample of the others.

The page loads nothing and sends nothing; the corrections come back as a file (`corrections`). A promise (`promise`) can
be based on the sample: doubtful fields alone say nothing about the others.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.archives.doubts import as_webp
from digitlab.errors import ImageError, counted
from digitlab.sheets.flat_sheet import FlatSheets
from digitlab.sheets.values import ANSWERED, EMPTY, FAILED
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.sheets.flat_sheet import FlatSheet
    from digitlab.sheets.form import Form
    from digitlab.sheets.layout import Placed
    from digitlab.sheets.values import FieldRead

__all__ = ["Chosen", "FieldToReview", "chosen_fields", "write_fields_page"]

KIND = "digitlab sheet corrections 1"

Values = dict[str, tuple[str, str]]  # for each field of a sheet: its value and its state


@dataclass(frozen=True, slots=True)
class FieldToReview:
    """A field for the page. sampled: drawn at random; other: what another reader read there, if that differs."""

    file: str
    read: FieldRead
    sampled: bool
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Fields to be reviewed, in order, and all values of the sheets that they are on, by file."""

    fields: tuple[FieldToReview, ...]
    sheets: Mapping[str, Values]


def chosen_fields(
    rows: Iterable[tuple[Mapping[str, Any], Sequence[FieldRead]]],
    most: int,
    sample: int,
    seed: int,
    others: Mapping[tuple[str, str], str] | None = None,
) -> Chosen:
    """Choose the least certain fields, at most this many, sheet by sheet; then a random sample of other filled ones.

    The sheet of the least certain field comes first, with all its doubtful ones. A field that another reader read
    differently is doubtful. The sample is drawn from fields that are not doubtful, so each field is shown once.

    rows: for each sheet what was kept, and its fields; sample: number of fields, or -1 for all of them
    others: what another reader read, by file (as in the rows) and field, if that differs
    """
    others = others or {}
    doubtful: list[FieldToReview] = []
    answered: list[FieldToReview] = []
    sheets: dict[str, Values] = {}
    for row, fields in rows:
        file = row["path"]
        sheets[file] = {each.name: (each.value, each.state) for each in fields}
        for each in fields:
            candidate = FieldToReview(file, each, sampled=False, other=others.get((file, each.name)))
            if candidate.other is not None or each.state not in (ANSWERED, EMPTY):
                doubtful.append(candidate)
            elif each.filled:
                answered.append(candidate)
    # Sorting is stable: by doubt to choose, then by sheet.
    least = sorted(doubtful, key=lambda each: (each.read.state != FAILED, each.read.confidence))[:most]
    order = {file: index for index, file in reversed(list(enumerate(each.file for each in least)))}
    chosen = {id(each) for each in least}
    shown = sorted((each for each in doubtful if id(each) in chosen), key=lambda each: order[each.file])
    count = len(answered) if sample < 0 else min(sample, len(answered))
    drawn = np.sort(np.random.default_rng(seed).permutation(len(answered))[:count])
    shown += [replace(answered[index], sampled=True) for index in drawn.tolist()]
    return Chosen(tuple(shown), {each.file: sheets[each.file] for each in shown})


def write_fields_page(
    chosen: Chosen,
    form: Form,
    table: Path,
    out: Path,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Write the page; return how many fields are on it: those of photos that are gone are left out.

    Raises:
        RecipeError: for a form that cannot be laid out. StorageError: when the page cannot be written.
    """
    flat = FlatSheets(form)
    placed = {each.field.name: each for each in flat.layout.placed}
    by_file: dict[str, list[int]] = defaultdict(list)
    for index, field in enumerate(chosen.fields):
        by_file[field.file].append(index)
    shown: dict[int, dict[str, Any]] = {}
    sheets: list[dict[str, Any]] = []
    for done, (file, indices) in enumerate(by_file.items(), 1):
        try:
            sheet = flat.open(file)
        except ImageError:
            continue
        for index in indices:
            field = chosen.fields[index]
            place = placed[field.read.name]
            shown[index] = _content(field, sheet.part(place.box), place, len(sheets))
        sheets.append(_sheet(file, sheet, chosen.sheets[file], placed))
        on_progress(done, len(by_file))
    fields = [shown[index] for index in sorted(shown)]
    content = json.dumps({"fields": fields, "sheets": sheets}, separators=(",", ":")).replace("<", "\\u003c")
    templates = resources.files("digitlab.sheets").joinpath("templates")
    script = templates.joinpath("fields.js").read_text("utf-8")
    style = resources.files("digitlab.archives").joinpath("templates/review.css").read_text("utf-8")
    page = string.Template(templates.joinpath("fields.html").read_text("utf-8")).substitute(
        style=style,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        content=content,
        name=hashlib.sha256(content.encode()).hexdigest()[:16],
        about=html.escape(_about([chosen.fields[index] for index in sorted(shown)], len(chosen.fields))),
        form=html.escape(str(form.path)),
        table=html.escape(str(table)),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(shown)


def _about(shown: Sequence[FieldToReview], chosen: int) -> str:
    sampled = sum(each.sampled for each in shown)
    doubtful, unavailable = len(shown) - sampled, chosen - len(shown)
    unavailable_note = (
        f"{unavailable:,} of {counted(chosen, 'field')} cannot be shown: their photos cannot be opened here."
        if unavailable
        else ""
    )
    if not shown and unavailable:
        return unavailable_note
    if not shown:
        return "Every field is answered, and no sample was requested."
    fields = counted(doubtful, "doubtful field")
    text = f"{fields}, starting with the sheet of the least certain one; then a random sample of {sampled:,} others."
    return f"{text} {unavailable_note}".rstrip()


def _content(field: FieldToReview, part: NDArray[np.uint8], placed: Placed, sheet: int) -> dict[str, Any]:
    return {
        "file": field.file,
        "field": field.read.name,
        "label": placed.field.label,
        "value": field.read.value,
        "state": field.read.state,
        "confidence": round(field.read.confidence, 6),
        "sampled": field.sampled,
        "read": field.read.read,
        "other": field.other,
        "sheet": sheet,
        "crop": as_webp(np.ascontiguousarray(part)),
    }


def _sheet(file: str, sheet: FlatSheet, values: Values, placed: Mapping[str, Placed]) -> dict[str, Any]:
    """Return the whole sheet, and where each field is on it: left, top, width and height in per cent."""
    whole = sheet.whole()
    (width, height), boxes = sheet.registration.size, []
    for name, (value, state) in values.items():
        x0, y0, x1, y1 = placed[name].box
        sides = [100 * x0 / width, 100 * y0 / height, 100 * (x1 - x0) / width, 100 * (y1 - y0) / height]
        boxes.append([name, value, state, *(round(side, 2) for side in sides)])
    return {"file": file, "picture": as_webp(whole, whole.shape[1], whole.shape[0]), "boxes": boxes}
