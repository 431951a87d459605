"""Eight-bit ONNX files: a quarter of the size, calibrated on training images."""

from __future__ import annotations

import logging
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import ModelError, first_line
from digitlab.models.export.onnx import onnx_bytes, run_onnx, with_card
from digitlab.models.export.verify import INT8_TOLERANCE, Exported, checking_images, compare_digits
from digitlab.storage import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import ModelCard

__all__ = ["export_int8"]

_CALIBRATED = 500  # images; the ranges of activations change little beyond a few hundred
_BATCH = 100
_PRODUCTS = ("Conv", "MatMul", "Gemm")
_BETWEEN = ("MaxPool", "Relu")  # also run in 8 bits


def export_int8(model: keras.Model, path: Path, card: ModelCard) -> Exported:
    """Write ``model`` as ONNX with weights and activations in 8 bits, and measure its accuracy on MNIST's test images.

    Convolutions and matrix products are quantised, with one scale per channel; the ranges of activations come from 500
    of MNIST's training images. The first convolution and the last product stay in float32: on a single channel 8 bits
    are slower (each byte is gathered separately), and the last product gives the logits. The card records the accuracy
    in 8 bits as `int8_accuracy`.

    Raises:
        ModelError: when it cannot be converted, or the predictions differ for more than INT8_TOLERANCE of the images.
        StorageError: when it cannot be written.
    """
    images = checking_images()
    content = _quantised(onnx_bytes(model, path, card), images[:_CALIBRATED])
    differing, accuracy, in_float = compare_digits(model, lambda pixels: run_onnx(content, pixels), path, images)
    measured_card = replace(card, training={**card.training, "int8_accuracy": round(accuracy, 4)})
    write_bytes(path, with_card(content, measured_card))
    return Exported(path, len(images), differing, INT8_TOLERANCE, accuracy, in_float)


class _Images:
    """Batches of images for ONNX Runtime's calibration."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches = iter([images[start : start + _BATCH] for start in range(0, len(images), _BATCH)])

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch by input name, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def _kept_in_float(content: bytes) -> list[str]:
    """Return the names of the nodes before the second product (if the first has one channel), and of the last one."""
    import onnx

    graph = onnx.load_model_from_string(content).graph
    shapes = {weights.name: tuple(weights.dims) for weights in graph.initializer}
    products = [number for number, node in enumerate(graph.node) if node.op_type in _PRODUCTS]
    chosen = set(products[-1:])
    if products and shapes.get(graph.node[products[0]].input[1], (0, 0))[1] == 1:
        chosen |= set(range(products[1] if len(products) > 1 else len(graph.node)))
    return [graph.node[number].name for number in sorted(chosen)]


def _quantised(content: bytes, images: NDArray[np.uint8]) -> bytes:
    from onnxruntime import quantization

    logger = logging.getLogger()
    before = logger.level
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)  # it recommends a step that tf2onnx has already done
        source, quantised = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(content)
        try:
            quantization.quantize_static(
                source,
                quantised,
                _Images(images),
                op_types_to_quantize=[*_PRODUCTS, *_BETWEEN],
                nodes_to_exclude=_kept_in_float(content),
                per_channel=True,
                reduce_range=True,  # 7-bit weights: processors without VNNI accumulate in 16 bits, which would overflow
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except Exception as error:  # ONNX Runtime's errors have no narrower common base class
            raise ModelError(f"cannot be quantised to 8 bits ({first_line(error)})") from error
        finally:
            logger.setLevel(before)
        return quantised.read_bytes()
