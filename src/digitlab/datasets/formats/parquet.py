"""Parquet in the layout of Hugging Face: a column of pictures, ``{bytes, path}``, and one of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.datasets.formats.checks import labels_are_loose, listed, no_bomb
from digitlab.datasets.formats.pictures import Encoded
from digitlab.datasets.formats.protocol import BATCH, Closing
from digitlab.errors import DatasetError, MissingExtraError
from digitlab.storage import refusing
from digitlab.values import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from digitlab.values import Digits

__all__ = ["ParquetSource"]

_IMAGES = ("image", "img", "images", "picture", "pixels", "x")
_LABELS = ("label", "labels", "digit", "class", "target", "y")
_LARGEST_GROUP = 1 << 30  # bytes of a row group, unpacked; usual ones have 100 MB


class ParquetSource(Closing):
    """Source of the rows of one or several files, in order."""

    def __init__(self, path: Path, files: Sequence[Path], preparation: str | None) -> None:
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("ray", needed_for="Parquet files") from error
        self._files = files
        self._encoded = Encoded(path, preparation)
        self.sizes = self._encoded.sizes
        self.count = sum(self._opened(file)[0].metadata.num_rows for file in files)

    def _opened(self, path: Path) -> tuple[Any, str, str | None]:
        """Open a file; return it and its image and label columns (None: no labels, under ``loose_labels`` only)."""
        import pyarrow.parquet

        with refusing(path, "is not a readable Parquet file", *_errors()):
            file = pyarrow.parquet.ParquetFile(path)
            names = file.schema_arrow.names
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                stored = sum(group.column(column).total_compressed_size for column in range(group.num_columns))
                if group.total_byte_size > _LARGEST_GROUP:
                    raise DatasetError(
                        f"{path}: a group of rows has {group.total_byte_size:,} bytes; expected at most 1 GiB"
                    )
                no_bomb(path, "a group of rows", stored=stored, unpacked=group.total_byte_size)
        if labels_are_loose() and not set(_LABELS) & set(names):
            return file, _column(path, names, _IMAGES), None
        return file, _column(path, names, _IMAGES), _column(path, names, _LABELS)

    def batches(self, size: int = BATCH) -> Iterator[Digits]:
        """Yield all images in the files' order; see `ImageSource.batches`.

        Raises:
            DatasetError: at the first row without a labelled picture.
        """
        return self._encoded.batches(self._pairs(), size)

    def _pairs(self) -> Iterator[tuple[Any, Any, str]]:
        for path in self._files:
            file, images, labels = self._opened(path)
            row = 0
            with refusing(path, "is damaged", *_errors()):
                for batch in file.iter_batches(BATCH, columns=[images, *([] if labels is None else [labels])]):
                    label_values = [NONE] * len(batch) if labels is None else batch.column(1).to_pylist()
                    for image, label in zip(batch.column(0).to_pylist(), label_values, strict=True):
                        yield image.get("bytes") if isinstance(image, dict) else image, label, f"{path}: row {row}"
                        row += 1


def _column(path: Path, names: Sequence[str], expected: Sequence[str]) -> str:
    for name in expected:
        if name in names:
            return name
    contents = listed(names)
    raise DatasetError(f"{path}: expected the columns image and label, found: {contents or 'none'}")


def _errors() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError, ValueError, KeyError, MemoryError)
