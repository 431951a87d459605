"""The table of `digitlab bench read` (each measure with interval, target and peers), and the tables of a model card."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.reading import Classifier, resolve_model
from digitlab.storage import saying_what_failed, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.bench.answering import PagesResult

__all__ = ["Measure", "ReadBench", "Target", "facts_table", "measured_table", "renew_card", "target_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """A lower bound, or an upper one (``most``)."""

    bound: float
    most: bool = False

    def met(self, value: float) -> bool:
        """Return whether a value meets the target."""
        return value <= self.bound if self.most else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.bound:,g}"


_AT_MOST = {
    "photo_multi: character error": 0.02,
    "pages_mixed a: character error": 0.12,
    "pages_mixed c: character error": 0.12,
    "pages_mixed d: character error": 0.15,
    "pages_mixed e: character error": 0.04,
    "pages_mixed f: character error": 0.03,
    "pages_mixed b: digits claimed": 0.3,
    "pages_of_text: digits claimed": 0.3,
    "real digits refused": 0.01,
    "page of 1.5 megapixels": 80.0,
    "page of 12 megapixels": 200.0,
    "one cropped digit": 1.0,
    "start: one photo": 1000.0,
    "shipped models": 6.0,
    "peak memory": 1000.0,
    "slowest bad picture": 2000.0,
}
_AT_LEAST = {
    "photo_single, through read": 0.99,
    "photo_single": 0.995,
    "drawn_misc, through read": 0.98,
    "drawn_misc": 0.99,
    "drawn_hwd1000, through read": 0.98,
    "drawn_hwd1000": 0.99,
    "webcam": 0.99,
    "photo_sudoku_cells, by hand": 0.985,
    "scan_cells": 0.97,
    "scan_children": 0.96,
    "scan_tiny": 0.98,
    "MNIST's test images": 0.993,
    "neg_greek": 0.95,
    "neg_letters": 0.95,
    "neg_": 0.98,
    "photo_multi: exact pages": 0.85,
    "pages_mixed b: pages without": 0.85,
    "pages_of_text: pages without": 0.85,
    "digits in batches": 20_000.0,
}
"""The first matching prefix counts, so more specific ones come first."""


def target_of(name: str) -> Target | None:
    """Return the target for a name, by its prefix; None if there is none.

    >>> str(target_of("neg_operators"))
    '≥ 0.98'
    >>> target_of("page of 12 megapixels, from array").met(140)
    True
    """
    for targets, most in ((_AT_MOST, True), (_AT_LEAST, False)):
        for start, bound in targets.items():
            if name.startswith(start):
                return Target(bound, most)
    return None


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of the table: digitlab's value, its interval, its target, and the peers' by name."""

    what: str
    unit: str
    value: float
    count: int | None = None
    peers: dict[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        target = target_of(self.what)
        return None if target is None else target.met(self.value)

    def row(self, peers: Sequence[str]) -> list[str]:
        """Return the cells: measure, number of pictures, our value, interval, target, whether met, peers' values."""
        target = target_of(self.what)
        return [
            f"{self.what} ({self.unit})" if self.unit else self.what,
            "" if self.count is None else f"{self.count:,}",
            _number(self.value),
            "" if self.interval is None else " to ".join(map(_number, self.interval)),
            "" if target is None else str(target),
            {None: "", True: "yes", False: "no"}[self.met],
            *(_number(self.peers[name]) if name in self.peers else "" for name in peers),
        ]


@dataclass(frozen=True)
class ReadBench:
    """Complete result of `digitlab bench read`."""

    machine: str
    model: str
    measures: list[Measure]
    writers: dict[str, dict[str, dict[str, tuple[int, int]]]]  # set → reader → writer → correct, total
    pages: dict[str, dict[str, PagesResult]]  # set → reader → pages
    peers: list[str]
    missing: list[str]
    bad_ms: dict[str, float]

    def header(self) -> list[str]:
        """Return the header for `Measure.row`."""
        return ["", "of", "digitlab", "95 %", "target", "met", *self.peers]

    def rows(self) -> list[list[str]]:
        """Return the rows of the table."""
        return [measure.row(self.peers) for measure in self.measures]

    def writer_rows(self) -> list[list[str]]:
        """Return, for each set and writer, the number of pictures and the accuracy of each reader."""
        rows = []
        for name, by_reader in self.writers.items():
            for writer, (_, of) in by_reader["digitlab"].items():
                shares = [
                    by_reader[reader][writer][0] / by_reader[reader][writer][1] for reader in ("digitlab", *self.peers)
                ]
                rows.append([name, writer, str(of), *map(_number, shares)])
        return rows

    def page_rows(self) -> list[list[str]]:
        """Return, for each page, its size, milliseconds, ground truth, and the text of each reader."""
        rows = []
        for by_reader in self.pages.values():
            for index, page in enumerate(by_reader["digitlab"].pages):
                read = [by_reader[reader].pages[index].read for reader in ("digitlab", *self.peers)]
                size = f"{page.size[0]}×{page.size[1]}"
                rows.append([page.name, size, f"{page.milliseconds:.0f}", page.text, *read])
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for other programs."""
        return {
            "machine": self.machine,
            "model": self.model,
            "measures": [
                {
                    "what": measure.what,
                    "unit": measure.unit,
                    "of": measure.count,
                    "value": measure.value,
                    "interval": None if measure.interval is None else list(measure.interval),
                    "target": None if (target := target_of(measure.what)) is None else str(target),
                    "met": measure.met,
                    "peers": measure.peers,
                }
                for measure in self.measures
            ],
            "writers": {
                name: {
                    reader: {writer: list(counts) for writer, counts in by_writer.items()}
                    for reader, by_writer in by_reader.items()
                }
                for name, by_reader in self.writers.items()
            },
            "pages": [
                {"page": row[0], "size": row[1], "ms": float(row[2]), "text": row[3],
                 "read": dict(zip(("digitlab", *self.peers), row[4:], strict=True))}
                for row in self.page_rows()
            ],
            "bad_pictures_ms": self.bad_ms,
            "missing": self.missing,
        }  # fmt: skip


def _number(value: float) -> str:
    if value != value:  # NaN: not measured
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 2 else f"{value:.3f}"


def renew_card(path: Path, result: ReadBench, model: str | None) -> None:
    """Replace the tables between the markers ``<!-- facts -->`` and ``<!-- measured -->`` in a Markdown file.

    Raises:
        UsageError: for a file without the markers.
        StorageError: if it cannot be read or written.
    """
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8")
    for name, table in (("facts", facts_table(model)), ("measured", measured_table(result))):
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not marks.search(text):
            raise UsageError(f"{path}: lacks the marks <!-- {name} --> and <!-- /{name} -->; expected a model's card")
        text = marks.sub(lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}", text)  # type: ignore[misc]
    write_text(path, text)


def facts_table(model: str | None) -> str:
    """Format the metadata of the model's file as a Markdown table."""
    path = resolve_model(model)
    card = Classifier(path, threads=1).card
    content = path.read_bytes()
    rows = [
        ["file", f"`{path.name}`, {len(content) / 1e6:.2f} MB, SHA-256 `{hashlib.sha256(content).hexdigest()[:16]}…`"]
    ]
    if card is not None:
        rows += [["network", card.architecture], ["preparation", card.preparation], ["form", card.form]]
        rows += [[name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value)]
                 for name, value in card.training.items() if name not in ("architecture", "name")]  # fmt: skip
        rows += [["made with", ", ".join(f"{name} {version}" for name, version in card.versions.items())]]
    return _markdown(["", ""], rows)


def measured_table(result: ReadBench) -> str:
    """Format the measures, in total and per writer, as Markdown tables."""
    tables = [_markdown(result.header(), result.rows())]
    if result.writers:
        tables.append(_markdown(["set", "writer", "of", "digitlab", *result.peers], result.writer_rows()))
    pages = [[row[0], row[1], row[2], row[3], row[4]] for row in result.page_rows()]
    if pages:
        tables.append(_markdown(["page", "pixels", "ms", "stands there", "was read"], pages))
    measured = f"Measured {date.today().isoformat()} on {result.machine}; accuracy counts a refusal as wrong."
    return "\n\n".join([measured, *tables])


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
