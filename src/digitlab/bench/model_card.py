"""The tables of a model's card: what the file says of itself, and what was measured of it."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.reading import Classifier, resolve_model
from digitlab.storage import saying_what_failed, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.bench.read_table import ReadBench

__all__ = ["facts_table", "measured_table", "renew_card"]


def renew_card(path: Path, result: ReadBench, model: str | None) -> None:
    """Put new tables between the marks ``<!-- facts -->`` and ``<!-- measured -->`` of a Markdown file and their ends.

    Raises:
        UsageError: for a file without the marks.
        StorageError: when it cannot be read or written.
    """
    with saying_what_failed(path, "read"):
        text = path.read_text("utf-8")
    for name, table in (("facts", facts_table(model)), ("measured", measured_table(result))):
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not marks.search(text):
            raise UsageError(f"{path}: lacks the marks <!-- {name} --> and <!-- /{name} -->; expected a model's card")
        text = marks.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)  # type: ignore[misc]
    write_text(path, text)


def facts_table(model: str | None) -> str:
    """What the model's file says of itself, as a table of Markdown."""
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
    """What was measured, in total and per writer, as tables of Markdown."""
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
