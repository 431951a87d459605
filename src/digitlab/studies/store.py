"""Finished cells on disk: one small JSON file each, written as soon as the cell is done, shared by all studies.

    OUT/cells/ARCHITECTURE/DATASET-SEED-DIGEST.json     result of a training: enough for all tables and figures
    OUT/STUDY/                                          table.md, results.json and figure.png of a study
    OUT/quick/                                          the same for quick runs: separate cells and tables

All writes are atomic: a file that exists is complete.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from digitlab.studies.job import Job

__all__ = ["Record", "Store"]

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of cells: OUT, or OUT/quick."""

    path: Path

    @classmethod
    def at(cls, out: Path, *, quick: bool = False) -> Store:
        """The store of full runs in ``out``, or that of quick runs."""
        return cls(out / "quick" if quick else out)

    def read(self, job: Job) -> Record | None:
        """Read the record of a job; None if it is missing, damaged, or of another job."""
        try:
            record = json.loads((self.path / "cells" / job.place).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        valid = (
            isinstance(record, dict) and record.get("digest") == job.digest and isinstance(record.get("result"), dict)
        )
        return record if valid else None

    def keep(self, job: Job, result: Mapping[str, Any], environment: Mapping[str, Any]) -> Record:
        """Write the result of a job.

        Raises:
            StorageError: when it cannot be written.
        """
        record = {
            "digest": job.digest,
            "kind": job.kind,
            "settings": dict(job.settings),
            "result": dict(result),
            "environment": dict(environment),
        }
        write_text(self.path / "cells" / job.place, _compact(record) + "\n")
        return record

    def folder(self, study: str) -> Path:
        """The folder of a study's table, figure and numbers."""
        return self.path / study


def _compact(record: Record) -> str:
    """Serialise to JSON with one line per value of the first two levels: a list of numbers takes one line."""
    lines = []
    for name, value in record.items():
        if isinstance(value, dict):
            inner = ",\n".join(
                f"  {json.dumps(key)}: {json.dumps(each, allow_nan=False)}" for key, each in value.items()
            )
            lines.append(f" {json.dumps(name)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}"
