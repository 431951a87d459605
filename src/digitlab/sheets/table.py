"""The table of a stack: one row per sheet, with `file`, one column per field, then how sure each field is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError
from digitlab.reading.numbers import one_to_one
from digitlab.sheets.job import seen_in
from digitlab.sheets.sums import settled_total, sums_of
from digitlab.sheets.values import ANSWERED, DOUBTFUL, FAILED, FieldRead, Known, known_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from digitlab.sheets.form import Field, Form
    from digitlab.sheets.values import Seen
    from digitlab.values import ReadDigit

__all__ = ["SheetTable", "TableRow", "columns_of"]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One photo: its fields, or none if it could not be read. note: what is odd about it, or the error."""

    file: str
    fields: tuple[FieldRead, ...]
    note: str = ""
    failed: bool = False

    def cells(self, names: Iterable[str]) -> list[str | float | None]:
        """Return one cell for each of `columns_of`: values, then confidence and state of each field, then the note."""
        by_name = {each.name: each for each in self.fields}
        fields = [by_name.get(name) for name in names]
        values: list[str | float | None] = [None if each is None else each.value for each in fields]
        certainties: list[str | float | None] = []
        for each in fields:
            certainties += [None, None] if each is None else [round(each.confidence, 4), each.state]
        return [self.file, *values, *certainties, self.note]


class SheetTable:
    """The rows of a stack, made from what was seen, as often as they are iterated over."""

    def __init__(self, form: Form, rows: Iterable[Mapping[str, Any]], threshold: float, least: float = 0.0) -> None:
        """``rows``: of `sheet_row`; read twice if a field is one-to-one, so they must not be an iterator then.

        threshold: of the reader; least: the confidence below which a value is doubtful

        Raises:
            DatasetError, UsageError: for a list that is missing by now, or a stack too large for one assignment;
                also when a row is reached that was read with other fields than the form has.
        """
        self.form, self._rows, self._threshold, self._least = form, rows, threshold, least
        self._fields = {each.name: each for each in form.fields}
        self._known: dict[str, Known] = {name: known_of(field) for name, field in self._fields.items()}
        self._sums = sums_of(form.fields)
        self._assigned = {name: self._assign_entries(field) for name, field in self._fields.items() if field.one_to_one}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self._fields)

    def __iter__(self) -> Iterator[TableRow]:
        for number, row in enumerate(self._rows):
            yield self._row(number, row)

    def with_rows(self) -> Iterator[tuple[Mapping[str, Any], tuple[FieldRead, ...]]]:
        """Yield what was kept of each sheet that was read, and its fields."""
        for number, row in enumerate(self._rows):
            if row["error"] is None:
                yield row, self._row(number, row).fields

    def _row(self, number: int, row: Mapping[str, Any]) -> TableRow:
        if row["error"] is not None:
            return TableRow(row["path"], (), row["error"], failed=True)
        fields = {}
        for seen in self._seen_in(row):
            read = value_of(self._fields[seen.name], seen, self._known[seen.name], self._threshold)
            fields[seen.name] = self._assigned[seen.name](number, read) if seen.name in self._assigned else read
        notes = [row["note"], *self._settle_totals(fields)]
        for name, each in fields.items():
            if each.state == ANSWERED and each.confidence < self._least:
                fields[name] = replace(each, state=DOUBTFUL)
        return TableRow(row["path"], tuple(fields.values()), "; ".join(filter(None, notes)))

    def _seen_in(self, row: Mapping[str, Any]) -> tuple[Seen, ...]:
        """Restore what was seen on a sheet.

        Raises:
            DatasetError: for other fields than those of the form: its file was changed since.
        """
        fields = seen_in(row)
        if {each.name for each in fields} != self._fields.keys() or not all(map(self._fits, fields)):
            raise DatasetError(
                f"{row['path']}: was read with other fields than {self.form.path} has now; run `digitlab sheet read` "
                "with another --out, or undo the change"
            )
        return fields

    def _fits(self, seen: Seen) -> bool:
        """Return whether what was seen is of a field of this kind."""
        field = self._fields[seen.name]
        if field.kind in ("tick", "choice"):
            return len(seen.longest) == field.cells
        if field.kind == "line":
            return not seen.longest and len(seen.signs) == len(seen.cells)
        return not seen.longest and not seen.signs and len(seen.cells) <= field.boxes

    def _settle_totals(self, fields: dict[str, FieldRead]) -> Iterator[str | None]:
        """Settle each total with its addends, in place; yield a note on it, or None."""
        for name, addends in self._sums.items():
            pairs = [(each, fields[each.name]) for each in addends]
            settled, note = settled_total((self._fields[name], fields[name]), pairs, self._known, self._threshold)
            fields |= settled
            yield note

    def _assign_entries(self, field: Field) -> _Assignment:
        """Assign an entry of the field's list to each sheet."""
        digits: list[list[ReadDigit]] = []
        for row in self._rows:
            seen = None if row["error"] is not None else {each.name: each for each in self._seen_in(row)}[field.name]
            digits.append([] if seen is None else [each for each in seen.cells if each is not None])
        among = self._known[field.name].among
        assert among is not None  # noqa: S101 - for the type checker: `read_form` expects it
        return _Assignment(one_to_one(digits, among))


class _Assignment:
    """The result of `one_to_one` as the value of a field."""

    def __init__(self, results: tuple[Any, ...]) -> None:
        self._results = results

    def __call__(self, number: int, plain: FieldRead) -> FieldRead:
        """Return the field of the sheet with this number; an empty one stays empty."""
        result = self._results[number]
        if not plain.digits:
            return plain
        state = FAILED if result.entry is None else DOUBTFUL if result.doubtful else ANSWERED
        return replace(plain, value=result.text, confidence=result.confidence, state=state)


def columns_of(names: Iterable[str]) -> list[str]:
    """Return the column heads of the table."""
    named = list(names)
    return ["file", *named, *(f"{name} {suffix}" for name in named for suffix in ("confidence", "state")), "note"]
