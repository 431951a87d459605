"""Fields marked on a blank: converted from and to what the page sends, and to the form's TOML file."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.sheets.form import DIGIT, Field

if TYPE_CHECKING:
    from digitlab.sheets.form import Form, Place

__all__ = ["KINDS", "MarkedField", "form_text", "marked_field", "marked_fields_of", "quoted"]

KINDS = ("boxes", "pattern", "line", "tick", "choices")
_MOST, _LONGEST = 1000, 2000  # fields; characters of a text
_TEXTS = ("name", "label", "shape", "among", "check")


@dataclass(frozen=True, slots=True)
class MarkedField:
    """One field of an existing form.

    kind: one of `KINDS`; shape: its details: "7" boxes, "##.##", choices separated by commas, else ""
    at: left, top, width and height in pixels of the blank: of the whole field, or of each of its boxes
    full, among, one_to_one, check: as `digitlab.sheets.form.Field`
    """

    name: str
    label: str
    kind: str
    shape: str
    at: tuple[Place, ...]
    full: bool = False
    among: str = ""
    one_to_one: bool = False
    check: str = ""


def marked_field(content: Any, number: int) -> MarkedField:
    """Parse a field as the page sends it.

    Raises:
        UsageError: for anything else, with its number.
    """
    try:
        texts = {name: content.get(name, "") for name in _TEXTS}
        for name, value in texts.items():
            if not isinstance(value, str) or len(value) > _LONGEST:
                raise ValueError(f"{name} is {str(value)[:40]!r}; expected a text")
        if content["kind"] not in KINDS:
            raise ValueError(f"kind is {str(content['kind'])[:40]!r}; expected one of {', '.join(KINDS)}")
        at = tuple(_place(each) for each in content["at"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"has no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"field {number}: {reason}") from error
    name, label, shape, among, check = (texts[each].strip() for each in _TEXTS)
    full, one_to_one = (content.get(each) is True for each in ("full", "one_to_one"))
    return MarkedField(name, label, content["kind"], shape, at, full, among, one_to_one, check)


def _place(sides: Any) -> Place:
    left, top, width, height = (float(side) for side in sides)
    if not all(math.isfinite(side) and 0.0 <= side < 1e6 for side in (left, top, width, height)):
        raise ValueError(f"its place is {str(sides)[:60]}; expected left, top, width and height in pixels")
    return left, top, width, height


def marked_fields_of(form: Form) -> tuple[MarkedField, ...]:
    """Convert the fields of a form's file.

    Raises:
        UsageError: for one with tables, whose columns have no places.
    """
    if not all(isinstance(item, Field) for item in form.items):
        raise UsageError(f"{form.path}: has a [[table]]; expected fields, each with its place on the blank")
    fields = []
    for field in form.fields:
        kind, shape = _shape_of(field)
        among = Path(os.path.relpath(field.among, form.path.parent)).as_posix() if field.among else ""
        fields.append(
            MarkedField(
                field.name, field.label, kind, shape, field.at, field.full, among, field.one_to_one, field.check
            )
        )
    return tuple(fields)


def _shape_of(field: Field) -> tuple[str, str]:
    if field.kind == "boxes":
        plain = field.pattern == DIGIT * field.boxes
        return ("boxes", str(field.boxes)) if plain else ("pattern", field.pattern)
    return ("choices", ", ".join(field.choices)) if field.kind == "choice" else (field.kind, "")


def form_text(title: str, blank: str, width: float, pixels: int, fields: list[MarkedField]) -> str:
    """Write the form's TOML text. blank: its path from the file; width: of the paper in mm; pixels: of the blank.

    Raises:
        UsageError: for too many fields.
    """
    if len(fields) > _MOST:
        raise UsageError(f"{len(fields):,} fields; expected at most {_MOST:,}")
    head = f"[form]\ntitle = {quoted(title)}\nblank = {quoted(blank)}\nwidth = {width:g}  # mm of the paper\n"
    return _ABOUT + head + "".join(_field(each, width / pixels) for each in fields)


_ABOUT = """\
# A form that exists already, marked with `digitlab sheet from … --mark`. Places: pixels of the blank, of the whole
# field, or a list: of each box. What else a field may say (full, among, one_to_one, check): `digitlab sheet example`.

"""


def _field(field: MarkedField, mm: float) -> str:
    lines = [f"name = {quoted(field.name)}"]
    if field.label and field.label != field.name:
        lines.append(f"label = {quoted(field.label)}")
    lines.append(_shape(field, mm))
    if field.full and field.kind == "boxes":
        lines.append("full = true")
    if field.among:
        lines.append(f"among = {quoted(field.among)}")
    if field.one_to_one:
        lines.append("one_to_one = true")
    if field.check:
        lines.append(f"check = {quoted(field.check)}")
    places = [f"[{', '.join(f'{side:.1f}' for side in place)}]" for place in field.at]
    lines.append("at = " + (places[0] if len(places) == 1 else "[" + ", ".join(places) + "]"))
    return "\n[[field]]\n" + "\n".join(lines) + "\n"


def _shape(field: MarkedField, mm: float) -> str:
    if field.kind == "boxes":
        return f"boxes = {field.shape if field.shape.isascii() and field.shape.isdigit() else quoted(field.shape)}"
    if field.kind == "pattern":
        return f"pattern = {quoted(field.shape)}"
    if field.kind == "choices":
        choices = [part.strip() for part in field.shape.split(",")]
        return f"choices = [{', '.join(map(quoted, choices))}]"
    if field.kind == "line":
        return f"line = {max((place[2] for place in field.at), default=0.0) * mm:.1f}"
    return "tick = true"


def quoted(text: str) -> str:
    """Quote as a basic string of TOML, whose escapes include JSON's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
