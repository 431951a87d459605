"""A folder of pictures per class: ``DIR/0/*.png`` … ``DIR/9/*.png``, each 28×28, 8-bit grey."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.pictures import MAX_PICTURE_BYTES, decode_picture, encode_png
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError
from digitlab.storage import atomic_folder, saying_what_failed
from digitlab.values import CLASSES, Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from digitlab.datasets.formats.protocol import ImageSink

__all__ = ["ClassFolderSource", "class_folder_writer", "is_class_folder"]

# What file managers leave behind.
_IGNORED = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm")


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED


def is_class_folder(path: Path) -> bool:
    """Whether a folder has a subfolder named 0 to 9."""
    return any((path / label).is_dir() for label in CLASSES)


class ClassFolderSource(Closing):
    """The pictures in the order of their file names, across classes.

    Names numbered across the classes, as our writer makes them, thus keep their order, and no batch holds a single
    class only. The names are kept in memory, the pictures are not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with saying_what_failed(path, "read"):
            self._files = sorted(self._find())
        self.count = len(self._files)

    def _find(self) -> Iterator[tuple[str, str]]:
        entries = [entry for entry in self._path.iterdir() if not _is_ignored(entry.name)]
        folders = [entry for entry in entries if entry.is_dir()]
        self._tell_of([entry.name for entry in entries if entry.name.lower().endswith(_PICTURES)])
        for folder in folders:
            if folder.name not in CLASSES:
                raise DatasetError(
                    f"{folder}: a folder named {folder.name!r}; expected folders named 0 to 9, the classes"
                )
            yield from ((file.name, folder.name) for file in folder.iterdir() if not _is_ignored(file.name))

    def _tell_of(self, names: list[str]) -> None:
        """Warn of pictures outside the class folders: they have no label."""
        if names:
            some = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
            warnings.warn(
                f"{self._path}: skipped {len(names):,} picture(s) outside the class folders ({some})",
                stacklevel=1,
            )

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """All pictures in name order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first file that is not a picture, or has another size or kind.
        """
        for start in range(0, self.count, size):
            files = self._files[start : start + size]
            images = np.stack([self._read(self._path / label / name) for name, label in files])
            yield Digits(images, np.array([int(label) for _, label in files], np.uint8))

    def _read(self, path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        if not path.is_file():
            raise DatasetError(f"{path} is not a file; expected only pictures in a class folder")
        with saying_what_failed(path, "read"), path.open("rb") as file:
            content = file.read(MAX_PICTURE_BYTES + 1)
        if len(content) > MAX_PICTURE_BYTES:
            raise DatasetError(f"{path} has more than {MAX_PICTURE_BYTES:,} bytes; expected a picture of 28×28")
        return decode_picture(content, str(path))


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
        StorageError: when it cannot be written; then it is not there.
    """
    with atomic_folder(path) as folder:
        for label in CLASSES:
            (folder / label).mkdir()
        yield _ClassFolderSink(folder)
