"""Export from Keras to the formats of other runtimes; each file is run and compared with Keras before it is written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from digitlab.errors import ModelError, UsageError
from digitlab.models.export.onnx import write_onnx
from digitlab.models.export.verify import CHECKED_IMAGES, TOLERANCE, Exported, compare
from digitlab.models.saving import card_of, load_keras, open_model, predict_probabilities, save_keras
from digitlab.models.sobel import on_grey_images
from digitlab.storage import atomic_path, cache_to_write
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = [
    "FORMATS", "TARGETS", "Exported", "cached_onnx", "check_target", "export_for", "export_model",
    "export_onnx",
]  # fmt: skip

FORMATS = (".onnx", ".xml", ".tflite", ".keras")
TARGETS = {"robotics-academy": ".onnx", "onnx-zoo": ".onnx", "c": ".c", "web": ".onnx"}  # with the extension of each


def export_model(model: keras.Model, path: Path, card: ModelCard, *, int8: bool = False) -> Exported:
    """Write ``model`` in the format of ``path``'s extension.

    ``.onnx``, ``.xml`` (OpenVINO, its weights beside it in ``.bin``), ``.tflite`` (LiteRT) or ``.keras``. All take
    uint8 (N, 28, 28) and output float32 (N, 10). For networks trained on Sobel images the Sobel filter becomes part of
    the file, except in ``.keras``.

    Args:
        model: from uint8 (N, 28, 28) to probabilities.
        path: the file to write.
        card: the model card (``.onnx``, ``.xml`` and ``.keras``; LiteRT has no field for it).
        int8: quantise weights and activations to 8 bits, calibrated on training images; ONNX only.

    Raises:
        UsageError: for another extension, or int8 where it is not supported.
        ModelError: when the file's output differs from Keras'.
        MissingExtraError: when the format's runtime is not installed.
        StorageError: when it cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise UsageError(f"cannot export to {path.name!r}; expected a name that ends in {', '.join(FORMATS)}")
    if int8 and ending != ".onnx":
        raise UsageError(f"int8 is supported for .onnx only; {path.name!r} can be written in float32")
    if ending == ".keras":
        return _export_keras(model, path, card)
    model = on_grey_images(model, card)
    if int8:
        from digitlab.models.export.int8 import export_int8

        return export_int8(model, path, card)
    if ending == ".onnx":
        return Exported(path, CHECKED_IMAGES, write_onnx(model, path, card), TOLERANCE)
    from digitlab.models.export.runtimes import export_litert, export_openvino

    write = export_openvino if ending == ".xml" else export_litert
    return Exported(path, CHECKED_IMAGES, write(model, path, card), TOLERANCE)


def check_target(target: str, path: Path) -> None:
    """Check a target and a path for `export_for`, before a model is opened.

    Raises:
        UsageError: for another target, or a path with another extension than the target's.
    """
    if target not in TARGETS:
        raise UsageError(f"cannot export for {target!r}; expected one of: {', '.join(TARGETS)}")
    if path.suffix.lower() != TARGETS[target]:
        raise UsageError(f"cannot export {path.name!r} for {target}; expected a name that ends in {TARGETS[target]}")


def export_for(target: str, model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ``model`` in the form that one of TARGETS needs.

    "robotics-academy" and "onnx-zoo" take one image in float32; "c" is C source with a header beside it, in 8 bits;
    "web" is ONNX of limited size with a JSON card beside it. For networks trained on Sobel images the filter becomes
    part of the ONNX files.

    Raises:
        UsageError: for another target, or a path with another extension than the target's.
        ModelError: when the model cannot be written in that form, or the file's output differs from Keras'.
        StorageError: when it cannot be written.
    """
    check_target(target, path)
    model = on_grey_images(model, card)
    if target == "c":
        from digitlab.models.export.c_source import export_c

        return export_c(model, path, card)
    from digitlab.models.export.interfaces import export_onnx_zoo, export_robotics_academy, export_web

    write = {"robotics-academy": export_robotics_academy, "onnx-zoo": export_onnx_zoo, "web": export_web}[target]
    return write(model, path, card)


def export_onnx(model: keras.Model, path: Path, card: ModelCard) -> None:
    """Write ``model`` as ONNX with its card as metadata, including the Sobel filter if it was trained on Sobel images.

    Input "images" uint8 (N, 28, 28), output "probabilities" float32 (N, 10). The model is run on 1,000 of MNIST's
    training images and compared before the file is written.

    Raises:
        ModelError: when ONNX Runtime's probabilities differ from Keras' by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    write_onnx(on_grey_images(model, card), path, card)


def cached_onnx(path: Path, *, on_note: Callable[[str], None] = lambda _: None) -> Path:
    """Return an ONNX file of a ``.keras`` or ``.h5`` model, from the cache if the same file was exported before.

    If the cache cannot be written, the file is in a temporary folder until this process ends.

    Args:
        path: a file that `open_model` accepts.
        on_note: called with a sentence for each change to an old file.

    Raises:
        ModelError: when it cannot be opened, imported or exported.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    cached = cache_to_write("models") / f"{digest[:32]}-{VERSION}.onnx"
    if not cached.is_file():
        model = open_model(path, on_note=on_note)
        export_model(model, cached, card_of(model, path))
    return cached


def _export_keras(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    with atomic_path(path) as temporary:
        save_keras(model, temporary, card)
        difference = compare(model, lambda images: predict_probabilities(load_keras(temporary), images), path)
    return Exported(path, CHECKED_IMAGES, difference, TOLERANCE)
