"""Plain data from untrusted files: numbers, words, short lists; never a path, an address or code."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from digitlab.errors import ModelError

__all__ = ["item_name", "mapping", "parse_json", "plain", "refuse", "shown", "word"]

_WORD = re.compile(r"[A-Za-z0-9_]{1,40}")
_LARGEST = 1_000_000  # far above any size in a network for digits
_LARGEST_SEED = 1 << 64
_LONGEST = 4096


def refuse(reason: str) -> NoReturn:
    """Refuse the file.

    Raises:
        ModelError: always, with ``reason``.
    """
    raise ModelError(reason)


def shown(value: object) -> str:
    """Format an untrusted value for a message: on one line, at most 60 characters, without control characters.

    >>> shown("a" * 100 + chr(27))
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    """
    text = ascii(value[:100] if isinstance(value, str | bytes | list) else value)
    return text if len(text) <= 60 else text[:56] + "…"


def mapping(value: object, location: str) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object.

    Raises:
        ModelError: when it is anything else.
    """
    if not isinstance(value, dict):
        refuse(f"{location} is {shown(value)}; expected an object")
    return value


def item_name(value: object, location: str) -> str:
    """Return the name of a layer or model, if it is short, printable and without path separators.

    Raises:
        ModelError: for anything else.
    """
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable() or set(value) & set("/\\"):
        refuse(f"{location} is named {shown(value)}; expected a short name without slashes")
    return value


def word(value: object, allowed: frozenset[str] | set[str], location: str) -> str:
    """Return ``value`` if it is one of ``allowed``.

    Raises:
        ModelError: when it is not.
    """
    if not isinstance(value, str) or value not in allowed:
        refuse(f"{location} is {shown(value)}, which is not allowed in a model file")
    return value


def plain(value: object, location: str, *, depth: int = 3) -> Any:
    """Copy ``value`` if it is None, a number, a word of letters and digits, or a list of them.

    Raises:
        ModelError: for anything else: text that could be a path, objects, huge numbers.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        limit = _LARGEST_SEED if location.endswith("seed") else _LARGEST
        return value if abs(value) <= limit else refuse(f"{location} is {shown(value)}; expected at most {limit:,}")
    if isinstance(value, float):
        return value if math.isfinite(value) else refuse(f"{location} is {value}; expected a finite number")
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    if isinstance(value, list | tuple) and len(value) <= _LONGEST and depth:
        return [plain(item, location, depth=depth - 1) for item in value]
    refuse(f"{location} is {shown(value)}; expected a number, a word or a short list of them")


def parse_json(content: bytes | str, source: str) -> Any:
    """Parse ``content`` as JSON.

    Raises:
        ModelError: when it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{source} is not valid JSON ({str(error)[:100]})") from error
