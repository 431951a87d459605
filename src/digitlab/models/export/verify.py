"""Comparison of an exported model with Keras, on the same images."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, first_line
from digitlab.models.backend import native_stderr_silenced
from digitlab.models.saving import predict_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.models.backend import keras

__all__ = [
    "CHECKED_IMAGES", "INT8_TOLERANCE", "TOLERANCE", "Exported", "checking_images", "compare", "compare_digits",
    "exporting",
]  # fmt: skip

TOLERANCE = 1e-5  # largest difference of a probability between Keras and another runtime, both in float32
INT8_TOLERANCE = 0.02  # fraction of the compared images whose prediction may differ from float32
CHECKED_IMAGES = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """The comparison of an exported file with Keras.

    images: the number of MNIST training images compared
    difference: the largest difference of a probability from Keras' (float32); for int8 the fraction of predictions
        that differ; at most ``tolerance``
    accuracy, float_accuracy: on MNIST's test images, of the int8 file and of Keras in float32; None without int8
    beside: the second file, if there is one
    ram, flash: bytes that the C code needs for maps and for weights; None for other formats
    """

    path: Path
    images: int
    difference: float
    tolerance: float
    accuracy: float | None = None
    float_accuracy: float | None = None
    beside: Path | None = None
    ram: int | None = None
    flash: int | None = None


def checking_images() -> NDArray[np.uint8]:
    """Return the images for the comparison: uint8 (1000, 28, 28), the first of MNIST's training images."""
    from digitlab.datasets import load_dataset

    return load_dataset("mnist").split("train").images[:CHECKED_IMAGES]


def compare(
    model: keras.Model,
    answers: Callable[[NDArray[np.uint8]], Any],
    path: Path,
    images: NDArray[np.uint8] | None = None,
) -> float:
    """Return the largest difference of a probability between ``model`` and ``answers`` for the same images.

    images: the images to compare on; None: those of `checking_images`

    Raises:
        ModelError: when it is more than TOLERANCE.
    """
    images = checking_images() if images is None else images
    difference = float(np.abs(answers(images) - predict_probabilities(model, images)).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{path.name}: the exported model differs from Keras' by {difference:.2g}; expected at most {TOLERANCE:g}"
        )
    return difference


def compare_digits(
    model: keras.Model, answers: Callable[[NDArray[np.uint8]], NDArray[Any]], path: Path, images: NDArray[np.uint8]
) -> tuple[float, float, float]:
    """Compare the digits of a network in 8 bits with those of ``model``.

    answers: its probabilities, or other numbers of which the digit's is the largest, (N, 10)
    images: those of `checking_images`

    Returns:
        the fraction of ``images`` whose digits differ; the accuracy on MNIST's test images in 8 bits, and in float32

    Raises:
        ModelError: when more than INT8_TOLERANCE of the digits differ.
    """
    from digitlab.datasets import load_dataset

    differing = float((answers(images).argmax(axis=1) != predict_probabilities(model, images).argmax(axis=1)).mean())
    if differing > INT8_TOLERANCE:
        raise ModelError(
            f"{path.name}: in 8 bits, {100 * differing:.1f} % of {len(images):,} predictions differ; expected at "
            f"most {100 * INT8_TOLERANCE:g} %"
        )
    test = load_dataset("mnist").split("test")
    accuracy = float((answers(test.images).argmax(axis=1) == test.labels).mean())
    in_float = float((predict_probabilities(model, test.images).argmax(axis=1) == test.labels).mean())
    return differing, accuracy, in_float


@contextlib.contextmanager
def exporting(model: keras.Model, path: Path) -> Iterator[None]:
    """Wrap Keras' export: build the model first, silence the converters, and reduce errors to one line.

    Raises:
        ModelError: when the model has an operation that the format does not support.
    """
    # Keras exports only models that have been called; a call compiled by JAX does not count.
    model(np.zeros((1, 28, 28), np.uint8))
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None), native_stderr_silenced():
            warnings.simplefilter("ignore")  # tf2onnx uses names that NumPy has removed
            yield
    except Exception as error:  # the converters' errors have no narrower common base class
        raise ModelError(f"{path.name}: cannot be converted to this format ({first_line(error)})") from error
