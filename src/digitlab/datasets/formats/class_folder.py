"""A folder of pictures per class: ``DIR/0/*.png`` … ``DIR/9/*.png``, or with the class anywhere in the names."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from typing import TYPE_CHECKING

import numpy as np

from digitlab.datasets.formats.checks import listed
from digitlab.datasets.formats.fitting import Fitter
from digitlab.datasets.formats.picture_tree import PICTURES, is_ignored, pictures_of
from digitlab.datasets.formats.pictures import MAX_PHOTO_BYTES, decode_grey, encode_png
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, counted
from digitlab.storage import atomic_folder, saying_what_failed
from digitlab.values import CLASSES, Digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets.formats.protocol import ImageSink

__all__ = ["ClassFolderSource", "class_folder_writer", "is_class_folder"]


def is_class_folder(path: Path) -> bool:
    """Return whether a folder has any subfolder named 0 to 9."""
    return any((path / label).is_dir() for label in CLASSES)


class ClassFolderSource(Closing):
    """Source of a folder's pictures, sorted by file name across all classes.

    Thus files numbered across the classes, as our writer numbers them, keep their order, and batches mix the classes.
    The names are kept in memory, the pictures are not. Pictures that are not 28×28 are converted to that size
    (`fitting`); ``preparation``: "prepared", "resized" or None. Files that are not a readable picture of one digit are
    left out, with a warning; ``count`` includes them, as they are only known after reading.
    """

    def __init__(self, path: Path, split: str | None = None, preparation: str | None = None) -> None:
        self._path, self._fitter = path, Fitter(path, preparation)
        self.sizes = self._fitter.sizes
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
                f"{self._path}: skipped {counted(len(names), 'picture')} outside the class folders ({some})",
                stacklevel=1,
            )

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all readable pictures in name order; see `ImageSource.batches`.

        A warning counts and names the files that are left out: with the first batch after one was met, as not all
        batches may be read, and at the end if there were more.

        Raises:
            DatasetError: if there are files and none is a readable picture; for a folder in a class folder.
        """
        left_out: dict[str, DatasetError] = {}
        pictures, told, images = self._pictures(left_out), 0, 0
        while part := list(itertools.islice(pictures, size)):
            if left_out and not told:
                told = self._tell_of_broken(left_out)
            images += len(part)
            yield Digits(np.stack([image for image, _ in part]), np.array([label for _, label in part], np.uint8))
        if left_out and not images:
            raise DatasetError(
                f"{self._path}: {counted(len(left_out), 'file')} in its class folders, and no readable picture; "
                f"{next(iter(left_out.values()))}"
            )
        if len(left_out) > told:
            self._tell_of_broken(left_out)

    def _pictures(self, left_out: dict[str, DatasetError]) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Yield image, uint8 (28, 28), and label of each readable picture; add the others, by name, to ``left_out``."""
        for name, label in self._files:
            path = self._path / name
            if not path.is_file():
                raise DatasetError(f"{path} is not a file; expected only pictures in a class folder")
            try:
                image = decode_grey(self._read(path), str(path))
            except DatasetError as error:
                left_out[name] = error
                continue
            yield self._fitter(image[np.newaxis])[0], label

    def _tell_of_broken(self, left_out: dict[str, DatasetError]) -> int:
        """Warn about the files that are left out; return their number."""
        names, reason = "", next(iter(left_out.values()))
        if len(left_out) > 1:
            names = f" ({listed(left_out)}{', …' if len(left_out) > 10 else ''})"
        what = counted(len(left_out), "file that is", "files that are")
        warnings.warn(
            f"{self._path}: left out {what} not a readable picture of one digit{names}: {reason}", stacklevel=1
        )
        return len(left_out)

    def _read(self, path: Path) -> bytes:
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
