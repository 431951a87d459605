"""Attribution: which pixels of an image a prediction depends on.

Four methods, as none is definitive: the gradient at each pixel (saliency, Simonyan 2014), the gradient integrated
along the path from a black image (integrated gradients, Sundararajan 2017), the activation maps of a convolution
weighted by their gradients (Grad-CAM, Selvaraju 2017), and the effect of erasing a square (occlusion, Zeiler 2014).
They explain a class's logit, or the difference of two classes' logits: "why 4, not 9".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.errors import UsageError
from digitlab.inspection.activations import results
from digitlab.inspection.steps import CONVOLUTIONS
from digitlab.inspection.summary import receptive_fields
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.inspection.steps import Network
    from digitlab.network.receptive_field import ReceptiveField


__all__ = [
    "IntegratedGradients",
    "Question",
    "grad_cam",
    "gradients",
    "integrated_gradients",
    "last_convolution",
    "occlusion",
    "saliency",
    "scores",
]

_BATCH = 128
_FIRST_STEPS, _MOST_STEPS = 32, 4096
_COMPLETE = 0.005  # allowed error as a share of the score's difference; the docs promise 0.01


@dataclass(frozen=True, slots=True)
class Question:
    """The question: why this digit, or why this one and not that one?

    >>> str(Question(4)), str(Question(4, 9))
    ('why 4', 'why 4, not 9')
    """

    why: int
    unless: int | None = None

    def __post_init__(self) -> None:
        for digit in (self.why, self.unless):
            if digit is not None and not 0 <= digit <= 9:
                raise UsageError(f"there is no class {digit}; expected a digit, 0 to 9")
        if self.why == self.unless:
            raise UsageError(f"why {self.why} and not {self.unless}: expected two different digits")

    def __str__(self) -> str:
        return f"why {self.why}" + ("" if self.unless is None else f", not {self.unless}")

    @property
    def weights(self) -> NDArray[np.float32]:
        """float32 (10,): 1 for the digit, −1 for the other; their product with the scores is explained."""
        weights = np.zeros(10, np.float32)
        weights[self.why] = 1
        if self.unless is not None:
            weights[self.unless] = -1
        return weights


@dataclass(frozen=True, slots=True)
class IntegratedGradients:
    """The result of integrated gradients.

    maps: float32 (Q, 28, 28); each sums to the score of the image minus that of a black image
    rise: float32 (Q,), these differences
    missing: float32 (Q,), relative error of the sums
    steps: points on the path
    """

    maps: NDArray[np.float32]
    rise: NDArray[np.float32]
    missing: NDArray[np.float32]
    steps: int


def scores(network: Network, images: NDArray[Any]) -> NDArray[np.float32]:
    """The logits (N, 10) of images (N, 28, 28), 0 … 255."""
    inputs = np.asarray(images, np.float32)
    outputs = [
        np.asarray(network.scoring(inputs[start : start + _BATCH], training=False))
        for start in range(0, len(inputs), _BATCH)
    ]
    return np.concatenate(outputs) if outputs else np.empty((0, 10), np.float32)


def saliency(network: Network, image: NDArray[np.uint8], questions: Sequence[Question]) -> NDArray[np.float32]:
    """Saliency: the magnitude of the score's gradient at each pixel, float32 (Q, 28, 28), 0 or more.

    In units of the score, for a change of the pixel from black to white.
    """
    weights = _weights(questions)
    images = np.repeat(np.asarray(image, np.float32)[None], len(questions), axis=0)
    _, (gradient,) = gradients(network.scoring, [images], weights)
    return np.abs(gradient) * 255


def integrated_gradients(
    network: Network, image: NDArray[np.uint8], questions: Sequence[Question], *, steps: int | None = None
) -> IntegratedGradients:
    """Integrated gradients: each pixel's share of the score's rise from a black image; signed.

    steps: points on the path; None: as many as give sums that are correct within 0.5 %, at most 4096.
    """
    weights = _weights(questions)
    target = np.asarray(image, np.float32)
    ends = scores(network, np.stack([target, np.zeros_like(target)]))
    rise = np.asarray((ends[0] - ends[1]) @ weights.T, np.float32)
    maps, missing = np.zeros((len(weights), 28, 28), np.float32), np.full(len(weights), np.inf, np.float32)
    parts = steps or _FIRST_STEPS
    while True:
        open_ones = np.flatnonzero(missing > _COMPLETE)
        maps[open_ones] = target * _mean_gradients(network, target, weights[open_ones], parts)
        missing = np.abs(maps.sum(axis=(1, 2)) - rise) / np.maximum(np.abs(rise), 1e-6)
        if steps is not None or missing.max() <= _COMPLETE or parts >= _MOST_STEPS:
            return IntegratedGradients(maps, rise, missing, parts)
        parts *= 2


def _mean_gradients(
    network: Network, target: NDArray[np.float32], weights: NDArray[np.float32], steps: int
) -> NDArray[np.float64]:
    """The mean gradient (Q, 28, 28) at the midpoints of equal parts of the path."""
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    total = np.zeros((len(weights), 28, 28))
    question = np.repeat(np.arange(len(weights)), steps)  # the question that each image belongs to
    fractions = np.tile(shares, len(weights))
    for start in range(0, len(question), _BATCH):
        rows = slice(start, start + _BATCH)
        _, (batch_gradients,) = gradients(
            network.scoring, [fractions[rows, None, None] * target], weights[question[rows]]
        )
        np.add.at(total, question[rows], batch_gradients)
    return total / steps


def last_convolution(network: Network) -> str | None:
    """The step that Grad-CAM uses unless another is named; None in a network without convolutions."""
    mapping = [step for step in network.of_kinds(CONVOLUTIONS) if len(step.shape) == 3]
    return network.activated(mapping[-1]).name if mapping else None


def grad_cam(
    network: Network, image: NDArray[np.uint8], questions: Sequence[Question], layer: str | None = None
) -> NDArray[np.float32]:
    """Grad-CAM: the activation maps in favour of the answer, float32 (Q, 28, 28), 0 or more, in units of the score.

    Each map of the layer is weighted by the mean gradient of the score with respect to it; negative sums are cut off.
    The result is placed on the image by the units' receptive fields.

    Raises:
        UsageError: for an unknown layer, one without maps, or a network without convolutions.
    """
    name = last_convolution(network) if layer is None else network.activated(network.find(layer)).name
    if name is None:
        raise UsageError(f"{network.model.name} has no convolution, which Grad-CAM needs")
    step = network.steps[name]
    if len(step.shape) != 3:
        raise UsageError(f"layer {name!r} outputs {step.shape}; Grad-CAM needs maps (height, width, channels)")
    count = len(questions)
    images = np.repeat(np.asarray(image, np.float32)[None], count, axis=0)
    nothing = np.zeros((count, *step.shape), np.float32)
    _, (_, gradient) = gradients(network.probed(step), [images, nothing], _weights(questions))
    (maps,) = results(network, images[:1], [step])[0]  # (H, W, C)
    summed = np.maximum(np.einsum("hwc,qc->qhw", maps, gradient.mean(axis=(1, 2))), 0)
    return np.stack([_on_image(heat_map, receptive_fields(network)[name]) for heat_map in summed.astype(np.float32)])


def _on_image(sums: NDArray[np.float32], field: ReceptiveField | None) -> NDArray[np.float32]:
    """(H, W) → (28, 28): each unit at the centre of its receptive field, bilinear between, edges repeated outwards."""
    if field is None or field.whole:
        return np.asarray(cv2.resize(sums, (28, 28), interpolation=cv2.INTER_LINEAR), np.float32)
    pixels = np.arange(28, dtype=np.float32)
    rows, columns = (
        np.clip((pixels - middle) / step, 0, size - 1).astype(np.float32)
        for middle, step, size in zip(field.middle, field.step, sums.shape, strict=True)
    )
    across, down = np.meshgrid(columns, rows)
    return np.asarray(cv2.remap(sums, across, down, cv2.INTER_LINEAR), np.float32)


def occlusion(
    network: Network, image: NDArray[np.uint8], questions: Sequence[Question], side: int = 5
) -> NDArray[np.float32]:
    """Occlusion: the drop of the score when the square around each pixel is black, float32 (Q, 28, 28), signed.

    side: of the square in pixels, odd; at the border part of it lies outside

    Raises:
        UsageError: for an even side, or one below 1.
    """
    if side < 1 or side % 2 == 0:
        raise UsageError(f"a square of side {side} has no pixel in its middle; expected an odd side, e.g. 5")
    erased = np.repeat(np.asarray(image)[None], 28 * 28, axis=0)
    for index, (row, column) in enumerate(np.ndindex(28, 28)):
        reach = side // 2
        erased[index, max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = 0
    weights = _weights(questions)
    whole = scores(network, np.asarray(image)[None]) @ weights.T  # (1, Q)
    lost = whole - scores(network, erased) @ weights.T
    return np.asarray(lost.T.reshape(len(questions), 28, 28), np.float32)


def _weights(questions: Sequence[Question]) -> NDArray[np.float32]:
    return np.stack([question.weights for question in questions])


def gradients(
    model: keras.Model, inputs: Sequence[NDArray[np.float32]], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """The gradients of weighted sums of scores with respect to all inputs.

    Args:
        model: from ``inputs`` to scores (N, 10), in inference mode: no dropout, fixed normalisation.
        inputs: float32 (N, …) each.
        weights: float32 (N, 10); for each image the sum of its scores times these is differentiated.

    Returns:
        Those sums, float32 (N,), and their gradients, each of the shape of one of ``inputs``.
    """
    compute = _by_tape if keras.backend.backend() == "tensorflow" else _by_jax
    sums, by_input = compute(model, inputs, weights)
    return np.asarray(sums), [np.asarray(each) for each in by_input]


def _by_tape(model: keras.Model, inputs: Sequence[Any], weights: Any) -> tuple[Any, Sequence[Any]]:
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(each) for each in inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        sums = tf.reduce_sum(model(tensors if len(tensors) > 1 else tensors[0], training=False) * weights, axis=-1)
    return sums, tape.gradient(sums, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _by_jax(model: keras.Model, inputs: Sequence[Any], weights: Any) -> tuple[Any, Sequence[Any]]:
    import jax

    def total_score(tensors: list[Any]) -> tuple[Any, Any]:
        sums = (model(tensors if len(tensors) > 1 else tensors[0], training=False) * weights).sum(axis=-1)
        return sums.sum(), sums

    by_input, sums = jax.grad(total_score, has_aux=True)([jax.numpy.asarray(array) for array in inputs])
    return sums, by_input
