"""What must be refused, with file, record and what was expected."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import h5py
import numpy as np
import pytest

from digitlab.datasets.formats import convert, dataset_writer, open_dataset_file
from digitlab.errors import DatasetError, MissingExtraError, StorageError


def refused(path, message, split=None):
    """Reading all of it fails so, and converting it leaves nothing."""
    target = path.parent / "target.npz"
    with pytest.raises(DatasetError, match=message) as caught:
        convert(path, target, split=split)
    assert not target.exists()
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_of_no_known_kind(tmp_path):
    refused(tmp_path / "a.h5", "there is no file or folder")
    (tmp_path / "a.bin").write_bytes(b"hello")
    refused(tmp_path / "a.bin", r"has an unknown format; expected NAME\.h5")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", r"has no images; expected data\.mdb, folders named 0 to 9, or IDX files")


def test_what_may_not_be_read(tmp_path, digits, monkeypatch):
    from pathlib import Path

    with dataset_writer(tmp_path / "a.csv") as sink:
        sink.write(digits)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageError, match=r"cannot read .*a\.csv: permission denied"):
        open_dataset_file(tmp_path / "a.csv")


# --- IDX


def idx(tmp_path, images: bytes, labels: bytes, ending: str = ""):
    pack = gzip.compress if ending else bytes
    path = tmp_path / f"a-images-idx3-ubyte{ending}"
    path.write_bytes(pack(images))
    (tmp_path / f"a-labels-idx1-ubyte{ending}").write_bytes(pack(labels))
    return path


IMAGES = struct.pack(">4I", 2051, 3, 28, 28) + bytes(3 * 784)
LABELS = struct.pack(">2I", 2049, 3) + bytes([1, 2, 3])


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[:10], LABELS, "a-images.* ends after 10 bytes; expected a header of 16"),
        (b"", LABELS, "a-images.* ends after 0 bytes"),
        (b"\0\0\x08\x04" + IMAGES[4:], LABELS, "its magic number is 2052; expected 2051"),
        (IMAGES, b"\0\0\x08\x03" + LABELS[4:], "a-labels.* its magic number is 2051; expected 2049"),
        (struct.pack(">4I", 2051, 3, 32, 32) + bytes(3072), LABELS, "its images are 32×32; expected 28×28"),
        (IMAGES, struct.pack(">2I", 2049, 2) + bytes(2), "a-labels.* has 2 labels; expected 3, one for each image"),
        (IMAGES, LABELS[:-1] + b"\x0c", r"labels\[2\] is 12; expected 0 to 9\. Rows with other labels: 1 of 3"),
    ],
)
def test_idx(tmp_path, ending, images, labels, message):
    refused(idx(tmp_path, images, labels, ending), message)


def test_idx_of_another_length_than_its_header_says(tmp_path):
    refused(idx(tmp_path, IMAGES[:-1], LABELS), "has 2,367 bytes; expected 2,368 for the 3 rows of its header")
    refused(idx(tmp_path, IMAGES + b"x", LABELS), "has 2,369 bytes; expected 2,368")
    refused(idx(tmp_path, IMAGES, LABELS + b"x"), "has 12 bytes; expected 11")
    refused(idx(tmp_path, IMAGES[:-1], LABELS, ".gz"), "ends in row 2; the header says more")
    refused(idx(tmp_path, IMAGES + b"x", LABELS, ".gz"), "has more data after its 3 rows")


def test_idx_gzip_that_is_damaged_or_a_bomb(tmp_path):
    path = idx(tmp_path, IMAGES, LABELS, ".gz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-12])
    refused(path, "damaged")
    path.write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    refused(path, "damaged gzip: CRC check failed")
    bomb = struct.pack(">4I", 2051, 2**31, 28, 28) + bytes(1000)
    refused(idx(tmp_path, bomb, LABELS, ".gz"), "would unpack .* bytes into 1,683,627,180,048; expected at most 100")


def test_idx_without_its_twin(tmp_path):
    path = idx(tmp_path, IMAGES, LABELS)
    (tmp_path / "a-labels-idx1-ubyte").unlink()
    refused(path, "there is no .*a-labels-idx1-ubyte; images and labels are expected in the same folder")
    path.rename(tmp_path / "mine.idx")
    refused(tmp_path / "mine.idx", "the name does not belong to a pair")


# --- HDF5


def hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name.replace("__", "/")] = values
    return path


ZEROS = np.zeros((5, 28, 28, 1), np.float32)


def with_value(value, row=3):
    images = ZEROS.copy()
    images[row, 4, 5] = value
    return images


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({}, "there is no dataset data; expected data and labels, found: nothing"),
        ({"data": ZEROS}, "there is no dataset labels; expected data and labels, found: data"),
        ({"x": ZEROS, "y": np.zeros(5)}, "there is no dataset data; .* found: x, y"),
        ({"data": ZEROS, "labels": np.array([b"1"] * 5)}, r"labels is of type \|S1; expected numbers"),
        ({"data": ZEROS, "labels": ["one"] * 5}, "labels contains Python objects"),
        ({"data": ZEROS.astype("complex64"), "labels": np.zeros(5)}, "data is of type complex64; expected numbers"),
        (
            {"data": ZEROS[:, :27], "labels": np.zeros(5)},
            r"data has the shape \(5, 27, 28, 1\); expected",
        ),
        ({"data": np.float32(3), "labels": np.zeros(5)}, r"data has the shape \(\); expected"),
        ({"data": ZEROS, "labels": np.zeros(4)}, r"labels has the shape \(4,\); expected \(5,\), one for each row"),
        ({"data": ZEROS, "labels": np.eye(5)}, r"labels has the shape \(5, 5\); expected \(5,\)"),
        ({"data": ZEROS, "labels": [1, 2, 12, -1, 3]}, r"labels\[2\] is 12; .*Rows with other labels: 2 of 5"),
        ({"data": ZEROS, "labels": [1, 2, 2.5, np.nan, 3]}, r"labels\[2\] is 2\.5; .*Rows with other labels: 2 of 5"),
        (
            {"data": with_value(np.nan), "labels": np.zeros(5)},
            r"data\[3\] contains nan; expected whole numbers 0 to 255",
        ),
        ({"data": with_value(256), "labels": np.zeros(5)}, r"data\[3\] contains 256\.0; expected whole numbers"),
        ({"data": with_value(-1), "labels": np.zeros(5)}, r"data\[3\] contains -1\.0"),
        ({"data": with_value(np.inf), "labels": np.zeros(5)}, r"data\[3\] contains inf"),
        ({"data": with_value(0.5), "labels": np.zeros(5)}, r"data\[3\] contains 0\.5; .* multiply by 255, round"),
        (
            {"data": with_value(7.5), "labels": np.zeros(5)},
            r"data\[3\] contains 7\.5; expected whole numbers 0 to 255$",
        ),
        ({"data": ZEROS.astype(int) - 256, "labels": np.zeros(5)}, r"data\[0\] contains -256"),
        ({"data": h5py.Empty("f4"), "labels": np.zeros(5)}, "data is empty"),
        ({"train__data": ZEROS, "train__labels": np.zeros(5)}, "choose a split; it has: train"),
    ],
)
def test_hdf5(tmp_path, datasets, message):
    refused(hdf5(tmp_path / "a.h5", **datasets), message)


def test_hdf5_that_is_none(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"a,b,c")
    refused(tmp_path / "a.h5", "is not a readable HDF5 file")
    hdf5(tmp_path / "a.h5", data=ZEROS, labels=np.zeros(5))
    content = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(content[:-100])
    refused(tmp_path / "a.h5", "truncated file")


def test_hdf5_that_declares_more_than_it_holds(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (10**9, 784), "f4", chunks=(100, 784))
        file.create_dataset("labels", (10**9,), "i4", chunks=(100,))
    refused(tmp_path / "a.h5", "data has 0 bytes; expected 3,136,000,000,000")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (10**9, 784), "f4", chunks=(100, 784), compression="gzip")[:5] = 1
        file.create_dataset("labels", (10**9,), "i4", chunks=(100,), compression="gzip")[:5] = 1
    refused(tmp_path / "a.h5", "data would unpack")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (30_000, 784), "f4", chunks=(30_000, 784))[:] = 1
        file["labels"] = np.ones(30_000)
    refused(tmp_path / "a.h5", "data has chunks of 94,080,000 bytes; expected at most")


def test_hdf5_chunk_that_unpacks_to_more_than_it_may(tmp_path):
    import zlib

    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (100, 784), "u1", chunks=(100, 784), compression="gzip")
        data.id.write_direct_chunk((0, 0), zlib.compress(bytes(150_000_000), 9))
        file["labels"] = np.ones(100)
    refused(tmp_path / "a.h5", "data, chunk at row 0 unpacks to more than its 78,400 bytes")


@pytest.mark.parametrize("packing", [{"scaleoffset": 0}, {"compression": 32_019, "allow_unknown_filter": True}])
def test_hdf5_packed_in_an_unusual_way(tmp_path, packing):
    """n-bit and scale-offset unpack in code with known overflows; a filter's number makes HDF5 look for a library."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        images = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.int32)
        if "scaleoffset" in packing:
            file.create_dataset("data", data=images, chunks=(40, 28, 28), **packing)
        else:
            made = file.create_dataset("data", images.shape, np.int32, chunks=(40, 28, 28), **packing)
            made.id.write_direct_chunk((0, 0, 0), images.tobytes())
        file["labels"] = np.zeros(40, np.uint8)
    refused(path, "has an unsupported filter; expected gzip, lzf or no compression")


def test_hdf5_that_points_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(784 * 5))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (5, 784), "u1", external=[(str(tmp_path / "secret"), 0, 784 * 5)])
        file["labels"] = np.ones(5)
    refused(tmp_path / "a.h5", "data is stored in other files")
    hdf5(tmp_path / "b.h5", data=ZEROS, labels=np.zeros(5))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = h5py.ExternalLink(str(tmp_path / "b.h5"), "/data")
        file["labels"] = np.ones(5)
    refused(tmp_path / "a.h5", "there is no dataset data")


@pytest.mark.parametrize(("name", "module"), [("a.h5", "h5py"), ("a.lmdb", "google.protobuf")])
def test_an_extra_that_is_not_installed(tmp_path, digits, monkeypatch, name, module):
    from digitlab.datasets.formats.datum import datum_class

    with dataset_writer(tmp_path / name) as sink:
        sink.write(digits)
    datum_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtraError, match=r'needs the extra "train"'):
        open_dataset_file(tmp_path / name)
    with pytest.raises(MissingExtraError), dataset_writer(tmp_path / f"new-{name}") as sink:
        sink.write(digits)
    datum_class.cache_clear()


# --- npz


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "expected the arrays images and labels, found: a"),
        ({"a": ZEROS, "b": np.zeros(5)}, r"found: a, b\. In Python, numpy\.savez"),
        ({"X": ZEROS, "y": np.eye(10)[:5]}, r"for one-hot labels, take y\.argmax\(axis=1\)"),
        ({"images": ZEROS, "labels": [1, -1, 3, 4, 9]}, r"labels\[1\] is -1; .*--fix OUT\.npz` leaves these"),
        ({"images": ZEROS, "labels": np.zeros(4)}, r"labels has the shape \(4,\); expected \(5,\)"),
        ({"images": ZEROS, "labels": [1, 2, 3, 4, 10]}, r"labels\[4\] is 10; .*Rows with other labels: 1 of 5"),
        ({"images": with_value(np.nan), "labels": np.zeros(5)}, r"images\[3\] contains nan"),
        (
            {"images": np.array([{}] * 5), "labels": np.zeros(5)},
            r"contains Python objects \(a pickle\), .*never loaded",
        ),
        ({"images": ZEROS, "labels": np.array(list("12345"))}, "labels is of type <U1; expected numbers"),
        ({"images": np.zeros((5, 64)), "labels": np.zeros(5)}, r"images has the shape \(5, 64\)"),
        ({"images": np.asfortranarray(np.ones((5, 28, 28))), "labels": np.zeros(5)}, "stored column by column"),
    ],
)
def test_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz", message)


def npz(path, images: bytes, compression=zipfile.ZIP_DEFLATED):
    labels = io.BytesIO()
    np.save(labels, np.zeros(5))
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("images.npy", images)
        archive.writestr("labels.npy", labels.getvalue())
    return path


def header(shape, dtype="|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_npz_that_is_none_or_a_bomb(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    refused(path, "is not a readable npz file")
    refused(npz(path, header((5, 28, 28)) + bytes(100)), "images has .* bytes; expected 4,048")
    refused(npz(path, header((10**6, 28, 28)) + bytes(100)), "labels has the shape")
    refused(npz(path, b"no npy"), "images is damaged")
    refused(npz(path, header((5, 28, 28)), zipfile.ZIP_LZMA), "not compressed with deflate")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, start in (("images", header((150_000, 28, 28))), ("labels", header((150_000,)))):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(start)
                for _ in range(150_000 // 1000):
                    member.write(bytes(1000 * 784 if name == "images" else 1000))
    refused(path, "images would unpack .* bytes into 117,600,128; expected at most 100 times as many")


def test_npz_whose_bytes_were_changed(tmp_path, digits):
    with dataset_writer(tmp_path / "a.npz") as sink:
        sink.write(digits)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[5000] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    refused(tmp_path / "a.npz", "images is damaged from row .* CRC")


# --- CSV

GOOD = ",".join(["1"] * 785)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([GOOD, GOOD + ",1"], "line 2 has 786 columns; expected 785: label and 784 pixels"),
        (["label,pixels", GOOD, GOOD[:-2]], "line 3 has 784 columns; expected 785"),
        ([GOOD, "x" + GOOD[1:]], "line 2, column 1 is 'x'; expected a whole number 0 to 255"),
        ([GOOD, GOOD[:-1] + "0.5"], r"line 2, column 785 is '0\.5'"),
        ([GOOD, GOOD[:-1] + "1_0"], "line 2, column 785 is '1_0'"),
        ([GOOD, GOOD[:-1]], "line 2, column 785 is ''"),
        ([GOOD, "10" + GOOD[1:]], "label of line 2 is 10; expected 0 to 9"),
        ([GOOD, GOOD[:-1] + "256"], "line 2 contains 256; expected whole numbers 0 to 255"),
        ([GOOD, GOOD[:-1] + "-1"], "line 2, column 785 is '-1'"),
        (["", GOOD, GOOD[:-1] + "999999"], "line 3 contains 999999; expected"),
        ([GOOD, "1" * 100_000], "line 2 has 1 column;"),
        ([GOOD, "1" * 3_000_000], "line 2 has more than 16,384 bytes"),
        (["1" * 100_000, GOOD], "line 1 has 1 column;"),
        (["\x00\x01\x02"], "line 1 has 1 column;"),
    ],
)
def test_csv(tmp_path, lines, message):
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    refused(tmp_path / "a.csv", message)


PIXELS = [f"pixel{number}" for number in range(784)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (PIXELS, "its header names no label .*expected a column named label, class or target"),
        ([*PIXELS, "pixel784"], "its header names no label"),
        (["label", *PIXELS, "class"], "more than one column that could be the label"),
        (
            ["label", *PIXELS, "writer"],
            "names 785 columns besides the label 'label'; .*not named like pixels: 'writer'",
        ),
        (["label", *PIXELS[1:]], "names 783 columns besides the label 'label'; expected 784 pixels"),
    ],
)
def test_headers_of_a_csv(tmp_path, names, message):
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    refused(tmp_path / "a.csv", message)
