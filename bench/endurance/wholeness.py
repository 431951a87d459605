"""Check whether files are whole, by the reader of each kind; and reduce results to what must be equal."""

from __future__ import annotations

import hashlib
import json
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["damaged", "digest_of", "half_files", "leftovers", "weights_of", "without"]

GROWING = {"journal.log"}  # written line by line on purpose: a last line that was cut off is dropped by the reader
TIMES = {"seconds", "images_per_second", "ms", "overhead", "began", "ended_at", "duration", "modified"}


def _npz(path: Path) -> None:
    import numpy as np

    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        for name in archive.files:
            archive[name]


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        member = archive.testzip()
    if member is not None:
        raise ValueError(f"{member} in it is damaged")


def _text(path: Path) -> None:
    text = path.read_text("utf-8")
    if text and not text.endswith("\n"):
        raise ValueError("its last line is cut off")


def _lines(path: Path) -> None:
    _text(path)
    for line in path.read_text("utf-8").splitlines():
        json.loads(line)


def _page(path: Path) -> None:
    if not path.read_text("utf-8").rstrip().endswith(("</html>", "</svg>")):
        raise ValueError("its end is missing")


def _picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()


def _onnx(path: Path) -> None:
    import onnx

    onnx.checker.check_model(onnx.load_model_from_string(path.read_bytes()))


def _mat(path: Path) -> None:
    from scipy.io import loadmat

    loadmat(path)


def _parquet(path: Path) -> None:
    from pyarrow.parquet import read_table

    read_table(path)


def _hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path) as file:
        file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


def _pdf(path: Path) -> None:
    content = path.read_bytes()
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-32:]:
        raise ValueError("its end is missing")


def _records(path: Path) -> None:
    """Check TensorBoard's records: length, its checksum, content, its checksum."""
    content, offset = path.read_bytes(), 0
    while offset < len(content):
        offset += 16 + int.from_bytes(content[offset : offset + 8], "little")
    if offset != len(content):
        raise ValueError("its last record is cut off")


_KINDS: dict[str, Callable[[Path], None]] = {
    ".npz": _npz,
    ".keras": _archive,
    ".xlsx": _archive,
    ".csv": _text,
    ".md": _text,
    ".c": _text,
    ".h": _text,
    ".toml": lambda path: (_text(path), tomllib.loads(path.read_text("utf-8")), None)[-1],
    ".json": lambda path: (json.loads(path.read_text("utf-8")), None)[-1],
    ".jsonl": _lines,
    ".html": _page,
    ".svg": _page,
    ".png": _picture,
    ".jpg": _picture,
    ".webp": _picture,
    ".onnx": _onnx,
    ".mat": _mat,
    ".parquet": _parquet,
    ".h5": _hdf5,
    ".pdf": _pdf,
}


def damaged(path: Path) -> str | None:
    """Return why a file is not whole; None if it is, or if its kind cannot be checked here."""
    try:
        read = _records if path.name.startswith("events.") else _KINDS.get(path.suffix.lower(), lambda _: None)
        read(path)
    except FileNotFoundError:
        return None  # removed meanwhile, e.g. a part that became the whole
    except Exception as error:  # noqa: BLE001 - whatever a reader says of a damaged file
        return f"{path.name} is damaged: {type(error).__name__}: {str(error)[:120]}"
    return None


def half_files(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the files under their final names in ``folder``."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in GROWING and not _unfinished(path, folder):
            fault = damaged(path)
            if fault:
                yield fault


def leftovers(folder: Path) -> list[str]:
    """List files and folders with temporary names, relative to ``folder``."""
    paths = (path for path in folder.rglob("*") if path.name.startswith(".") or path.name.endswith(".parts"))
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _unfinished(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def without(content: Any, names: frozenset[str] | set[str] = frozenset(TIMES)) -> Any:
    """Remove what may differ, i.e. times, from plain values."""
    if isinstance(content, dict):
        return {key: without(value, names) for key, value in content.items() if key not in names}
    return [without(value, names) for value in content] if isinstance(content, list) else content


def weights_of(path: Path) -> str:
    """Return a digest of all weights of a ``.keras`` file, bit for bit."""
    import h5py

    digest = hashlib.sha256()

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            digest.update(name.encode() + item[()].tobytes())

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as weights, h5py.File(weights) as file:
        file.visititems(take)
    return digest.hexdigest()[:16]


def digest_of(content: Any) -> str:
    """Return a digest of plain values, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
