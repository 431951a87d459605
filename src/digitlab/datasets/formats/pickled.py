"""Read pickled arrays, such as Nielsen's mnist.pkl.gz, without unpickling.

A pickle is a program. This reader interprets only the instructions that build tuples, lists, dictionaries, strings,
numbers and NumPy arrays; a reference to anything else aborts the reading. Nothing is imported, called or executed.
"""

from __future__ import annotations

import gzip
import math
import pickletools
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats.checks import listed
from digitlab.datasets.formats.fitting import ArraySource, Fitter
from digitlab.datasets.formats.named_arrays import Pair, chosen, images_and_labels, pairs_of, splits_among
from digitlab.errors import DatasetError
from digitlab.storage import refusing, saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["pickled_source", "pickled_splits"]

_LARGEST = 1 << 30  # bytes, unpacked; mnist.pkl has 220 MB
_RATIO = 100  # maximum compression ratio of gzip; digits as float32 reach 14
_SLACK = 64 << 20
_MOST_ITEMS = 50  # of a tuple or dictionary
_MOST_STEPS = 100_000  # instructions; an array's data takes one
_CONVERT = (
    "if you trust its author, write it again in Python: import gzip, pickle, numpy; images, labels = "
    "pickle.load(gzip.open('FILE.pkl.gz'))[:2]; numpy.savez('NAME.npz', images=images, labels=labels)"
)
_SPLITS_OF = {2: ("train", "test"), 3: ("train", "validation", "test")}
_RECONSTRUCT = {f"numpy.{core}.multiarray _reconstruct" for core in ("core", "_core")}
_FROM_BUFFER = {f"numpy.{core}.numeric _frombuffer" for core in ("core", "_core")}
_ARRAY, _DTYPE, _ENCODE = "numpy ndarray", "numpy dtype", "_codecs encode"
_KNOWN = {*_RECONSTRUCT, *_FROM_BUFFER, _ARRAY, _DTYPE, _ENCODE}


def pickled_source(path: Path, split: str | None, preparation: str | None) -> ArraySource:
    """Open the images and labels of a file or of one of its splits.

    Raises:
        DatasetError: if it holds anything but arrays (the message shows how to convert it), or a split must be chosen.
    """
    arrays = _arrays(path)
    pair = chosen(path, _pairs(path, arrays), split, listed(arrays))
    images, labels = images_and_labels(path, arrays[pair.images], arrays[pair.labels or ""])
    return ArraySource(path, images, labels, Fitter(path, preparation))


def pickled_splits(path: Path) -> tuple[str, ...]:
    """Return the splits of a file; empty if there is nothing to choose."""
    return splits_among(_pairs(path, _arrays(path)))


def _pairs(path: Path, arrays: dict[str, NDArray[Any]]) -> dict[str, Pair]:
    pairs = pairs_of({name: array.shape for name, array in arrays.items()})
    if not any(pair.labels for pair in pairs.values()):
        contents = f"; it holds {listed(arrays)}" if arrays else ""
        raise DatasetError(
            f"{path} is a Python pickle, which is never loaded; expected arrays of images and of labels in it, in one "
            f"pair or a pair for each split{contents}. {_CONVERT}"
        )
    return {split: pair for split, pair in pairs.items() if pair.labels}


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays by name; those in nested tuples are named by their positions, like train.images."""
    with saying_what_failed(path, "read"), path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0, 2)
        stored = file.tell()
        file.seek(0)
        limit = min(_LARGEST, stored * _RATIO + _SLACK)
        errors = (ValueError, IndexError, KeyError, TypeError, EOFError, zlib.error, gzip.BadGzipFile, MemoryError,
                  OverflowError, UnicodeError, AttributeError, SyntaxError)  # fmt: skip
        with refusing(path, "is not a readable pickle of arrays", *errors):
            content = gzip.GzipFile(fileobj=file) if is_gzip else file
            whole = _Machine(path).run(_Bounded(path, content, limit))
            return _named(whole)


def _named(whole: Any) -> dict[str, NDArray[Any]]:
    if isinstance(whole, dict):
        return {str(name): value for name, value in whole.items() if isinstance(value, np.ndarray)}
    parts = list(whole) if isinstance(whole, list) else []
    if len(parts) == 2 and all(isinstance(part, np.ndarray) for part in parts):
        return {"images": parts[0], "labels": parts[1]}
    arrays: dict[str, NDArray[Any]] = {}
    for split, part in zip(_SPLITS_OF.get(len(parts), ()), parts, strict=False):
        if isinstance(part, list) and len(part) == 2 and all(isinstance(value, np.ndarray) for value in part):
            arrays |= {f"{split}.images": part[0], f"{split}.labels": part[1]}
    return arrays


class _Bounded:
    """A file of which at most ``limit`` bytes are read; larger reads are rejected before memory is allocated."""

    def __init__(self, path: Path, file: IO[bytes] | gzip.GzipFile, limit: int) -> None:
        self._path, self._file, self._left = path, file, limit

    def read(self, size: int) -> bytes:
        self._take(size)
        return self._file.read(size)

    def readline(self) -> bytes:
        line = self._file.readline(1 << 16)
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise DatasetError(f"{self._path} unpacks to more than a dataset of digits would; it is not read further")


@dataclass(slots=True)
class _Name:
    """A reference to an object in a module; it is never resolved."""

    name: str


@dataclass(slots=True)
class _Made:
    """An array or a dtype under construction."""

    kind: str
    code: str = ""
    value: NDArray[Any] | None = None


class _Machine:
    """A stack machine that interprets the known pickle instructions and rejects all others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._acts: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self._marks.append(len(self._stack)),
            "NONE": lambda _: self._stack.append(None),
            "NEWTRUE": lambda _: self._stack.append(True),
            "NEWFALSE": lambda _: self._stack.append(False),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "TUPLE": lambda _: self._stack.append(tuple(self._since_mark())),
            "LIST": lambda _: self._stack.append(self._since_mark()),
            "APPEND": lambda _: self._extend([self._stack.pop()]),
            "APPENDS": lambda _: self._extend(self._since_mark()),
            "SETITEMS": lambda _: self._set(self._since_mark()),
            "SETITEM": lambda _: self._set([self._stack.pop(-2), self._stack.pop()]),
            "MEMOIZE": lambda _: self._memo.__setitem__(len(self._memo), self._stack[-1]),
            "GLOBAL": self._global,
            "STACK_GLOBAL": lambda _: self._global(f"{self._stack.pop(-2)} {self._stack.pop()}"),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            **{f"TUPLE{size}": self._tuple_of(size) for size in (1, 2, 3)},
            **dict.fromkeys(("BINPUT", "LONG_BINPUT", "PUT"), lambda key: self._memo.__setitem__(key, self._stack[-1])),
            **dict.fromkeys(("BINGET", "LONG_BINGET", "GET"), lambda key: self._stack.append(self._memo[key])),
            **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda _: None),
        }

    def run(self, file: _Bounded) -> Any:
        """Interpret the pickle; return what it describes: tuples, lists, dictionaries and arrays."""
        for step, (instruction, argument, _) in enumerate(pickletools.genops(file)):  # type: ignore[arg-type]
            if step > _MOST_STEPS:
                raise ValueError("more than 100,000 instructions; expected a few arrays")
            if instruction.name in self._acts:
                self._acts[instruction.name](argument)
            elif isinstance(argument, (str, bytes, bytearray, int, float)) and _is_literal(instruction.name):
                self._stack.append(argument)
            else:
                self._refuse(f"the instruction {instruction.name}")
        return _finished(self._stack[-1], 3)

    def _refuse(self, content: str) -> None:
        raise DatasetError(
            f"{self._path} is a pickle with {content} in it, not arrays only; it is never run. {_CONVERT}"
        )

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _tuple_of(self, size: int) -> Callable[[Any], None]:
        def act(_: Any) -> None:
            items = tuple(self._stack[-size:])
            del self._stack[-size:]
            self._stack.append(items)

        return act

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise TypeError("items appended to an object that is not a list")
        target.extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise TypeError("items set on an object that is not a dictionary")
        target.update(zip((str(_text(key)) for key in items[::2]), items[1::2], strict=True))

    def _global(self, name: str) -> None:
        if name not in _KNOWN:
            self._refuse(repr(name.replace(" ", ".")[:80]))
        self._stack.append(_Name(name))

    def _reduce(self) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        name = called.name if isinstance(called, _Name) else ""
        if name in _RECONSTRUCT:
            self._stack.append(_Made("array"))
        elif name == _DTYPE:
            self._stack.append(_Made("dtype", str(_text(arguments[0]))))
        elif name == _ENCODE:  # how protocol 2 writes bytes
            self._stack.append(arguments[0].encode("latin-1"))
        elif name in _FROM_BUFFER:
            content, dtype, shape, order = arguments
            self._stack.append(_Made("array", value=_array(content, dtype, shape, fortran=order == "F")))
        else:
            self._refuse(f"a call of {name.replace(' ', '.') or 'something'}")

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if not isinstance(target, _Made):
            self._refuse("the state of an object")
        elif target.kind == "array":
            _, shape, dtype, fortran, content = state
            target.value = _array(content, dtype, shape, fortran=bool(fortran))
        elif _text(state[1]) == ">":
            target.code = f">{target.code}"


def _is_literal(name: str) -> bool:
    return any(word in name for word in ("INT", "LONG", "STRING", "UNICODE", "BYTES", "FLOAT", "BYTEARRAY"))


def _text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _array(content: Any, dtype: Any, shape: Any, *, fortran: bool) -> NDArray[Any]:
    """Create a numeric array as a view of bytes already read."""
    if not isinstance(dtype, _Made) or dtype.kind != "dtype":
        raise TypeError("an array without a type")
    numbers = np.dtype(dtype.code)
    if numbers.kind not in "uifb" or numbers.hasobject:
        raise ValueError(f"an array of {numbers}; expected numbers")
    if isinstance(content, str):  # from Python 2, where strings were bytes
        content = content.encode("latin-1")
    sizes = tuple(int(size) for size in shape)
    if min(sizes, default=0) < 0 or math.prod(sizes) * numbers.itemsize != len(content):
        raise ValueError(f"an array of {sizes} in {len(content):,} bytes")
    return np.frombuffer(content, numbers).reshape(sizes, order="F" if fortran else "C")


def _finished(value: Any, depth: int) -> Any:
    """Replace arrays under construction by the finished ones, ``depth`` levels deep.

    One item may be referenced a million times, and a list may contain itself; so depth and length are limited.
    """
    if isinstance(value, _Made):
        return value.value
    if not depth or not isinstance(value, (tuple, list, dict)) or len(value) > _MOST_ITEMS:
        return None
    if isinstance(value, dict):
        return {key: _finished(item, depth - 1) for key, item in value.items()}
    return [_finished(item, depth - 1) for item in value]
