"""LMDB of Caffe ``Datum`` records with keys ``%08d``: ``NAME.lmdb/data.mdb``, or a single file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from digitlab.datasets.formats.datum import DatumDecoder, datum_class
from digitlab.datasets.formats.lmdb_pages import PageFile
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, MissingExtraError, StorageError
from digitlab.storage import atomic_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from digitlab.datasets.formats.protocol import ImageSink
    from digitlab.values import Digits

__all__ = ["LmdbSource", "lmdb_writer"]

_FIRST_MAP_SIZE = 64 << 20
_MAX_RECORDS = 10**8  # keys have eight digits


class LmdbSource(Closing):
    """The records of an LMDB in key order."""

    def __init__(self, path: Path) -> None:
        self._path = path / "data.mdb" if path.is_dir() else path
        if not self._path.is_file():
            raise DatasetError(f"{path}: there is no data.mdb in it; expected the folder of an LMDB")
        datum_class()  # reports a missing protobuf now rather than at the first batch
        self._pages = PageFile(self._path)
        self.count = self._pages.count

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in key order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first damaged page, or the first record without a labelled 28×28 image.
        """
        decoder = DatumDecoder(self._path)
        for records in self._pages.records():
            digits = decoder.decode(records)
            for start in range(0, len(digits), size):
                yield digits[start : start + size]

    def close(self) -> None:
        """Close the file."""
        self._pages.close()


class _LmdbSink:
    def __init__(self, environment: Any, path: Path) -> None:
        self._environment, self._path = environment, path
        self._count = 0

    def write(self, digits: Digits) -> None:
        if self._count + len(digits) > _MAX_RECORDS:
            raise StorageError(
                f"cannot write {self._path}: its keys have eight digits; expected at most {_MAX_RECORDS:,} records"
            )
        datum = datum_class()
        records = [
            (
                b"%08d" % key,
                datum(channels=1, height=28, width=28, data=image.tobytes(), label=label).SerializeToString(),
            )
            for key, (image, label) in enumerate(zip(digits.images, digits.labels.tolist(), strict=True), self._count)
        ]
        self._put(records)
        self._count += len(records)

    def _put(self, records: list[tuple[bytes, bytes]]) -> None:
        import lmdb

        while True:
            try:
                with self._environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                    cursor.putmulti(records, append=True)
                return
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
            except lmdb.Error as error:
                raise StorageError(f"cannot write {self._path}: {error}") from error


@contextlib.contextmanager
def lmdb_writer(path: Path) -> Iterator[ImageSink]:
    """Write an LMDB folder.

    Raises:
        StorageError: when it cannot be written; no folder remains then.
        MissingExtraError: without lmdb or protobuf.
    """
    try:
        import lmdb
    except ImportError as error:
        raise MissingExtraError("train", needed_for="an LMDB of Caffe") from error
    datum_class()
    with atomic_folder(path) as folder:
        try:
            environment = lmdb.open(str(folder), map_size=_FIRST_MAP_SIZE, sync=False, metasync=False)
        except lmdb.Error as error:
            raise StorageError(f"cannot write {path}: {error}") from error
        with contextlib.closing(environment):
            yield _LmdbSink(environment, path)
            environment.sync(True)
        (folder / "lock.mdb").unlink(missing_ok=True)  # recreated by whoever opens it for writing
