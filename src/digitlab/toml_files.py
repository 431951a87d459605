"""Reading TOML files: a user's own, and those that ship in a folder of this package."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["find_toml", "read_toml", "shipped_names"]


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file.

    Raises:
        RecipeError: when it is missing, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: not a readable TOML file ({error})") from error


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
