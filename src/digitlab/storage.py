"""File storage: atomic writes, locks and the user's cache folder.

A file under its final name is always complete: it is written beside it under a temporary name, flushed to disk and
renamed. The temporary name identifies the writing process, so that the next process that writes there removes the
leftovers of a killed one, but not what a live one is still writing.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "atomic_folder", "atomic_path", "atomic_paths", "cache_folder", "cache_to_write", "is_device", "locked", "refusing",
    "remove_unfinished", "saying_what_failed", "write_bytes", "write_text",
]  # fmt: skip

_UNFINISHED = ".unfinished-"
_DEVICES = Path("/dev")  # also holds links such as /dev/stdout, which may lead to a file
_OWNED = re.compile(r"\.unfinished-(\d+)-(\d+)-([0-9a-f]{6})-")  # process ID, start time, machine: see `_owner`
_NOBODY_KNOWS = "000000"
_DEAD = 600  # seconds unchanged until abandoned, if its process cannot be checked: another machine, or an older version
_WHEN_WRITING = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EACCES: "permission denied; choose another folder",
    errno.EROFS: "the folder is read-only; choose another",
    errno.ENOENT: "its folder does not exist; make it first",
    errno.EISDIR: "is a folder; choose the name of a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another",
}
_OTHERWISE = {errno.EACCES: "permission denied", errno.ENOENT: "there is no such file or folder"}
_swept: set[Path] = set()  # folders that this process has already cleared of leftovers of killed ones


@contextlib.contextmanager
def saying_what_failed(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn an error of the operating system into one clear line.

    Raises:
        StorageError: in place of any OSError raised inside, except that of a broken pipe.
    """
    try:
        yield
    except BrokenPipeError:  # not about a file: the reader of our output has gone, as `| head` does
        raise
    except OSError as error:
        advice = _WHEN_WRITING if doing in ("write", "make") else _OTHERWISE
        reason = advice.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"cannot {doing} {path}: {reason}") from error


@contextlib.contextmanager
def refusing(path: Path, description: str, *errors: type[Exception]) -> Iterator[None]:
    """Convert a library's errors about a file of data into our own.

    Raises:
        DatasetError: in place of any of ``errors``; the message names the file.
    """
    try:
        yield
    except DatasetError:
        raise
    except errors as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(f"{path}: {description}: {reason[:200]}") from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, on any error it is removed.

    Raises:
        StorageError: when the disk is full or the folder cannot be written.
    """
    with atomic_paths(path) as (temporary,):
        yield temporary


@contextlib.contextmanager
def atomic_paths(opened: Path, *beside: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a temporary path for each of several files that belong together; on success all get their final names.

    All are on disk before the first is renamed, so a full disk leaves the old ones intact. A kill between two renames
    leaves ``opened`` missing, which is noticed when it is opened; it is never an old file beside new others.

    opened: the main file, through which the others are found

    Raises:
        StorageError: when the disk is full or a folder cannot be written.
    """
    paths = [Path(path) for path in (opened, *beside)]
    with saying_what_failed(paths[0]), contextlib.ExitStack() as unfinished:
        temporaries = [_temporary(path, unfinished) for path in paths]
        yield tuple(temporaries)
        for temporary, path in zip(temporaries, paths, strict=True):
            _flush(temporary, path)
        if beside:
            paths[0].unlink(missing_ok=True)
        for temporary, path in reversed(list(zip(temporaries, paths, strict=True))):
            temporary.replace(path)


def is_device(path: Path) -> bool:
    """Return whether a path is that of a device or pipe, which must not be written.

    Renaming would replace the device itself: /dev/null would be a file from then on, for the whole system.
    """
    return (path.exists() and not (path.is_file() or path.is_dir())) or path.absolute().parent == _DEVICES


def _temporary(path: Path, unfinished: contextlib.ExitStack) -> Path:
    """Create an empty temporary file beside ``path``, which is removed in the end if it still exists."""
    with saying_what_failed(path):
        if path.is_dir():  # or its name is too long: said now, and not when the work of hours is to be renamed
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if is_device(path):
            raise StorageError(f"cannot write {path}: is a device or pipe; choose the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        # The suffix is kept, because several writers (OpenCV, Keras) choose the format by it.
        prefix = f"{_UNFINISHED}{_owner()}-{path.stem[:40]}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    unfinished.callback(temporary.unlink, missing_ok=True)
    return temporary


def _flush(temporary: Path, path: Path) -> None:
    with saying_what_failed(path), temporary.open("r+b") as written:  # Windows can only sync a file opened for writing
        os.fsync(written.fileno())
    _give_usual_permissions(temporary, 0o666)


def _give_usual_permissions(temporary: Path, most: int) -> None:
    """Set the mode that the umask gives to new files or folders: those of `tempfile` are for the owner only."""
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(most & ~umask)


def remove_unfinished(folder: Path) -> None:
    """Remove half-written files of killed processes in ``folder`` and below it.

    At once if the process is known to be gone; else after ten minutes without a change.
    """
    for path in list(folder.rglob(f"{_UNFINISHED}*")):
        with contextlib.suppress(OSError):
            if _is_dead(path, else_after=_DEAD):
                _remove(path)


def _sweep(folder: Path) -> None:
    """Remove leftovers of killed processes in ``folder``, the first time that this process writes there."""
    if folder in _swept:
        return
    _swept.add(folder)
    left: list[Path] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left += [Path(entry.path) for entry in entries if entry.name.startswith(_UNFINISHED)]
    for path in left:
        with contextlib.suppress(OSError):
            if _is_dead(path, else_after=None):
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _is_dead(path: Path, *, else_after: float | None) -> bool:
    """Return whether its writer is gone; if that is unknown, whether it is ``else_after`` seconds old (None: no)."""
    status, owned = path.stat(), _OWNED.match(path.name)
    own = owned is not None and owned[3] == _machine() != _NOBODY_KNOWS and status.st_uid == os.getuid()
    if owned is not None and own:
        return _start_time(int(owned[1])) != owned[2]
    return else_after is not None and time.time() - status.st_mtime > else_after


def _owner() -> str:
    """Return this process's part of temporary names: process ID, start time, and machine (or container)."""
    return f"{os.getpid()}-{_start_time(os.getpid()) or 0}-{_machine()}"


def _start_time(process: int) -> str | None:
    """Return a process's start time in the kernel's ticks; None if it has ended, or cannot be determined."""
    try:
        status = Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    state, *more = status.rpartition(")")[2].split()
    return None if state in "ZX" else more[18]


@functools.cache
def _machine() -> str:
    """Return six hexadecimal digits for this boot of this machine and its PID namespace; zeros if unknown.

    Containers on one machine have separate PID namespaces.
    """
    try:
        known = Path("/proc/sys/kernel/random/boot_id").read_text("ascii") + str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return _NOBODY_KNOWS
    return hashlib.sha256(known.encode()).hexdigest()[:6]


@contextlib.contextmanager
def locked(folder: Path, refusal: str) -> Iterator[None]:
    """Lock a folder (created if missing) against other processes; the system releases the lock when the process ends.

    No file is left behind: the folder itself is locked. Without locks in the system or the file system, nobody is kept
    out.

    refusal: the message if another process holds the lock

    Raises:
        UsageError: when another process holds the lock.
        StorageError: when the folder cannot be made.
    """
    try:
        import fcntl
    except ImportError:  # not available on Windows, where the user must take care
        yield
        return
    while True:
        with saying_what_failed(folder, "make"):
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise UsageError(refusal) from None
        except OSError:  # a file system without locks
            break
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(handle), folder.stat()):
                break
        os.close(handle)  # the previous holder has finished, and removed the folder
    try:
        yield
    finally:
        os.close(handle)


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
        _sweep(path.parent)
        prefix = f"{_UNFINISHED}{_owner()}-{path.name[:40]}-"
        temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
        try:
            yield temporary
            _give_usual_permissions(temporary, 0o777)
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def cache_to_write(room: str) -> Path:
    """Return a writable folder of the cache; else a temporary one, which lasts as long as this process."""
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
    """Return the folder for data that can be recreated: ``$DIGITLAB_CACHE``, or the platform's user cache."""
    named = os.environ.get("DIGITLAB_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return Path(user_cache_path("digitlab", appauthor=False))
