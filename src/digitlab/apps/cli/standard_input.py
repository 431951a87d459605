"""The picture named "-": the content of standard input, as in `scanimage | digitlab read -`."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["STANDARD_INPUT", "called", "on_disk"]

STANDARD_INPUT = Path("-")

_LARGEST = 1 << 30  # bytes; a stream that never ends must not fill the disk
_STEM = "standard-input"


@contextlib.contextmanager
def on_disk(images: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the same pictures, with "-" replaced by a temporary file of what came in.

    Raises:
        UsageError: when standard input is a terminal, since reading it would block.
        ImageError: when nothing came in, or far too much.
    """
    if STANDARD_INPUT not in images:
        yield list(images)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _STEM
        _keep(file)
        yield [file if path == STANDARD_INPUT else path for path in images]


def called(path: str | Path) -> str:
    r"""Name a picture of `on_disk` as in results: "-", or "-#2" for a page; bytes that are not UTF-8 as \xff.

    >>> called(f"/tmp/x/{_STEM}#2"), called("scan.tif#2")
    ('-#2', 'scan.tif#2')
    """
    name = Path(path).name
    if name.partition("#")[0] == _STEM:
        return f"-{name.removeprefix(_STEM)}"
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _keep(file: Path) -> None:
    from digitlab.errors import ImageError, UsageError
    from digitlab.storage import saying_what_failed

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("- is standard input, and that is a terminal; expected a picture: … | digitlab read -")
    with saying_what_failed(file, "write"), file.open("wb") as output:
        size = 0
        while size <= _LARGEST and (chunk := sys.stdin.buffer.read(1 << 20)):
            size += output.write(chunk)
    if not size:
        raise ImageError("-: standard input is empty (0 bytes); expected a picture file's content")
    if size > _LARGEST:
        raise ImageError(f"-: standard input has more than {_LARGEST:,} bytes; expected one picture file's content")
