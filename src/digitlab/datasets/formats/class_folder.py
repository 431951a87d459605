"""A folder of pictures per class: ``DIR/0/*.png`` … ``DIR/9/*.png``, or with the class anywhere in the names."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

from digitlab.datasets.formats.picture_tree import PICTURES, is_ignored, pictures_of
from digitlab.datasets.formats.pictures import MAX_PHOTO_BYTES, Encoded, encode_png
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError
from digitlab.storage import atomic_folder, saying_what_failed
from digitlab.values import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from digitlab.datasets.formats.protocol import ImageSink
    from digitlab.values import Digits

__all__ = ["ClassFolderSource", "class_folder_writer", "is_class_folder"]


def is_class_folder(path: Path) -> bool:
    """Return whether a folder has any subfolder named 0 to 9."""
    return any((path / label).is_dir() for label in CLASSES)


class ClassFolderSource(Closing):
    """Source of a folder's pictures, sorted by file name across all classes.

    Thus files numbered across the classes, as our writer numbers them, keep their order, and batches mix the classes.
    The names are kept in memory, the pictures are not. Pictures that are not 28×28 are converted to that size
    (`fitting`); ``preparation``: "prepared", "resized" or None.
    """

    def __init__(self, path: Path, split: str | None = None, preparation: str | None = None) -> None:
        self._path, self._encoded = path, Encoded(path, preparation, files=True)
        self.sizes = self._encoded.sizes
        with saying_what_failed(path, "read"):
            if is_class_folder(path):
                self._files = [(f"{label}/{name}", int(label)) for name, label in sorted(self._find())]
            else:
                self._files, without = pictures_of(path, split)
                self._tell_of(without)
        self.count = len(self._files)

    def _find(self) -> Iterator[tuple[str, str]]:
        entries = [entry for entry in self._path.iterdir() if not is_ignored(entry.name)]
        folders = [entry for entry in entries if entry.is_dir()]
        self._tell_of([entry.name for entry in entries if entry.name.lower().endswith(PICTURES)])
        for folder in folders:
            if folder.name not in CLASSES:
                raise DatasetError(
                    f"{folder}: a folder named {folder.name!r}; expected folders named 0 to 9, the classes"
                )
            yield from ((file.name, folder.name) for file in folder.iterdir() if not is_ignored(file.name))

    def _tell_of(self, names: list[str]) -> None:
        """Warn about pictures outside the class folders: they have no label."""
        if names:
            some = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
            warnings.warn(
                f"{self._path}: skipped {len(names):,} picture(s) outside the class folders ({some})",
                stacklevel=1,
            )

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all pictures in name order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first file that is not a picture.
        """
        files = ((self._path / name, label) for name, label in self._files)
        return self._encoded.batches(((self._read(path), label, str(path)) for path, label in files), size)

    def _read(self, path: Path) -> bytes:
        if not path.is_file():
            raise DatasetError(f"{path} is not a file; expected only pictures in a class folder")
        with saying_what_failed(path, "read"), path.open("rb") as file:
            content = file.read(MAX_PHOTO_BYTES + 1)
        if len(content) > MAX_PHOTO_BYTES:
            raise DatasetError(f"{path} has more than {MAX_PHOTO_BYTES:,} bytes; expected a picture of one digit")
        return content


class _ClassFolderSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def write(self, digits: Digits) -> None:
        for image, label in zip(digits.images, digits.labels.tolist(), strict=True):
            (self._folder / str(label) / f"{self._count:08d}.png").write_bytes(encode_png(image))
            self._count += 1


@contextlib.contextmanager
def class_folder_writer(path: Path) -> Iterator[ImageSink]:
    """Write a folder of PNGs, numbered across all classes.

    Raises:
        StorageError: when it cannot be written; no folder remains then.
    """
    with atomic_folder(path) as folder:
        for label in CLASSES:
            (folder / label).mkdir()
        yield _ClassFolderSink(folder)
