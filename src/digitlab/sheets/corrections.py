"""A person's corrections of fields: read from files that the page saved, stored beside the table, applied to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.archives.review_page import saved_entries, what_is_wrong
from digitlab.errors import DatasetError
from digitlab.sheets.review_page import KIND
from digitlab.sheets.values import ANSWERED, DOUBTFUL, EMPTY
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from digitlab.sheets.table import TableRow

__all__ = ["FieldCorrection", "corrected", "keep_corrections", "read_field_corrections"]


@dataclass(frozen=True, slots=True)
class FieldCorrection:
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


def read_field_corrections(paths: Iterable[Path]) -> dict[tuple[str, str], FieldCorrection]:
    """Read corrections, by file and field; if a field occurs twice, the last one counts.

    Raises:
        DatasetError: for a missing, too large or foreign file, naming the entry and what is wrong.
    """
    corrections: dict[tuple[str, str], FieldCorrection] = {}
    for path in paths:
        for number, entry in enumerate(saved_entries(path, KIND, "fields")):
            try:
                correction = _parsed(entry)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise DatasetError(
                    f"{path}: fields[{number}] {what_is_wrong(error)}; save the corrections again"
                ) from error
            corrections[correction.file, correction.field] = correction
    return corrections


def _parsed(entry: Any) -> FieldCorrection:
    texts = {name: entry[name] for name in ("file", "field", "value", "state", "said")}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > 4000:
            raise ValueError(f"has the {name} {str(value)[:20]!r}, expected a text")
    confidence = float(entry["confidence"])
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"has the confidence {confidence:g}, expected 0 to 1")
    return FieldCorrection(**texts, confidence=confidence, sampled=entry["sampled"] is True)


def keep_corrections(path: Path, corrections: Mapping[tuple[str, str], FieldCorrection]) -> None:
    """Write all corrections to one file of the kind that the page saves.

    Raises:
        StorageError: when it cannot be written.
    """
    lines = ",\n".join(json.dumps(asdict(each), ensure_ascii=False) for each in corrections.values())
    write_text(path, f'{{"kind": "{KIND}", "fields": [\n{lines}\n]}}\n')


def corrected(row: TableRow, corrections: Mapping[tuple[str, str], FieldCorrection]) -> TableRow:
    """Apply a person's corrections to a row: such a value is certain. With a ? in it, it stays doubtful."""
    fields = []
    for field in row.fields:
        correction = corrections.get((row.file, field.name))
        if correction is None:
            fields.append(field)
            continue
        # A person cannot read everything either.
        state = DOUBTFUL if "?" in correction.said else ANSWERED if correction.said else EMPTY
        fields.append(replace(field, value=correction.said, confidence=1.0, state=state))
    return replace(row, fields=tuple(fields))
