"""Checks of an ONNX file before ONNX Runtime opens it, without the package `onnx`.

ONNX Runtime reads whatever a file names: given a model as bytes, it still opens external data beside the current folder
(measured with 1.31). Our models are self-contained and use a few dozen operators; everything else is refused here.
The format is protobuf; the field numbers are those of onnx.proto.
"""

from __future__ import annotations

from digitlab.errors import ModelError
from digitlab.network.protobuf import Protobuf

__all__ = ["OPERATORS", "check_onnx"]

# What classifiers of images compute with, in float32 and in int8. Left out on purpose: subgraphs (If, Loop, Scan), and
# operators that make large tensors from small numbers (ConstantOfShape, Expand, OneHot, Range, Tile).
OPERATORS = frozenset(
    b"Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvInteger ConvTranspose "
    b"DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Flatten Floor Gather Gelu Gemm "
    b"GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity "
    b"InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul MatMulInteger Max "
    b"MaxPool Mean Min Mish Mul Neg Not Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal ReduceL2 "
    b"ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Selu Shape Sigmoid Size "
    b"Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Transpose Unsqueeze "
    b"Where".split()
)
_DOMAINS = (b"", b"ai.onnx")

_MOST_NODES = 5_000


def check_onnx(content: bytes) -> None:
    """Refuse a model that refers to other files, brings custom operators, or is not ONNX.

    Raises:
        ModelError: with the reason, without the file's name.
    """
    _Look().model(memoryview(content))


def _refuse(reason: str) -> None:
    raise ModelError(reason)


class _Look:
    """One pass through a file. Every occurrence of a field is checked: protobuf merges them or takes the last."""

    def __init__(self) -> None:
        self._parts, self._nodes_left = Protobuf(), _MOST_NODES

    def model(self, data: memoryview) -> None:
        graphs = 0
        for number, value in self._parts.messages(data):
            if number == 7:
                graphs += 1
                self._graph(value)
            elif number in (20, 25):
                _refuse("brings its own functions or training graph; expected one plain graph")
        if not graphs:
            _refuse("is not an ONNX model, or is damaged (it has no graph)")

    def _graph(self, data: memoryview) -> None:
        for number, value in self._parts.messages(data):
            if number == 1:
                self._node(value)
            elif number == 5:
                self._tensor(value)
            elif number == 15:
                _refuse("has sparse weights; expected dense ones")

    def _node(self, data: memoryview) -> None:
        self._nodes_left -= 1
        if self._nodes_left < 0:
            _refuse(f"has more than {_MOST_NODES:,} operators")
        for number, value in self._parts.messages(data):
            if number == 4 and bytes(value) not in OPERATORS:
                _refuse(f"uses the operator {_shown(value)}, which a digit classifier does not need")
            elif number == 7 and bytes(value) not in _DOMAINS:
                _refuse(f"uses operators of the domain {_shown(value)}; expected standard ONNX operators")
            elif number == 5:
                self._attribute(value)

    def _attribute(self, data: memoryview) -> None:
        for number, value in self._parts.messages(data):
            if number in (5, 10):
                self._tensor(value)
            elif number in (6, 11, 21, 22, 23):
                _refuse("holds subgraphs inside its operators; expected one plain graph")

    def _tensor(self, data: memoryview) -> None:
        elements = 1
        for number, value in self._parts.fields(data):
            if number == 13 or (number == 14 and value != 0):
                _refuse("keeps weights in another file; expected a self-contained ONNX model")
            elif number == 1:
                for size in [value] if isinstance(value, int) else self._parts.packed(value):
                    elements *= size
        if elements > 8 * len(data):  # at least one bit per element
            _refuse(f"has a tensor of {elements:,} numbers in {len(data):,} bytes")


def _shown(value: memoryview) -> str:
    return ascii(bytes(value[:40]).decode("utf-8", "replace"))
