"""What every verb says, and where: results on stdout; progress, logs and advice on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.encoding import takes_every_sign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

__all__ = ["advise", "complain", "say", "say_json", "show_for_now", "table"]

_CLEAR = "\r\x1b[K"  # the line that the cursor stands in
_for_now: list[TextIO] = []  # the terminal on which such a line is shown


def show_for_now(text: str, terminal: TextIO) -> None:
    """A line that the next one replaces, on a terminal; an empty one only takes it away."""
    terminal.write(_CLEAR + text)
    terminal.flush()
    _for_now[:] = [terminal] if text else []


def _take_away() -> None:
    for terminal in _for_now:
        terminal.write(_CLEAR)
        terminal.flush()


def say(text: str = "") -> None:
    """A line of the result."""
    _take_away()
    sys.stdout.write(text + "\n")


def say_json(content: Mapping[str, Any]) -> None:
    """One object a line, at once: another program may be waiting for it. Nothing in it depends on the locale."""
    text = json.dumps(content, ensure_ascii=not takes_every_sign(sys.stdout))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def advise(text: str) -> None:
    """A line for people, beside the result."""
    _take_away()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """An error, on one line."""
    advise(f"digitlab: {text}")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns padded to their widest cell, the first to the left, the others to the right.

    >>> print(table(["digit", "images"], [[0, 980], [1, 1135]]))
    digit  images
    0         980
    1        1135
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
