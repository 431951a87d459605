"""Each row of the table of datasets in docs/formats.md: made here, and read or refused as it says."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools.format_tables import DATASET_KINDS

from digitlab.datasets.formats import dataset_writer, open_dataset_file, read_all, splits_of
from digitlab.datasets.formats.tfrecord import _masked_crc
from digitlab.errors import DatasetError
from digitlab.extras import EXTRAS
from digitlab.network.check import field_bytes
from digitlab.values import Digits


def _written(name):
    def make(folder: Path, digits: Digits) -> Path:
        with dataset_writer(f"{folder}/{name}") as sink:
            sink.write(digits)
        return folder / name

    return make


def _png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _qmnist(folder, digits):
    path = folder / "qmnist-train-images-idx3-ubyte"
    path.write_bytes(struct.pack(">4I", 2051, len(digits), 28, 28) + digits.images.tobytes())
    table = np.zeros((len(digits), 8), ">i4")
    table[:, 0], table[:, 1] = digits.labels, 4000
    labels = struct.pack(">3I", 0x0C02, len(digits), 8) + table.tobytes()
    (folder / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(labels))
    return path


def _csv(*, label):
    def make(folder, digits):
        columns = [digits.images.reshape(-1, 784), digits.labels[:, np.newaxis]][: 2 if label else 1]
        if label == "beside others":
            columns += [np.full((len(digits), 3), 77)]
        np.savetxt(folder / "a.csv", np.column_stack(columns), "%d", ",")
        return folder / "a.csv"

    return make


def _mat(arrays):
    def make(folder, digits):
        io_ = pytest.importorskip("scipy.io")
        io_.savemat(folder / "a.mat", arrays(digits))
        return folder / "a.mat"

    return make


def _file(name, content):
    def make(folder, digits):
        (folder / name).write_bytes(content(digits))
        return folder / name

    return make


def _parquet(folder, digits):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pictures = [{"bytes": _png(image), "path": None} for image in digits.images]
    pq.write_table(pa.table({"image": pictures, "label": digits.labels.tolist()}), folder / "a.parquet")
    return folder / "a.parquet"


def _record(image, label):
    lists = {
        "image": field_bytes(1, field_bytes(1, _png(image))),
        "label": field_bytes(3, field_bytes(1, bytes([label]))),
    }
    entries = [field_bytes(1, field_bytes(1, key.encode()) + field_bytes(2, value)) for key, value in lists.items()]
    content = field_bytes(1, b"".join(entries))
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", _masked_crc(length)) + content + bytes(4)


def _pictures(name):
    def make(folder, digits):
        for row, (image, label) in enumerate(zip(digits.images, digits.labels.tolist(), strict=True)):
            file = folder / "a" / name.format(row=row, label=label)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_png(image))
        return folder / "a"

    return make


def _zip(folder, digits):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("0/a.png", _png(digits.images[0]))
    return folder / "a.zip"


def _npy(images):
    buffer = io.BytesIO()
    np.save(buffer, images)
    return buffer.getvalue()


def _pair(digits):
    return digits.images.reshape(-1, 784) / np.float32(255), digits.labels.astype(np.int64)


MAKE = {
    "IDX of MNIST, EMNIST": _written("a-images-idx3-ubyte.gz"),
    "IDX of QMNIST": _qmnist,
    "HDF5": _written("a.h5"),
    "LMDB of Caffe": _written("a.lmdb"),
    "NumPy": _written("a.npz"),
    "CSV of Kaggle, OpenML": _written("a.csv"),
    "CSV with the label in another column": _csv(label="beside others"),
    "CSV without labels": _csv(label=None),
    "images without labels in other files": _file("a.npy", lambda digits: _npy(digits.images)),
    "MATLAB: SVHN": _mat(lambda digits: {"X": np.zeros((32, 32, 3, len(digits)), np.uint8), "y": 1 + digits.labels}),
    "MATLAB: EMNIST": _mat(lambda digits: {"dataset": {"test": {"images": _pair(digits)[0], "labels": digits.labels}}}),
    "MATLAB: USPS": _mat(lambda _: {"data": np.zeros((256, 4, 10), np.uint8)}),
    "MATLAB: MNIST": _mat(lambda digits: {"data": digits.images.reshape(-1, 784).T, "label": digits.labels}),
    "MATLAB 7.3": _file("a.mat", lambda _: b"MATLAB 7.3 MAT-file".ljust(512)),
    "pickle of Nielsen, deeplearning.net": _file(
        "a.pkl.gz", lambda digits: gzip.compress(pickle.dumps((_pair(digits),) * 3))
    ),
    "pickle of anything else": _file("a.pkl", lambda _: pickle.dumps(Path("a"))),
    "Parquet of Hugging Face": _parquet,
    "TFRecord": _file("a.tfrecord", lambda digits: b"".join(map(_record, digits.images, digits.labels.tolist()))),
    "folders by class": _written("a/"),
    "folders by class and split": _pictures("train/digit_{label}/{row}.png"),
    "pictures with the class in their names": _pictures("{label}_{row}.png"),
    "a zip of pictures": _zip,
}


@pytest.mark.filterwarnings("ignore:.*are prepared as the reader prepares")
@pytest.mark.parametrize("kind", DATASET_KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_read_or_refused_as_the_table_says(tmp_path, digits, kind):
    assert kind.extra in ("", *EXTRAS)
    path = MAKE[kind.name](tmp_path, digits)

    def read():
        splits = splits_of(path)
        return read_all(open_dataset_file(path, splits[0] if splits else None))

    if kind.done.startswith("read"):
        assert np.bincount(read().labels, minlength=10).tolist() == [4] * 10
        return
    with pytest.raises(DatasetError) as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*are prepared as the reader prepares")
@pytest.mark.parametrize(
    "name",
    ["MATLAB: SVHN", "MATLAB: EMNIST", "pickle of Nielsen, deeplearning.net", "Parquet of Hugging Face", "TFRecord"],
)
def test_damaged_files_raise_our_errors_only(tmp_path, digits, name):
    rng = np.random.default_rng(3)
    path = MAKE[name](tmp_path, digits[:20])
    packed = path.name.endswith(".gz")
    whole = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    said = []
    for round_ in range(200):
        content = whole.copy()
        place = int(rng.integers(0, min(len(content), (300, len(content))[round_ % 2])))  # headers more than pixels
        content[place : place + 1 + round_ % 3] = rng.bytes(1 + round_ % 4)
        content = content[: int(rng.integers(1, len(content)))] if round_ % 5 == 0 else content
        path.write_bytes(gzip.compress(content, 1) if packed else content)
        try:
            splits = splits_of(path)
            read_all(open_dataset_file(path, splits[0] if splits else None))
        except DatasetError as error:
            said.append(str(error))
    assert len(said) > 30
    assert not any("\n" in each for each in said)
