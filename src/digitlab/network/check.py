"""Checks of an ONNX file before ONNX Runtime opens it, without the package `onnx`.

ONNX Runtime opens whatever files a model names: even for a model given as bytes, it opens external data relative to the
current folder (measured with 1.31). Our models are self-contained and use a few dozen operators; everything else is
refused here. The format is protobuf: its fields are parsed in place, and their numbers are those of onnx.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OPERATORS", "Protobuf", "check_onnx", "field_bytes"]

# Operators of image classifiers, in float32 and in int8. Left out on purpose: subgraphs (If, Loop, Scan), and operators
# that can create large tensors from a few numbers (ConstantOfShape, Expand, OneHot, Range, Tile).
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
    _Checker().model(memoryview(content))


def _refuse(reason: str) -> None:
    raise ModelError(reason)


class _Checker:
    """One pass over a file. Each occurrence of a field is checked, because protobuf merges them or takes the last."""

    def __init__(self) -> None:
        self._parser, self._nodes_left = Protobuf(), _MOST_NODES

    def model(self, data: memoryview) -> None:
        graphs = 0
        for number, value in self._parser.messages(data):
            if number == 7:
                graphs += 1
                self._graph(value)
            elif number in (20, 25):
                _refuse("contains its own functions or a training graph; expected one plain graph")
        if not graphs:
            _refuse("is not an ONNX model, or is damaged (it has no graph)")

    def _graph(self, data: memoryview) -> None:
        for number, value in self._parser.messages(data):
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
        for number, value in self._parser.messages(data):
            if number == 4 and bytes(value) not in OPERATORS:
                _refuse(f"uses the operator {_quoted(value)}, which a digit classifier does not need")
            elif number == 7 and bytes(value) not in _DOMAINS:
                _refuse(f"uses operators of the domain {_quoted(value)}; expected standard ONNX operators")
            elif number == 5:
                self._attribute(value)

    def _attribute(self, data: memoryview) -> None:
        for number, value in self._parser.messages(data):
            if number in (5, 10):
                self._tensor(value)
            elif number in (6, 11, 21, 22, 23):
                _refuse("contains subgraphs inside its operators; expected one plain graph")

    def _tensor(self, data: memoryview) -> None:
        elements = 1
        for number, value in self._parser.fields(data):
            if number == 13 or (number == 14 and value != 0):
                _refuse("stores weights in another file; expected a self-contained ONNX model")
            elif number == 1:
                for size in [value] if isinstance(value, int) else self._parser.packed(value):
                    elements *= size
        if elements > 8 * len(data):  # at least one bit per element
            _refuse(f"has a tensor of {elements:,} numbers in {len(data):,} bytes")


def _quoted(value: memoryview) -> str:
    return ascii(bytes(value[:40]).decode("utf-8", "replace"))


_MOST_FIELDS = 300_000  # in the parts that are parsed; a network of 200 layers has about 5,000


class Protobuf:
    """A protobuf parser with a limit on the total number of fields in all messages.

    Every method raises ModelError for content that is not protobuf, or exceeds the limit.
    """

    def __init__(self, most: int = _MOST_FIELDS) -> None:
        self._most = self._left = most

    def messages(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yield the number and content of each length-delimited field (strings, bytes and nested messages)."""
        for number, value in self.fields(data):
            if not isinstance(value, int):
                yield number, value

    def fields(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Yield the number and value of each field of a message; fixed-size values as little-endian integers."""
        position, end = 0, len(data)
        while position < end:
            self._count()
            key, position = _decode_varint(data, position)
            number, wire_type = key >> 3, key & 7
            value: int | memoryview = 0
            if wire_type == 0:
                value, position = _decode_varint(data, position)
            elif wire_type in (1, 5):
                value, position = self._fixed(data, position, 8 if wire_type == 1 else 4)
            elif wire_type == 2:
                length, position = _decode_varint(data, position)
                value, position = data[position : position + length], position + length
            if position > end or wire_type in (3, 4, 6, 7) or not 0 < number < 1 << 29:
                raise ModelError("is not an ONNX model, or is damaged")
            yield number, value

    def packed(self, data: memoryview) -> Iterator[int]:
        """Yield the numbers of a packed field."""
        position = 0
        while position < len(data):
            self._count()
            value, position = _decode_varint(data, position)
            yield value

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ModelError(f"has more than {self._most:,} fields; expected one per weight array")

    @staticmethod
    def _fixed(data: memoryview, position: int, size: int) -> tuple[int, int]:
        return int.from_bytes(data[position : position + size], "little"), position + size


def field_bytes(number: int, content: bytes) -> bytes:
    """Encode a length-delimited field."""
    return _encode_varint(number << 3 | 2) + _encode_varint(len(content)) + content


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _decode_varint(data: memoryview, position: int) -> tuple[int, int]:
    """Decode the varint at ``position``; return its value and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position + shift // 7 >= len(data):
            break
        byte = data[position + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + shift // 7 + 1
    raise ModelError("is not an ONNX model, or is damaged")
