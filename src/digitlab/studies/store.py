"""Where finished cells are kept: one small JSON file each, written at once, shared by all studies.

    OUT/cells/ARCHITECTURE/DATASET-SEED-DIGEST.json     what a training gave; enough for every table and figure
    OUT/STUDY/                                          table.md, results.json, figure.png of a study
    OUT/quick/                                          the same of quick runs: other cells, other tables

Everything is written atomically: a file that is there is whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.storage import cache_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.studies.job import Job

__all__ = ["RESULTS", "Record", "Store", "checkpoint_of"]

RESULTS = Path("studies-results")  # the usual OUT

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Store:
    """The folder OUT, or OUT/quick."""

    path: Path

    @classmethod
    def at(cls, out: Path, *, quick: bool = False) -> Store:
        """The store of whole or of quick runs."""
        return cls(out / "quick" if quick else out)

    def read(self, job: Job) -> Record | None:
        """What was kept of a job; None where nothing was, or nothing that can be read."""
        try:
            record = json.loads((self.path / "cells" / job.place).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        fits = (
            isinstance(record, dict) and record.get("digest") == job.digest and isinstance(record.get("result"), dict)
        )
        return record if fits else None

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
        """Where the table, the figure and the numbers of a study are."""
        return self.path / study


def checkpoint_of(job: Job) -> Path:
    """Where the state of a cell under way is kept after an epoch, on this machine."""
    return cache_folder() / "studies" / job.digest / "state.npz"


def _compact(record: Record) -> str:
    """JSON with a line for each value of the first two levels: lists of numbers stay on theirs."""
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
