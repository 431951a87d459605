"""Identify files that cannot be used here, so that a message can say what they are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["ARRAYS", "ENDINGS", "HDF5", "JSON", "KERAS", "TFJS", "TORCH", "ZIP", "Kind", "kind_of"]

_HEAD = 512  # bytes


class Kind(NamedTuple):
    """A kind of file.

    what: its name with the article: "a PyTorch file"
    as_model: advice to the user if a model is expected
    """

    what: str
    as_model: str


_AGAIN = "save the model as one file with Keras, model.save('model.keras')"
TORCH = Kind(
    "a PyTorch file",
    "it can run arbitrary code, so it is never loaded. Write it as ONNX in Python, with your class and its weights "
    "or with torch.jit.load: import torch; net = torch.jit.load('FILE').eval(); torch.onnx.export(net, "
    "torch.zeros(1, 1, 28, 28), 'net.onnx', external_data=False). Then: digitlab import net.onnx OUT.onnx",
)
_PICKLE = Kind(
    "a Python pickle, which is never loaded, since it can run arbitrary code",
    "export the network as .onnx; a model of scikit-learn with skl2onnx: skl2onnx.to_onnx(model, "
    "X[:1].astype('float32')).SerializeToString() is its content",
)
_SAVED_MODEL = Kind(
    "a SavedModel folder of TensorFlow",
    "`digitlab import FOLDER OUT.onnx` makes it one of ours",
)
_LITERT = Kind("a LiteRT (TFLite) file", "`digitlab import FILE.tflite OUT.onnx` makes it one of ours")
TFJS = Kind("a TensorFlow.js model", _AGAIN)
JSON = Kind("a JSON file", f"the description of a network needs its weights in a file beside it; {_AGAIN}")
_GRAPH = Kind("a graph of TensorFlow (.pb)", _AGAIN)
_CHECKPOINT = Kind("a checkpoint of TensorFlow, weights only", _AGAIN)
_WEIGHTS = Kind("a safetensors file, weights only", "export the network as .onnx")
_CAFFE = Kind(
    "a model of Caffe", "convert it to .onnx, or measure its answers: digitlab evaluate --probabilities FILE.csv"
)
_CORE_ML = Kind("a Core ML model", "export the network as .onnx")
_OPENVINO = Kind("an OpenVINO model", "its weights are in NAME.bin; put that file beside it")
KERAS = Kind("a Keras model", "name it NAME.keras")
HDF5 = Kind("an HDF5 file", "name it NAME.h5")
ZIP = Kind("a zip archive", "unpack it first")
ARRAYS = Kind("a file of NumPy arrays", "expected a model file; images are named with --data")
_GZIP = Kind("a gzip archive", "unpack it first")
_PDF = Kind("a PDF", "expected a model file")
_PICTURE = Kind("a picture", "expected a model file")
_PARQUET = Kind("a Parquet file", "expected a model file")
_MATLAB = Kind("a MATLAB file", "export the network as .onnx")
_ARFF = Kind("an ARFF file of Weka", "expected a model file")
_TEXT = Kind("a table of numbers", "expected a model file")

_STARTS = {
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"RIFF": _PICTURE,
    b"II*\0": _PICTURE,
    b"MM\0*": _PICTURE,
    b"%PDF": _PDF,
    b"PAR1": _PARQUET,
    b"MATLAB": _MATLAB,
    b"\x1f\x8b": _GZIP,
    b"\x89HDF\r\n\x1a\n": HDF5,
}
ENDINGS = {
    **dict.fromkeys((".pt", ".pth"), TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".tflite", ".lite"), _LITERT),
    **dict.fromkeys((".caffemodel", ".prototxt"), _CAFFE),
    **dict.fromkeys((".mlmodel", ".mlpackage"), _CORE_ML),
    **dict.fromkeys((".csv", ".tsv"), _TEXT),
    ".safetensors": _WEIGHTS,
    ".pb": _GRAPH,
    ".index": _CHECKPOINT,
    ".xml": _OPENVINO,
    ".mat": _MATLAB,
    ".arff": _ARFF,
    ".json": JSON,
    ".parquet": _PARQUET,
}


def kind_of(path: str | Path) -> Kind | None:
    """Identify a file or folder by its content, then by its name; None if it is unknown or missing.

    >>> kind_of("no/such/file.pt") is None
    True
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _SAVED_MODEL if (path / "saved_model.pb").is_file() else ENDINGS.get(path.suffix.lower())
        if not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD)
        return _by_content(path, head) or ENDINGS.get(path.suffix.lower())
    except (OSError, ValueError):  # ValueError: a name with a null byte
        return None


def _by_content(path: Path, head: bytes) -> Kind | None:
    if head.startswith(b"PK"):
        return _of_zip(path, head)
    if head[4:8] == b"TFL3":
        return _LITERT
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return TORCH if path.suffix.lower() in (".pt", ".pth") else _PICKLE
    if head.lstrip().startswith(b"{"):
        return TFJS if b"modelTopology" in head or b"tfjs" in head else JSON
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)


def _of_zip(path: Path, head: bytes) -> Kind:
    """Identify a zip archive by its first entries: the central directory at its end may be of any length."""
    if b"/data.pkl" in head or path.suffix.lower() in (".pt", ".pth"):
        return TORCH
    if path.suffix.lower() == ".npz":
        return ARRAYS
    return KERAS if any(name in head for name in (b"metadata.json", b"config.json", b"model.weights.h5")) else ZIP
