"""Classifiers of scikit-learn fitted to a layer's activations, and the same as Keras layers.

Nothing is pickled: fitted parameters are written into layers, so that `model.keras` and `model.onnx` exist, are safe to
open and need no scikit-learn. The SVM with an RBF kernel uses at most 500 of the training images as landmarks
(Nyström's approximation, Williams and Seeger 2001; with fewer images than that, the kernel is exact), which bounds its
size and keeps it fast. Nearest neighbours cannot be written as layers: they are measured, and no model is kept.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import UsageError
from digitlab.models.backend import keras
from digitlab.transfer_learning.settings import LEARNERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Learned", "learn"]

_LANDMARKS = 500
_MOST_WEIGHTS = 20_000_000  # 80 MB
_NEVER = -30.0  # the logit of a class without training images
_FOLDS = 3
_SHARPNESS = np.geomspace(0.03, 300, 41)  # factors that turn decision values into logits

layers = keras.layers


@dataclass(frozen=True, slots=True)
class Learned:
    """A fitted learner.

    probabilities: maps features float32 (N, F) to float32 (N, 10)
    as_layers: computes the same from a tensor (N, F); None if the learner cannot be written as layers
    """

    name: str
    probabilities: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    as_layers: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class _Linear:
    """Decision values x @ weights + biases; weights float64 (M, C), one column per class that occurred."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    classes: NDArray[np.uint8]

    def wide(self, sharpness: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weights (M, 10) and biases (10,) of the logits of all ten classes."""
        weights = np.zeros((len(self.weights), 10), np.float32)
        biases = np.full(10, _NEVER, np.float32)
        weights[:, self.classes] = sharpness * self.weights
        biases[self.classes] = sharpness * self.biases
        return weights, biases


def learn(features: NDArray[np.float32], labels: NDArray[np.uint8], learner: str | Any, *, seed: int = 0) -> Learned:
    """Fit a learner to features (N, F) and labels (N,).

    learner: one of LEARNERS, or any scikit-learn classifier with `predict_proba`, which is only measured

    Raises:
        UsageError: for an unknown name, or a kernel on so many features that its model would be too large.
    """
    if not isinstance(learner, str):
        return _unconverted(learner, features, labels)
    if learner == "knn":
        from sklearn.neighbors import KNeighborsClassifier

        return _unconverted(KNeighborsClassifier(min(5, len(labels)), weights="distance"), features, labels)
    if learner not in LEARNERS:
        raise UsageError(f"there is no learner {learner!r}; known: {', '.join(LEARNERS)}")
    from threadpoolctl import threadpool_limits

    fit = {"logistic": _logistic, "nearest-mean": _nearest_mean}.get(learner, _linear_svm)
    with threadpool_limits(1):  # hundreds of small matrix products: several threads would only wait for each other
        kernel = _Kernel.of(features, seed) if learner == "svm" else _Scaling.of(features)
        inputs = kernel(features)
        sharpness = 1.0 if learner == "logistic" else _sharpness(fit, inputs, labels, seed)
        weights, biases = fit(inputs, labels).wide(sharpness)

    def probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return _softmax(kernel(samples) @ weights + biases)

    def as_layers(tensor: Any) -> Any:
        return kernel.as_layers(tensor, weights, biases)

    return Learned(learner, probabilities, as_layers)


def _unconverted(estimator: Any, features: NDArray[np.float32], labels: NDArray[np.uint8]) -> Learned:
    fitted = estimator.fit(features, labels)

    def probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        result = np.zeros((len(samples), 10), np.float32)
        result[:, fitted.classes_] = fitted.predict_proba(samples)
        return result

    return Learned(type(estimator).__name__, probabilities)


def _logistic(inputs: NDArray[np.float64], labels: NDArray[np.uint8]) -> _Linear:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning that more iterations would lower the loss slightly
        fitted = LogisticRegression(max_iter=100, tol=1e-3).fit(inputs, labels)
    return _two_sided(fitted.coef_, fitted.intercept_, fitted.classes_)


def _linear_svm(inputs: NDArray[np.float64], labels: NDArray[np.uint8]) -> _Linear:
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = LinearSVC(C=1.0, max_iter=300, dual="auto", random_state=0).fit(inputs, labels)
    return _two_sided(fitted.coef_, fitted.intercept_, fitted.classes_)


def _nearest_mean(inputs: NDArray[np.float64], labels: NDArray[np.uint8]) -> _Linear:
    """Use the negative squared distance to each class mean; linear, as the term that all classes share is left out."""
    classes = np.unique(labels)
    means = np.stack([inputs[labels == label].mean(axis=0) for label in classes])
    return _Linear(2 * means.T, -(means**2).sum(axis=1), classes)


def _two_sided(
    coefficients: NDArray[np.float64], intercepts: NDArray[np.float64], classes: NDArray[np.uint8]
) -> _Linear:
    """Add the first class's row of zeros where scikit-learn keeps a single row for two classes, that of the second."""
    if len(coefficients) == 1:
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros(1), intercepts])
    return _Linear(coefficients.T, intercepts, classes)


def _sharpness(
    fit: Callable[[NDArray[np.float64], NDArray[np.uint8]], _Linear],
    inputs: NDArray[np.float64],
    labels: NDArray[np.uint8],
    seed: int,
) -> float:
    """Return the factor on decision values that calibrates their softmax: the one with the least out-of-fold log loss.

    1 if a class has fewer images than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if np.bincount(labels)[np.unique(labels)].min() < _FOLDS:
        return 1.0
    splits = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed % 2**32).split(inputs, labels)
    logits = np.empty((len(inputs), 10))
    for train, held_out in splits:
        weights, biases = fit(inputs[train], labels[train]).wide(1.0)
        logits[held_out] = inputs[held_out] @ weights + np.where(biases == _NEVER, -1e9, biases)
    losses = [
        -np.log(_softmax(factor * logits)[np.arange(len(labels)), labels] + 1e-12).mean() for factor in _SHARPNESS
    ]
    return float(_SHARPNESS[int(np.argmin(losses))])


def _softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class _Scaling:
    """Standardisation to mean 0, with one standard deviation for all features: rarely used ones are not amplified."""

    mean: NDArray[np.float64]
    deviation: float

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> _Scaling:
        exact = features.astype(np.float64)
        mean = exact.mean(axis=0)
        return cls(mean, float(np.sqrt(((exact - mean) ** 2).mean())) or 1.0)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray((features - self.mean) / self.deviation)

    def as_layers(self, tensor: Any, weights: NDArray[np.float32], biases: NDArray[np.float32]) -> Any:
        """Apply one dense layer, with the scaling folded into its weights."""
        scaled = weights / self.deviation
        return _dense(tensor, scaled, biases - self.mean @ scaled, "softmax", "probabilities")


@dataclass(frozen=True, slots=True)
class _Kernel:
    """RBF kernel exp(−γ |x − s|²) with each landmark s, followed by Nyström's normalisation (``mixing``)."""

    scaling: _Scaling
    landmarks: NDArray[np.float64]  # (M, F)
    mixing: NDArray[np.float64]  # (M, M)
    gamma: float

    @classmethod
    def of(cls, features: NDArray[np.float32], seed: int) -> _Kernel:
        from sklearn.kernel_approximation import Nystroem

        count = min(_LANDMARKS, len(features))
        if count * features.shape[1] > _MOST_WEIGHTS:
            raise UsageError(
                f"an SVM with a kernel on {features.shape[1]:,} numbers an image would have more than "
                f"{_MOST_WEIGHTS:,} weights; expected a smaller --layer, or --learner logistic or linear-svm"
            )
        scaling, gamma = _Scaling.of(features), 1 / features.shape[1]
        fitted = Nystroem(gamma=gamma, n_components=count, random_state=seed).fit(scaling(features))
        return cls(scaling, fitted.components_, fitted.normalization_.T, gamma)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        scaled = self.scaling(features)
        squares = (scaled**2).sum(axis=1)[:, None] + (self.landmarks**2).sum(axis=1) - 2 * scaled @ self.landmarks.T
        return np.asarray(np.exp(-self.gamma * np.maximum(squares, 0)) @ self.mixing)

    def as_layers(self, tensor: Any, weights: NDArray[np.float32], biases: NDArray[np.float32]) -> Any:
        """Apply −γ|x|² plus (2γ x·s − γ|s|²), then exp, then one dense layer."""
        width = self.landmarks.shape[1]
        deviation = self.scaling.deviation
        # Batch normalisation with fixed statistics: a dense layer would need a large matrix, most of it zeros.
        normalisation = layers.BatchNormalization(
            center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32", name="scaled"
        )
        scaled = normalisation(tensor)
        normalisation.set_weights([self.scaling.mean, np.full(width, deviation**2)])
        squared = layers.Multiply(name="squared")([scaled, scaled])
        image_term = _dense(squared, np.full((width, 1), -self.gamma), np.zeros(1), "linear", "length")
        landmark_term = -self.gamma * (self.landmarks**2).sum(axis=1)
        product_term = _dense(scaled, 2 * self.gamma * self.landmarks.T, landmark_term, "linear", "landmarks")
        kernel = layers.Activation("exponential", dtype="float32", name="kernel")(
            layers.Add(name="apart")([product_term, image_term])
        )
        return _dense(kernel, self.mixing @ weights, biases, "softmax", "probabilities")


def _dense(tensor: Any, weights: NDArray[Any], biases: NDArray[Any], activation: str, name: str) -> Any:
    layer = layers.Dense(weights.shape[1], activation=activation, dtype="float32", name=name)
    result = layer(tensor)
    layer.set_weights([np.asarray(weights, np.float32), np.asarray(biases, np.float32)])
    return result
