"""Rows of results in Parquet: one fixed schema, whatever they contain."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, MissingExtraError, first_line
from digitlab.storage import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["expect_parquet", "parquet_rows", "write_parquet"]

_GROUP = 5000  # rows held in memory at once
_NEEDED = {"path", "made_by", "bytes", "modified", "error", "digits"}  # older versions had fewer columns


def expect_parquet() -> None:
    """Fail at once if Parquet cannot be written, rather than after an hour.

    Raises:
        MissingExtraError: without pyarrow.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", needed_for="results as Parquet") from error


def write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write all rows, a group at a time, atomically.

    Raises:
        StorageError: when it cannot be written.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    group: list[dict[str, Any]] = []
    with atomic_path(path) as temporary, ParquetWriter(temporary, _schema()) as file:
        for row in rows:
            group.append(row)
            if len(group) == _GROUP:
                file.write_table(pa.Table.from_pylist(group, _schema()))
                group = []
        file.write_table(pa.Table.from_pylist(group, _schema()))


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a file that `write_parquet` wrote.

    Raises:
        DatasetError: for any other file.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            if not set(file.schema_arrow.names) >= _NEEDED:
                raise DatasetError(f"{path}: contains no readings of digitlab; choose another --out")
            for group in file.iter_batches(_GROUP):
                yield from group.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path}: cannot be read as Parquet ({first_line(error)}); delete it, or choose another --out"
        ) from error


@cache
def _schema() -> Any:
    import pyarrow as pa

    digit = pa.struct(
        [
            ("digit", pa.int8()),
            ("confidence", pa.float64()),
            ("guess", pa.int8()),
            ("second", pa.int8()),
            ("second_confidence", pa.float64()),
            ("box", pa.list_(pa.int32())),
            ("line", pa.int32()),
            ("position", pa.int32()),
        ]
    )
    number = pa.struct(
        [
            ("text", pa.string()),
            ("confidence", pa.float64()),
            ("box", pa.list_(pa.int32())),
            ("read", pa.string()),
            ("fits", pa.bool_()),
            ("second", pa.string()),
            ("margin", pa.float64()),
            ("digits", pa.list_(pa.int32())),
        ]
    )
    return pa.schema(
        [
            ("path", pa.string()),
            ("text", pa.string()),
            ("lines", pa.list_(pa.string())),
            ("digits", pa.list_(digit)),
            ("numbers", pa.list_(number)),
            ("note", pa.string()),
            ("fits", pa.bool_()),
            ("turned", pa.int8()),
            ("ms", pa.float64()),
            ("error", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("bytes", pa.int64()),
            ("modified", pa.int64()),
            ("made_by", pa.string()),
        ]
    )
