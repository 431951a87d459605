"""Where the ONNX form of a model of another kind is kept, by the model's content: made once, then found at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from digitlab.storage import cache_folder
from digitlab.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["kept_place"]


def kept_place(path: Path, *, convention: bool = False) -> Path:
    """The file in the cache, which may not be there yet.

    Args:
        path: the model's own file.
        convention: the form whose convention was found by trying, rather than what the file says of itself.

    Raises:
        OSError: when ``path`` cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return cache_folder() / "models" / f"{digest[:32]}{'-convention' * convention}-{VERSION}.onnx"
