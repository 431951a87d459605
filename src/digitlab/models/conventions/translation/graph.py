"""Translate an ONNX graph to a Keras network, to inspect its layers, train it or write it in other formats.

What depends on constants only is evaluated; every other operator becomes a layer (`layers`, `numbers`). Batch sizes
that an exporter has fixed in shapes are made dynamic again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, first_line
from digitlab.models.backend import keras
from digitlab.models.conventions.translation import layers, numbers
from digitlab.models.conventions.translation.tensors import LayoutTensor, Names, Operator, flattened, plain, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx
    from numpy.typing import NDArray

    from digitlab.models.conventions.convention import Form

__all__ = ["rounds", "translated"]

_MOST_NUMBERS = 50_000_000  # elements of a constant that is computed from others
_OF_CONSTANTS = (
    "Add", "Cast", "Concat", "DequantizeLinear", "Div", "Gather", "Identity", "Mul", "Reshape", "Slice", "Squeeze",
    "Sub", "Transpose", "Unsqueeze",
)  # fmt: skip
_VALUES = ("value", "value_float", "value_floats", "value_int", "value_ints")


def translated(network: onnx.ModelProto, form: Form, name: str) -> keras.Model:
    """Build the Keras network of a graph with one input and one output, from float32 (N, *form.shape()) to its outputs.

    Raises:
        ModelError: for operators that no Keras layer computes, or that are not supported; without the file's name.
    """
    images = keras.Input(form.shape(), name="pixels")
    translation = _Translation(network)
    translation.values[network.graph.input[0].name] = LayoutTensor(images)
    try:
        for node in network.graph.node:
            translation.add(node)
        answers = translation.values[network.graph.output[0].name]
        outputs = plain(flattened(answers, translation.names), translation.names).tensor
    except ModelError:
        raise
    except Exception as error:  # Keras and NumPy may raise anything on untrusted numbers
        raise ModelError(f"cannot be translated to layers of Keras ({first_line(error, 120)})") from error
    return keras.Model(images, outputs, name=name)


_OPERATORS: dict[str, Callable[[Operator, Names], LayoutTensor]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum", "Max", "Min"), numbers.arithmetic),
    **dict.fromkeys(("Cast", "DequantizeLinear", "Dropout", "Identity"), numbers.same_numbers),
    **dict.fromkeys(("AveragePool", "MaxPool"), layers.pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), layers.over_maps),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), layers.global_pool),
    **dict.fromkeys(("LeakyRelu", "Elu"), numbers.leaky),
    **dict.fromkeys(("Softmax", "LogSoftmax"), numbers.softmax),
    **dict.fromkeys(numbers.ACTIVATIONS, numbers.activation),
    "BatchNormalization": layers.batch_normalization,
    "Clip": numbers.clip,
    "Concat": numbers.concatenated,
    "Conv": layers.convolution,
    "Flatten": numbers.flatten,
    "Gather": layers.chosen,
    "Gemm": layers.gemm,
    "MatMul": layers.matmul,
    "Neg": numbers.negative,
    "PRelu": numbers.prelu,
    "QuantizeLinear": numbers.unrounded,
    "Pad": layers.zero_padding,
    "Reshape": numbers.reshape,
    "Squeeze": numbers.squeeze,
    "Transpose": numbers.transpose,
    "Unsqueeze": numbers.unsqueeze,
}


def rounds(network: onnx.ModelProto) -> bool:
    """Return whether a graph quantises its intermediate values to 8 bits, which `translated` leaves out."""
    return any(node.op_type == "QuantizeLinear" for node in network.graph.node)


class _Translation:
    """One pass over a graph. values: what has been computed so far, tensors (`LayoutTensor`) and constants, by name."""

    def __init__(self, network: onnx.ModelProto) -> None:
        import onnx

        self.names = Names()
        self.values: dict[str, Any] = {
            each.name: onnx.numpy_helper.to_array(each) for each in network.graph.initializer
        }
        self._opset = next(each.version for each in network.opset_import if each.domain in ("", "ai.onnx"))
        self._nodes = list(network.graph.node)
        self._done: set[str] = set()  # outputs of additions that were merged into the previous layer as its bias

    def add(self, node: onnx.NodeProto) -> None:
        """Translate one operator."""
        import onnx

        if node.output[0] in self._done:
            return
        settings = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        inputs = [self.values[name] if name else None for name in node.input]
        if node.op_type == "Constant":
            self.values[node.output[0]] = _constant(settings)
        elif not any(isinstance(each, LayoutTensor) for each in inputs):
            self.values[node.output[0]] = self._computed(node)
        elif node.op_type == "Shape":
            shape = Operator(node.op_type, inputs, settings, self._opset).first_input.shape
            self.values[node.output[0]] = np.array([0, *shape])  # 0: the number of images
        else:
            self._layer(node, Operator(node.op_type, inputs, settings, self._opset))

    def _computed(self, node: onnx.NodeProto) -> NDArray[Any]:
        """Evaluate an operator on constants, by which exporters compute e.g. the shape of a Reshape."""
        from onnx.reference import ReferenceEvaluator

        if node.op_type not in _OF_CONSTANTS:
            refuse(f"computes a constant by {node.op_type[:40]}, which is not translated")
        inputs = {name: self.values[name] for name in node.input if name}
        if _most_numbers(node.op_type, list(inputs.values())) > _MOST_NUMBERS:
            refuse("computes constants of a size that no classifier needs")
        result: NDArray[Any] = np.asarray(ReferenceEvaluator(node).run(None, inputs)[0])
        return result

    def _layer(self, node: onnx.NodeProto, operator: Operator) -> None:
        if operator.kind not in _OPERATORS:
            refuse(f"uses the operator {operator.kind[:40]}, which no layer of Keras here computes")
        addition = self._addition_behind(node, operator)
        if addition is not None:
            name, bias = addition
            operator.inputs.append(bias)
            self._done.add(name)
        result = _OPERATORS[operator.kind](operator, self.names)
        for output in [node.output[0], *([addition[0]] if addition else [])]:
            self.values[output] = result

    def _addition_behind(self, node: onnx.NodeProto, operator: Operator) -> tuple[str, NDArray[Any]] | None:
        """Find the only addition after a product or convolution; return its output's name and its bias (units,)."""
        if operator.kind not in ("MatMul", "Conv") or len(operator.inputs) != 2:
            return None
        users = [each for each in self._nodes if node.output[0] in each.input]
        weights = operator.inputs[1]
        if len(users) != 1 or users[0].op_type != "Add" or not isinstance(weights, np.ndarray) or weights.ndim < 2:
            return None
        bias = next((self.values.get(name) for name in users[0].input if name != node.output[0]), None)
        units, behind = (weights.shape[0], (1, 1)) if operator.kind == "Conv" else (weights.shape[-1], ())
        shape = (units, *behind)
        if not isinstance(bias, np.ndarray) or bias.size != units or bias.shape[bias.ndim - len(shape) :] != shape:
            return None
        return users[0].output[0], bias.reshape(-1)


def _most_numbers(kind: str, inputs: list[NDArray[Any]]) -> int:
    """Return the maximum number of elements that an operator can produce."""
    if kind in ("Add", "Sub", "Mul", "Div"):
        return math.prod(np.broadcast_shapes(*(each.shape for each in inputs)))
    sizes = [each.size for each in inputs]
    return math.prod(sizes) if kind == "Gather" else sum(sizes)


def _constant(settings: dict[str, Any]) -> NDArray[Any]:
    import onnx

    value = next((settings[name] for name in _VALUES if name in settings), None)
    if value is None:
        refuse("contains a constant that is not a number")
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.array(value)
