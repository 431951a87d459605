"""The records of an LMDB file in key order, read page by page.

liblmdb trusts the files that it opens: of 10,000 damaged ones in our benchmark, 725 kill the process (SIGBUS, SIGABRT).
Datasets are untrusted, so pages are parsed here instead, and every number is checked before it is used. Writing uses
liblmdb.

The layout is that of liblmdb 0.9 (``mdb.c``: MDB_page, MDB_meta, MDB_db, MDB_node), little-endian, 64 bit::

    page    0 number u64 · 8 pad u16 · 10 flags u16 · 12 lower u16 · 14 upper u16 · 16 offsets of the nodes u16 …
            (in an overflow page, 12 is its number of pages, u32, and its data starts at 16)
    node    0 low u16 · 2 high u16 · 4 flags u16 · 6 length of the key u16 · 8 key, value
            (in a branch, low, high and flags are the child's page number; in a leaf, low and high the value's length)
    meta    16 magic u32 · 20 version u32 · 40 db of the free list · 88 db of the records · 144 transaction u64
    db      0 pad u32 (of the free list: the page size) · 4 flags u16 · 6 depth u16 · 32 records u64 · 40 root u64
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, counted
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MAGIC", "PageFile", "Records"]

MAGIC = 0xBEEFC0DE
_VERSION = 1
_BRANCH, _LEAF, _OVERFLOW = 0x01, 0x02, 0x04
_BIG = 0x01  # flag of a node whose value is on overflow pages
_PAGE_HEADER, _NODE_HEADER = 16, 8
_NO_ROOT = 2**64 - 1
_MAX_DEPTH = 32
_MAX_RECORD = 1 << 16
_BLOCK_BYTES = 1 << 20
_BLOCK_RECORDS = 1024


@dataclass(frozen=True, slots=True)
class Records:
    """A block of records: the positions of their values and keys in one buffer.

    buffer: uint8 (M,)
    starts, sizes: int64 (N,), of the values
    keys: int64 (N, 2), start and end of the keys
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def value(self, row: int) -> bytes:
        """Return the bytes of one record."""
        return self.buffer[self.starts[row] : self.starts[row] + self.sizes[row]].tobytes()

    def name(self, row: int) -> str:
        """Return a record's name for messages: its key."""
        key = self.buffer[self.keys[row, 0] : self.keys[row, 1]].tobytes()
        return f"record {key.decode('ascii', 'backslashreplace')}"


class PageFile:
    """A ``data.mdb``, open for reading.

    count: the number of records in its header
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with saying_what_failed(path, "read"):
            self._file = path.open("rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._read_meta()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _damaged(self, problem: str) -> DatasetError:
        return DatasetError(f"{self._path}: damaged LMDB: {problem}")

    def _read(self, position: int, size: int) -> bytes:
        with saying_what_failed(self._path, "read"):
            content = os.pread(self._file.fileno(), size, position)
        if len(content) < size:
            raise self._damaged(f"ends at byte {self._size:,}; expected {size:,} bytes at {position:,}")
        return content

    def _read_meta(self) -> None:
        first = self._read(0, 152)
        magic, version = struct.unpack_from("<II", first, 16)
        if magic != MAGIC or version != _VERSION:
            raise DatasetError(
                f"{self._path}: is not an LMDB of version 1 (magic {magic:#x}, version {version}; "
                f"expected {MAGIC:#x}, {_VERSION}); 64-bit little-endian files can be read"
            )
        self._page_size = struct.unpack_from("<I", first, 40)[0]
        if self._page_size not in (1 << power for power in range(9, 17)):
            raise self._damaged(f"pages of {self._page_size:,} bytes; expected a power of two from 512 to 65,536")
        # Two copies are written alternately; the one with the later transaction is valid.
        second = self._read(self._page_size, 152)
        valid = [meta for meta in (first, second) if struct.unpack_from("<II", meta, 16) == (MAGIC, _VERSION)]
        meta = max(valid, key=lambda meta: struct.unpack_from("<Q", meta, 144)[0])
        flags, self._depth, self.count, self._root = struct.unpack_from("<4xHH24xQQ", meta, 88)
        self._expect_records(flags)

    def _expect_records(self, flags: int) -> None:
        if flags:
            raise self._damaged(f"a database with flags {flags:#x}; expected plain records, each key once")
        if self.count * _NODE_HEADER > self._size:
            raise self._damaged(f"{counted(self.count, 'record')} in {self._size:,} bytes")
        if (
            self._depth > _MAX_DEPTH
            or (self.count == 0) != (self._root == _NO_ROOT)
            or (self.count and not self._depth)
        ):
            raise self._damaged(f"{counted(self.count, 'record')} on {self._depth} levels below page {self._root}")

    def records(self) -> Iterator[Records]:
        """Yield all records, about a thousand at a time.

        Raises:
            DatasetError: at the first page that is damaged.
        """
        count = 0
        for numbers in self._leaves():
            for records in self._leaf_records(numbers):
                count += len(records)
                if count > self.count:
                    raise self._damaged(f"more than the {counted(self.count, 'record')} of its header")
                yield records
        if count != self.count:
            raise self._damaged(f"{counted(count, 'record')}; expected the {self.count:,} of its header")

    def _leaves(self) -> Iterator[NDArray[np.int64]]:
        """Yield the numbers of the leaf pages, in order, a few hundred at a time."""
        if self.count == 0:
            return
        most = max(1, _BLOCK_BYTES // self._page_size)
        waiting: NDArray[np.int64] = np.empty(0, np.int64)
        for numbers in self._below(np.array([self._root], np.uint64).view(np.int64), self._depth - 1):
            waiting = np.concatenate((waiting, numbers))
            while len(waiting) >= most:
                yield waiting[:most]
                waiting = waiting[most:]
        if len(waiting):
            yield waiting

    def _below(self, numbers: NDArray[np.int64], levels: int) -> Iterator[NDArray[np.int64]]:
        if levels == 0:
            yield numbers
            return
        for number in numbers:
            nodes = self._nodes(np.array([number]), _BRANCH)
            yield from self._below(nodes.low | nodes.high << 16 | nodes.flags << 32, levels - 1)

    def _pages(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Read pages by number, (N, page size); adjacent ones in one read."""
        outside = (numbers < 2) | (numbers >= self._size // self._page_size)
        if outside.any():
            raise self._damaged(f"refers to page {numbers[outside][0]}; the file has {self._size // self._page_size:,}")
        starts = np.flatnonzero(np.diff(numbers, prepend=-1) != 1)
        runs = zip(numbers[starts].tolist(), np.diff(starts, append=len(numbers)).tolist(), strict=True)
        parts = [self._read(number * self._page_size, length * self._page_size) for number, length in runs]
        content = parts[0] if len(parts) == 1 else b"".join(parts)
        return np.frombuffer(content, np.uint8).reshape(-1, self._page_size)

    def _nodes(self, numbers: NDArray[np.int64], flag: int) -> _Nodes:
        pages = self._pages(numbers)
        header = pages[:, :_PAGE_HEADER].copy()
        words = header.view("<u2").astype(np.int64)  # (N, 8)
        lower, upper = words[:, 6], words[:, 7]
        wrong = (header.view("<i8")[:, 0] != numbers) | (words[:, 5] != flag)
        wrong |= (lower <= _PAGE_HEADER) | (lower % 2 == 1) | (upper < lower)
        counts = (lower - _PAGE_HEADER) // 2
        wrong |= upper + counts * _NODE_HEADER > self._page_size
        if wrong.any():
            kind = "leaf" if flag == _LEAF else "branch"
            raise self._damaged(f"page {numbers[wrong][0]} is not a {kind} page of the tree")
        return self._nodes_of(pages, counts)

    def _nodes_of(self, pages: NDArray[np.uint8], counts: NDArray[np.int64]) -> _Nodes:
        most = int(counts.max())
        offsets = pages[:, _PAGE_HEADER : _PAGE_HEADER + 2 * most].copy().view("<u2")  # (N, most)
        present = np.arange(most) < counts[:, np.newaxis]
        page, _ = np.nonzero(present)
        offset = offsets[present].astype(np.int64)
        if (offset > self._page_size - _NODE_HEADER).any():
            raise self._damaged("a node that lies outside its page")
        flat, base = pages.reshape(-1), page * self._page_size + offset
        words = _rows(flat, base, _NODE_HEADER).view("<u2").astype(np.int64)  # (nodes, 4)
        nodes = _Nodes(flat, base, (page + 1) * self._page_size, *words.T)
        if (nodes.data > nodes.page_end).any():
            raise self._damaged("a key that reaches outside its page")
        return nodes

    def _leaf_records(self, numbers: NDArray[np.int64]) -> Iterator[Records]:
        nodes = self._nodes(numbers, _LEAF)
        if (nodes.flags > _BIG).any():
            raise self._damaged("named databases or several values a key; expected plain records")
        sizes, big = nodes.low | nodes.high << 16, nodes.flags == _BIG
        keys = np.stack((nodes.base + _NODE_HEADER, nodes.data), axis=1)
        if (nodes.data + np.where(big, 8, sizes) > nodes.page_end).any():
            raise self._damaged("a record that reaches outside its page")
        for start in range(0, len(sizes), _BLOCK_RECORDS):
            part = slice(start, start + _BLOCK_RECORDS)
            records = Records(nodes.flat, nodes.data[part], sizes[part], keys[part])
            yield self._with_big(records, np.flatnonzero(big[part])) if big[part].any() else records

    def _with_big(self, records: Records, rows: NDArray[np.int64]) -> Records:
        """Append the values of ``rows``, which are on overflow pages, to the buffer of the records."""
        values = [self._big_value(records, int(row)) for row in rows]
        starts = records.starts.copy()
        ends = np.cumsum([len(value) for value in values])
        starts[rows] = len(records.buffer) + ends - records.sizes[rows]
        behind = np.frombuffer(b"".join(values), np.uint8)
        return Records(np.concatenate((records.buffer, behind)), starts, records.sizes, records.keys)

    def _big_value(self, records: Records, row: int) -> bytes:
        size = int(records.sizes[row])
        if size > _MAX_RECORD:
            raise DatasetError(
                f"{self._path}: {records.name(row)} has {size:,} bytes; expected at most {_MAX_RECORD:,}"
            )
        start = int(records.starts[row])
        number = int.from_bytes(records.buffer[start : start + 8].tobytes(), "little")
        if not 2 <= number < self._size // self._page_size:
            raise self._damaged(f"{records.name(row)} refers to page {number}")
        page, flags, pages = struct.unpack("<QxxHI", self._read(number * self._page_size, _PAGE_HEADER))
        if (page, flags) != (number, _OVERFLOW) or _PAGE_HEADER + size > pages * self._page_size:
            raise self._damaged(f"page {number} does not contain the {size:,} bytes of {records.name(row)}")
        return self._read(number * self._page_size + _PAGE_HEADER, size)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes of some pages, in order; all but ``flat`` are int64 (N,)."""

    flat: NDArray[np.uint8]
    base: NDArray[np.int64]
    page_end: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    flags: NDArray[np.int64]
    key_size: NDArray[np.int64]

    @property
    def data(self) -> NDArray[np.int64]:
        """The start of the values, after the keys."""
        return self.base + _NODE_HEADER + self.key_size


def _rows(flat: NDArray[np.uint8], starts: NDArray[np.int64], size: int) -> NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(flat, size)[starts]
