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

_LARGEST = 1_000_000  # bytes; a recipe has a few hundred


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        RecipeError: when it is missing, or not TOML.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise RecipeError(f"{path}: has {path.stat().st_size:,} bytes; expected at most {_LARGEST:,}")
        return parse_toml(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror or error}); expected a TOML file") from error
    except ValueError as error:  # not TOML, not UTF-8, or a name with a null byte
        raise RecipeError(f"{path}: not a readable TOML file ({error})") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; ValueError is raised also where ``tomllib.loads`` would raise RecursionError.

    Raises:
        ValueError: when it is not TOML, or is nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("parts are nested too deeply") from None


def shipped_names(folder: str) -> tuple[str, ...]:
    """List the TOML files in a folder of the package, e.g. "recipes", without their suffix."""
    return tuple(sorted(Path(entry.name).stem for entry in _shipped(folder).iterdir() if entry.name.endswith(".toml")))


def find_toml(path: Path, folder: str, what: str) -> tuple[dict[str, Any], Path]:
    """Read this file, or else the shipped one of this name; return its content and path.

    folder: of the shipped ones, as for `shipped_names`; what: the kind of file, in words for the user

    Raises:
        RecipeError: as `read_toml`, or when neither exists.
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
