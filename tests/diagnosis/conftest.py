"""Networks made without a training: random features, and the best linear answer from them; and a linear one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitlab.datasets import load_dataset
from digitlab.network.scales import SCALES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

_FEATURES = 400


@functools.cache
def _weights(scale: str, *, inverted: bool, transposed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of numbers (784,) to features, their biases, and of features to logits."""
    train = load_dataset("mnist").split("train")[:5000]
    numbers = as_numbers(train.images, scale, inverted=inverted, transposed=transposed).reshape(-1, 784)
    rng = np.random.default_rng(1)
    first = rng.normal(0, 1, (784, _FEATURES)) / (np.abs(numbers).mean() * 40)
    biases = rng.normal(0, 0.3, _FEATURES) - numbers.mean(axis=0) @ first
    features = np.maximum(numbers @ first + biases, 0)
    wanted = np.eye(10)[train.labels] - 0.1
    second = np.linalg.solve(features.T @ features + 2 * np.eye(_FEATURES), features.T @ wanted)
    return first.astype(np.float32), biases.astype(np.float32), (second * 12).astype(np.float32)


def as_numbers(images: np.ndarray, scale: str, *, inverted: bool, transposed: bool) -> np.ndarray:
    """Images (N, 28, 28) as a network with this convention takes them, by the definition."""
    images = images.transpose(0, 2, 1) if transposed else images
    times, plus = SCALES[scale]
    return (255.0 - images if inverted else images) * times + plus


def write_network(
    path: Path,
    *,
    scale: str = "0…1",
    inverted: bool = False,
    transposed: bool = False,
    shape: tuple[int, ...] = (1, 28, 28),
    own: bool = False,
) -> Path:
    """An ONNX file that knows 9 of 10 of MNIST's test images, with this convention.

    own: it takes uint8 (N, 28, 28) as digitlab's own models do, and scales them itself
    """
    first, biases, second = _weights(scale, inverted=inverted, transposed=transposed)
    times, plus = SCALES[scale]
    weights = {
        "first": first, "biases": biases, "second": second, "shape": np.array([-1, 784]),
        "times": np.float32(times), "plus": np.float32(plus),
    }  # fmt: skip
    nodes = [
        helper.make_node("Reshape", ["scaled" if own else "input", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "first"], ["sums"]),
        helper.make_node("Add", ["sums", "biases"], ["before"]),
        helper.make_node("Relu", ["before"], ["features"]),
        helper.make_node("MatMul", ["features", "second"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["output"], axis=1),
    ]
    if own:
        nodes[:0] = [
            helper.make_node("Cast", ["input"], ["floats"], to=1),
            helper.make_node("Mul", ["floats", "times"], ["multiplied"]),
            helper.make_node("Add", ["multiplied", "plus"], ["scaled"]),
        ]
    used = {name for node in nodes for name in node.input}
    kind, shape = (TensorProto.UINT8, (28, 28)) if own else (TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", kind, ["N", *shape])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Writes the network with a convention into a file; see `write_network`."""
    folder = tmp_path_factory.mktemp("networks")

    @functools.cache
    def write(name: str, **convention: Any) -> Path:
        return write_network(folder / f"{name}.onnx", **convention)

    return write


@pytest.fixture(scope="session")
def plain(networks: Write) -> Path:
    """Of somebody, trained as everybody does."""
    return networks("plain")


@pytest.fixture(scope="session")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first lesson ends with: a linear network by least squares, which errs as soon as anything differs."""
    train = load_dataset("mnist").split("train")[:6000]
    pixels = train.images.reshape(-1, 784) / 255.0
    times = np.linalg.solve(pixels.T @ pixels + 30 * np.eye(784), pixels.T @ (np.eye(10)[train.labels] - 0.1))
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=1),
        helper.make_node("Reshape", ["numbers", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "times"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    weights = {"shape": np.array([-1, 784]), "times": (times * 10 / 255).astype(np.float32)}
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", 2, ["N", 28, 28])],
        [helper.make_tensor_value_info("probabilities", 1, ["N", 10])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    path = tmp_path_factory.mktemp("linear") / "linear.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
