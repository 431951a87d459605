"""Options of a stack in addition to its form, stored beside the table: whoever makes the table again uses the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, UsageError
from digitlab.reading.numbers import check_of
from digitlab.sheets.form import Field
from digitlab.sheets.sums import sums_of
from digitlab.sheets.values import SUMS, is_sum
from digitlab.storage import saying_what_failed, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.sheets.form import Form, Table

__all__ = ["SheetOptions", "read_options", "save_options", "with_checks"]

_LARGEST = 1_000_000  # bytes of the file


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """Options. least: the confidence below which a value is doubtful; checks: "FIELD=CHECK", of the form's fields."""

    least: float = 0.0
    checks: tuple[str, ...] = ()


def with_checks(form: Form, checks: Sequence[str]) -> Form:
    """Return the form with checks for some of its fields, replacing those in its file.

    checks: "FIELD=CHECK" each, as "date=date"; in a table for a whole column, as "task.*.points=range:0-20"

    Raises:
        UsageError: for an unknown check, a field that cannot have one, or a sum that is not possible.
    """
    for text in checks:
        name, equals, check = (part.strip() for part in text.partition("="))
        if not equals or not check:
            raise UsageError(f"--check {text}: expected FIELD=CHECK, as in total=sum:task.*.points")
        if not is_sum(check):
            try:
                check_of(check, sums=SUMS)
            except UsageError as error:
                raise UsageError(f"--check {text}: {error}") from error
        items = tuple(_with_check(item, name, check) for item in form.items)
        if items == form.items and not any(fnmatchcase(each.name, name) for each in form.fields):
            raise UsageError(f"--check {text}: no field is called {name}; expected one of {_names(form)}")
        form = replace(form, items=items)
    try:
        sums_of(form.fields)
    except UsageError as error:
        raise UsageError(f"--check: {error}") from error
    return form


def _names(form: Form) -> str:
    return ", ".join(each.name for each in form.fields if each.kind in ("boxes", "line"))[:300]


def _with_check(item: Field | Table, name: str, check: str) -> Field | Table:
    if isinstance(item, Field):
        return _field_with_check(item, item.name, check) if fnmatchcase(item.name, name) else item
    columns = []
    for column in item.columns:
        matches = [fnmatchcase(f"{item.name}.{row}.{column.name}", name) for row in item.rows]
        whole_column = f"{item.name}.*.{column.name}"
        if any(matches) and not all(matches):
            raise UsageError(f"--check {name}={check}: a check is of a whole column; expected {whole_column}={check}")
        if all(matches) and is_sum(check):
            raise UsageError(f"--check {name}={check}: a sum is of one field; expected a field outside of tables")
        columns.append(_field_with_check(column, whole_column, check) if all(matches) else column)
    return replace(item, columns=tuple(columns))


def _field_with_check(field: Field, name: str, check: str) -> Field:
    if field.kind not in ("boxes", "line") or field.among:
        reason = "is on a list" if field.among else "is ticked"
        raise UsageError(f"--check {name}={check}: {name} {reason}; expected a field of digits without a list")
    return replace(field, check=check)


def save_options(path: Path, options: SheetOptions) -> None:
    """Write the options beside a table; if there are none, only over an existing file.

    Raises:
        StorageError: when it cannot be written.
    """
    if options != SheetOptions() or path.exists():
        content = {"kind": "digitlab sheet asked 1", "least": options.least, "checks": list(options.checks)}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_options(path: Path) -> SheetOptions:
    """Read the options; without a file, there are none.

    Raises:
        DatasetError: for a damaged file.
    """
    if not path.exists():
        return SheetOptions()
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8", errors="replace") if path.stat().st_size <= _LARGEST else ""
    try:
        content: Any = json.loads(text)
        least, checks = float(content["least"]), tuple(content["checks"])
        valid = content["kind"] == "digitlab sheet asked 1" and 0.0 <= least <= 1.0
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        valid, least, checks = False, 0.0, ()
    if not valid or not all(isinstance(each, str) for each in checks):
        raise DatasetError(f"{path}: is damaged; delete it and run `digitlab sheet read` again")
    return SheetOptions(least, checks)
