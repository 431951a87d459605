"""Convert LiteRT files and SavedModel folders to ONNX.

Neither is executed. A LiteRT file is parsed in Python (not by its native runtime). A SavedModel may hold any TensorFlow
operation, including those that read and write files: the operations that its output depends on are checked before
TensorFlow loads it, and all that are not arithmetic are refused.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from digitlab.errors import MissingExtraError, ModelError
from digitlab.models.backend import native_stderr_silenced

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OPERATIONS", "as_onnx"]

_LARGEST = 200_000_000  # bytes
_OPSET = 17

# TensorFlow operations that compute a classifier's output, and those that call functions and read variables.
_ARITHMETIC = """
Abs Add AddV2 AddN ArgMax AvgPool BatchMatMulV2 BiasAdd Cast Concat ConcatV2 Const Conv2D DepthwiseConv2dNative Elu
Equal Erf Exp ExpandDims Fill FusedBatchNorm FusedBatchNormV3 Greater GreaterEqual Identity IdentityN LeakyRelu Less
LessEqual Log LogSoftmax MatMul Max MaxPool Maximum Mean Min Minimum Mul Neg NoOp Pack Pad PadV2 PartitionedCall
Placeholder PlaceholderWithDefault Pow Prod ReadVariableOp RealDiv Reciprocal Relu Relu6 Reshape Rsqrt Selu Select
SelectV2 Shape Sigmoid Slice Softmax Softplus Softsign Split SplitV Sqrt Square SquaredDifference Squeeze
StatefulPartitionedCall StopGradient StridedSlice Sub Sum Tanh Tile Transpose Unpack VarHandleOp
"""
OPERATIONS = frozenset(_ARITHMETIC.split())
_NODES = ("user_object", "function", "variable", "constant", "bare_concrete_function", "captured_tensor")
_SIGNATURES = ("serving_default", "serve")


def as_onnx(path: Path) -> tuple[bytes, str]:
    """Convert a LiteRT file or a SavedModel folder to ONNX, not yet checked; return it and the name of its framework.

    Raises:
        ModelError: when it is damaged, of another kind, or holds something that no image classifier needs.
        MissingExtraError: without TensorFlow.
    """
    try:
        import tensorflow as tf
        import tf2onnx
    except ImportError as error:
        raise MissingExtraError("train", needed_for="LiteRT files and SavedModel folders") from error
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise ModelError(f"{path}: is a folder without saved_model.pb; expected a SavedModel or a model file")
        return _saved_model(path, tf, tf2onnx), "TensorFlow"
    return _litert(path, tf, tf2onnx), "LiteRT"


@contextlib.contextmanager
def _converting(path: Path) -> Iterator[None]:
    """Run the converters quietly, and reduce their errors to one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None), native_stderr_silenced():
            warnings.simplefilter("ignore")
            yield
    except ModelError:
        raise
    except Exception as error:  # the converters' errors have no narrower common base class
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{path}: cannot be converted to ONNX; it is damaged or uncommon ({reason[:160]})") from error
    finally:
        logging.disable(before)


def _litert(path: Path, tensorflow: Any, tf2onnx: Any) -> bytes:
    content = _measured(path)
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path}: is not a LiteRT (TFLite) file, or is damaged")
    nothing = mock.Mock(side_effect=RuntimeError("strangers' files are not loaded"))
    with _converting(path), tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.tflite"
        copy.write_bytes(content)
        with mock.patch.object(tensorflow.lite, "Interpreter", nothing):
            model, _ = tf2onnx.convert.from_tflite(str(copy), opset=_OPSET)
        converted: bytes = model.SerializeToString()
    return converted


def _saved_model(path: Path, tensorflow: Any, tf2onnx: Any) -> bytes:
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    described = saved_model_pb2.SavedModel()
    try:
        described.ParseFromString(_measured(path / "saved_model.pb"))
    except ModelError:
        raise
    except Exception as error:  # the type of protobuf's error cannot be imported
        raise ModelError(f"{path}: is a damaged SavedModel folder") from error
    signature = _check(described, path)
    with _converting(path), tempfile.TemporaryDirectory() as folder:
        # Load exactly what was checked: the description is serialised again, and variables are numbers only.
        copy = Path(folder) / "saved"
        (copy / "variables").mkdir(parents=True)
        (copy / "saved_model.pb").write_bytes(described.SerializeToString())
        for file in (path / "variables").glob("variables.*"):
            (copy / "variables" / file.name).write_bytes(_measured(file))
        loaded = tensorflow.saved_model.load(str(copy))
        frozen = convert_variables_to_constants_v2(loaded.signatures[signature])
        model, _ = tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=[tensor.name for tensor in frozen.inputs if tensor.dtype != tensorflow.resource],
            output_names=[tensor.name for tensor in frozen.outputs],
            opset=_OPSET,
        )
        content: bytes = model.SerializeToString()
    return content


def _check(described: Any, path: Path) -> str:
    """Return the name of the serving signature, if it depends on arithmetic only and nothing runs while loading."""
    if len(described.meta_graphs) != 1 or not described.meta_graphs[0].HasField("object_graph_def"):
        raise ModelError(f"{path}: is a SavedModel of TensorFlow 1, or holds several; expected one of TensorFlow 2")
    graph = described.meta_graphs[0]
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind is not None and kind not in _NODES:
            raise ModelError(f"{path}: contains a {kind} (a file, table or the like); expected layers and numbers only")
    try:
        signature, function = _signature(graph.object_graph_def, path)
    except IndexError as error:  # numbers of nodes that it does not have
        raise ModelError(f"{path}: is a damaged SavedModel folder") from error
    functions = {each.signature.name: each for each in graph.graph_def.library.function}
    for node in _needed(function, functions):
        if node.op not in OPERATIONS:
            raise ModelError(f"{path}: uses the operation {node.op[:60]}; a classifier of digits does not need it")
    return signature


def _signature(objects: Any, path: Path) -> tuple[str, str]:
    """Return the serving signature, and the name of its function."""
    children = {each.local_name: each.node_id for each in objects.nodes[0].children} if objects.nodes else {}
    if "signatures" in children:
        for each in objects.nodes[children["signatures"]].children:
            if each.local_name in _SIGNATURES:
                return each.local_name, objects.nodes[each.node_id].bare_concrete_function.concrete_function_name
    raise ModelError(f"{path}: has no signature {_SIGNATURES[0]}; expected a model that Keras has exported")


def _needed(function: str, functions: dict[str, Any]) -> Iterator[Any]:
    """Yield the operations of a function, and of all functions that it calls.

    Only these are run: the operations with which a SavedModel writes and reads its variables are ignored, because the
    loader uses its own.
    """
    waiting, seen = [function], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            yield node
            waiting += [called.func.name for called in node.attr.values() if called.HasField("func")]
            waiting += [called.name for attribute in node.attr.values() for called in attribute.list.func]


def _measured(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path}: has {path.stat().st_size:,} bytes; models have at most {_LARGEST:,}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
