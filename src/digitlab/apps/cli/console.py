"""What every verb says, and where: results on stdout; progress, logs and advice on stderr.

Terminals, pipes and logs that do not take every sign get it in plain letters.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

__all__ = [
    "ENCODING_ERRORS", "advise", "complain", "in_time", "say", "say_json", "show_for_now", "table",
    "takes_every_sign", "write_all_signs",
]  # fmt: skip

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


def in_time(seconds: float) -> str:
    """A length of time in the two units that matter.

    >>> in_time(8), in_time(200), in_time(8100)
    ('8 s', '3 min', '2 h 15 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


ENCODING_ERRORS = "digitlab-plain"

_PLAIN = {
    "…": "...", "→": "->", "←": "<-", "×": "x", "·": ".", "•": "*", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=",
    "≈": "~", "±": "+-", "“": '"', "”": '"', "‘": "'", "’": "'", "✓": "+", "✗": "x", "°": " deg", "√": "sqrt",
    "§": "S.", "µ": "u", "∞": "inf",
}  # fmt: skip


def write_all_signs() -> None:
    """Let standard output and error write what their encoding lacks in plain letters, in place of a traceback."""
    codecs.register_error(ENCODING_ERRORS, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ENCODING_ERRORS)


def takes_every_sign(stream: object) -> bool:
    """Whether a stream is of UTF-8 or its kin."""
    name = getattr(stream, "encoding", None) or "utf-8"  # a StringIO has none and takes all
    return codecs.lookup(name).name.startswith("utf")


def _in_plain_letters(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(map(_plain, signs)), error.end


def _plain(sign: str) -> str:
    r"""One sign: a likeness, the letter without its accent, the byte of a file's name that is no UTF-8, or its number.

    >>> [_plain(sign) for sign in ("×", "é", "\udcff", "山")]
    ['x', 'e', '\\xff', '\\u5c71']
    """
    if "\udc80" <= sign <= "\udcff":
        return f"\\x{ord(sign) - 0xDC00:02x}"
    bare = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    for likeness in (_PLAIN.get(sign, ""), bare):
        if likeness and likeness.isascii():
            return likeness
    return sign.encode("ascii", "backslashreplace").decode()
