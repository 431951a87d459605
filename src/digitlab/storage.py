"""Where files go: atomic writes and the user's cache folder.

A file under its final name is whole: it is written beside it under a temporary name, flushed to the disk and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "atomic_folder", "atomic_path", "cache_folder", "cache_to_write", "remove_unfinished", "saying_what_failed",
    "write_bytes",
    "write_text",
]  # fmt: skip

_UNFINISHED = ".unfinished-"
_DEAD = 600  # seconds without a change; a lock would say it at once, but HDF5 locks its files itself


@contextlib.contextmanager
def saying_what_failed(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn the operating system's refusal into one clear line.

    Raises:
        StorageError: in place of any OSError raised inside, but for that of a pipe.
    """
    try:
        yield
    except BrokenPipeError:  # no file says that: whoever read what is printed has gone, as `| head` does
        raise
    except OSError as error:
        advice = {
            errno.ENOSPC: "the disk is full; free some space",
            errno.EDQUOT: "your disk quota is used up; free some space",
            errno.EACCES: "permission denied; choose another folder",
            errno.EROFS: "the folder is read-only; choose another",
            errno.ENOENT: "there is no such file" if doing == "read" else "its folder does not exist; make it first",
        }.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"cannot {doing} {path}: {advice}") from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, on any error it is removed.

    Raises:
        StorageError: when the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with saying_what_failed(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays: several writers (OpenCV, Keras) choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f"{_UNFINISHED}{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("r+b") as written:  # Windows syncs only what may be written
                os.fsync(written.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)  # mkstemp's 0600 is for secrets
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left half-written in ``folder`` and below it: untouched for ten minutes."""
    for path in folder.rglob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _DEAD:
                path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content``, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    write_bytes(path, text.encode())


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside ``path``; on success it becomes ``path`` unless another process was first.

    Raises:
        StorageError: when it cannot be written.
    """
    with saying_what_failed(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def cache_to_write(room: str) -> Path:
    """A folder of the cache that can be written; else a temporary one, which lasts as long as this process."""
    folder = cache_folder() / room
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    return Path(_until_the_end(room).name)


@functools.cache
def _until_the_end(room: str) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f"digitlab-{room}-")


def cache_folder() -> Path:
    """The folder for what can be made again: ``$DIGITLAB_CACHE``, or the platform's user cache."""
    named = os.environ.get("DIGITLAB_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return Path(user_cache_path("digitlab", appauthor=False))
