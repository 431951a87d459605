"""The page reader's two networks as Keras models again, from its ONNX file: to train on from the shipped weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from digitlab.errors import ModelError
from digitlab.models.backend import keras
from digitlab.training.page_reader.networks import crop_network, detector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["history", "restored"]

_BATCH = 16
_HE_NORM = 2.0**0.5  # expected norm of a filter initialised by He et al. (2015)


def restored(path: Path, pages: NDArray[np.float32], crops: NDArray[np.float32]) -> tuple[keras.Model, keras.Model]:
    """Detector and classifier with the weights of a page reader's file, in float32.

    The file holds 8-bit weights with batch normalisation folded into them. Training needs the normalisation back, so
    its statistics are measured on `pages` and `crops`, and each filter is scaled to the norm it was initialised with:
    Adam's steps are then as large, relative to the weights, as in a training from nothing. Neither changes what the
    networks answer.

    pages: (N, S, S, 3), crops: (M, 32, 32, 3): drawn ones, as `networks.normalised`

    Raises:
        ModelError: when the file is not a page reader of this architecture.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's own errors have no common root
        raise ModelError(f"{path}: is not an ONNX file ({str(error)[:100]})") from error
    file = _File(graph)
    where, what = detector(), crop_network()
    for model, prefix, samples in ((where, "where_", pages), (what, "what_", crops)):
        weights = file.weights(prefix)
        layers = [each for each in model.layers if isinstance(each, (keras.layers.Conv2D, keras.layers.Dense))]
        if [kernel.shape for kernel, _ in weights] != [each.kernel.shape for each in layers]:
            raise ModelError(f"{path}: is not a page reader of this version; its layers have other shapes")
        _assign(model, layers, weights)
        _normalise(model, samples)
    return where, what


def history(path: Path) -> dict[str, Any]:
    """How the networks of a page reader's file were trained, by its metadata: steps, batch, seed, what came before."""
    told = {each.key: each.value for each in onnx.load(path).metadata_props}
    return {name: value for name, value in json.loads(told["digitlab"]).items() if name not in ("scale", "context")}


class _File:
    """Weights of a graph whose nodes are in the order in which they are computed."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._nodes = graph.node
        self._arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._made_by = {output: node for node in graph.node for output in node.output}

    def weights(self, prefix: str) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Kernel and bias of each layer of one network, in Keras' layout."""
        nodes = [node for node in self._nodes if node.name.startswith(prefix)]
        found = []
        for node in nodes:
            if node.op_type == "Conv":
                found.append((self._array(node.input[1]).transpose(2, 3, 1, 0), self._array(node.input[2])))
            elif node.op_type == "MatMul" and (kernel := self._constant(node.input[1])) is not None:
                found.append((kernel, self._bias_after(node, nodes)))
        return found

    def _bias_after(self, product: onnx.NodeProto, nodes: Sequence[onnx.NodeProto]) -> NDArray[np.float32]:
        """The constant that is added to a matrix product, perhaps after its quantisation."""
        names = {product.output[0]}
        for node in nodes:
            if names.isdisjoint(node.input):
                continue
            if node.op_type == "Add":
                constants = [self._constant(each) for each in node.input if each not in names]
                return next(each for each in constants if each is not None)
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                names.update(node.output)
        raise ModelError("the page reader's file has a matrix product without a bias")

    def _array(self, name: str) -> NDArray[np.float32]:
        array = self._constant(name)
        if array is None:
            raise ModelError(f"the page reader's file computes {name}, which should be a constant")
        return array

    def _constant(self, name: str) -> NDArray[np.float32] | None:
        """A constant, dequantised; None for what is computed."""
        if name in self._arrays:
            return np.asarray(self._arrays[name], np.float32)
        node = self._made_by.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self._arrays:
            return None
        values, scale = self._arrays[node.input[0]].astype(np.float32), self._arrays[node.input[1]]
        zero = self._arrays[node.input[2]].astype(np.float32) if len(node.input) > 2 else np.float32(0)
        along = (-1,) + (1,) * (values.ndim - 1) if scale.size > 1 else ()  # per output channel, which comes first
        return np.asarray((values - np.reshape(zero, along)) * np.reshape(scale, along), np.float32)


def _assign(model: keras.Model, layers: Sequence[Any], weights: Sequence[tuple[Any, Any]]) -> None:
    """Set kernels and biases; a folded bias becomes the shift of a batch normalisation that does nothing else."""
    free = iter([each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)])
    for layer, (kernel, bias) in zip(layers, weights, strict=True):
        if layer.use_bias:
            layer.set_weights([kernel, bias])
            continue
        layer.set_weights([kernel])
        following = next(free)
        ones = np.ones_like(bias)
        following.set_weights([ones, bias, np.zeros_like(bias), ones - np.float32(following.epsilon)])


def _normalise(model: keras.Model, samples: NDArray[np.float32]) -> None:
    """Measure the statistics of batch normalisation; rescale its filters. The model's function stays the same."""
    normalisations = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    filters = [each for each in model.layers if isinstance(each, keras.layers.Conv2D) and not each.use_bias]
    probe = keras.Model(model.inputs, [each.input for each in normalisations])
    sums = [np.zeros((2, each.gamma.shape[0])) for each in normalisations]
    counts = np.zeros(len(normalisations))
    for first in range(0, len(samples), _BATCH):
        for place, value in enumerate(probe([samples[first : first + _BATCH]], training=False)):
            flat = np.asarray(value, np.float64).reshape(-1, value.shape[-1])
            sums[place] += [flat.sum(axis=0), (flat**2).sum(axis=0)]
            counts[place] += len(flat)
    for layer, following, total, count in zip(filters, normalisations, sums, counts, strict=True):
        mean = total[0] / count
        variance = np.maximum(total[1] / count - mean**2, 0.0)
        (kernel,), (_, shift, _, _) = layer.get_weights(), following.get_weights()
        by = _HE_NORM / (np.sqrt((kernel**2).sum(axis=(0, 1, 2))) + 1e-8)
        layer.set_weights([kernel * by])
        gain = np.sqrt(variance * by**2 + following.epsilon) / by
        following.set_weights([gain, shift + mean, mean * by, variance * by**2])
