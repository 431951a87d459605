"""Check where a command writes before it starts: reading may take hours, and no output may replace an input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import StorageError, UsageError
from digitlab.storage import is_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["expect_outputs"]


def expect_outputs(files: Mapping[str, Path | None], inputs: Iterable[str | Path] = ()) -> None:
    """Refuse files that could not be written, or would replace an input or each other.

    A name that ends like a picture's is refused as well: in `digitlab read --csv *.jpg` the first photo would be the
    table.

    files: option → the file that it names; None: not given
    inputs: the files that the command reads

    Raises:
        UsageError: for such a file, with the option.
        StorageError: if the folder cannot be written.
    """
    from digitlab.picture_files.kinds import ENDINGS

    given = {os.path.realpath(path) for path in inputs}
    taken: dict[str, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        if path == Path("-"):
            raise UsageError(f"{option} -: cannot be standard output; expected the name of a file")
        if path.name.lower().endswith(ENDINGS):
            raise UsageError(f"{option} {path}: is the name of a picture; expected that of a file to write")
        target = os.path.realpath(path)
        if target in given:
            raise UsageError(f"{option} {path}: would replace the file that is read; choose another name")
        if path.is_dir():
            raise UsageError(f"{option} {path}: is a folder; expected the name of a file")
        if is_device(path):
            raise UsageError(f"{option} {path}: is a device or pipe; expected the name of a file")
        other = taken.setdefault(target, option)
        if other != option:
            raise UsageError(f"{other} and {option} name the same file, {path}; choose two names")
        _expect_folder(option, path, Path(target))


def _expect_folder(option: str, path: Path, target: Path) -> None:
    """Refuse a path through a file, or in a folder that cannot be written; a missing folder is made when writing."""
    nearest = next(folder for folder in target.parents if folder.exists())
    if not nearest.is_dir():
        raise UsageError(f"{option} {path}: {nearest} is a file, not a folder; choose another name")
    if not os.access(nearest, os.W_OK):
        raise StorageError(f"cannot write {path}: permission denied; choose another folder")
