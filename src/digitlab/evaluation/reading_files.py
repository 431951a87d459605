"""Reads stored probabilities and labels: npz, npy, CSV → arrays. No file can run code or exhaust memory.

The header is checked before any data is read: type, shape, at most a million rows.
"""

from __future__ import annotations

import array
import itertools
import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, counted
from digitlab.evaluation.checks import softmax
from digitlab.npy_files import DAMAGE, read_header
from digitlab.runs import Run
from digitlab.storage import refusing, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_labels", "read_probabilities"]

_MOST_ROWS = 1_000_000  # a hundred times MNIST's test images; 80 MB as float64
_MOST_LINE = 4096  # bytes per CSV line: ten float64 in full precision take 250
_SEPARATORS = ";\t,"  # in this order: with semicolons, commas may be decimal separators, which are refused


def read_probabilities(path: Path, *, logits: bool = False) -> NDArray[Any]:
    """Read ten numbers per image, floating (N, 10), as stored; with ``logits``, return their softmax.

    npz: the array ``probabilities`` (or ``logits``), or the only one; npy; CSV of ten columns, with or without header;
    a run folder. Whether they are probabilities is checked by `checks.checked`.

    Raises:
        DatasetError: for another kind of file, shape or size, a damaged file, or logits that are not finite.
        StorageError: when the system refuses to read it.
    """
    names = ("logits", "probabilities") if logits else ("probabilities",)
    values = _read(path, names, columns=10)
    if logits:
        return softmax(values)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def read_labels(path: Path, *, named: bool = False) -> NDArray[np.int64]:
    """Read the true digit of each image, int64 (N,).

    npz: the array ``labels``, or the only one unless ``named``; npy; CSV of one column, with or without header; a run
    folder.

    Raises:
        DatasetError: for another kind of file, shape or size, a damaged file, or a label that is not 0 to 9.
        StorageError: when the system refuses to read it.
    """
    values = _read(path, ("labels",), columns=1, named=named)
    digits = (values >= 0) & (values <= 9) & (values == np.floor(values))
    if not digits.all():
        row = int(np.argmin(digits))
        raise DatasetError(f"{path}: labels[{row}] is {values[row]}; expected 0 to 9")
    return values.astype(np.int64)


def _read(path: Path, names: Sequence[str], *, columns: int, named: bool = False) -> NDArray[Any]:
    if path.is_dir():
        path = Run.open(path).predictions
    if not path.is_file():  # a pipe might never end
        raise DatasetError(f"{path}: there is no such file")
    ending = path.suffix.lower()
    if ending not in (".npz", ".npy", ".csv", ".txt"):
        raise DatasetError(f"{path}: expected a file .npz, .npy or .csv, or a run folder")
    damaged = refusing(path, f"cannot be read as {ending[1:]}", *DAMAGE)
    with saying_what_failed(path, "read"), path.open("rb") as file, damaged:
        if ending == ".npz":
            return _from_archive(file, path, names, columns, named=named)
        if ending == ".npy":
            return _from_array(file, str(path), path.stat().st_size, columns)
        return _from_lines(file, path, columns)


def _from_archive(file: IO[bytes], path: Path, names: Sequence[str], columns: int, *, named: bool) -> NDArray[Any]:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        name = next((name for name in (*names, *members) if name in members), "")
        if not members or (name not in names and (named or len(members) > 1)):
            listed = ", ".join(list(members)[:10]) or "nothing"
            hint = "; --logits reads them" if "logits" in members and "probabilities" in names else ""
            raise DatasetError(f"{path}: expected the array {names[0]}, found: {listed}{hint}")
        info = members[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(f"{path}: {name} is not compressed with deflate; write it with numpy.savez")
        with archive.open(info) as member:
            return _from_array(member, f"{path}: {name}", info.file_size, columns)


def _from_array(file: IO[bytes], name: str, size: int, columns: int) -> NDArray[Any]:
    """Read the array of an npy file of ``size`` bytes, after checking its header."""
    shape, by_columns, dtype = read_header(file)
    if dtype.hasobject:
        raise DatasetError(f"{name} contains Python objects (a pickle), which are never loaded; expected numbers")
    if dtype.kind not in "uif":
        raise DatasetError(f"{name} is of type {dtype}; expected numbers")
    _expect_shape(name, shape, columns)
    expected = file.tell() + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size != expected:
        raise DatasetError(f"{name} has {size:,} bytes; expected {expected:,} for {dtype} {shape}; it may be truncated")
    values = np.frombuffer(file.read(size), dtype)  # reads to the end, so that the zip's checksum is verified
    values = values.reshape(shape[::-1]).T if by_columns else values.reshape(shape)
    return values.reshape(-1) if columns == 1 else values


def _expect_shape(name: str, shape: tuple[int, ...], columns: int) -> None:
    if columns == 1 and shape[1:] == (10,):
        raise DatasetError(
            f"{name} has ten numbers per row; expected one label per row: for one-hot labels, take argmax(axis=1)"
        )
    if shape[1:] != (columns,) and not (columns == 1 and len(shape) == 1):
        expected = "(N,)" if columns == 1 else f"(N, {columns})"
        raise DatasetError(f"{name} has the shape {shape}; expected {expected}")
    if shape[0] > _MOST_ROWS:
        raise DatasetError(f"{name} has {shape[0]:,} rows; expected at most {_MOST_ROWS:,}")


def _from_lines(file: IO[bytes], path: Path, columns: int) -> NDArray[np.float64]:
    numbers = array.array("d")
    for index, (number, line) in enumerate(_lines(file, path)):
        cells = _cells(line, columns)
        if len(cells) != columns:
            advice = "; pandas leaves its row numbers out with index=False" if len(cells) == columns + 1 else ""
            raise DatasetError(f"{path}: line {number} has {counted(len(cells), 'column')}; expected {columns}{advice}")
        if index == 0 and _are_names(cells):
            continue
        if len(numbers) == columns * _MOST_ROWS:
            raise DatasetError(f"{path} has more than {_MOST_ROWS:,} rows, which is the limit")
        numbers.extend(_number(cell, path, number, column) for column, cell in enumerate(cells, 1))
    values = np.array(numbers, np.float64)
    return values if columns == 1 else values.reshape(-1, columns)


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither empty nor comments, with their numbers from 1."""
    for number in itertools.count(1):
        line = file.readline(_MOST_LINE)
        if not line:
            return
        if len(line) == _MOST_LINE:
            raise DatasetError(f"{path}: line {number} has {_MOST_LINE:,} bytes or more; expected ten numbers at most")
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "backslashreplace").strip()
        if text and not text.startswith("#"):
            yield number, text


def _cells(line: str, columns: int) -> list[str]:
    separator = next((each for each in _SEPARATORS if each in line), None)
    cells = [line] if columns == 1 and separator is None else line.split(separator)
    return [cell.strip().strip('"') for cell in cells]


def _are_names(cells: list[str]) -> bool:
    """Return whether the first line is a header; pandas writes the column numbers there."""
    return cells == [str(digit) for digit in range(10)] or not any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, path: Path, line: int, column: int) -> float:
    if not _is_number(cell):
        raise DatasetError(f"{path}: line {line}, column {column} is {cell[:20]!r}; expected a number")
    return float(cell)
