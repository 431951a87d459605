"""Convert a foreign model file where a command needs one of ours: once; the result is cached by the file's content.

    own_onnx(path)     for ONNX Runtime: evaluate, classify, read, serve, live
    own_keras(path)    with layers that can be inspected and trained: inspect, export, transfer

A file of ours is returned unchanged. Keras is loaded only if it is needed: not from ONNX to ONNX.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from digitlab.errors import ModelError
from digitlab.models.conventions.importing import KERAS_ENDINGS, ImportedModel, import_model, translated_model
from digitlab.models.conventions.search import NoConventionError
from digitlab.network.classifier import content_of, kept_name, takes_our_images
from digitlab.storage import cache_to_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["own_keras", "own_onnx"]


def own_onnx(path: Path, *, on_note: Callable[[str], None] = lambda _: None) -> Path:
    """Return an ONNX file of ours with the same network, from uint8 (N, 28, 28) to probabilities (N, 10).

    Args:
        path: what `import_model` takes.
        on_note: called with a sentence on the convention when it is found, and with one on each change.

    Raises:
        ModelError: as `import_model`; but a Keras file that classifies no digits is used unchanged.
    """
    if path.suffix.lower() == ".onnx" and path.is_file() and takes_our_images(content_of(path)):
        return path
    if _is_of_keras(path):
        from digitlab.models.export import cached_onnx
        from digitlab.models.saving import read_card

        if read_card(path) is not None:
            return cached_onnx(path, on_note=on_note)
        try:
            return _imported(path, ".onnx", on_note)
        except NoConventionError as error:
            on_note(_as_it_is(error))
            return cached_onnx(path, on_note=on_note)
    return _imported(path, ".onnx", on_note)


def own_keras(path: Path, *, on_note: Callable[[str], None] = lambda _: None) -> Path:
    """Return a ``.keras`` file of ours with the same network.

    Args:
        path: what `import_model` takes, also an ONNX file of ours.
        on_note: called with a sentence on the convention when it is found, and with one on each change.

    Raises:
        ModelError: as `import_model`, and for ONNX operators that no Keras layer computes. A Keras file that classifies
            no digits is returned unchanged.
    """
    from digitlab.models.saving import read_card, save_keras

    if _is_of_keras(path):
        if read_card(path) is not None:
            return path
        try:
            return _imported(path, ".keras", on_note)
        except NoConventionError as error:
            on_note(_as_it_is(error))
            return path
    if path.suffix.lower() == ".onnx" and path.is_file() and takes_our_images(content_of(path)):
        cached = _cache_path(path, ".keras")
        if not cached.is_file():
            model, card = translated_model(path)
            save_keras(model, cached, card)
        return cached
    return _imported(path, ".keras", on_note)


def _is_of_keras(path: Path) -> bool:
    return path.suffix.lower() in KERAS_ENDINGS and not path.is_dir()


def _as_it_is(error: NoConventionError) -> str:
    return f"{error}. It is used as it is, with pixels 0…1"


def _imported(path: Path, ending: str, on_note: Callable[[str], None]) -> Path:
    cached = _cache_path(path, ending)
    if not cached.is_file():
        _describe(path, import_model(path, cached), on_note)
    return cached


def _describe(path: Path, imported: ImportedModel, on_note: Callable[[str], None]) -> None:
    best = imported.search.best
    on_note(f"{path}: takes {best.convention} ({100 * best.accuracy:.1f} % of {best.images:,} MNIST images right)")
    for change in imported.changes:
        on_note(change)


def _cache_path(path: Path, ending: str) -> Path:
    """Return the model's path in the cache, which depends on its content."""
    digest = hashlib.sha256()
    for part in _parts(path):
        try:
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise ModelError(f"{part}: cannot be read ({error.strerror or error})") from error
    return cache_to_write("models") / kept_name(digest.hexdigest(), ending)


def _parts(path: Path) -> list[Path]:
    """Return the files that a model consists of."""
    if path.is_dir():
        return [path / "saved_model.pb", *sorted((path / "variables").glob("variables.*"))]
    if path.suffix.lower() != ".json":
        return [path, path.with_suffix(".bin")] if path.suffix.lower() == ".xml" else [path]
    from digitlab.models.conventions.keras_files import weights_beside
    from digitlab.models.safety.keras_file import blaming

    with blaming(path):
        return [path, weights_beside(path)]
