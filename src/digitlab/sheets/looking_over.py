"""Fields to be looked over by a person, as one page: the doubtful first, then a sample of all others.

The page loads nothing and sends nothing; what is typed comes back as a file (`corrections`). The sample is what a
promise (`promise`) can be made of: doubtful fields alone say nothing about the others.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.archives.doubts import as_webp
from digitlab.errors import ImageError
from digitlab.reading.images import load_reduced
from digitlab.reading.orientation import turned_box, turned_picture
from digitlab.sheets.values import ANSWERED, EMPTY, FAILED
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from digitlab.sheets.form import Form
    from digitlab.sheets.values import FieldRead

__all__ = ["ToLookOver", "chosen_fields", "write_fields_page"]

_SIDE = 2400  # pixels at which photos are opened for the page
_AROUND = 0.35  # of a field's height: paper around it
KIND = "digitlab sheet corrections 1"


@dataclass(frozen=True, slots=True)
class ToLookOver:
    """A field for the page. turned: quarter turns by which its photo is set upright; size: of that photo in pixels."""

    file: str
    read: FieldRead
    turned: int
    size: tuple[int, int]
    sampled: bool


def chosen_fields(
    rows: Iterable[tuple[Mapping[str, Any], Sequence[FieldRead]]], most: int, sample: int, seed: int
) -> list[ToLookOver]:
    """The least certain fields, at most so many, then a random sample of those that are filled in.

    A sampled field may be among the doubtful too; it is shown once, there. sample: fields, or -1 for all of them

    rows: of each sheet what was kept, and its fields
    """
    doubtful: list[ToLookOver] = []
    answered: list[ToLookOver] = []
    for row, fields in rows:
        size = (row["width"] or 1, row["height"] or 1)
        for each in fields:
            found = ToLookOver(row["path"], each, row["turned"], size, sampled=False)
            if each.filled:
                answered.append(found)
            elif each.state not in (ANSWERED, EMPTY):
                doubtful.append(found)
    doubtful.sort(key=lambda each: (each.read.state != FAILED, each.read.confidence))
    count = len(answered) if sample < 0 else min(sample, len(answered))
    drawn = np.sort(np.random.default_rng(seed).permutation(len(answered))[:count])
    kept = [answered[number] for number in drawn.tolist()]
    return doubtful[:most] + [ToLookOver(each.file, each.read, each.turned, each.size, sampled=True) for each in kept]


def write_fields_page(
    chosen: Sequence[ToLookOver],
    form: Form,
    table: Path,
    out: Path,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Write the page; returns how many fields are on it: those of photos that have gone are left out.

    Raises:
        StorageError: when it cannot be written.
    """
    labels = {each.name: each.label for each in form.fields}
    by_file: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(chosen):
        by_file[each.file].append(number)
    shown: dict[int, dict[str, Any]] = {}
    for done, (file, numbers) in enumerate(by_file.items(), 1):
        try:
            picture, _ = load_reduced(file, _SIDE)
        except ImageError:
            continue
        for number in numbers:
            shown[number] = _content(chosen[number], picture, labels)
        tell(done, len(by_file))
    content = json.dumps([shown[number] for number in sorted(shown)], separators=(",", ":")).replace("<", "\\u003c")
    templates = resources.files("digitlab.sheets").joinpath("templates")
    script = templates.joinpath("fields.js").read_text("utf-8")
    style = resources.files("digitlab.archives").joinpath("templates/review.css").read_text("utf-8")
    page = string.Template(templates.joinpath("fields.html").read_text("utf-8")).substitute(
        style=style,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        content=content,
        name=hashlib.sha256(content.encode()).hexdigest()[:16],
        about=html.escape(_about([each for number, each in enumerate(chosen) if number in shown])),
        form=html.escape(str(form.path)),
        table=html.escape(str(table)),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(shown)


def _about(chosen: Sequence[ToLookOver]) -> str:
    sampled = sum(each.sampled for each in chosen)
    doubtful = len(chosen) - sampled
    if not chosen:
        return "Every field is answered, and no sample was asked for."
    fields = "1 field" if doubtful == 1 else f"{doubtful:,} fields"
    return f"{fields} in doubt, the least certain first; then a random sample of {sampled:,} others."


def _content(each: ToLookOver, picture: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    scale = picture.shape[1] / each.size[0]
    x0, y0, x1, y1 = (round(side * scale) for side in each.read.box)
    turns = -each.turned % 4
    x0, y0, x1, y1 = turned_box((x0, y0, x1, y1), turns, (picture.shape[1], picture.shape[0]))
    upright = turned_picture(picture, turns) if each.turned else picture
    around = round(_AROUND * (y1 - y0)) + 4
    part = upright[max(0, y0 - around) : y1 + around, max(0, x0 - around) : x1 + around]
    return {
        "file": each.file,
        "field": each.read.name,
        "label": labels[each.read.name],
        "value": each.read.value,
        "state": each.read.state,
        "confidence": round(each.read.confidence, 6),
        "sampled": each.sampled,
        "crop": as_webp(np.ascontiguousarray(part)),
    }
