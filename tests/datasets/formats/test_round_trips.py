from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from digitlab.datasets.formats import (
    BATCH,
    RowSource,
    convert,
    dataset_writer,
    hdf5_writer,
    open_dataset_file,
    read_all,
    splits_of,
)
from digitlab.errors import DatasetError, StorageError, UsageError
from digitlab.values import Digits

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "a.h5",
    "b.hdf5",
    "c.npz",
    "d.csv",
    "e.lmdb",
    "f-images-idx3-ubyte",
    "g-labels-idx1-ubyte.gz",
    "h/",
    "i",
)


@st.composite
def sets_of_digits(draw: st.DrawFn) -> Digits:
    labels = draw(st.lists(st.integers(0, 9), max_size=12))
    seed = draw(st.integers(0, 2**32 - 1))
    levels = draw(st.sampled_from([1, 2, 256]))
    images = np.random.default_rng(seed).integers(0, levels, (len(labels), 28, 28), dtype=np.uint8)
    return Digits(images, np.array(labels, np.uint8))


def write(path: str | Path, digits: Digits) -> None:
    with dataset_writer(path) as sink:
        sink.write(digits)


def read(path: str | Path, split: str | None = None, size: int = BATCH) -> Digits:
    with open_dataset_file(path, split) as source:
        parts = list(source.batches(size))
        assert source.count in (None, sum(map(len, parts)))
    images = np.concatenate([np.empty((0, 28, 28), np.uint8), *(part.images for part in parts)])
    return Digits(images, np.concatenate([np.empty(0, np.uint8), *(part.labels for part in parts)]))


def assert_same(received: Digits, expected: Digits) -> None:
    assert_array_equal(received.images, expected.images)
    assert_array_equal(received.labels, expected.labels)


@pytest.mark.parametrize("source", NAMES)
@settings(max_examples=3, deadline=None)
@given(digits=sets_of_digits())
def test_every_format_converts_into_every_other(source, digits):
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/source/{source}", digits)
        for target in NAMES:
            assert convert(f"{folder}/source/{source}", f"{folder}/{target}") == len(digits)
            assert_same(read(f"{folder}/{target}"), digits)
            assert_same(read_all(open_dataset_file(f"{folder}/{target}")), digits)


@pytest.mark.parametrize("name", NAMES)
def test_batches_are_of_the_size_asked_for_and_come_again(tmp_path, digits, name):
    write(f"{tmp_path}/{name}", digits)
    with open_dataset_file(f"{tmp_path}/{name}") as source:
        for _ in range(2):
            assert [len(batch) for batch in source.batches(16)] == [16, 16, 8]


@pytest.mark.parametrize("name", ["a.h5", "a-images-idx3-ubyte"])
def test_rows_are_read_in_any_order(tmp_path, digits, name):
    write(tmp_path / name, digits)
    with open_dataset_file(tmp_path / name) as source:
        assert isinstance(source, RowSource)
        assert len(source) == 40
        for start, stop in ((30, 33), (0, 40), (7, 7), (38, 99), (50, 60)):
            assert_same(source.read(start, stop), digits[start:stop])


def test_a_packed_file_has_no_rows_to_choose_from(tmp_path, digits):
    write(tmp_path / "a-images-idx3-ubyte.gz", digits)
    with open_dataset_file(tmp_path / "a-images-idx3-ubyte.gz") as source:
        assert not isinstance(source, RowSource)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_hdf5_has_the_layout_of_s0(tmp_path, digits, dtype):
    import h5py

    with dataset_writer(tmp_path / "a.h5", dtype=dtype) as sink:
        sink.write(digits)
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["data"].shape, file["data"].dtype) == ((40, 28, 28, 1), dtype)
        assert (file["labels"].shape, file["labels"].dtype) == ((40,), "int32")
        assert_array_equal(file["data"][..., 0], digits.images)


@pytest.mark.parametrize("shape", [(40, 28, 28), (40, 784), (40, 28, 28, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64", ">f4", "float16"])
@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_other_shapes_and_types_of_the_same_numbers(tmp_path, digits, shape, dtype, name):
    import h5py

    images, labels = digits.images.reshape(shape).astype(dtype), digits.labels.astype(dtype)
    if name == "a.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file["data"], file["labels"] = images, labels
    else:
        np.savez_compressed(tmp_path / name, x=images, y=labels)
    assert_same(read(tmp_path / name, size=16), digits)


@pytest.mark.parametrize("compression", ["gzip", "lzf"])
def test_packed_hdf5(tmp_path, digits, compression):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=digits.images, compression=compression, shuffle=True, fletcher32=True)
        file.create_dataset("labels", data=digits.labels, compression=compression)
    assert_same(read(tmp_path / "a.h5"), digits)


def test_splits_of_hdf5(tmp_path, digits):
    path = tmp_path / "a.h5"
    with hdf5_writer(path, "uint8") as sink:
        for split, start in (("test", 0), ("train", 10), ("validation", 30)):
            sink.write(digits[start : start + 10], split)
        sink.write(digits[20:30], "train")
    assert splits_of(path) == ("train", "validation", "test")
    assert_same(read(path, "train"), digits[10:30])
    assert_same(read(path, "test"), digits[:10])
    assert convert(path, tmp_path / "train.csv", split="train") == 20
    with pytest.raises(DatasetError, match=r"a\.h5: choose a split; it has: train, validation, test"):
        open_dataset_file(path)
    with pytest.raises(DatasetError, match="there is no split 'dev'; it has: train, validation, test"):
        open_dataset_file(path, "dev")


def test_images_at_the_root_or_in_splits_not_both(tmp_path, digits):
    with hdf5_writer(tmp_path / "a.h5") as sink:
        sink.write(digits)
        with pytest.raises(UsageError, match="at its root or in splits"):
            sink.write(digits, "train")


def test_splits_of_npz(tmp_path, digits):
    path = tmp_path / "mnist.npz"
    train, test = digits[:30], digits[30:]
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    assert splits_of(path) == ("train", "test")
    assert_same(read(path, "test"), digits[30:])
    with pytest.raises(DatasetError, match="choose a split; it has: train, test"):
        open_dataset_file(path)


def test_folder_with_the_names_of_mnist(tmp_path, digits):
    write(tmp_path / "train-images-idx3-ubyte.gz", digits[:30])
    write(tmp_path / "t10k-images.idx3-ubyte", digits[30:])
    assert set(splits_of(tmp_path)) == {"train", "test"}
    assert_same(read(tmp_path, "train"), digits[:30])
    assert_same(read(tmp_path, "test"), digits[30:])
    with pytest.raises(DatasetError, match="choose a split"):
        open_dataset_file(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").mkdir()  # Kaggle's archive has each file also in a folder of its name
    assert_same(read(tmp_path, "train"), digits[:30])


def test_a_file_without_splits_refuses_one(tmp_path, digits):
    for name in ("a.h5", "a.npz", "a.csv"):
        write(tmp_path / name, digits)
        with pytest.raises(DatasetError, match="there is no split 'train'"):
            open_dataset_file(tmp_path / name, "train")
        assert splits_of(tmp_path / name) == ()


def test_one_of_the_pair_packed_and_the_other_not(tmp_path, digits):
    write(tmp_path / "a-images-idx3-ubyte.gz", digits)
    write(tmp_path / "a-images-idx3-ubyte", digits)
    (tmp_path / "a-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "a-images-idx3-ubyte").unlink()
    assert_same(read(tmp_path / "a-images-idx3-ubyte.gz"), digits)
    assert_same(read(tmp_path / "a-labels-idx1-ubyte"), digits)


def test_the_content_counts_more_than_the_name(tmp_path, digits):
    write(tmp_path / "a.npz", digits)
    (tmp_path / "a.npz").rename(tmp_path / "a.csv")
    assert_same(read(tmp_path / "a.csv"), digits)


def test_csv_as_others_write_it(tmp_path, digits):
    table = np.concatenate((digits.labels[:, np.newaxis], digits.images.reshape(-1, 784)), axis=1)
    rows = [",".join(map(str, row)) for row in table.tolist()]
    names = ["label", *(f"1x{n}" for n in range(784))]
    for name, text in (
        ("unix.csv", "\n".join(rows) + "\n"),
        ("open end.csv", "\n".join(rows)),
        ("dos.csv", "\r\n".join(rows) + "\r\n"),
        ("header.csv", ",".join(names) + "\r\n" + "\r\n".join(rows)),
        ("excel.csv", "\ufeff" + "\n".join(rows)),
        ("blanks.csv", "\n\n".join(rows).replace(",", ", ")),
        ("semicolons.csv", "\n".join([",".join(names), *rows]).replace(",", ";")),
        ("tabs.csv", "\n".join(rows).replace(",", "\t")),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        assert_same(read(tmp_path / name), digits)


def csv_text(columns: dict[str, np.ndarray]) -> str:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"


def pixel_columns(digits: Digits) -> dict[str, np.ndarray]:
    return {f"pixel{number + 1}": column for number, column in enumerate(digits.images.reshape(-1, 784).T)}


@pytest.mark.parametrize("label", ["class", "label", "Target", '"digit"', "'y'"])
@pytest.mark.parametrize("place", [0, 300, 784])
def test_the_label_of_a_csv_may_stand_anywhere(tmp_path, digits, label, place):
    pixels = list(pixel_columns(digits).items())
    columns = dict([*pixels[:place], (label, digits.labels), *pixels[place:]])
    (tmp_path / "a.csv").write_text(csv_text(columns))
    assert_same(read(tmp_path / "a.csv"), digits)


def test_the_columns_of_a_csv_are_put_in_the_order_of_their_numbers(tmp_path, digits):
    columns = dict(sorted(pixel_columns(digits).items()))  # pixel1, pixel10, pixel100, …
    (tmp_path / "a.csv").write_text(csv_text({"": np.arange(40) + 1000, **columns, "class": digits.labels}))
    assert_same(read(tmp_path / "a.csv"), digits)


@pytest.mark.parametrize("header", [False, True])
def test_a_csv_without_names_whose_label_stands_last(tmp_path, digits, header):
    digits.images[:, 0, 0] = 0  # as in every corner of MNIST
    table = np.concatenate((digits.images.reshape(-1, 784), digits.labels[:, np.newaxis]), axis=1)
    names = [",".join(map(str, range(785)))] if header else []
    lines = [*names, *(",".join(map(str, row)) for row in table.tolist())]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert_same(read(tmp_path / "a.csv"), digits)


@pytest.mark.parametrize("last", [False, True])
def test_a_csv_without_names_that_is_sorted_by_label(tmp_path, last):
    """Its first megabyte has one label only: more of it is looked at."""
    labels = np.repeat(np.arange(5), 800)
    pixels = np.zeros((len(labels), 784), np.int64)
    pixels[:, 300:700] = 100
    parts = (pixels, labels[:, np.newaxis]) if last else (labels[:, np.newaxis], pixels)
    lines = (",".join(map(str, row)) for row in np.concatenate(parts, axis=1).tolist())
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert (tmp_path / "a.csv").stat().st_size > 5 << 20
    assert_array_equal(read(tmp_path / "a.csv").labels, labels)


def test_numbers_of_a_csv_may_be_quoted_or_written_as_floating(tmp_path, digits):
    columns = {**pixel_columns(digits), "class": digits.labels}
    text = csv_text(columns).split("\n")
    cells = [
        ",".join(f'"{cell}"' if n % 2 else f"{cell}.0" for n, cell in enumerate(row.split(","))) for row in text[1:-1]
    ]
    (tmp_path / "a.csv").write_text("\n".join([text[0], *cells]))
    assert_same(read(tmp_path / "a.csv"), digits)


def test_pictures_beside_the_folders_of_classes_are_named(tmp_path, digits):
    write(f"{tmp_path}/a/", digits)
    (tmp_path / "a/loose.png").write_bytes((tmp_path / "a/0/00000000.png").read_bytes())
    with pytest.warns(UserWarning, match=r"skipped 1 picture outside the class folders \(loose\.png\)"):
        assert_same(read(tmp_path / "a"), digits)


def test_a_folder_keeps_the_order_of_names_and_ignores_what_file_managers_leave(tmp_path, digits):
    write(f"{tmp_path}/a/", digits)
    (tmp_path / "a/3/.DS_Store").write_bytes(b"x")
    (tmp_path / "a/3/Thumbs.db").write_bytes(b"x")
    (tmp_path / "a/README.txt").write_text("not in the folder of a class")
    assert_same(read(tmp_path / "a"), digits)


def test_the_same_images_give_the_same_bytes(tmp_path, digits):
    for name in ("a.h5", "a.npz", "a.csv", "a-images-idx3-ubyte.gz"):
        for folder in ("one", "two"):
            write(tmp_path / folder / name, digits)
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_progress_is_told_with_the_whole_where_it_is_known(tmp_path, digits):
    told: list[tuple[int, int | None]] = []
    write(tmp_path / "a.csv", digits)
    convert(tmp_path / "a.csv", tmp_path / "a.npz", lambda done, total: told.append((done, total)))
    convert(tmp_path / "a.npz", tmp_path / "b.npz", lambda done, total: told.append((done, total)))
    assert told == [(40, None), (40, 40)]


def test_names_that_tell_no_format(tmp_path, digits):
    for name in ("a.png", "a.mdb", "train.idx"):
        with pytest.raises(UsageError, match=r"has no known format for writing; expected NAME\.h5"):
            dataset_writer(tmp_path / name)
    write(tmp_path / "a.npz", digits)
    with pytest.raises(UsageError, match="into itself"):
        convert(tmp_path / "a.npz", f"{tmp_path}/./a.npz")


def test_a_folder_that_holds_something_is_left_alone(tmp_path, digits):
    for name in ("a.lmdb", "a"):
        write(tmp_path / name, digits)
        with pytest.raises(StorageError, match="exists and is not empty"):
            dataset_writer(tmp_path / name)
        assert_same(read(tmp_path / name), digits)


def test_importing_the_package_loads_no_format():
    import subprocess
    import sys

    heavy = "{'h5py', 'lmdb', 'google.protobuf', 'PIL', 'cv2'}"
    code = f"import digitlab.datasets.formats, sys; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_folder_with_several_sets_of_idx_is_refused(tmp_path, digits):
    for name in ("letters-train", "digits-train", "digits-test"):
        write(tmp_path / f"emnist-{name}-images-idx3-ubyte.gz", digits)
    with pytest.raises(DatasetError, match=r"several sets: emnist-digits-train-\S+, emnist-letters-\S+; choose one"):
        splits_of(tmp_path)
    assert_same(read(tmp_path / "emnist-digits-train-images-idx3-ubyte.gz"), digits)
    for part in tmp_path.glob("emnist-letters-*"):
        part.unlink()
    assert splits_of(tmp_path) == ("train", "test")
