"""Someone else's probabilities and labels: npz, npy, CSV → arrays. Nothing in a file is run, and none fills the memory.

What a file announces is checked before anything of it is read: type, shape, at most a million rows.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import struct
import tokenize
import warnings
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError
from digitlab.evaluation.checks import softmax
from digitlab.runs import Run
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_labels", "read_probabilities"]

_MOST_ROWS = 1_000_000  # a hundred times MNIST's test images; 80 MB as float64
_MOST_LINE = 4096  # bytes of a line of CSV: ten float64 with all their digits are 250
_MOST_HEADER = 10_000  # characters of what an npy file says of itself; numpy reads it as a Python literal
_SEPARATORS = ";\t,"  # in this order: where there are semicolons, commas may be decimal points, and are then refused
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    tokenize.TokenError,
    RuntimeError,  # also RecursionError, NotImplementedError; zipfile's word for an encrypted member
    MemoryError,
    OverflowError,
)


def read_probabilities(path: Path, *, logits: bool = False) -> NDArray[Any]:
    """Ten numbers an image, floating (N, 10), as the file has them; of ``logits``, their softmax.

    npz: the array ``probabilities`` (or ``logits``), or the only one; npy; CSV of ten columns, with or without a line
    of names; a run folder. Whether they are probabilities is for `checks.checked` to say.

    Raises:
        DatasetError: for a file of another kind, shape or size, a damaged one, or logits that are not finite.
        StorageError: when it may not be read.
    """
    names = ("logits", "probabilities") if logits else ("probabilities",)
    values = _read(path, names, columns=10)
    if logits:
        return softmax(values)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def read_labels(path: Path, *, named: bool = False) -> NDArray[np.int64]:
    """The true digit of each image, int64 (N,).

    npz: the array ``labels``, or the only one unless it must be ``named`` so; npy; CSV of one column, with or without a
    name above; a run folder.

    Raises:
        DatasetError: for a file of another kind, shape or size, a damaged one, or a label that is not 0 to 9.
        StorageError: when it may not be read.
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
    if not path.is_file():  # nor a pipe, whose end may never come
        raise DatasetError(f"{path}: there is no such file")
    ending = path.suffix.lower()
    if ending not in (".npz", ".npy", ".csv", ".txt"):
        raise DatasetError(f"{path}: expected a file .npz, .npy or .csv, or a run folder")
    with saying_what_failed(path, "read"), path.open("rb") as file, _refusing(path):
        if ending == ".npz":
            return _from_archive(file, path, names, columns, named=named)
        if ending == ".npy":
            return _from_array(file, str(path), path.stat().st_size, columns)
        return _from_lines(file, path, columns)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except DatasetError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(f"{path}: cannot be read as {path.suffix.lower()[1:]}: {reason[:200]}") from error


def _from_archive(file: IO[bytes], path: Path, names: Sequence[str], columns: int, *, named: bool) -> NDArray[Any]:
    with zipfile.ZipFile(file) as archive:
        held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        name = next((name for name in (*names, *held) if name in held), "")
        if not held or (name not in names and (named or len(held) > 1)):
            found = ", ".join(list(held)[:10]) or "nothing"
            more = "; --logits reads them" if "logits" in held and "probabilities" in names else ""
            raise DatasetError(f"{path}: expected the array {names[0]}, found: {found}{more}")
        info = held[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(f"{path}: {name} is packed in another way than deflate; write it with numpy.savez")
        with archive.open(info) as member:
            return _from_array(member, f"{path}: {name}", info.file_size, columns)


def _from_array(file: IO[bytes], what: str, size: int, columns: int) -> NDArray[Any]:
    """The array of an npy file of ``size`` bytes, once its header is found to announce just these."""
    shape, by_columns, dtype = _read_header(file)
    if dtype.hasobject:
        raise DatasetError(f"{what} holds Python objects (a pickle), which are never loaded; expected numbers")
    if dtype.kind not in "uif":
        raise DatasetError(f"{what} is of type {dtype}; expected numbers")
    _expect_shape(what, shape, columns)
    expected = file.tell() + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size != expected:
        raise DatasetError(f"{what} has {size:,} bytes; expected {expected:,} for {dtype} {shape}; it may be cut off")
    values = np.frombuffer(file.read(size), dtype)  # reads to the end, so that a zip's checksum is compared
    values = values.reshape(shape[::-1]).T if by_columns else values.reshape(shape)
    return values.reshape(-1) if columns == 1 else values


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"npy format {version}; expected (1, 0) or (2, 0)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers of Python 2
        return readers[version](file, max_header_size=_MOST_HEADER)


def _expect_shape(what: str, shape: tuple[int, ...], columns: int) -> None:
    if columns == 1 and shape[1:] == (10,):
        raise DatasetError(
            f"{what} holds ten numbers a row; expected one label a row: of one-hot rows, take argmax(axis=1)"
        )
    if shape[1:] != (columns,) and not (columns == 1 and len(shape) == 1):
        expected = "(N,)" if columns == 1 else f"(N, {columns})"
        raise DatasetError(f"{what} has the shape {shape}; expected {expected}")
    if shape[0] > _MOST_ROWS:
        raise DatasetError(f"{what} has {shape[0]:,} rows; expected at most {_MOST_ROWS:,}")


def _from_lines(file: IO[bytes], path: Path, columns: int) -> NDArray[np.float64]:
    numbers = array.array("d")
    for place, (number, line) in enumerate(_lines(file, path)):
        cells = _cells(line, columns)
        if len(cells) != columns:
            advice = "; pandas leaves its row numbers out with index=False" if len(cells) == columns + 1 else ""
            raise DatasetError(f"{path}: line {number} has {len(cells)} columns; expected {columns}{advice}")
        if place == 0 and _are_names(cells):
            continue
        if len(numbers) == columns * _MOST_ROWS:
            raise DatasetError(f"{path} has more than {_MOST_ROWS:,} rows; expected at most so many")
        numbers.extend(_number(cell, path, number, column) for column, cell in enumerate(cells, 1))
    values = np.array(numbers, np.float64)
    return values if columns == 1 else values.reshape(-1, columns)


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers from 1, one by one."""
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
    """Whether a first line names the columns; a table of pandas has their numbers as names."""
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
