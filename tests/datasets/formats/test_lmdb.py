"""LMDBs that our writer did not make: with `lmdb` and bytes put together here."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from digitlab.datasets.formats import convert, open_dataset_file
from digitlab.datasets.formats.lmdb_pages import PageFile
from digitlab.errors import DatasetError
from digitlab.values import Digits

if TYPE_CHECKING:
    from pathlib import Path

SIDES = b"\x08\x01\x10\x1c\x18\x1c"


def varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def record(pixels: bytes, label: int, *, sides: tuple[int, int, int] = (1, 28, 28)) -> bytes:
    return b"".join(number(field, side) for field, side in enumerate(sides, 1)) + text(4, pixels) + number(5, label)


def write(path: Path, records: dict[bytes, bytes], *, subdir: bool = True) -> Path:
    with (
        lmdb.open(str(path), map_size=1 << 26, subdir=subdir, lock=False) as environment,
        environment.begin(write=True) as put,
    ):
        for key, value in records.items():
            put.put(key, value)
    return path


def contents(path: Path) -> list[tuple[bytes, bytes]]:
    with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return list(transaction.cursor())


def read(path: Path) -> Digits:
    with open_dataset_file(path) as source:
        (digits,) = source.batches()
    return digits


def hand_built(digits: Digits) -> dict[bytes, bytes]:
    return {
        b"%08d" % row: record(image.tobytes(), int(label))
        for row, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True))
    }


def test_hand_built_records_to_hdf5_and_back_every_byte_equal(tmp_path):
    random = np.random.default_rng(0)
    digits = Digits(
        random.integers(0, 256, (3000, 28, 28), dtype=np.uint8), random.integers(0, 10, 3000).astype(np.uint8)
    )
    records = hand_built(digits)
    write(tmp_path / "theirs.lmdb", records)
    assert convert(tmp_path / "theirs.lmdb", tmp_path / "a.h5") == 3000
    assert convert(tmp_path / "a.h5", tmp_path / "ours.lmdb") == 3000
    assert contents(tmp_path / "ours.lmdb") == contents(tmp_path / "theirs.lmdb") == sorted(records.items())


def test_as_a_folder_as_its_data_file_and_as_a_single_file(tmp_path, digits):
    write(tmp_path / "a.lmdb", hand_built(digits))
    write(tmp_path / "b.lmdb", hand_built(digits), subdir=False)
    write(tmp_path / "named otherwise", hand_built(digits))
    for name in ("a.lmdb", "a.lmdb/data.mdb", "b.lmdb", "named otherwise"):
        assert_array_equal(read(tmp_path / name).images, digits.images)


def test_every_way_to_write_a_datum(tmp_path):
    """Other orders of fields, encoded pictures, floats, unknown fields, in one file among plain records."""
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    png = io.BytesIO()
    Image.fromarray(image).save(png, "PNG")
    floats = struct.pack("<784f", *image.ravel())
    values = [
        record(image.tobytes(), 0),
        record(image.tobytes(), 1) + number(7, 0),
        number(5, 2) + text(4, image.tobytes()) + SIDES,
        text(4, png.getvalue()) + number(5, 3) + number(7, 1),
        SIDES + number(5, 4) + text(6, floats),
        SIDES + number(5, 5) + b"".join(b"\x35" + floats[at : at + 4] for at in range(0, len(floats), 4)),
        record(image.tobytes(), 6) + text(99, b"what a later Caffe adds"),
        record(image.tobytes(), 200) + number(5, 7),
        record(bytes(784), 9) + text(4, image.tobytes()) + number(5, 8),
        record(image.tobytes(), 9),
    ]
    write(tmp_path / "a.lmdb", {b"%08d" % row: value for row, value in enumerate(values * 3)})
    digits = read(tmp_path / "a.lmdb")
    assert digits.labels.tolist() == [*range(10)] * 3
    assert_array_equal(digits.images, np.broadcast_to(image, (30, 28, 28)))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    longest=st.sampled_from([1, 60, 1500, 9000]),
    count=st.integers(0, 400),
    passes=st.integers(1, 3),
)
def test_pages_are_read_as_liblmdb_reads_them(tmp_path_factory, seed, longest, count, passes):
    """Keys in any order, put again and deleted, so that pages are split, merged and used again."""
    path = tmp_path_factory.mktemp("pages") / "a"
    random = np.random.default_rng(seed)
    with lmdb.open(str(path), map_size=1 << 26, lock=False) as environment:
        for _ in range(passes):
            with environment.begin(write=True) as put:
                for key in random.permutation(count):
                    put.put(b"%d" % key, random.bytes(int(random.integers(0, longest))))
                for key in random.integers(0, max(1, count), count // 3):
                    put.delete(b"%d" % key)
    pages = PageFile(path / "data.mdb")
    found = [
        (records.name(row).removeprefix("record ").encode(), records.value(row))
        for records in pages.records()
        for row in range(len(records))
    ]
    pages.close()
    assert found == contents(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (record(bytes(784), 3)[:-5], "record 00000007 is truncated or not a Caffe Datum"),
        (b"", "record 00000007 has no label; expected 0 to 9"),
        (record(bytes(784), 3)[:-2], "record 00000007 has no label; expected 0 to 9"),
        (record(bytes(784), 12), "label of record 00000007 is 12; expected 0 to 9"),
        (record(bytes(784), 300), "label of record 00000007 is 300; expected 0 to 9"),
        (record(bytes(783), 3), "record 00000007 has 783 pixels; expected 784"),
        (record(bytes(1024), 3, sides=(1, 32, 32)), r"height, width \(1, 32, 32\); expected \(1, 28, 28\)"),
        (record(bytes(3 * 784), 3, sides=(3, 28, 28)), r"height, width \(3, 28, 28\); expected \(1, 28, 28\)"),
        (text(4, b"no picture") + number(5, 3) + number(7, 1), "record 00000007 is not a readable PNG"),
        (SIDES + number(5, 3), "record 00000007 has 0 pixels"),
        (
            SIDES + number(5, 3) + text(6, struct.pack("<784f", *[0.5] * 784)),
            r"record 00000007 contains 0\.5; .* multiply by 255, round",
        ),
        (
            number(1, 1)
            + number(2, 28)
            + number(3, 28)
            + number(5, 3)
            + text(6, struct.pack("<784f", *[np.nan] * 784)),
            "record 00000007 contains nan; expected whole numbers 0 to 255",
        ),
        (bytes(70_000), "record 00000007 has 70,000 bytes; expected at most 65,536"),
    ],
)
def test_bad_records_are_named(tmp_path, digits, value, message):
    write(tmp_path / "a.lmdb", {**hand_built(digits), b"00000007": value})
    with open_dataset_file(tmp_path / "a.lmdb") as source, pytest.raises(DatasetError, match=message):
        list(source.batches())


def test_a_missing_data_file(tmp_path):
    (tmp_path / "a.lmdb").mkdir()
    with pytest.raises(DatasetError, match=r"a\.lmdb: there is no data\.mdb"):
        open_dataset_file(tmp_path / "a.lmdb")


def test_a_cut_off_data_file(tmp_path, digits):
    path = write(tmp_path / "a.lmdb", hand_built(digits)) / "data.mdb"
    whole = path.read_bytes()
    for length in (0, 100, 4096, 5000, 8192, 20_000, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match=r"data\.mdb"), open_dataset_file(tmp_path / "a.lmdb") as source:
            list(source.batches())


def test_named_databases(tmp_path):
    with lmdb.open(str(tmp_path / "a.lmdb"), max_dbs=2) as environment:
        environment.open_db(b"inner")
    with pytest.raises(DatasetError, match="named databases"), open_dataset_file(tmp_path / "a.lmdb") as source:
        list(source.batches())
