"""Find the line of a key in a TOML file: `tomllib` reports it for wrong syntax only, but users want it for values."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Section", "sections_of"]

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([\w-]+))\s*=")


@dataclass(frozen=True, slots=True)
class Section:
    """A header with the keys below it. line: of the header, from 1; 0 for the part above the first header."""

    name: str
    line: int
    keys: dict[str, int]

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of the header if the key is not there."""
        return self.keys.get(key, self.line)


def sections_of(text: str) -> list[Section]:
    r"""Return the sections of a TOML file in order; those of ``[[name]]`` once for each occurrence.

    Good enough for messages: what looks like a key within a multi-line text is taken for one.

    >>> form, field = sections_of('[form]\ntitle = "Marks"\n\n[[field]]\nname = "number"\nboxes = 7\n')[1:]
    >>> form.line_of("title"), field.name, field.line_of("boxes"), field.line_of("label")
    (2, 'field', 6, 4)
    """
    sections = [Section("", 0, {})]
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.fullmatch(line)) is not None and _KEY.match(line) is None:
            sections.append(Section(header[2], number, {}))
        elif (key := _KEY.match(line)) is not None:
            name = next(group for group in key.groups() if group is not None)
            sections[-1].keys.setdefault(name, number)
    return sections
