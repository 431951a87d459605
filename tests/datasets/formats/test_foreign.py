"""Files in the layouts of SVHN, EMNIST, USPS, Nielsen, Hugging Face, Kaggle; each is made here."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from digitlab.datasets.formats import open_dataset_file, read_all, splits_of
from digitlab.datasets.formats.checks import loose_labels
from digitlab.datasets.formats.tfrecord import _masked_crc
from digitlab.errors import DatasetError
from digitlab.network.check import _encode_varint, field_bytes
from digitlab.values import NONE

scipy_io = pytest.importorskip("scipy.io")


def read(path, split=None):
    return read_all(open_dataset_file(path, split))


def assert_same(got, expected):
    assert_array_equal(got.images, expected.images)
    assert_array_equal(got.labels, expected.labels)


def refused(path, message, split=None):
    with pytest.raises(DatasetError, match=message) as caught:
        read(path, split)
    assert "\n" not in str(caught.value)


# --- NumPy


@pytest.mark.parametrize(("images", "labels"), [("X", "y"), ("features", "target"), ("data", "target")])
def test_an_npz_with_the_names_of_other_programs(tmp_path, digits, images, labels):
    np.savez(tmp_path / "a.npz", **{images: digits.images.reshape(-1, 784), labels: digits.labels, "seed": 3})
    assert splits_of(tmp_path / "a.npz") == ()
    assert_same(read(tmp_path / "a.npz"), digits)


@pytest.mark.parametrize("names", ["X_{}", "{}_images"])
def test_the_splits_of_an_npz_with_such_names(tmp_path, digits, names):
    labels = names.replace("X", "y").replace("images", "labels")
    splits = {"train": digits[:30], "test": digits[30:]}
    arrays = {names.format(split): each.images for split, each in splits.items()}
    arrays |= {labels.format(split): each.labels for split, each in splits.items()}
    np.savez(tmp_path / "a.npz", **arrays)
    assert splits_of(tmp_path / "a.npz") == ("train", "test")
    assert_same(read(tmp_path / "a.npz", "test"), splits["test"])
    refused(tmp_path / "a.npz", "choose a split; it has: train, test")


# --- MATLAB


@pytest.mark.parametrize("compressed", [False, True])
def test_emnist(tmp_path, digits, compressed):
    by_columns = digits.images.transpose(0, 2, 1).reshape(-1, 784)
    part = {"images": by_columns, "labels": digits.labels[:, np.newaxis], "writers": np.zeros((40, 1))}
    dataset = {"train": part, "test": part, "mapping": np.zeros((10, 2))}
    scipy_io.savemat(tmp_path / "a.mat", {"dataset": dataset}, do_compression=compressed)
    assert splits_of(tmp_path / "a.mat") == ("train", "test")
    assert_same(read(tmp_path / "a.mat", "test"), digits)
    refused(tmp_path / "a.mat", "choose a split; it has: train, test")


def test_svhn(tmp_path, digits):
    colour = np.zeros((32, 32, 3, 40), np.uint8)
    colour[2:30, 2:30] = digits.images.transpose(1, 2, 0)[:, :, np.newaxis]
    labels = np.where(digits.labels == 0, 10, digits.labels)[:, np.newaxis]
    scipy_io.savemat(tmp_path / "a.mat", {"X": colour, "y": labels}, do_compression=True)
    with pytest.warns(UserWarning, match=r"images of 32×32 are prepared as the reader .*#resized only resizes them"):
        got = read(tmp_path / "a.mat")
    assert_array_equal(got.labels, digits.labels)
    assert_array_equal(read(f"{tmp_path}/a.mat#resized").labels, digits.labels)


def test_mnist_original_and_usps(tmp_path, digits):
    numbers = {"data": digits.images.reshape(40, 784).T.astype(float), "label": digits.labels[np.newaxis].astype(float)}
    scipy_io.savemat(tmp_path / "a.mat", numbers)
    assert_same(read(tmp_path / "a.mat"), digits)
    classes = np.zeros((256, 3, 10), np.uint8)
    classes[:, :, 9] = 200  # the last class is zero
    scipy_io.savemat(tmp_path / "usps.mat", {"data": classes})
    got = read(f"{tmp_path}/usps.mat#resized")
    assert_array_equal(got.labels, np.repeat([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], 3))
    assert got.images[-1].min() == 200
    assert not got.images[:-3].any()


@pytest.mark.parametrize("ending", [".mat", ".pkl"])
def test_arrays_of_which_only_some_name_their_split(tmp_path, digits, ending):
    arrays = {"X": digits.images, "y": digits.labels, "X_test": digits.images[:7], "y_test": digits.labels[:7]}
    path = tmp_path / f"a{ending}"
    if ending == ".mat":
        scipy_io.savemat(path, arrays | {name: each[:, np.newaxis] for name, each in arrays.items() if "y" in name})
    else:
        path.write_bytes(pickle.dumps(arrays))
    assert splits_of(path) == ("test", "all")
    assert_same(read(path, "all"), digits)
    assert_same(read(path, "test"), digits[:7])
    refused(path, "choose a split; it has: test, all")


def test_mat_of_floating_numbers_and_one_hot_labels(tmp_path, digits):
    hot = 2.0 * np.eye(10)[digits.labels].T - 1
    values = {"train_patterns": digits.images.reshape(40, 784).T / 127.5 - 1, "train_labels": hot}
    scipy_io.savemat(tmp_path / "a.mat", values)
    assert_same(read(tmp_path / "a.mat"), digits)


def test_mat_that_is_damaged_or_hostile(tmp_path, digits):
    whole = tmp_path / "whole.mat"
    scipy_io.savemat(whole, {"X": digits.images, "y": digits.labels}, do_compression=True)
    content = whole.read_bytes()
    for size in (10, 127, 140, len(content) // 2, len(content) - 4):
        (tmp_path / "a.mat").write_bytes(content[:size])
        refused(tmp_path / "a.mat", "is truncated|is damaged")
    (tmp_path / "a.mat").write_bytes(b"")
    refused(tmp_path / "a.mat", "a.mat is truncated")
    (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    refused(tmp_path / "a.mat", r"is a file of MATLAB 7\.3; save it again in MATLAB: save\('NAME\.mat', '-v7'\)")
    bomb = zlib.compress(struct.pack("<II", 14, 1 << 31) + bytes(1000))
    (tmp_path / "a.mat").write_bytes(content[:128] + struct.pack("<II", 15, len(bomb)) + bomb)
    refused(tmp_path / "a.mat", "a variable would unpack .* bytes into 2,147,483,648")
    scipy_io.savemat(tmp_path / "a.mat", {"weights": np.zeros((3, 3))})
    refused(tmp_path / "a.mat", "expected images and labels .* found: weights")


# --- pickles


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nielsens_pickle(tmp_path, digits, protocol):
    part = (digits.images.reshape(40, 784) / np.float32(255), digits.labels.astype(np.int64))
    (tmp_path / "mnist.pkl.gz").write_bytes(gzip.compress(pickle.dumps((part, part, part), protocol)))
    assert splits_of(tmp_path / "mnist.pkl.gz") == ("train", "validation", "test")
    assert_same(read(tmp_path / "mnist.pkl.gz", "validation"), digits)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"data": digits.images, "labels": digits.labels}, protocol))
    assert_same(read(tmp_path / "a.pkl"), digits)


class _Command:
    def __reduce__(self):
        import os

        return os.system, ("touch executed",)


def test_a_pickle_is_never_run(tmp_path, digits, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in (2, 4):
        (tmp_path / "a.pkl.gz").write_bytes(gzip.compress(pickle.dumps((digits.images, _Command()), protocol)))
        refused(tmp_path / "a.pkl.gz", r"'(posix|nt)\.system' in it, not arrays only; it is never run\. if you trust")
    assert not (tmp_path / "executed").exists()
    for other in ({1: 2}, [1, 2], "text", digits.images, (np.zeros(3, object), np.zeros(3))):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(other))
        refused(tmp_path / "a.pkl", "a.pkl")


def test_a_pickle_that_holds_itself_or_grows_without_end_is_refused(tmp_path):
    itself: list[object] = []
    itself.append(itself)
    growing: object = ()
    for _ in range(60):
        growing = (growing, growing)
    for number, whole in enumerate((itself, growing)):
        (tmp_path / f"{number}.pkl").write_bytes(pickle.dumps(whole))
        refused(tmp_path / f"{number}.pkl", "is a Python pickle, which is never loaded; expected arrays")


def test_pickles_that_are_damaged_or_hostile(tmp_path, digits):
    content = pickle.dumps((digits.images, digits.labels), 4)
    for damaged in (content[:2], content[:200], content[:-1], b"\x80\x04."):
        (tmp_path / "a.pkl").write_bytes(damaged)
        refused(tmp_path / "a.pkl", "is not a readable pickle of arrays")
    (tmp_path / "a.pkl.gz").write_bytes(gzip.compress(content)[:-20])
    refused(tmp_path / "a.pkl.gz", "is not a readable pickle of arrays")
    for huge in (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40), b"\x80\x02T" + struct.pack("<i", (1 << 31) - 1)):
        (tmp_path / "a.pkl").write_bytes(huge)
        refused(tmp_path / "a.pkl", "unpacks to more than a dataset of digits would")


# --- TFRecord


def feature(kind, values):
    return field_bytes(kind, values)


def example(**features):
    entries = [field_bytes(1, field_bytes(1, key.encode()) + field_bytes(2, value)) for key, value in features.items()]
    return field_bytes(1, b"".join(entries))


def framed(content):
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", _masked_crc(length)) + content + struct.pack("<I", _masked_crc(content))


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def numbers(values):
    return feature(3, field_bytes(1, b"".join(map(_encode_varint, values))))


@pytest.mark.parametrize("kind", ["png", "raw", "floats"])
def test_tfrecord(tmp_path, digits, kind):
    def image_of(image):
        if kind == "floats":
            return feature(2, field_bytes(1, (image.reshape(-1) / 255).astype("<f4").tobytes()))
        return feature(1, field_bytes(1, png(image) if kind == "png" else image.tobytes()))

    records = [
        framed(example(image=image_of(image), label=numbers([label])))
        for image, label in zip(digits.images, digits.labels.tolist(), strict=True)
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "a/mnist-train.tfrecord-00000-of-00001").write_bytes(b"".join(records))
    assert_same(read(tmp_path / "a/mnist-train.tfrecord-00000-of-00001"), digits)
    assert_same(read(tmp_path / "a"), digits)


def test_tfrecord_of_other_writers_is_read_alike(tmp_path, digits):
    """The checksum of a length of 5, as TensorFlow writes it."""
    assert _masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_tfrecord_that_is_damaged_or_hostile(tmp_path, digits):
    good = framed(example(image=feature(1, field_bytes(1, png(digits.images[0]))), label=numbers([1])))
    path = tmp_path / "a.tfrecord"
    huge = struct.pack("<Q", 1 << 40)
    for content, message in (
        (good[:5], "record 0 is truncated or damaged"),
        (good + good[:-10], "record 1 is truncated"),
        (good + bytes(20), "record 1 is truncated or damaged"),
        (huge + struct.pack("<I", _masked_crc(huge)), "record 0 has 1,099,511,627,776 bytes; expected a digit's"),
        (framed(b"\xff" * 30), r"record 0 is not a tf\.train\.Example"),
        (framed(example(text=numbers([1]))), "record 0 has no feature image_raw or image/encoded; it has text"),
        (framed(example(image=numbers([1] * 784), label=numbers([1, 2]))), "record 0 has no label"),
        (framed(example(image=numbers([1] * 783), label=numbers([1]))), "record 0 contains neither a picture"),
    ):
        path.write_bytes(content)
        refused(path, message)
    path.write_bytes(b"")
    assert len(read(path)) == 0


# --- Parquet


def test_parquet_of_hugging_face(tmp_path, digits):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pictures = [{"bytes": png(image), "path": None} for image in digits.images]
    table = pa.table({"image": pictures, "label": digits.labels.astype(np.int64)})
    (tmp_path / "a/data").mkdir(parents=True)
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        pq.write_table(table, tmp_path / f"a/data/{name}.parquet")
    assert splits_of(tmp_path / "a") == ("train", "test")
    assert_same(read(tmp_path / "a", "test"), digits)
    assert len(read(tmp_path / "a", "train")) == 80
    assert_same(read(tmp_path / "a/data/test-00000-of-00001.parquet"), digits)
    content = (tmp_path / "a/data/test-00000-of-00001.parquet").read_bytes()
    for damaged in (content[:100], content[:4] + bytes(len(content) - 8) + content[-4:]):
        (tmp_path / "a.parquet").write_bytes(damaged)
        refused(tmp_path / "a.parquet", "is not a readable Parquet file")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "expected the columns image and label, found: text")


# --- folders of pictures


@pytest.mark.parametrize(
    "name", ["{label}/{row:04}.png", "more/{word}/{row:04}.png", "{label}_{row:04}.png", "digit-{label}/x/{row:04}.png"]
)
def test_folders_with_the_class_anywhere_in_the_names(tmp_path, digits, name):
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for row, (image, label) in enumerate(zip(digits.images, digits.labels.tolist(), strict=True)):
        file = tmp_path / "a" / name.format(row=row, label=label, word=words[label])
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    got = read(tmp_path / "a")
    order = np.lexsort((got.images.reshape(40, -1)[:, 0], got.labels))
    wanted = np.lexsort((digits.images.reshape(40, -1)[:, 0], digits.labels))
    assert_array_equal(got.labels[order], digits.labels[wanted])
    assert_array_equal(got.images[order], digits.images[wanted])


def test_folders_by_split_and_pictures_of_any_size_and_polarity(tmp_path):
    paper = np.full((120, 90, 3), 240, np.uint8)
    paper[20:100, 30:40] = 10
    for split, image in (("train", paper), ("test", 255 - paper)):
        (tmp_path / f"a/{split}/1").mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / f"a/{split}/1/a.png")
        Image.fromarray(image[:, :, 0]).convert("P").save(tmp_path / f"a/{split}/1/b.png")
    assert splits_of(tmp_path / "a") == ("train", "test")
    with pytest.warns(UserWarning, match="images of 90×120 are prepared"):
        train = read(tmp_path / "a", "train")
    with pytest.warns(UserWarning, match="images of 90×120 are prepared"):
        test = read(tmp_path / "a", "test")
    assert_array_equal(train.images, test.images)
    assert np.count_nonzero(train.images[0].any(axis=1)) == 20
    resized = read(f"{tmp_path}/a#resized", "train")
    assert resized.images[0, 0, 0] == 240
    (tmp_path / "a/holdout/7").mkdir(parents=True)
    Image.fromarray(paper).save(tmp_path / "a/holdout/7/a.png")
    assert splits_of(tmp_path / "a") == ("train", "test", "all")
    assert read(f"{tmp_path}/a#resized", "all").labels.tolist() == [7]


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_photo_is_turned_as_its_exif_says(tmp_path, ending):
    upright = np.full((120, 90), 240, np.uint8)
    upright[20:100, 30:40] = upright[20:30, 30:70] = 10
    for folder, pixels, orientation in (("a", upright, 1), ("b", np.rot90(upright), 6)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        (tmp_path / folder / "5").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / folder / "5" / f"photo.{ending}", quality=100, exif=exif)
    expected, turned = (read(f"{tmp_path}/{folder}#resized").images[0].astype(int) for folder in "ab")
    assert np.abs(expected - turned).max() <= 8


# --- CSV


def test_csv_without_labels(tmp_path, digits):
    np.savetxt(tmp_path / "a.csv", digits.images.reshape(40, 784), "%d", ",")
    refused(tmp_path / "a.csv", r"line 1 has 784 columns; .*`digitlab classify .*a\.csv --out OUT\.npz`")
    with loose_labels():
        got = read(tmp_path / "a.csv")
    assert_array_equal(got.images, digits.images)
    assert set(got.labels) == {NONE}


# --- what a name may ask for


def test_a_name_may_ask_for_preparation_and_polarity(tmp_path, digits):
    from digitlab.datasets.formats.fitting import fitted

    for row, image in enumerate(digits.images[:10]):
        (tmp_path / f"a/{row}").mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / f"a/{row}/a.png")
    prepared = read(f"{tmp_path}/a#prepared")
    assert_array_equal(prepared.images[3], fitted(digits.images[3]))
    assert_array_equal(read(f"{tmp_path}/a#prepared#inverted").images, 255 - prepared.images)
