r"""Ice's property files, which configure JdeRobot's programs: one `name=value` per line.

`#` begins a comment, and `\#`, `\=`, `\\` and `\` before a space are escapes. They are parsed here and not by Ice,
because an old configuration must be readable where Ice is not installed, Ice silently skips invalid lines, and a few
of its own properties make it load libraries.
"""

from __future__ import annotations

import re
from pathlib import Path

from digitlab.errors import RecipeError

__all__ = ["Properties", "configuration_text", "properties_in"]

_LARGEST = 100_000  # bytes; real files have a few hundred
_SPECIAL = "#=\\ "


def configuration_text(path: str | Path) -> str:
    """Read the text of a configuration file.

    Raises:
        RecipeError: when it is missing, too large or not text.
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
            f"{path}: not a text file (byte {error.start} is not UTF-8); expected a configuration file"
        ) from error
    if "\0" in text:
        raise RecipeError(f"{path}: not a text file (it contains null bytes); expected a configuration file")
    return text


def properties_in(text: str, path: str | Path) -> dict[str, str]:
    r"""Parse names and values; if a name is repeated, its last value counts.

    >>> properties_in("A.Uri = 0  # the webcam\nA.Name=a\\ b", "x.cfg")
    {'A.Uri': '0', 'A.Name': 'a b'}

    Raises:
        RecipeError: for a line that is neither empty, nor a comment, nor `name=value`.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        characters = _characters(line)
        equals = next((place for place, each in enumerate(characters) if each == ("=", False)), None)
        name, value = _text(characters[:equals]), "" if equals is None else _text(characters[equals + 1 :])
        if equals is not None and name:
            found[name] = value
        elif name or value:
            raise RecipeError(f"{path}: line {number} is {line.strip()[:60]!r}; expected NAME=VALUE or # and a comment")
    return found


def _characters(line: str) -> list[tuple[str, bool]]:
    """Split a line, up to its comment, into characters, each with a flag for whether it was escaped."""
    characters = []
    place = 0
    while place < len(line) and line[place] != "#":
        escaped = line[place] == "\\" and line[place + 1 : place + 2] in tuple(_SPECIAL)
        place += escaped
        characters.append((line[place], escaped))
        place += 1
    return characters


def _text(characters: list[tuple[str, bool]]) -> str:
    """Join the characters, without leading and trailing spaces and tabs, except escaped ones."""
    blank = (" ", False), ("\t", False)
    while characters and characters[0] in blank:
        characters = characters[1:]
    while characters and characters[-1] in blank:
        characters = characters[:-1]
    return "".join(character for character, _ in characters)


class Properties:
    """Properties that keep track of which of them were read, so that the unused ones can be reported.

    prefix: prepended to every name that is read, e.g. "CameraSrv.Camera.0."
    """

    def __init__(self, values: dict[str, str], path: str | Path, prefix: str = "", *, asked: set[str] | None = None):
        self._values = values
        self._path = path
        self._prefix = prefix
        self._asked: set[str] = set() if asked is None else asked

    def under(self, prefix: str) -> Properties:
        """Return the same properties with a longer prefix."""
        return Properties(self._values, self._path, self._prefix + prefix, asked=self._asked)

    def text(self, name: str, default: str) -> str:
        """Return a property, or the default if it is missing or empty."""
        self._asked.add(self._prefix + name)
        return self._values.get(self._prefix + name, "") or default

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`.

        Raises:
            RecipeError: for any other value.
        """
        text = self.text(name, str(default))
        if re.fullmatch(r"[+-]?[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        raise RecipeError(
            f"{self._path}: {self._prefix}{name} is {text[:60]!r}; expected a whole number from {least:,} to {most:,}"
        )

    def unasked(self) -> list[str]:
        """Return the names that were not read, in the file's order, made printable."""
        unasked = [name for name in self._values if name not in self._asked]
        return [name if name.isprintable() else repr(name) for name in unasked]
