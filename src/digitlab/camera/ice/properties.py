r"""Ice's property files, which JdeRobot's programs are configured with: a `name=value` a line.

`#` begins a comment, and `\#`, `\=`, `\\` and `\` before a space stand for these signs. Read here and not by Ice: an
old configuration must be readable where Ice is not installed, Ice skips lines that it cannot read without a word, and a
few of its own properties make it load libraries.
"""

from __future__ import annotations

import re
from pathlib import Path

from digitlab.errors import RecipeError

__all__ = ["Properties", "configuration_text", "properties_in"]

_LARGEST = 100_000  # bytes; real ones have some hundred
_SPECIAL = "#=\\ "


def configuration_text(path: str | Path) -> str:
    """The text of a configuration file.

    Raises:
        RecipeError: when it is missing, too large or no text.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}; expected a configuration file") from error
    if len(data) > _LARGEST:
        raise RecipeError(f"{path}: more than {_LARGEST:,} bytes; expected a configuration file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{path}: no text (byte {error.start} is not UTF-8); expected a configuration file"
        ) from error
    if "\0" in text:
        raise RecipeError(f"{path}: no text (it has zero bytes); expected a configuration file")
    return text


def properties_in(text: str, path: str | Path) -> dict[str, str]:
    r"""Names and values; of a name that stands there twice, the last.

    >>> properties_in("A.Uri = 0  # the webcam\nA.Name=a\\ b", "x.cfg")
    {'A.Uri': '0', 'A.Name': 'a b'}

    Raises:
        RecipeError: for a line that is neither empty, nor a comment, nor `name=value`.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        signs = _signs(line)
        equals = next((place for place, sign in enumerate(signs) if sign == ("=", False)), None)
        name, value = _text(signs[:equals]), "" if equals is None else _text(signs[equals + 1 :])
        if equals is not None and name:
            found[name] = value
        elif name or value:
            raise RecipeError(f"{path}: line {number} is {line.strip()[:60]!r}; expected NAME=VALUE or # and a comment")
    return found


def _signs(line: str) -> list[tuple[str, bool]]:
    """The line up to its comment, each sign with whether it was escaped."""
    signs = []
    place = 0
    while place < len(line) and line[place] != "#":
        escaped = line[place] == "\\" and line[place + 1 : place + 2] in tuple(_SPECIAL)
        place += escaped
        signs.append((line[place], escaped))
        place += 1
    return signs


def _text(signs: list[tuple[str, bool]]) -> str:
    """Without the spaces around it; one that was escaped belongs to the text."""
    blank = (" ", False), ("\t", False)
    while signs and signs[0] in blank:
        signs = signs[1:]
    while signs and signs[-1] in blank:
        signs = signs[:-1]
    return "".join(sign for sign, _ in signs)


class Properties:
    """Properties that are asked for one after the other, and say in the end which of them nobody asked for.

    prefix: of all names that are asked for, e.g. "CameraSrv.Camera.0."
    """

    def __init__(self, values: dict[str, str], path: str | Path, prefix: str = "", *, asked: set[str] | None = None):
        self._values = values
        self._path = path
        self._prefix = prefix
        self._asked: set[str] = set() if asked is None else asked

    def under(self, prefix: str) -> Properties:
        """The same properties, with a longer prefix."""
        return Properties(self._values, self._path, self._prefix + prefix, asked=self._asked)

    def text(self, name: str, default: str) -> str:
        """A property, or the default where it is missing or empty."""
        self._asked.add(self._prefix + name)
        return self._values.get(self._prefix + name, "") or default

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number.

        Raises:
            RecipeError: for anything else.
        """
        text = self.text(name, str(default))
        if re.fullmatch(r"[+-]?[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        raise RecipeError(
            f"{self._path}: {self._prefix}{name} is {text[:60]!r}; expected a whole number from {least:,} to {most:,}"
        )

    def unasked(self) -> list[str]:
        """Names that nobody asked for, in the file's order, fit to be shown."""
        unasked = [name for name in self._values if name not in self._asked]
        return [name if name.isprintable() else repr(name) for name in unasked]
