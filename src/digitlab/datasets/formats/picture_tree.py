"""Folders of pictures with the class in a folder's or file's name, at any depth: train/0, zero, digit_3, 3_12.jpg."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.datasets.formats.checks import REST, expect_a_split, in_split_order
from digitlab.errors import DatasetError
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "PICTURES", "holds_pictures", "is_ignored", "is_picture_tree", "pictures_of", "split_named", "tree_splits",
]  # fmt: skip

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm")
_IGNORED = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})  # what file managers leave behind
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation",
           "valid": "validation", "val": "validation"}  # fmt: skip
_MOST = 5_000_000  # pictures; their names are kept in memory
_LOOKED_INTO = 2000  # folders searched before concluding that no picture has a class
_FOLDER = re.compile(r"(?:(?:class|digit|label|num|number)[ _-]?)?([0-9])", re.IGNORECASE)
_FLAT = re.compile(r"(?:(?:class|digit|label|num|number)[ _-]?)?([0-9])[ _-].*", re.IGNORECASE)


def is_ignored(name: str) -> bool:
    """Return whether a name is hidden, or one that file managers leave behind."""
    return name.startswith(".") or name in _IGNORED


def split_named(word: str) -> str | None:
    """Return the split that a folder's or file's name stands for, or None.

    >>> split_named("Training"), split_named("images")
    ('train', None)
    """
    return _SPLITS.get(word.lower())


def _label_of(parts: tuple[str, ...]) -> int | None:
    """Find the class in the names of the folders, innermost first, or else in the file's name.

    >>> _label_of(("train", "zero", "7_1.png")), _label_of(("3_12.jpg",)), _label_of(("digit-4", "a.png"))
    (0, 3, 4)
    >>> _label_of(("scan.png",)), _label_of(("12_1.png",))
    (None, None)
    """
    *folders, file = parts
    for folder in reversed(folders):
        if folder.lower() in _WORDS:
            return _WORDS.index(folder.lower())
        if match := _FOLDER.fullmatch(folder):
            return int(match[1])
    match = _FLAT.fullmatch(file)
    return int(match[1]) if match else None


def _pictures(path: Path, most_folders: int | None = None) -> Iterator[tuple[str, ...]]:
    """Yield the path components of all pictures below ``path``; links to folders are not followed."""
    for folder, folders, files in itertools.islice(os.walk(path), most_folders):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        inside = Path(folder).relative_to(path).parts
        for file in sorted(files):
            if file.lower().endswith(PICTURES) and not is_ignored(file):
                yield (*inside, file)


def holds_pictures(path: Path) -> bool:
    """Return whether there is any picture below ``path``, with or without a class."""
    return next(_pictures(path), None) is not None


def is_picture_tree(path: Path) -> bool:
    """Return whether any picture below ``path`` has a class in its folders' or its own name."""
    return any(_label_of(parts) is not None for parts in _pictures(path, _LOOKED_INTO))


def _parted(path: Path) -> tuple[dict[str, list[tuple[str, int]]], list[str]]:
    """Group names and labels by split ("" for none); also return the names without a class."""
    by_split: dict[str, list[tuple[str, int]]] = {}
    without = []
    with saying_what_failed(path, "read"):
        for number, parts in enumerate(_pictures(path)):
            if number >= _MOST:
                raise DatasetError(f"{path} has more than {_MOST:,} pictures; give one of its folders")
            label, name = _label_of(parts), "/".join(parts)
            if label is None:
                without.append(name)
                continue
            split = next((named for part in parts[:-1] if (named := split_named(part))), "")
            by_split.setdefault(split, []).append((name, label))
    return by_split, without


def tree_splits(path: Path) -> tuple[str, ...]:
    """Return the splits that folders name; empty if there is nothing to choose."""
    by_split, _ = _parted(path)
    return in_split_order(split or REST for split in by_split) if len(by_split) > 1 else ()


def pictures_of(path: Path, split: str | None) -> tuple[list[tuple[str, int]], list[str]]:
    """Return names and labels of a split's pictures, and the names of those without a class.

    Raises:
        DatasetError: when a split must be chosen, or does not exist.
    """
    by_split, without = _parted(path)
    if split is None and len(by_split) == 1:
        return next(iter(by_split.values())), without
    expect_a_split(path, in_split_order(name or REST for name in by_split if name or len(by_split) > 1), split)
    return by_split.get("" if split == REST else split or "", []), without
