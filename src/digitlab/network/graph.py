"""The nodes and weights of an ONNX file, read without the package `onnx`.

Only for content that `check_onnx` has accepted. The field numbers are those of onnx.proto.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError
from digitlab.network.check import Protobuf, field_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Graph", "Node", "input_sizes", "read_graph", "with_outputs"]

# Element type codes of onnx.proto for weights, shapes and scales.
_TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}
_GRAPH, _OUTPUT = 7, 12


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: its inputs, outputs and attributes (numbers, lists of numbers, strings)."""

    operator: str
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """The network: nodes in order of computation, constants by name, the names of the outputs."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)


def with_outputs(content: bytes, names: Iterable[str]) -> bytes:
    """Return the same model with the named inner tensors as additional outputs.

    A graph that holds only these outputs is appended to the file; protobuf merges the two. ONNX Runtime infers the
    types.
    """
    outputs = b"".join(field_bytes(_OUTPUT, field_bytes(1, name.encode())) for name in names)
    return content + field_bytes(_GRAPH, outputs)


def read_graph(content: bytes) -> Graph:
    """Parse a model.

    Raises:
        ModelError: for a damaged file or weights of an unsupported type; the message does not name the file.
    """
    return _GraphParser().graph(memoryview(content))


def input_sizes(content: bytes) -> list[tuple[int, tuple[int | None, ...]]]:
    """Return the element type (ONNX code) and the sizes of each input of a model; None stands for a dynamic size.

    Raises:
        ModelError: for a damaged file; the message does not name the file.
    """
    parser = Protobuf()

    def messages_at(data: memoryview, *numbers: int) -> list[memoryview]:
        """Return the messages at this path of field numbers in ``data``."""
        messages = [data]
        for number in numbers:
            messages = [part for each in messages for key, part in parser.messages(each) if key == number]
        return messages

    sizes = []
    for tensor in messages_at(memoryview(content), _GRAPH, 11, 2, 1):
        element_type = next((value for key, value in parser.fields(tensor) if key == 1 and isinstance(value, int)), 0)
        dims = [dict(parser.fields(dim)).get(1) for dim in messages_at(tensor, 2, 1)]
        sizes.append((element_type, tuple(size if isinstance(size, int) and size > 0 else None for size in dims)))
    return sizes


class _GraphParser:
    def __init__(self) -> None:
        self._parser = Protobuf()

    def graph(self, data: memoryview) -> Graph:
        graph = Graph()
        for number, part in self._parser.messages(data):
            if number == _GRAPH:
                self._into(graph, part)
        return graph

    def _into(self, graph: Graph, data: memoryview) -> None:
        for number, part in self._parser.messages(data):
            if number == 1:
                node = self._node(part)
                value = node.settings.get("value")
                if node.operator == "Constant" and isinstance(value, np.ndarray):
                    graph.constants[node.makes[0]] = value
                else:
                    graph.nodes.append(node)
            elif number == 5:
                name, tensor = self._tensor(part)
                graph.constants[name] = tensor
            elif number == _OUTPUT:
                graph.outputs.extend(_text(name) for key, name in self._parser.messages(part) if key == 1)

    def _node(self, data: memoryview) -> Node:
        takes, makes, operator, settings = [], [], "", {}
        for number, part in self._parser.messages(data):
            if number == 1:
                takes.append(_text(part))
            elif number == 2:
                makes.append(_text(part))
            elif number == 4:
                operator = _text(part)
            elif number == 5:
                name, value = self._setting(part)
                settings[name] = value
        if not makes:
            raise ModelError("is not an ONNX model, or is damaged (an operator without output)")
        return Node(operator, tuple(takes), tuple(makes), settings)

    def _setting(self, data: memoryview) -> tuple[str, Any]:
        name, value = "", None
        numbers: list[int] = []
        for number, part in self._parser.fields(data):
            if number == 1 and not isinstance(part, int):
                name = _text(part)
            elif number == 2 and isinstance(part, int):
                value = struct.unpack("<f", (part & 0xFFFFFFFF).to_bytes(4, "little"))[0]
            elif number == 3 and isinstance(part, int):
                value = _signed(part)
            elif number == 4 and not isinstance(part, int):
                value = _text(part)
            elif number == 5 and not isinstance(part, int):
                value = self._tensor(part)[1]
            elif number == 8:
                numbers += self._whole_numbers(part)
        return name, numbers or value

    def _tensor(self, data: memoryview) -> tuple[str, NDArray[Any]]:
        name, element_type, raw = "", 0, memoryview(b"")
        shape: list[int] = []
        values: list[int] = []
        for number, part in self._parser.fields(data):
            if number == 1:
                shape += self._whole_numbers(part)
            elif number == 2 and isinstance(part, int):
                element_type = part
            elif number in (5, 7):
                values += self._whole_numbers(part)
            elif number in (4, 9, 10) and not isinstance(part, int):
                raw = part
            elif number == 8 and not isinstance(part, int):
                name = _text(part)
        if element_type not in _TYPES:
            raise ModelError(f"has weights of ONNX type {element_type}; expected float32 or integers")
        try:
            numbers: NDArray[Any] = np.array(values, np.int64).astype(_TYPES[element_type])
            return name, (np.frombuffer(raw, _TYPES[element_type]) if len(raw) else numbers).reshape(shape)
        except ValueError as error:
            raise ModelError(f"is damaged: a tensor's numbers do not fill its shape ({error})") from error

    def _whole_numbers(self, part: int | memoryview) -> list[int]:
        return [_signed(value) for value in ([part] if isinstance(part, int) else self._parser.packed(part))]


def _text(part: memoryview) -> str:
    return bytes(part).decode("utf-8", "replace")


def _signed(value: int) -> int:
    """Decode a signed number: protobuf writes negative ones as 64-bit two's complement."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
