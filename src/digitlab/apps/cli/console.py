"""Output of all verbs: results go to stdout; progress, logs and advice to stderr.

Characters that a terminal, pipe or log cannot encode are replaced by plain ASCII.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

__all__ = [
    "ENCODING_ERRORS", "advise", "complain", "in_time", "mention", "one_line", "say", "say_json", "show_for_now",
    "table", "takes_every_sign", "write_all_signs",
]  # fmt: skip

_CLEAR = "\r\x1b[K"  # clears the line that the cursor is in
# Control characters, line separators, and those that reverse the direction of writing.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_for_now: list[TextIO] = []  # the terminal on which a transient line is shown, if any


def show_for_now(text: str, terminal: TextIO) -> None:
    """Show a transient line on a terminal, which the next output replaces; an empty text only clears it."""
    terminal.write(_CLEAR + text)
    terminal.flush()
    _for_now[:] = [terminal] if text else []


def _take_away() -> None:
    for terminal in _for_now:
        terminal.write(_CLEAR)
        terminal.flush()


def say(text: str = "") -> None:
    """Write a line of the result to stdout."""
    _take_away()
    sys.stdout.write(text + "\n")


def say_json(content: Mapping[str, Any]) -> None:
    """Write an object on a line and flush: another program may be waiting for it. Its content is locale-independent."""
    text = json.dumps(content, ensure_ascii=not takes_every_sign(sys.stdout))
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):  # a file name that is not UTF-8
        text = json.dumps(content)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def advise(text: str) -> None:
    """Write a line for people to stderr, beside the result."""
    _take_away()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def one_line(text: str) -> str:
    r"""Make a text with names or content of files safe to print: one line without control characters.

    >>> one_line("a\x1b[31m.jpg: damaged\n  (not a picture)")
    'a\\x1b[31m.jpg: damaged (not a picture)'
    """
    text = re.sub(r"\s*[\r\n]\s*", " ", text.strip())
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def mention(text: str) -> None:
    """Write a warning or remark to stderr, on one line."""
    advise(f"digitlab: note: {one_line(text)}")


def complain(text: str) -> None:
    """Write an error to stderr, on one line."""
    advise(f"digitlab: {one_line(text)}")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a table: columns padded to their widest cell, the first left-aligned, the others right-aligned.

    >>> print(table(["digit", "images"], [[0, 980], [1, 1135]]))
    digit  images
    0         980
    1        1135
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def in_time(seconds: float) -> str:
    """Format a duration in the one or two units that matter.

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
    """Make stdout and stderr replace characters that their encoding lacks by plain ASCII, instead of raising."""
    codecs.register_error(ENCODING_ERRORS, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ENCODING_ERRORS)


def takes_every_sign(stream: object) -> bool:
    """Return whether a stream is encoded in UTF-8 or another UTF."""
    name = getattr(stream, "encoding", None) or "utf-8"  # a StringIO has no encoding and takes every character
    return codecs.lookup(name).name.startswith("utf")


def _in_plain_letters(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(map(_plain, signs)), error.end


def _plain(sign: str) -> str:
    r"""Write a character in ASCII: a look-alike, the letter without accent, a file name's non-UTF-8 byte, or its code.

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
