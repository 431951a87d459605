"""The zip archive of a ``.keras`` file: its sizes are checked before it is read."""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING, BinaryIO

from digitlab.errors import ModelError
from digitlab.models.safety.plain import refuse, shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CARD", "CONFIG", "METADATA", "WEIGHTS", "check_archive", "copy_member", "read_member"]

CONFIG, METADATA, WEIGHTS, CARD = "config.json", "metadata.json", "model.weights.h5", "digitlab.json"

# Unpacked bytes. The limit of weights is three times MOST_PARAMETERS in float32: Adam stores two more numbers for each.
_LARGEST = {CONFIG: 5_000_000, METADATA: 100_000, CARD: 1_000_000, WEIGHTS: 650_000_000}
_LARGEST_RATIO = 200  # unpacked to packed; weights reach 2, descriptions 30
_UNSUSPICIOUS = 1_000_000  # bytes up to which the ratio is not checked

_END = struct.Struct("<4s4H2LH")  # the end of a zip's directory: …, entries, bytes of the directory, …
_LARGEST_DIRECTORY = 4096
_SLOWEST_COMMENT = 1 << 16


def check_archive(path: Path, archive: BinaryIO) -> zipfile.ZipFile:
    """Open the zip if it holds exactly the members of a Keras model, of limited size.

    Raises:
        ModelError: when it does not.
    """
    _check_directory(archive)
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ModelError(f"its zip is damaged ({shown(str(error))})") from error
    entries = opened.infolist()
    names = [entry.filename for entry in entries]
    for entry in entries:
        _check_entry(entry)
    if len(set(names)) != len(names):
        refuse("its zip contains a member twice")
    missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
    if missing:
        refuse(f"its zip lacks {' and '.join(missing)}; expected a model saved by digitlab or Keras 3")
    if sum(entry.compress_size for entry in entries) > path.stat().st_size:
        refuse("the members of its zip overlap")
    return opened


def _check_directory(archive: BinaryIO) -> None:
    """Check the end of the zip first: Python's reader creates an object for every declared entry."""
    size = archive.seek(0, 2)
    archive.seek(max(0, size - _SLOWEST_COMMENT - _END.size - 20))
    tail = archive.read()
    offset = tail.rfind(b"PK\x05\x06")
    if offset < 0 or len(tail) - offset < _END.size:
        refuse("not a .keras file (those are zip archives); expected a model saved by digitlab or Keras 3")
    # Python's reader uses the last 22 bytes as the end record if they look like one, else the last signature.
    if tail[-_END.size :].startswith(b"PK\x05\x06") and tail.endswith(b"\0\0"):
        offset = len(tail) - _END.size
    if tail[max(0, offset - 20) : offset].startswith(b"PK\x06\x07"):
        refuse("its zip is a zip64; expected a model saved by digitlab or Keras 3")
    length = _END.unpack_from(tail, offset)[5]
    if length > _LARGEST_DIRECTORY:
        refuse(f"its zip has a directory of {length:,} bytes; expected at most {_LARGEST_DIRECTORY:,}")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name not in _LARGEST:
        refuse(f"its zip contains {shown(name)}; expected {', '.join(_LARGEST)} only")
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(f"{name} is encrypted or compressed in an unusual way")
    if entry.file_size > _LARGEST[name]:
        refuse(f"{name} unpacks to {entry.file_size:,} bytes; expected at most {_LARGEST[name]:,}")
    if entry.file_size > max(_UNSUSPICIOUS, _LARGEST_RATIO * entry.compress_size):
        refuse(f"{name} unpacks {entry.compress_size:,} bytes to {entry.file_size:,}, as only a zip bomb does")


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; Python's reader stops at the size that `check_archive` has checked.

    Raises:
        ModelError: when it is damaged.
    """
    try:
        return archive.read(name)
    except Exception as error:  # zlib's, zipfile's and struct's errors have no narrower common base class
        raise ModelError(f"{name} is damaged ({shown(str(error))})") from error


def copy_member(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    """Write a member to ``path``, in pieces.

    Raises:
        ModelError: when it is damaged.
    """
    try:
        with archive.open(name) as packed, path.open("wb") as unpacked:
            while chunk := packed.read(1 << 20):
                unpacked.write(chunk)
    except Exception as error:  # as in read_member
        raise ModelError(f"{name} is damaged ({shown(str(error))})") from error
