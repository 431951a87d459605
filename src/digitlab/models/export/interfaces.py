"""ONNX files with the input and output that other programs expect, around the unchanged network.

A few operators before the network convert such an input back to uint8 (N, 28, 28); nothing inside it is changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError
from digitlab.models.export.onnx import onnx_bytes, run_onnx
from digitlab.models.export.verify import CHECKED_IMAGES, TOLERANCE, Exported, checking_images, compare
from digitlab.storage import atomic_paths, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["LARGEST_FOR_THE_WEB", "export_onnx_zoo", "export_robotics_academy", "export_web"]

LARGEST_FOR_THE_WEB = 5_000_000  # bytes: about four seconds at 10 Mbit/s, and a size that free web hosting accepts


def export_robotics_academy(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ONNX for RoboticsAcademy's exercise dl_digit_classifier: "input" float32 (1, 1, 28, 28) → "output" (1, 10).

    The exercise standardises a square of the camera image (mean 0, standard deviation 1) and leaves dark ink dark; the
    file stretches these values to 0 … 255 and inverts them if most of the square is light.

    Raises:
        ModelError: when it cannot be converted, or its probabilities differ from Keras' by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    return _written(model, path, card, _from_standardised, ("input", "output"), _standardised)


def export_onnx_zoo(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ONNX with the interface of the ONNX Model Zoo's MNIST-12: "Input3" → "Plus214_Output_0", before softmax.

    Input3: float32 (1, 1, 28, 28), light ink, 0 … 1 as its model card says; values above 1 mean 0 … 255, as in its
    oldest test data.

    Raises:
        ModelError: when it cannot be converted, or the softmax of its scores differs by more than TOLERANCE.
        StorageError: when it cannot be written.
    """
    return _written(model, path, card, _from_unit, ("Input3", "Plus214_Output_0"), _unit, scores=True)


def export_web(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ONNX of at most LARGEST_FOR_THE_WEB bytes, without metadata, and its card beside it as ``.json``.

    Input "images" uint8 (N, 28, 28), output "probabilities" float32 (N, 10); a web page can pass its bytes directly.

    Raises:
        ModelError: when it is too large, cannot be converted, or differs from Keras'.
        StorageError: when it cannot be written.
    """
    import onnx

    graph = onnx.load_model_from_string(onnx_bytes(model, path, card))
    del graph.metadata_props[:]
    content: bytes = graph.SerializeToString(deterministic=True)
    if len(content) > LARGEST_FOR_THE_WEB:
        raise ModelError(
            f"{path.name}: would have {len(content):,} bytes; a page loads at most {LARGEST_FOR_THE_WEB:,}. Export a "
            "smaller network"
        )
    difference = compare(model, lambda images: run_onnx(content, images), path)
    operators = sorted({node.op_type for node in graph.graph.node})
    card_fields = {
        **asdict(card), "file": path.name, "bytes": len(content), "operators": operators,
        "input": {"name": "images", "type": "uint8", "shape": ["N", 28, 28]},
        "output": {"name": "probabilities", "type": "float32", "shape": ["N", 10]},
    }  # fmt: skip
    beside = path.with_suffix(".json")
    with atomic_paths(path, beside) as (model_file, card_file):
        model_file.write_bytes(content)
        card_file.write_bytes((json.dumps(card_fields, indent=1, ensure_ascii=False) + "\n").encode())
    return Exported(path, CHECKED_IMAGES, difference, TOLERANCE, beside=beside)


def _written(
    model: keras.Model,
    path: Path,
    card: ModelCard,
    before: Callable[[str], list[Any]],
    names: tuple[str, str],
    prepared: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    *,
    scores: bool = False,
) -> Exported:
    """before: makes nodes from the input of this name to pixels 0 … 255; prepared: gives the target program's input."""
    import onnx

    input_name, output_name = names
    whole = onnx.load_model_from_string(onnx_bytes(model, path, card))
    graph = whole.graph
    ahead = [*before(input_name), *_to_bytes("pixels")]
    last = graph.node[-1]
    behind = (
        _scores(last, output_name) if scores else [onnx.helper.make_node("Identity", [last.output[0]], [output_name])]
    )
    nodes = [*ahead, *graph.node, *behind]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    floats = onnx.TensorProto.FLOAT
    graph.input.append(onnx.helper.make_tensor_value_info(input_name, floats, [1, 1, 28, 28]))
    graph.output.append(onnx.helper.make_tensor_value_info(output_name, floats, [1, 10]))
    onnx.checker.check_model(whole, full_check=True)
    content: bytes = whole.SerializeToString(deterministic=True)

    def answers(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs = _one_by_one(content, prepared(images))
        return _softmax(outputs) if scores else outputs

    difference = compare(model, answers, path, images=_stretched(checking_images()))
    write_bytes(path, content)
    return Exported(path, CHECKED_IMAGES, difference, TOLERANCE)


def _from_standardised(input_name: str) -> list[Any]:
    """Stretch each image to 0 … 255; invert it if its mean is nearer to its maximum, as on light paper."""
    from onnx import helper

    every = {"axes": [1, 2, 3], "keepdims": 1}
    return [
        helper.make_node("ReduceMin", [input_name], ["least"], **every),
        helper.make_node("ReduceMax", [input_name], ["largest"], **every),
        helper.make_node("Sub", [input_name, "least"], ["above"]),
        helper.make_node("Sub", ["largest", "least"], ["spread"]),
        *_number("almost-0", 1e-6),
        helper.make_node("Max", ["spread", "almost-0"], ["divisor"]),
        helper.make_node("Div", ["above", "divisor"], ["light-ink"]),
        *_number("one", 1.0),
        helper.make_node("Sub", ["one", "light-ink"], ["dark-ink"]),
        helper.make_node("ReduceMean", ["light-ink"], ["paper"], **every),
        *_number("half", 0.5),
        helper.make_node("Greater", ["paper", "half"], ["is-light"]),
        helper.make_node("Where", ["is-light", "dark-ink", "light-ink"], ["ink"]),
        *_number("white", 255.0),
        helper.make_node("Mul", ["ink", "white"], ["pixels"]),
    ]


def _from_unit(input_name: str) -> list[Any]:
    from onnx import helper

    return [
        helper.make_node("ReduceMax", [input_name], ["largest"], axes=[1, 2, 3], keepdims=1),
        *_number("one", 1.0),
        *_number("white", 255.0),
        helper.make_node("Greater", ["largest", "one"], ["is-bytes"]),
        helper.make_node("Where", ["is-bytes", "one", "white"], ["factor"]),
        helper.make_node("Mul", [input_name, "factor"], ["pixels"]),
    ]


def _to_bytes(pixels: str) -> list[Any]:
    """Convert float32 (1, 1, 28, 28) to "images", uint8 (1, 28, 28)."""
    import onnx
    from onnx import helper

    shape = helper.make_tensor("rows-and-columns", onnx.TensorProto.INT64, [3], [1, 28, 28])
    return [
        helper.make_node("Round", [pixels], ["rounded"]),
        *_number("black-level", 0.0),
        *_number("white-level", 255.0),
        helper.make_node("Clip", ["rounded", "black-level", "white-level"], ["levels"]),
        helper.make_node("Cast", ["levels"], ["bytes"], to=onnx.TensorProto.UINT8),
        helper.make_node("Constant", [], ["one-image"], value=shape),
        helper.make_node("Reshape", ["bytes", "one-image"], ["images"]),
    ]


def _scores(last: Any, output_name: str) -> list[Any]:
    """Output the values before the softmax; for an ensemble, the logarithms of its mean probabilities."""
    from onnx import helper

    if last.op_type == "Softmax":
        return [helper.make_node("Identity", [last.input[0]], [output_name])]
    return [
        *_number("least-probability", 1e-30),
        helper.make_node("Max", [last.output[0], "least-probability"], ["kept-above-0"]),
        helper.make_node("Log", ["kept-above-0"], [output_name]),
    ]


def _number(name: str, value: float) -> list[Any]:
    import onnx

    tensor = onnx.helper.make_tensor(f"{name}-value", onnx.TensorProto.FLOAT, [], [value])
    return [onnx.helper.make_node("Constant", [], [name], value=tensor)]


def _one_by_one(content: bytes, images: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None]})[0] for image in images])


def _stretched(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch to 0 … 255, as the file does with standardised images."""
    least, largest = (reduce(images, axis=(1, 2), keepdims=True).astype(np.float32) for reduce in (np.min, np.max))
    stretched: NDArray[np.float32] = np.rint((images - least) / np.maximum(largest - least, 1) * 255)
    return stretched.astype(np.uint8)


def _standardised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Standardise as the exercise does, half of the images dark on light."""
    shown = np.where(np.arange(len(images))[:, None, None] % 2, images, 255 - images).astype(np.float64)
    mean, deviation = shown.mean(axis=(1, 2), keepdims=True), shown.std(axis=(1, 2), keepdims=True)
    standardised: NDArray[np.float64] = (shown - mean) / deviation
    return standardised[:, None].astype(np.float32)


def _unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (images / 255)[:, None].astype(np.float32)


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
