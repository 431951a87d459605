"""The displayed content of a value: lines and tables, as HTML for a notebook and through rich for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matplotlib.figure import Figure
    from rich.console import Group
    from rich.table import Table as RichTable


__all__ = ["BARS", "Look", "Sheet", "Table", "bar"]

BARS = 24  # characters of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, length: int = BARS) -> str:
    """A bar of block characters, which every browser, editor and terminal shows alike.

    >>> bar(1, 4), bar(0.5, 4), bar(0.03, 4), bar(0, 4)
    ('████', '██', '▏', '')
    """
    whole, part = divmod(round(8 * length * min(max(share, 0.0), 1.0)), 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows and columns. left: the number of left-aligned columns; the others are numbers, right-aligned."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    left: int = 1

    def html(self) -> str:
        """An HTML table; everything in it is escaped."""
        sides = ["left" if index < self.left else "right" for index in range(len(self.head))]
        caption = f"<caption style='text-align:left'>{escape(self.title)}</caption>" if self.title else ""
        head = f"<thead>{_row('th', self.head, sides)}</thead>" if any(self.head) else ""
        return f"<table>{caption}{head}<tbody>{''.join(_row('td', row, sides) for row in self.rows)}</tbody></table>"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All displayed content of a value. title: in bold; lines: below it; tables: below them."""

    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()

    def html(self) -> str:
        """An HTML fragment; its only styling is bold for the title, and the alignment of columns."""
        parts = f"<div><b>{escape(self.title)}</b></div>" if self.title else ""
        parts += "".join(f"<div>{escape(line)}</div>" for line in self.lines)
        return parts + "".join(table.html() for table in self.tables)

    def rich(self) -> Group:
        """The same for rich; markup in the texts is not interpreted."""
        from rich.console import Group
        from rich.text import Text

        lines = ([Text(self.title, style="bold")] if self.title else []) + [Text(line) for line in self.lines]
        return Group(*lines, *map(_rich_table, self.tables))


def _row(tag: str, cells: Iterable[str], sides: Sequence[str]) -> str:
    cells_html = (
        f"<{tag} style='text-align:{side}'>{escape(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{''.join(cells_html)}</tr>"


def _rich_table(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    rich_table = RichTable(
        title=Text(table.title) if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_header=any(table.head),
    )
    for index, name in enumerate(table.head):
        rich_table.add_column(Text(name), justify="left" if index < table.left else "right")
    for row in table.rows:
        rich_table.add_row(*(Text(cell) for cell in row))
    return rich_table


@dataclass(frozen=True, slots=True)
class Look:
    """How values of a class are displayed; None: not available in this form.

    sheet: its tables
    png: its picture, which a notebook shows in place of the tables; it may be None for a value without one
    figures: its figures by name, each drawn when called; the first is the default
    columns: its rows as columns by name, for pandas
    """

    sheet: Callable[[Any], Sheet] | None = None
    png: Callable[[Any], bytes | None] | None = None
    figures: Callable[[Any], Mapping[str, Callable[[], Figure]]] | None = None
    columns: Callable[[Any], Any] | None = None
