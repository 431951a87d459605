"""What a model of anybody was brought over to before: found by its content, without loading what brings it over."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from digitlab.storage import cache_folder
from digitlab.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["kept_name", "kept_onnx"]


def kept_name(digest: str, ending: str) -> str:
    """What the file is called in the cache; ``digest``: that of the digests of the model's files."""
    return f"{digest[:32]}-convention-{VERSION}{ending}"


def kept_onnx(path: Path) -> Path | None:
    """The ONNX file with the convention inside that was made of a model file, where there is one."""
    try:
        with path.open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None  # whoever opens it next names the reason
    kept = cache_folder() / "models" / kept_name(hashlib.sha256(inner).hexdigest(), ".onnx")
    return kept if kept.is_file() else None
