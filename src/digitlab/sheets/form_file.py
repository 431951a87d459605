"""Parse a form's TOML file into a `Form`; errors are reported with their line and key."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, RecipeError, UsageError, counted
from digitlab.reading.numbers import check_of, number_list
from digitlab.sheets.form import DIGIT, FORMS, PAPERS, Field, Form, Table
from digitlab.sheets.sums import sums_of
from digitlab.sheets.toml_lines import Section, sections_of
from digitlab.sheets.values import SUMS, is_sum
from digitlab.toml_files import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["read_form"]

_NAME = re.compile(r"[\w][\w-]{0,39}")
_MOST_BOXES, _MOST_ROWS, _MOST_FIELDS = 30, 60, 1000
_SHORTEST, _LONGEST = 15.0, 170.0  # mm of a free line
_LARGEST = 1_000_000  # bytes of a file
_LONGEST_TEXT, _FURTHEST = 200, 1e6  # characters; pixels of a blank
_SYNONYMS = {"digits": "boxes", "options": "choices", "checks": "check", "list": "among", "text": "label", "id": "name"}
_KINDS = ("boxes", "pattern", "line", "tick", "choices")  # of which every field has one
_KEYS = (*_KINDS, "name", "label", "beside", "at", "full", "among", "one_to_one", "check")
_RESERVED = ("file", "note")  # columns that every table has


def read_form(path: Path) -> Form:
    """Read and validate a form.

    Raises:
        RecipeError: when the file is missing, or not a form; with the line and the key.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RecipeError(f"{path}: has {path.stat().st_size:,} bytes; a form has at most {_LARGEST:,}")
        text = path.read_text("utf-8-sig")
        content = parse_toml(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        advice = "expected a form's TOML file" if path.exists() else f"`digitlab sheet example {path}` writes one"
        raise RecipeError(f"{path}: cannot be read ({reason}); {advice}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not TOML ({_as_line_first(str(error))})") from error
    sections = sections_of(text)
    top = _Keys(path, content, sections[0], "the file")
    form = top.table("form", next((each for each in sections if each.name == "form"), sections[0]))
    blank = form.text("blank", "")
    if blank and not (path.parent / blank).is_file():
        raise form.refuse("blank", f"there is no file {path.parent / blank}; expected a picture of the empty form")
    items = _items(top, sections, drawn=not blank)
    result = Form(
        path,
        form.text("title", path.stem),
        form.integer("number", 0, FORMS - 1, default=None if not blank else 0),
        form.choice("paper", tuple(PAPERS), "a4"),
        form.text("note", ""),
        tuple(items),
        path.parent / blank if blank else None,
        form.number("width", 40.0, 600.0, default=210.0) if blank else 0.0,
    )
    form.expect_nothing_else()
    top.expect_nothing_else()
    _check_names(top, result)
    _check_sums(top, result, sections)
    return result


def _as_line_first(reason: str) -> str:
    """Put the place in Python's own message first.

    >>> _as_line_first("Invalid value (at line 3, column 9)")
    'line 3, column 9: Invalid value'
    """
    match = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", reason, re.DOTALL)
    return reason if match is None else f"{match[2]}: {match[1]}"


class _Keys:
    """The keys of one section, each read once; any that is left over is unknown."""

    def __init__(self, path: Path, content: Mapping[str, Any], section: Section, description: str) -> None:
        self.path, self.content, self.section, self.description = path, dict(content), section, description
        self._used: list[str] = []

    def refuse(self, key: str, problem: str) -> RecipeError:
        """Make the error about a key."""
        line = self.section.line_of(key)
        return RecipeError(f"{self.path}: line {line}, {key}: {problem}" if line else f"{self.path}: {key}: {problem}")

    def has(self, key: str) -> bool:
        """Return whether a key is there."""
        return key in self.content

    def _take(self, key: str, kinds: type | tuple[type, ...], expected: str, default: Any) -> Any:
        self._used.append(key)
        if key not in self.content:
            if default is None:
                raise self.refuse(key, f"is missing in {self.description}; expected {expected}")
            return default
        value = self.content[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in _as_tuple(kinds)):
            raise self.refuse(key, f"is {_shown(value)}; expected {expected}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value: str = self._take(key, str, "a text in quotes", default)
        if len(value) > _LONGEST_TEXT or not value.isprintable():
            raise self.refuse(key, f"is {_shown(value)}; expected one line of at most {_LONGEST_TEXT} characters")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value: str = self._take(key, str, f"one of {', '.join(choices)}", default)
        if value.lower() not in choices:
            raise self.refuse(key, f"is {_shown(value)}; expected one of {', '.join(choices)}")
        return value.lower()

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value: int = self._take(key, int, f"a whole number from {low} to {high}", default)
        if not low <= value <= high:
            raise self.refuse(key, f"is {value}; expected {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value: float = self._take(key, (int, float), f"a number from {low:g} to {high:g}", default)
        if not low <= value <= high:
            raise self.refuse(key, f"is {value}; expected {low:g} to {high:g}")
        return float(value)

    def boolean(self, key: str) -> bool:
        return bool(self._take(key, bool, "true or false", False))

    def texts(self, key: str, low: int, high: int) -> tuple[str, ...]:
        values: list[Any] = self._take(key, list, f"a list of {low} to {high} texts", None)
        texts = tuple(str(each) for each in values if isinstance(each, str | int) and not isinstance(each, bool))
        if len(texts) != len(values) or not low <= len(texts) <= high or not all(text.strip() for text in texts):
            raise self.refuse(key, f"is {_shown(values)}; expected a list of {low} to {high} texts")
        for each in texts:
            if len(each) > _LONGEST_TEXT or not each.isprintable():
                raise self.refuse(key, f"has {_shown(each)}; expected one line of at most {_LONGEST_TEXT} characters")
        if len(set(texts)) < len(texts):
            raise self.refuse(key, f"is {_shown(values)}; expected each text once")
        return texts

    def places(self, key: str) -> tuple[tuple[float, float, float, float], ...]:
        """Read [left, top, width, height], or a list of such."""
        expected = "[left, top, width, height] in pixels of the blank, or a list of such, one for each box"
        values: list[Any] = self._take(key, list, expected, [])
        rows = values if values and all(isinstance(each, list) for each in values) else [values] if values else []
        for row in rows:
            valid = all(isinstance(each, int | float) and not isinstance(each, bool) for each in row)
            valid = valid and all(0 <= each < _FURTHEST for each in row)
            if len(row) != 4 or not valid or min(row[2:]) < 4:
                raise self.refuse(key, f"is {_shown(values)}; expected {expected}")
        return tuple((float(x), float(y), float(w), float(h)) for x, y, w, h in rows)

    def table(self, key: str, section: Section) -> _Keys:
        value = self._take(key, dict, f"a section [{key}]", None)
        return _Keys(self.path, value, section, f"[{key}]")

    def tables(self, key: str) -> list[dict[str, Any]]:
        values = self._take(key, list, f"sections [[{key}]], each with two brackets", [])
        if not all(isinstance(each, dict) for each in values):
            raise self.refuse(key, f"is {_shown(values)}; expected sections [[{key}]]")
        return list(values)

    def expect_nothing_else(self) -> None:
        """Reject a key that was not read: a misspelt key must not be ignored."""
        for key in self.content:
            if key not in self._used:
                suggestion = _meant(key, self._used)
                hint = f"did you mean {suggestion}?" if suggestion else f"known: {', '.join(dict.fromkeys(self._used))}"
                raise self.refuse(key, f"is not a key of {self.description}; {hint}")


def _meant(key: str, known: Sequence[str]) -> str | None:
    """Return the known key that an unknown one probably means."""
    similar = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    synonym = _SYNONYMS.get(key)
    return synonym if synonym in known else similar[0] if similar else None


def _as_tuple(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _shown(value: object) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _items(top: _Keys, sections: list[Section], *, drawn: bool) -> list[Field | Table]:
    """Read the fields and tables in the order of the file."""
    headers = {name: [each for each in sections if each.name == name] for name in ("field", "table", "table.columns")}
    columns = iter(headers["table.columns"])
    items: list[tuple[int, Field | Table]] = []
    for kind in ("field", "table"):
        for number, content in enumerate(top.tables(kind)):
            sections_of_kind = headers[kind]
            section = sections_of_kind[number] if number < len(sections_of_kind) else top.section
            keys = _Keys(top.path, content, section, f"this [[{kind}]]")
            item = _field(keys, drawn=drawn) if kind == "field" else _table(keys, columns)
            items.append((section.line, item))
    if not items:
        raise RecipeError(f"{top.path}: has no [[field]] and no [[table]]; expected at least one of them")
    return [item for _, item in sorted(items, key=lambda each: each[0])]


def _field(keys: _Keys, *, drawn: bool, column: bool = False) -> Field:
    kinds = [name for name in _KINDS if keys.has(name)]
    name = keys.text("name")
    if _NAME.fullmatch(name) is None or name in _RESERVED:
        raise keys.refuse(
            "name", f'is {name!r}; expected letters, digits, "_" and "-", at most 40, and not "file" or "note"'
        )
    for key in keys.content if not kinds else ():
        if key not in _KEYS and (meant := _meant(key, _KINDS)):
            raise keys.refuse(key, f"is not a key of {keys.description}; did you mean {meant}?")
    if len(kinds) != 1:
        problem = "has none of them" if not kinds else f"has {' and '.join(kinds)}"
        key = "name" if not kinds else kinds[1]
        raise keys.refuse(key, f"{name} {problem}; expected one of {', '.join(_KINDS)}")
    label = keys.text("label", name)
    common: dict[str, Any] = {"name": name, "label": label}
    if not column:
        common["at" if not drawn else "beside"] = keys.places("at") if not drawn else keys.boolean("beside")
        if not drawn and not common["at"]:
            raise keys.refuse("at", "is missing; expected at = [left, top, width, height] in pixels of the blank")
    common |= _shape(keys, kinds[0])
    if common["kind"] in ("boxes", "line"):
        common |= _constraints(keys)
    keys.expect_nothing_else()
    field = Field(**common)
    if len(field.at) not in (0, 1, field.cells):
        raise keys.refuse(
            "at", f"has {counted(len(field.at), 'place')}; expected one for all {field.cells} boxes, or one for each"
        )
    return field


def _shape(keys: _Keys, kind: str) -> dict[str, Any]:
    """Read the part of a field that is printed."""
    if kind == "boxes":
        boxes = keys.integer("boxes", 1, _MOST_BOXES)
        return {"kind": "boxes", "boxes": boxes, "pattern": DIGIT * boxes, "full": keys.boolean("full")}
    if kind == "pattern":
        pattern = keys.text("pattern")
        boxes = pattern.count(DIGIT)
        if not 1 <= boxes <= _MOST_BOXES or len(pattern) > 3 * _MOST_BOXES or re.search(r"\d", pattern):
            raise keys.refuse("pattern", f"is {pattern!r}; expected a # for each digit, as in ##.##.####")
        return {"kind": "boxes", "boxes": boxes, "pattern": pattern, "full": True}
    if kind == "line":
        return {"kind": "line", "line": keys.number("line", _SHORTEST, _LONGEST)}
    if kind == "tick":
        if not keys.boolean("tick"):
            raise keys.refuse("tick", "is false; expected true, or another kind of field")
        return {"kind": "tick"}
    return {"kind": "choice", "choices": keys.texts("choices", 2, 20)}


def _constraints(keys: _Keys) -> dict[str, Any]:
    """Read what is known about a field's value; list and check are tried at once, so that errors name their line."""
    constraints: dict[str, Any] = {"one_to_one": keys.boolean("one_to_one"), "among": "", "check": ""}
    try:
        if keys.has("among"):
            key, constraints["among"] = "among", _resolved(keys.path, keys.text("among"))
            number_list(constraints["among"])
        if keys.has("check"):
            key, constraints["check"] = "check", keys.text("check")
            if not is_sum(constraints["check"]):
                check_of(constraints["check"], sums=SUMS)
    except (DatasetError, UsageError) as error:
        raise keys.refuse(key, str(error)) from error
    if constraints["one_to_one"] and not constraints["among"]:
        raise keys.refuse("one_to_one", 'needs a list; add among = "list.csv"')
    if constraints["among"] and constraints["check"]:
        raise keys.refuse("check", "a list determines the numbers already; expected among or check, not both")
    return constraints


def _resolved(form: Path, source: str) -> str:
    """Resolve a list's path: as it stands, or in the folder of the form.

    >>> from pathlib import Path
    >>> _resolved(Path("exam/marks.toml"), "students.csv:id")
    'exam/students.csv:id'
    """
    return str(form.parent / source)


def _table(keys: _Keys, sections: Iterable[Section]) -> Table:
    name = keys.text("name")
    if _NAME.fullmatch(name) is None:
        raise keys.refuse("name", f'is {name!r}; expected letters, digits, "_" and "-", at most 40')
    label = keys.text("label", name)
    rows = keys.texts("rows", 1, _MOST_ROWS)
    contents = keys.tables("columns")
    if not contents:
        raise keys.refuse("columns", "is missing in this [[table]]; expected fields, as in [[table.columns]]")
    columns = []
    for content in contents:
        # Columns within braces on one line have no header of their own; errors then name the key's line.
        section = keys.section if keys.section.keys.get("columns") else next(iter(sections), keys.section)
        column_keys = _Keys(keys.path, content, section, "this column")
        if column_keys.section is keys.section:
            line = keys.section.line_of("columns")
            column_keys.section = Section("columns", line, dict.fromkeys(content, line))
        columns.append(_field(column_keys, drawn=True, column=True))
        if columns[-1].kind == "line" or columns[-1].one_to_one:
            raise column_keys.refuse("line", "is for fields; expected boxes, pattern, tick or choices in a table")
        if is_sum(columns[-1].check):
            raise column_keys.refuse("check", "a sum is for a [[field]]; expected a check of one number in a table")
    keys.expect_nothing_else()
    return Table(name, label, rows, tuple(columns))


def _check_names(top: _Keys, form: Form) -> None:
    fields = form.fields
    if len(fields) > _MOST_FIELDS:
        raise RecipeError(f"{top.path}: has {len(fields):,} fields; expected at most {_MOST_FIELDS:,}")
    seen: set[str] = set()
    for field in fields:
        if field.name in seen:
            raise RecipeError(f"{top.path}: the name {field.name} occurs twice; expected each once")
        seen.add(field.name)


def _check_sums(top: _Keys, form: Form, sections: list[Section]) -> None:
    headers = [each for each in sections if each.name == "field"]
    section_of = {each["name"]: section for each, section in zip(top.content.get("field", ()), headers, strict=False)}
    fields = form.fields
    for number, total in enumerate(fields):
        if not is_sum(total.check):
            continue
        later = [replace(each, check="") if is_sum(each.check) else each for each in fields[number + 1 :]]
        try:
            sums_of([*fields[: number + 1], *later])
        except UsageError as error:
            keys = _Keys(top.path, {}, section_of.get(total.name, top.section), "this [[field]]")
            raise keys.refuse("check", str(error)) from error
