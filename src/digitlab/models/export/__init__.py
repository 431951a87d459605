"""From Keras to the formats of other runtimes; each file is run back and compared before it gets its name."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, UsageError
from digitlab.models.backend import native_stderr_silenced, release_memory
from digitlab.models.ensemble import members_of
from digitlab.models.export.raw_onnx import convert_to_onnx
from digitlab.models.saving import card_of, load_keras, open_model, predict_probabilities, save_keras
from digitlab.models.sobel import on_grey_images
from digitlab.storage import atomic_path, cache_folder, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import onnx
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["FORMATS", "TOLERANCE", "Exported", "cached_onnx", "export_model", "export_onnx"]

TOLERANCE = 1e-5  # largest difference of a probability between Keras and another runtime, both in float32
FORMATS = (".onnx", ".xml", ".tflite", ".keras")
_CHECKED_IMAGES = 1000
_TOGETHER = 50  # images; with 250 of them the inner layers of a network at full resolution fill 100 MB and more


@dataclass(frozen=True, slots=True)
class Exported:
    """What was found when an exported file was run back.

    images: how many of MNIST's training images it was compared on
    difference: the largest difference of a probability from Keras' (float32), at most ``tolerance``; for int8 the share
        of other digits, at most ``tolerance``
    accuracy, float_accuracy: on MNIST's test images, of the int8 file and of Keras in float32; None without int8
    """

    path: Path
    images: int
    difference: float
    tolerance: float
    accuracy: float | None = None
    float_accuracy: float | None = None


def export_model(model: keras.Model, path: Path, card: ModelCard, *, int8: bool = False) -> Exported:
    """Write ``model`` in the format that the name of ``path`` ends with.

    ``.onnx``, ``.xml`` (OpenVINO, its weights beside it in ``.bin``), ``.tflite`` (LiteRT) or ``.keras``. All take
    uint8 (N, 28, 28) and give float32 (N, 10). Networks trained on Sobel images get the step from grey images to them
    inside, except in ``.keras``.

    Args:
        model: from uint8 (N, 28, 28) to probabilities.
        path: the file to write.
        card: what the file says of itself (``.onnx``, ``.xml`` and ``.keras``; LiteRT has no room for it).
        int8: store and compute in 8 bits, calibrated on training images; ONNX only.

    Raises:
        UsageError: for another ending, or int8 where it is not supported.
        ModelError: when the file answers otherwise than Keras.
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
        return Exported(path, _CHECKED_IMAGES, _write_onnx(model, path, card), TOLERANCE)
    from digitlab.models.export.litert import export_litert
    from digitlab.models.export.openvino import export_openvino

    write = export_openvino if ending == ".xml" else export_litert
    return Exported(path, _CHECKED_IMAGES, write(model, path, card), TOLERANCE)


def export_onnx(model: keras.Model, path: Path, card: ModelCard) -> None:
    """Write ``model`` as ONNX with its card as metadata; one trained on Sobel images gets that step inside.

    Input "images" uint8 (N, 28, 28), output "probabilities" float32 (N, 10). The file is run back on 1,000 of MNIST's
    training images and compared before it gets its name.

    Raises:
        ModelError: when ONNX Runtime's answers differ from Keras' by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    _write_onnx(on_grey_images(model, card), path, card)


def cached_onnx(path: Path, *, tell: Callable[[str], None] = lambda _: None) -> Path:
    """An ONNX file of a ``.keras`` or ``.h5`` model, from the cache where this very file was exported before.

    Where the cache cannot be written, it lies in a temporary folder until this process ends.

    Args:
        path: as `open_model` takes; a file.
        tell: gets a sentence for each thing that was changed in an old file.

    Raises:
        ModelError: when it cannot be opened, brought over or exported.
    """
    import digitlab

    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder, name = cache_folder() / "models", f"{digest[:32]}-{digitlab.__version__}.onnx"
    if not (folder / name).is_file():
        if not _can_be_written(folder):
            folder = Path(_until_the_end().name)
        model = open_model(path, tell=tell)
        export_model(model, folder / name, card_of(model, path))
    return folder / name


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@functools.cache
def _until_the_end() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="digitlab-models-")


def checking_images() -> NDArray[np.uint8]:
    """The images on which runtimes are compared: uint8 (1000, 28, 28), the first of MNIST's training images."""
    from digitlab.datasets import load_dataset

    return load_dataset("mnist").split("train").images[:_CHECKED_IMAGES]


def compare(model: keras.Model, answers: Callable[[NDArray[np.uint8]], Any], path: Path) -> float:
    """The largest difference of a probability between ``model`` and what ``answers`` gives for the same images.

    Raises:
        ModelError: when it is more than TOLERANCE.
    """
    images = checking_images()
    difference = float(np.abs(answers(images) - predict_probabilities(model, images)).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{path.name}: the exported model differs from Keras' by {difference:.2g}; expected at most {TOLERANCE:g}"
        )
    return difference


@contextlib.contextmanager
def exporting(model: keras.Model, path: Path) -> Iterator[None]:
    """Around Keras' export: ready to be exported, quiet, and failing in one line.

    Raises:
        ModelError: when the model has an operation that the format does not know.
    """
    model(
        np.zeros((1, 28, 28), np.uint8)
    )  # Keras exports only models that have been called, outside of JAX' compiled way
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None), native_stderr_silenced():
            warnings.simplefilter("ignore")  # tf2onnx asks NumPy for names that NumPy has taken away
            yield
    except Exception as error:  # the converters' errors have no common root but this
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{path.name}: cannot be converted to this format ({reason[:200]})") from error


def _write_onnx(model: keras.Model, path: Path, card: ModelCard) -> float:
    content = onnx_bytes(model, path, card)
    difference = compare(model, lambda images: run_onnx(content, images), path)
    write_bytes(path, content)
    return difference


def onnx_bytes(model: keras.Model, path: Path, card: ModelCard) -> bytes:
    """``model`` as ONNX with its card, not yet compared; ``path`` is for messages.

    Raises:
        ModelError: when it has an operation that ONNX does not know.
    """
    import onnx

    from digitlab.models.export.joined_onnx import mean_of

    parts = members_of(model)
    graphs = [_converted(part, path) for part in parts or [model]]
    graph = mean_of(graphs) if parts else graphs[0]
    _describe(graph, card)
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _converted(model: keras.Model, path: Path) -> onnx.ModelProto:
    """As Keras converts it, from "images" to "probabilities"."""
    import onnx

    release_memory()  # of what came before; a conversion takes 100 MB
    with tempfile.TemporaryDirectory() as folder, exporting(model, path):
        raw = Path(folder) / "raw.onnx"
        convert_to_onnx(model, raw)
        graph = onnx.load(raw)
        _rename(graph.graph)
    return graph


def with_card(content: bytes, card: ModelCard) -> bytes:
    """The same ONNX file with another card."""
    import onnx

    graph = onnx.load_model_from_string(content)
    _describe(graph, card)
    changed: bytes = graph.SerializeToString(deterministic=True)
    return changed


def run_onnx(content: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The probabilities that ONNX Runtime gives for uint8 (N, 28, 28)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batches = (images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER))
    return np.concatenate([session.run(["probabilities"], {"images": batch})[0] for batch in batches])


def _export_keras(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    with atomic_path(path) as temporary:
        save_keras(model, temporary, card)
        difference = compare(model, lambda images: predict_probabilities(load_keras(temporary), images), path)
    return Exported(path, _CHECKED_IMAGES, difference, TOLERANCE)


def _rename(graph: object) -> None:
    """Give input and output their field names, and the batch its letter."""
    names = {graph.input[0].name: "images", graph.output[0].name: "probabilities"}  # type: ignore[attr-defined]
    for value in (*graph.input, *graph.output):  # type: ignore[attr-defined]
        value.name = names.get(value.name, value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for node in graph.node:  # type: ignore[attr-defined]
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _describe(graph: object, card: ModelCard) -> None:
    import onnx

    fields = asdict(card)
    onnx.helper.set_model_props(
        graph, {"digitlab": json.dumps(fields), "classes": " ".join(card.classes), "preparation": card.preparation}
    )
    graph.producer_name, graph.producer_version = "digitlab", card.versions.get("digitlab", "")  # type: ignore[attr-defined]
