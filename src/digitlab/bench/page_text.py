"""How far a page that was read is from what stands on it."""

from __future__ import annotations

__all__ = ["edits"]


def edits(one: str, other: str) -> int:
    """The Levenshtein distance: characters to put in, take out or change.

    >>> edits("1234|56", "134|567")
    2
    """
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]
