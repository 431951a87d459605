"""Write the tables of settings into the docs, from the declarations of the settings.

    python tools/settings_tables.py

A table is between `<!-- settings: digitlab.training.config.TrainingConfig -->` and `<!-- end of settings -->`.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from digitlab.settings import settings_in

DOCS = Path(__file__).parents[1] / "docs"
_KINDS = {bool: "true, false", int: "a whole number", float: "a number"}  # where no range is declared
_TABLE = re.compile(r"(<!-- settings: ([\w.]+)\.(\w+) -->\n)(.*?)(<!-- end of settings -->)", re.DOTALL)


def settings_table(declaring: type) -> str:
    """Format the settings of a dataclass as a Markdown table."""
    rows = ["| setting | option | default | range | what it is |", "|---|---|---|---|---|"]
    for each in settings_in(declaring):
        option = ", ".join(f"`{name}`" for name in (each.flag, *each.spellings))
        default = "–" if each.default is None else f"`{_as_written(each.default)}`"
        allowed = each.allowed or _KINDS.get(each.kind, "")
        rows.append(f"| `{each.name}` | {option} | {default} | {allowed} | {each.help} |")
    return "\n".join(rows)


def _as_written(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_tables(page: str) -> str:
    """Return the page with its tables updated to the current declarations."""

    def table(match: re.Match[str]) -> str:
        declaring = getattr(importlib.import_module(match[2]), match[3])
        return f"{match[1]}\n{settings_table(declaring)}\n\n{match[5]}"

    return _TABLE.sub(table, page)


def main() -> None:
    """Update the tables of all pages."""
    for path in sorted(DOCS.rglob("*.md")):
        before = path.read_text("utf-8")
        after = with_tables(before)
        if after != before:
            path.write_text(after, "utf-8")
            print(path.relative_to(DOCS.parent))  # noqa: T201


if __name__ == "__main__":
    main()
