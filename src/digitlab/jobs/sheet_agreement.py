"""Two readers of the same sheets, field by field: two models, two people, or a person and a model."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the settings of a job are read from its types
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError, counted
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from digitlab.sheets.table import SheetTable

    Key = tuple[str, str]  # a photo and a field's name

__all__ = ["Agreement", "compare_sheets", "differing_fields"]

_STATE = " state"  # end of the name of a column with a field's state


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two readers: fields that both have, fields with equal values, and differences: file, field, both.

    refused: photos without values in one of the tables, because they were refused; their fields are not compared
    """

    fields: int
    same: int
    differ: tuple[tuple[str, str, str, str], ...]
    refused: tuple[str, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share that is the same (Wilson)."""
        from digitlab.evaluation.intervals import wilson

        return wilson(self.same, self.fields)


def compare_sheets(one: Path, other: Path) -> Agreement:
    """Compare the values of two readers of the same sheets: two models, or a person and a model.

    Columns count if both have them, and if they are not confidences, states or notes; photos, if neither reader
    refused them.

    Args:
        one: a table (CSV), or the corrections that a person saved.
        other: the other one; its photos are identified by name, whatever their folder; by path if names occur twice.

    Raises:
        DatasetError: for a file that is neither, or if no sheet or column is in both.
    """
    first, second = _values_of(one), _values_of(other)
    identify = _identity(first.files, second.files)
    ours, theirs = ({identify(*key): value for key, value in each.values.items()} for each in (first, second))
    refused = sorted({identify(file)[0] for each in (first, second) for file in each.refused})
    common = sorted(ours.keys() & theirs.keys())
    differ = tuple((*key, ours[key], theirs[key]) for key in common if ours[key] != theirs[key])
    if not common:
        left_out = f"; {counted(len(refused), 'photo')} without values not counted" if refused else ""
        raise DatasetError(
            f"{one} and {other} have no sheet and column in common{left_out}; expected tables of the same photos"
        )
    return Agreement(len(common), len(common) - len(differ), differ, tuple(refused))


def differing_fields(rows: SheetTable, other: Path) -> tuple[dict[Key, str], int]:
    """Find what another reader read differently, by file and field; and how many of our photos that reader refused.

    Raises:
        DatasetError: for a file that was not written by a reader, or that concerns other photos.
    """
    second = _values_of(other)
    ours = {(row["path"], each.name): each.value for row, fields in rows.with_rows() for each in fields}
    identify = _identity([row.file for row in rows], second.files)
    theirs = {identify(*key): value for key, value in second.values.items()}
    refused = {identify(file)[0] for file in second.refused} & {identify(file)[0] for file, _ in ours}
    common = [key for key in ours if identify(*key) in theirs]
    if not common:
        raise DatasetError(f"{other} has no sheet and column of this table; expected a reading of the same photos")
    return {key: theirs[identify(*key)] for key in common if theirs[identify(*key)] != ours[key]}, len(refused)


def _identity(*tables: Iterable[str]) -> Callable[..., Key]:
    """Return what identifies a field in tables of the same photos: the photo's name; its path if names occur twice."""
    return _by_name if all(map(_names_are_unique, tables)) else _by_path


def _by_name(file: str, field: str = "") -> Key:
    """Return the photo's name without its folder, and the field."""
    return file.replace("\\", "/").rpartition("/")[2], field


def _by_path(file: str, field: str = "") -> Key:
    return file, field


def _names_are_unique(files: Iterable[str]) -> bool:
    """Return whether no two photos have the same name, in different folders."""
    different = set(files)
    return len({_by_name(file) for file in different}) == len(different)


@dataclass(frozen=True, slots=True)
class _Values:
    """One reader's values by the photo's path and the field's name, and the photos that have none."""

    values: Mapping[Key, str]
    refused: tuple[str, ...] = ()

    @property
    def files(self) -> set[str]:
        return {file for file, _ in self.values} | set(self.refused)


def _values_of(path: Path) -> _Values:
    """Read a reader's values. A row of a table whose fields have no state at all is that of a refused photo."""
    from digitlab.sheets.corrections import read_field_corrections

    if path.suffix.lower() == ".json":
        corrections = read_field_corrections([path]).values()
        return _Values({(each.file, each.field): each.said for each in corrections})
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8-sig", errors="replace")
    table = csv.DictReader(text.splitlines())
    names = [name for name in table.fieldnames or [] if name]
    if "file" not in names:
        raise DatasetError(f"{path}: has no column file; expected a CSV table that `digitlab sheet read` wrote")
    states = [name for name in names if name.endswith(_STATE)]
    fields = [name for name in names if name not in ("file", "note") and not name.endswith((" confidence", _STATE))]
    values: dict[Key, str] = {}
    refused = []
    for row in table:
        file = str(row["file"])
        if states and not any(row[name] for name in (*states, *fields)):
            refused.append(file)
        else:
            values |= {(file, name): str(row[name]) for name in fields}
    return _Values(values, tuple(refused))
