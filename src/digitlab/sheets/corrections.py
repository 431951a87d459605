"""A person's corrections of fields: read from files that the page saved, stored beside the table, applied to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.archives.review_page import saved_entries
from digitlab.errors import DatasetError
from digitlab.sheets.looking_over import KIND
from digitlab.sheets.values import ANSWERED, DOUBTFUL, EMPTY
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from digitlab.sheets.table import TableRow

__all__ = ["FieldSaid", "corrected", "keep_corrections", "read_field_corrections"]


@dataclass(frozen=True, slots=True)
class FieldSaid:
    """What a person said about a field.

    value, state, confidence: as it was read; said: what is written there, "" for nothing
    sampled: whether it was drawn at random from the answered ones, rather than chosen as doubtful
    """

    file: str
    field: str
    value: str
    state: str
    confidence: float
    sampled: bool
    said: str

    @property
    def wrong(self) -> bool:
        """Whether it was misread."""
        return self.said != self.value


def read_field_corrections(paths: Iterable[Path]) -> dict[tuple[str, str], FieldSaid]:
    """Read corrections, by file and field; if a field occurs twice, the last one counts.

    Raises:
        DatasetError: for a missing, too large or foreign file, naming the entry and what is wrong.
    """
    found: dict[tuple[str, str], FieldSaid] = {}
    for path in paths:
        for number, entry in enumerate(saved_entries(path, KIND, "fields")):
            try:
                each = _checked(entry)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
                raise DatasetError(f"{path}: fields[{number}] {reason}; save the corrections again") from error
            found[each.file, each.field] = each
    return found


def _checked(entry: Any) -> FieldSaid:
    texts = {name: entry[name] for name in ("file", "field", "value", "state", "said")}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > 4000:
            raise ValueError(f"has the {name} {str(value)[:20]!r}, expected a text")
    confidence = float(entry["confidence"])
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"has the confidence {confidence:g}, expected 0 to 1")
    return FieldSaid(**texts, confidence=confidence, sampled=entry["sampled"] is True)


def keep_corrections(path: Path, said: Mapping[tuple[str, str], FieldSaid]) -> None:
    """Write all corrections to one file of the kind that the page saves.

    Raises:
        StorageError: when it cannot be written.
    """
    lines = ",\n".join(json.dumps(asdict(each), ensure_ascii=False) for each in said.values())
    write_text(path, f'{{"kind": "{KIND}", "fields": [\n{lines}\n]}}\n')


def corrected(row: TableRow, said: Mapping[tuple[str, str], FieldSaid]) -> TableRow:
    """Apply a person's corrections to a row: such a value is certain. With a ? in it, it stays doubtful."""
    fields = []
    for each in row.fields:
        word = said.get((row.file, each.name))
        if word is None:
            fields.append(each)
            continue
        state = DOUBTFUL if "?" in word.said else ANSWERED if word.said else EMPTY  # a person cannot read all either
        fields.append(replace(each, value=word.said, confidence=1.0, state=state))
    return replace(row, fields=tuple(fields))
