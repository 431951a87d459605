"""Terminals, pipes and logs that do not take every sign: what is said arrives there all the same, in plain letters."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

__all__ = ["ENCODING_ERRORS", "takes_every_sign", "write_all_signs"]

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
