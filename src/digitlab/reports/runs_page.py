"""The runs of a folder → one page: a table sortable by clicking, with learning curves and links to the reports."""

from __future__ import annotations

import base64
import hashlib
import math
import os
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.reports.rendering import render
from digitlab.runs import Run
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["write_runs"]

_WIDE, _HIGH = 90, 22  # pixels of a learning curve
_LEAST = 1e-4  # lowest error rate drawn: the curves are logarithmic, since all accuracies end near 1


class _Table(Protocol):
    """The part of `jobs.RunTable` that is needed here; this package does not import `jobs`."""

    @property
    def folder(self) -> Path: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def left_out(self) -> Sequence[str]: ...
    @property
    def texts(self) -> int: ...
    def as_texts(self) -> tuple[list[str], list[list[str]]]: ...


def write_runs(table: _Table, out: Path) -> None:
    """Write the page.

    Raises:
        StorageError: when it cannot be written.
    """
    head, texts = table.as_texts()
    rows = [
        {
            "cells": cells,
            "curve": _curve(Run(row["path"])),
            "report": _link(Run(row["path"]).report, out),
            "folder": str(row["path"]),
        }
        for row, cells in zip(table.rows, texts, strict=True)
    ]
    script = resources.files("digitlab.reports").joinpath("templates/runs.js").read_text("utf-8")
    page = render(
        "runs.html",
        folder=str(table.folder),
        made=f"{datetime.now():%Y-%m-%d %H:%M}",
        head=head,
        rows=rows,
        left_out=list(table.left_out),
        texts=table.texts,
        size=(_WIDE, _HIGH),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )
    write_text(out, page)


def _link(path: Path, out: Path) -> str | None:
    """The relative link from the page to a report, which still works when both are moved together; None without one."""
    if not path.is_file():
        return None
    try:
        return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_uri()


def _curve(run: Run) -> str:
    """The error rate after each epoch, logarithmic, as the points of an SVG line; "" without two epochs."""
    table = run.read_table(run.history)
    for name in ("validation_accuracy", "test_accuracy", "accuracy"):
        values = [value for value in table.get(name, []) if math.isfinite(value)]
        if len(values) > 1:
            break
    else:
        return ""
    errors = [math.log(max(1 - value, _LEAST)) for value in values]
    low, high = math.log(_LEAST), max(0.0, *errors)
    points = (
        (1 + index * (_WIDE - 2) / (len(errors) - 1), 1 + (_HIGH - 2) * (high - error) / (high - low))
        for index, error in enumerate(errors)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
