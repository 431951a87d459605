"""What is written is whole or not there, in memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from digitlab.datasets.formats import convert, dataset_writer, open_dataset_file
from digitlab.errors import DatasetError, StorageError
from digitlab.values import Digits

NAMES = ("a.h5", "a.npz", "a.csv", "a.lmdb", "a-images-idx3-ubyte", "a-images-idx3-ubyte.gz", "a/")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, DatasetError])
def test_an_error_in_the_middle_leaves_nothing(tmp_path, digits, name, error):
    def fail(sink):
        sink.write(digits)
        raise error("in the middle")

    with pytest.raises(error, match="in the middle"), dataset_writer(f"{tmp_path}/{name}") as sink:
        fail(sink)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_breaks_off_leaves_the_old_file(tmp_path, digits, name):
    with dataset_writer(tmp_path / "source.npz") as sink:
        sink.write(digits)
    content = bytearray((tmp_path / "source.npz").read_bytes())
    content[content.index(b"labels.npy") + 200] = 77
    (tmp_path / "source.npz").write_bytes(content)
    if not name.endswith("/") and ".lmdb" not in name:
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(DatasetError):
        convert(tmp_path / "source.npz", f"{tmp_path}/{name}")
    assert not (tmp_path / name).exists() or (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_cannot_be_written(tmp_path, digits, name):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot write"), dataset_writer(f"{tmp_path}/file/{name}") as sink:
        sink.write(digits)


FULL_DISK = """
import resource, signal, sys
import numpy as np
from digitlab.datasets.formats import dataset_writer
from digitlab.errors import StorageError
from digitlab.values import Digits

images = np.random.default_rng(0).integers(0, 256, (4000, 28, 28), np.uint8)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, -1))
try:
    with dataset_writer(sys.argv[1]) as sink:
        sink.write(Digits(images, np.zeros(4000, np.uint8)))
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a.csv", "a.lmdb", "a-images-idx3-ubyte"])
def test_a_full_disk(tmp_path, name):
    # In a process of its own: a limit on files is everybody's, and HDF5 may not outlive a file that it could not close.
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("cannot write")
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_lmdb_grows_past_its_first_size(tmp_path, monkeypatch, digits):
    monkeypatch.setattr("digitlab.datasets.formats.caffe_lmdb._FIRST_MAP_SIZE", 1 << 16)
    with dataset_writer(tmp_path / "a.lmdb") as sink:
        for _ in range(10):
            sink.write(digits)
    with open_dataset_file(tmp_path / "a.lmdb") as source:
        assert source.count == 400
        assert sum(map(len, source.batches())) == 400


@pytest.mark.parametrize(("source", "target"), [("a.lmdb", "b.h5"), ("a.h5", "b.lmdb"), ("a.lmdb", "b.npz")])
def test_memory_does_not_grow_with_the_records(tmp_path, source, target):
    """20,000 images are 15.7 MB, 62.7 MB as float32."""
    images = np.random.default_rng(0).integers(0, 256, (1000, 28, 28), dtype=np.uint8)
    thousand = Digits(images, np.ones(1000, np.uint8))
    with dataset_writer(tmp_path / source) as sink:
        for _ in range(20):
            sink.write(thousand)
    tracemalloc.start()
    try:
        assert convert(tmp_path / source, tmp_path / target) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 14_000_000
    finally:
        tracemalloc.stop()
