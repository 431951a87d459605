"""Reading TOML files: a user's own, and those that ship in a folder of this package."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["find_toml", "parse_toml", "read_toml", "shipped_names"]

_LARGEST = 1_000_000  # bytes; a recipe has some hundred


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file.

    Raises:
        RecipeError: when it is missing, or not TOML.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RecipeError(f"{path}: has {path.stat().st_size:,} bytes; expected at most {_LARGEST:,}")
        return parse_toml(path.read_text("utf-8"))
    except (OSError, ValueError) as error:  # ValueError: no TOML, no text, or a name with a zero byte
        raise RecipeError(f"{path}: not a readable TOML file ({error})") from error


def parse_toml(text: str) -> dict[str, Any]:
    """``tomllib.loads``, which does not survive every text.

    Raises:
        ValueError: when it is not TOML, or has parts within parts within parts.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("parts are nested too deeply") from None


def shipped_names(folder: str) -> tuple[str, ...]:
    """The names of the files in a folder of the package, e.g. "recipes", without their ending."""
    return tuple(sorted(Path(entry.name).stem for entry in _shipped(folder).iterdir() if entry.name.endswith(".toml")))


def find_toml(path: Path, folder: str, what: str) -> tuple[dict[str, Any], Path]:
    """The content of this file, or of the shipped one of this name, and where it is.

    folder: of the shipped ones, as for `shipped_names`; what: is looked for, in words for the user

    Raises:
        RecipeError: as `read_toml`, or when there is neither.
    """
    if path.exists():
        return read_toml(path), path
    names = shipped_names(folder)
    if str(path) not in names:
        raise RecipeError(f"{path}: there is no such {what}; shipped: {', '.join(names)}")
    with resources.as_file(_shipped(folder).joinpath(f"{path}.toml")) as shipped:
        return read_toml(shipped), shipped


def _shipped(folder: str) -> Traversable:
    return resources.files("digitlab").joinpath(folder)
