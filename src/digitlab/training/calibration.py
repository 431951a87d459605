"""Temperature scaling of probabilities, and the threshold at which 99 % of the accepted answers are correct.

The calibration data imitates what a reader encounters. It is made from held-out images: digits varied as hands, pens
and cameras vary them, and distractors, for which every answer is wrong. Distractors are weighted as one mark in six,
like a page of digits with some words, signs and dirt on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.ood.training_images import draw_distractors
from digitlab.datasets.transforms import vary_handwriting
from digitlab.models import predict_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.values import Digits

__all__ = ["Calibration", "calibrate", "calibrated"]

RIGHT = 0.99  # share of the accepted answers that are correct: this defines the threshold
_COPIES = 4  # of each held-out image
_DISTRACTOR_SHARE = 1 / 6  # assumed share of distractors among the marks
_SEED = 1_000_003  # far from any training's seed, so that none of these distractors was trained on


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of a network's probabilities.

    temperature: the logits are divided by it (Guo et al. 2017)
    threshold: of answers with at least this probability, `RIGHT` are correct if one mark in six is not a digit
    digits_refused, distractors_refused: shares of the calibration data below the threshold
    """

    temperature: float
    threshold: float
    digits_refused: float
    distractors_refused: float

    def as_dict(self) -> dict[str, float]:
        """Return the rounded values, for a model's card."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def calibrated(model: keras.Model, held_out: Digits, *, seed: int = 0) -> Calibration:
    """Calibrate a network on images that it was not trained on; divide its last layer's weights by the temperature.

    Raises:
        UsageError: when there are no images.
    """
    rng = np.random.default_rng([_SEED, seed])
    images = vary_handwriting(np.tile(held_out.images, (_COPIES, 1, 1)), rng)
    drawn = draw_distractors(len(images), held_out, seed=_SEED + seed)
    labels = np.tile(held_out.labels, _COPIES)
    calibration = calibrate(
        predict_probabilities(model, images), labels, predict_probabilities(model, vary_handwriting(drawn, rng))
    )
    _divide_logits(model, calibration.temperature)
    return calibration


def calibrate(
    digits: NDArray[np.floating], labels: NDArray[np.integer], distractors: NDArray[np.floating]
) -> Calibration:
    """Calibrate probabilities: of digits (N, 10) with labels (N,), and of images that are not digits (M, 10)."""
    from scipy.optimize import minimize_scalar  # takes 0.25 s to import, and few trainings need it

    logits, distractor_logits = _log(digits), _log(distractors)

    def loss(exponent: float) -> float:
        divided = logits / np.exp(exponent)
        chosen = np.take_along_axis(divided, np.asarray(labels, np.intp)[:, None], axis=1)[:, 0]
        return float(np.mean(np.log(np.exp(divided).sum(axis=1)) - chosen))

    temperature = float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))
    probabilities = _softmax(logits / temperature)
    confidences, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    distractor_confidences = _softmax(distractor_logits / temperature).max(axis=1)
    threshold = _least_threshold(confidences, correct, distractor_confidences)
    return Calibration(
        temperature,
        threshold,
        float((confidences < threshold).mean()),
        float((distractor_confidences < threshold).mean()),
    )


def _least_threshold(
    confidences: NDArray[np.float64], correct: NDArray[np.bool_], distractors: NDArray[np.float64]
) -> float:
    """Find the lowest threshold at which `RIGHT` of all accepted answers are correct."""
    levels = np.concatenate([confidences, distractors])
    digit_weight = (1 - _DISTRACTOR_SHARE) / max(1, len(confidences))
    distractor_weight = _DISTRACTOR_SHARE / max(1, len(distractors))
    correct_weight = np.concatenate([correct * digit_weight, np.zeros(len(distractors))])
    weight = np.concatenate([np.full(len(confidences), digit_weight), np.full(len(distractors), distractor_weight)])
    order = np.argsort(-levels, kind="stable")
    share = np.cumsum(correct_weight[order]) / np.cumsum(weight[order])
    descending = levels[order]
    last = np.append(descending[1:] < descending[:-1], True)  # equal confidences: accept all of them, or none
    sufficient = np.flatnonzero((share >= RIGHT) & last)
    return float(descending[sufficient[-1]]) if len(sufficient) else 1.0


def _divide_logits(model: keras.Model, temperature: float) -> None:
    layer: Any = next(each for each in reversed(model.layers) if each.weights)
    layer.set_weights([weight / temperature for weight in layer.get_weights()])


def _log(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-12))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
