"""The fonts that pages are written with, as `make fonts` installs them."""

from __future__ import annotations

import functools
import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitlab.datasets.pages.words import ALPHABETS
from digitlab.errors import DatasetError, UsageError
from digitlab.storage import cache_folder

__all__ = ["CATALOGUE", "FONTS_LIST", "Font", "fonts", "fonts_folder"]

CATALOGUE = "fonts.json"  # in the folder of the fonts, written by tools/fetch_fonts.py
FONTS_LIST = Path(__file__).with_name("fonts.toml")
SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """One installed font.

    name: as in ``fonts.toml``
    kind: "handwriting", "print" or "script" (a font of another script)
    split: "train" or "validation"
    files: the TrueType files and the characters of each, in order of precedence
    characters: those of all files
    scripts: the keys of ``words.ALPHABETS`` of which it has at least 75 % of the letters
    """

    name: str
    kind: str
    split: str
    files: tuple[tuple[Path, frozenset[str]], ...]
    characters: frozenset[str]
    scripts: tuple[str, ...]


def fonts_folder() -> Path:
    """Return the folder where `make fonts` puts the fonts: ``fonts`` in the cache folder."""
    return cache_folder() / "fonts"


def fonts(split: str) -> tuple[Font, ...]:
    """Return the installed fonts of a split, sorted by name.

    Raises:
        UsageError: when ``split`` is neither "train" nor "validation".
        DatasetError: when no fonts are installed or their list is damaged.
    """
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r} of the fonts; expected {' or '.join(SPLITS)}")
    found = tuple(font for font in _installed(fonts_folder()) if font.split == split)
    if not found:
        raise DatasetError(f"{fonts_folder()} has no fonts for {split}; run `make fonts`")
    return found


@functools.lru_cache(maxsize=4)
def _installed(folder: Path) -> tuple[Font, ...]:
    catalogue = folder / CATALOGUE
    try:
        rows = json.loads(catalogue.read_text(encoding="utf-8"))["fonts"]
        return tuple(_font(row, folder) for row in sorted(rows, key=lambda row: str(row["name"])))
    except FileNotFoundError:
        raise DatasetError(f"no fonts are installed in {folder}; run `make fonts` to fetch them") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{catalogue} is damaged ({error}); delete it and run `make fonts`") from error


def _font(row: dict[str, Any], folder: Path) -> Font:
    files = tuple((folder / part["file"], frozenset(part["characters"])) for part in row["files"])
    characters = frozenset().union(*(part for _, part in files))
    letters = {script: {letter for letter in alphabet if letter.isalpha()} for script, alphabet in ALPHABETS.items()}
    letters["latin"] &= set(string.ascii_letters)  # a font need not have accented letters
    scripts = tuple(script for script, needed in letters.items() if len(needed & characters) >= 0.75 * len(needed))
    return Font(row["name"], row["kind"], row["split"], files, characters, scripts)
