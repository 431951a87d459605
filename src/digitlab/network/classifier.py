"""The classifier of 28×28 images: an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from digitlab.errors import ModelError, RunError, ShapeError, first_line
from digitlab.kinds import JSON, kind_of
from digitlab.network.bounds import bound_memory, time_limit
from digitlab.network.check import check_onnx
from digitlab.shown import Shown
from digitlab.storage import cache_folder
from digitlab.values import ModelCard
from digitlab.version import VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_MODEL",
    "Classifier",
    "OutputTransform",
    "content_of",
    "is_foreign",
    "kept_name",
    "kept_onnx",
    "probabilities_from",
    "read_model",
    "resolve_model",
    "shipped_keras",
    "shipped_models",
    "start_session",
    "takes_our_images",
    "unchanged",
]

DEFAULT_MODEL = "reader"
_FOREIGN = (".keras", ".h5", ".hdf5", ".tflite", ".lite", ".xml")

_BATCH = 32  # images per run: their activations fit in the CPU cache, which is 8 % faster than a thousand images
_LARGEST_FILE = 200_000_000  # bytes; the largest architecture here needs 6 MB
_SILENT = 4  # ONNX Runtime's own log: fatal errors only, the others become exceptions
_CARD = "digitlab"  # the key of the card in the file's metadata
# Constant folding at load time is the only computation not covered by the memory limit; exporters have already done it.
# The other optimiser moves quantisation before a pooling layer, which then takes ten times longer.
_DISABLED_OPTIMISERS = ["ConstantFolding", "QDQPropagationTransformer"]


class Classifier(Shown):
    """A network from uint8 (N, 28, 28), light ink on dark, to float32 (N, 10) probabilities. Thread-safe.

    path: the ONNX file that it was loaded from
    card: the file's model card, or None if digitlab did not write the file
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load ``path``; each call uses ``threads`` threads, 0 for one per core.

        A softmax is applied to logits, and sigmoid outputs are divided by their sum; a warning reports either.

        Raises:
            ModelError: the file is missing, not ONNX, damaged, or made for other images or classes.
        """
        self.path = Path(path)
        self._session = start_session(read_model(self.path), self.path, threads)
        self._input = _check_input(self._session, self.path)
        self.card = _card(self._session, self.path)
        self._to_probabilities: OutputTransform = unchanged  # turns the network's output into probabilities
        self._to_probabilities = self._check_answers()

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the class probabilities float32 (N, 10) of images uint8 (N, 28, 28); N may be 0.

        Raises:
            ShapeError: for images of another type or shape.
            ModelError: when the network cannot run.
        """
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
            raise ShapeError("images", expected="uint8 (N, 28, 28)", received=f"{images.dtype} {images.shape}")
        batches = [self._run(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
        if len(batches) == 1:
            return batches[0]
        return np.concatenate(batches) if batches else np.empty((0, 10), np.float32)

    def _run(self, images: NDArray[np.uint8], options: Any = None) -> NDArray[np.float32]:
        try:
            inputs = {self._input: np.ascontiguousarray(images)}
            outputs: NDArray[np.float32] = self._session.run(None, inputs, options)[0]
        except Exception as error:  # ONNX Runtime's errors have no narrower common base class
            raise ModelError(f"{self.path}: the model cannot run ({first_line(error)})") from error
        return self._to_probabilities(outputs)

    def _check_answers(self) -> OutputTransform:
        with time_limit(f"{self.path}: the model ") as options:
            outputs = self._run(np.zeros((2, 28, 28), np.uint8), options)
        if outputs.shape != (2, 10) or outputs.dtype != np.float32 or not np.isfinite(outputs).all():
            raise ModelError(
                f"{self.path}: the model outputs {outputs.dtype} {outputs.shape} for two images; "
                "expected float32 (2, 10), finite probabilities of the digits 0 to 9"
            )
        transform, remark = probabilities_from(self._run(_strokes()))
        if remark:
            warnings.warn(f"{self.path}: {remark}", stacklevel=3)
        return transform


def _strokes() -> NDArray[np.uint8]:
    """Return test patterns for probing a network's output: uint8 (5, 28, 28)."""
    images = np.zeros((5, 28, 28), np.uint8)
    images[1, 4:24, 13:16] = images[2, 13:16, 4:24] = images[3, 4:24, 4:24] = images[4, 4:14, 8:20] = 255
    images[3:, 8:20, 8:20] = 0
    return images


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that come with digitlab, sorted.

    Each has its Keras file beside it; the page reader's network is no classifier, has no such file, and is not listed.
    """
    folder = _shipped_folder()
    if not folder.is_dir():
        return ()
    return tuple(sorted(file.stem for file in folder.glob("*.onnx") if file.with_suffix(".keras").is_file()))


def shipped_keras(name: str) -> Path | None:
    """Return the Keras file of a shipped model, for inspection or further training; None for an unknown name."""
    path = _shipped_folder() / f"{name}.keras"
    return path if name in shipped_models() and path.is_file() else None


def resolve_model(name: str | Path | None) -> Path:
    """Return the ONNX file of a shipped model, a run folder or a file; the default model for None.

    A Keras file, or any other that expects another input format, is converted once and cached
    (`digitlab.models.conventions.own_onnx`); the format is found by trial and recorded in the card.

    Raises:
        ModelError: when there is no such model, or it cannot be converted.
        MissingExtraError: for a foreign file, without the extra "train".
    """
    name = DEFAULT_MODEL if name is None else name
    if name in shipped_models():
        return _shipped_folder() / f"{name}.onnx"
    path = Path(name)
    if is_foreign(path):
        return _converted(path)
    try:
        if path.is_dir():
            return _model_of_run(path)
        if path.suffix.lower() == ".onnx" and path.exists():
            return path
        exists = path.is_file()
    except (OSError, ValueError):  # a name with a null byte, or too long for a file
        exists = False
    if (kind := kind_of(path)) is not None:
        raise ModelError(f"{path}: is {kind.what}; {kind.as_model}")
    shipped = ", ".join(shipped_models()) or "none is installed"
    problem = f"{path}: is not a known kind of model file" if exists else _missing(str(name))
    expected = f"a shipped name ({shipped}), a run folder, or a file ending in .onnx, .keras, .h5 or .tflite"
    raise ModelError(f"{problem}; expected {expected}")


def is_foreign(path: Path) -> bool:
    """Return whether this is a model file or SavedModel folder that must be converted before it takes our images."""
    ending = path.suffix.lower()
    try:
        if path.is_dir():
            return (path / "saved_model.pb").is_file()
        if ending == ".onnx" and path.is_file():
            return path.stat().st_size <= _LARGEST_FILE and not takes_our_images(path.read_bytes())
        if ending == ".json":  # a network's architecture, with its weights in a file beside it
            return path.is_file() and kind_of(path) == JSON
        return ending in _FOREIGN and path.is_file()
    except (OSError, ValueError):  # reported by whoever opens it next; ValueError: a name with a null byte
        return False


def _converted(path: Path) -> Path:
    """Convert ``path`` to an ONNX file of ours.

    The models package is a layer above this one and needs Keras: it is imported by name, and for foreign files only.
    """
    converted: Path = importlib.import_module("digitlab.models.conventions").own_onnx(path)
    return converted


def _missing(name: str) -> str:
    """Describe what is missing: a file or folder if ``name`` looks like a path, otherwise a model."""
    is_path = "/" in name or os.sep in name or name.lower().endswith((".onnx", ".keras", ".h5", ".hdf5"))
    noun = "file or folder" if is_path and not os.path.lexists(name) else "model"
    return f"there is no {noun} {name!r}"


def _shipped_folder() -> Path:
    return Path(str(resources.files("digitlab.reading"))) / "shipped"


def _model_of_run(path: Path) -> Path:
    from digitlab.runs import Run

    try:
        run = Run.open(path)
    except RunError as error:
        kind = kind_of(path)
        raise ModelError(f"{path}: is {kind.what}; {kind.as_model}" if kind else str(error)) from error
    if run.onnx.is_file():
        return run.onnx
    if run.metrics.is_file():
        raise ModelError(f"{path}: has no model.onnx: the classifier of this run could not be written as one")
    raise ModelError(
        f"{path}: has no model.onnx: its training did not finish; continue it with `digitlab train --resume {path}`"
    )


def content_of(path: Path) -> bytes:
    """Return the bytes of an ONNX file, after checking its size.

    Raises:
        ModelError: when it is no file, or it is empty, too large, or cannot be read.
    """
    try:
        if not path.is_file():
            raise ModelError(f"{path}: is not a file; expected a model ending in .onnx")
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError(f"{path}: has {path.stat().st_size:,} bytes; models have at most {_LARGEST_FILE:,}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not content:
        raise ModelError(f"{path}: is empty (0 bytes); expected an ONNX model")
    return content


def read_model(path: Path) -> bytes:
    """Return the file's bytes after all checks that need no ONNX Runtime.

    ONNX Runtime is given the bytes, not the path, so that it does not look for other files beside it.

    Raises:
        ModelError: when the file is missing, empty, too large, not ONNX, or not self-contained.
    """
    content = content_of(path)
    if content.startswith((b"PK", b"\x89HDF")):
        raise ModelError(f"{path}: looks like a Keras file; run `digitlab export` on it first and give the .onnx")
    try:
        check_onnx(content)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return content


def takes_our_images(content: bytes) -> bool:
    """Return whether an ONNX file declares uint8 (N, 28, 28) input with a dynamic batch size; no session is opened."""
    from digitlab.network.graph import input_sizes

    try:
        return input_sizes(content) in ([(2, (None, 28, 28))], [])  # []: damaged; `read_model` reports it
    except ModelError:
        return True


def start_session(content: bytes, path: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open in ONNX Runtime what `read_model` has checked; each call uses ``threads`` threads, 0 for one per core.

    Raises:
        ModelError: when ONNX Runtime cannot open it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    try:
        bound_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=_DISABLED_OPTIMISERS
        )
    except Exception as error:  # ONNX Runtime's errors have no narrower common base class
        raise ModelError(f"{path}: is not an ONNX model, or is damaged ({first_line(error)})") from error


def _check_input(session: onnxruntime.InferenceSession, path: Path) -> str:
    """Check that the only input takes our images; return its name."""
    inputs = session.get_inputs()
    received = ", ".join(f"{tensor.type} {tuple(tensor.shape)}" for tensor in inputs) or "no input"
    is_image = len(inputs) == 1 and inputs[0].type == "tensor(uint8)" and list(inputs[0].shape[1:]) == [28, 28]
    if not is_image or isinstance(inputs[0].shape[0], int):
        raise ModelError(f"{path}: the model takes {received}; expected one tensor(uint8) (N, 28, 28)")
    return str(inputs[0].name)


def _card(session: onnxruntime.InferenceSession, path: Path) -> ModelCard | None:
    text = session.get_modelmeta().custom_metadata_map.get(_CARD)
    if text is None:
        return None
    names = {field.name for field in fields(ModelCard)}
    try:
        content: dict[str, Any] = {key: value for key, value in json.loads(text).items() if key in names}
        return ModelCard(**content | {"classes": tuple(content["classes"])})
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its card cannot be read ({first_line(error)}); export the model again") from error


OutputTransform = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]  # float32 (N, 10) to float32 (N, 10)

_TOLERANCE = 0.03  # for the sum of ten probabilities of an int8 network, which have steps of 1/256


def probabilities_from(outputs: NDArray[np.float32]) -> tuple[OutputTransform, str | None]:
    """Return the function that turns such outputs, float32 (N, 10), into probabilities, and a remark if they change.

    >>> transform, remark = probabilities_from(np.array([[*[-1.0] * 9, 4.0]], np.float32))
    >>> remark
    'outputs logits, not probabilities; a softmax is applied'
    >>> float(transform(np.zeros((1, 10), np.float32)).sum().round(3))
    1.0
    """
    sums = outputs.sum(axis=1)
    if outputs.min() >= -_TOLERANCE and np.abs(sums - 1).max() <= _TOLERANCE:
        return unchanged, None
    if outputs.min() >= 0 and (outputs.max() <= 1 or np.abs(sums / 100 - 1).max() <= _TOLERANCE):
        return _divided_by_sum, "outputs sigmoids, which do not sum to 1; each is divided by their sum"
    return _softmax, "outputs logits, not probabilities; a softmax is applied"


def unchanged(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the outputs as they are: they are probabilities already."""
    return outputs


def _divided_by_sum(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    sums: NDArray[np.float32] = np.maximum(outputs.sum(axis=1, keepdims=True), np.float32(1e-12))
    return outputs / sums


def _softmax(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    sums: NDArray[np.float32] = powers.sum(axis=1, keepdims=True)
    return powers / sums


def kept_name(digest: str, ending: str) -> str:
    """Return a model's file name in the cache; ``digest``: the digest of the digests of the model's files."""
    return f"{digest[:32]}-convention-{VERSION}{ending}"


def kept_onnx(path: Path) -> Path | None:
    """Return the cached ONNX file that a model file was converted to (input convention included), or None."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None  # reported by whoever opens it next
    cached = cache_folder() / "models" / kept_name(hashlib.sha256(digest).hexdigest(), ".onnx")
    return cached if cached.is_file() else None
