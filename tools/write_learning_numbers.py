"""Write the reference numbers for tests of learning in the browser: `python tools/write_learning_numbers.py`.

``tests/apps/web/static/learning-from-python.json`` holds, for both networks of ``static/learning-network.js`` with
weights from a seed and two test digits: loss, probabilities, the gradients that Keras computes, finite differences of
a NumPy forward pass in float64, and the weights after three steps of each of Keras' optimisers.
``tests/static_page/test_learning_numbers.py`` fails if these results have changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets import load_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray

    Weights = list[NDArray[np.float32]]

TARGET = Path(__file__).parents[1] / "tests" / "apps" / "web" / "static" / "learning-from-python.json"
SEED = 7
KINDS = ("dense", "convolution")
RATES = {"sgd": 0.1, "momentum": 0.01, "adam": 0.001}
_SHAPES = {"dense": ((784, 32), (32, 10)), "convolution": ((5, 5, 1, 8), (1152, 10))}
_LOOKED_AT = 60  # numbers written per array
_STEP = 1e-4  # step of the finite differences


def mulberry(seed: int) -> Iterator[float]:
    """Yield the page's random numbers, 0 to 1."""
    state, whole = seed, 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & whole
        mixed = ((state ^ (state >> 15)) * (state | 1)) & whole
        mixed ^= (mixed + (((mixed ^ (mixed >> 7)) * (mixed | 61)) & whole)) & whole
        yield (mixed ^ (mixed >> 14)) / 2**32


def weights_of(kind: str) -> Weights:
    """Make kernels and biases in turn: Glorot's limits; biases are not 0, so that they are tested, too."""
    numbers, weights = mulberry(SEED), []
    for shape in _SHAPES[kind]:
        *window, inputs, units = shape
        area = int(np.prod(window)) if window else 1
        limit = np.sqrt(6 / (area * inputs + area * units))
        drawn = [limit * (2 * next(numbers) - 1) for _ in range(int(np.prod(shape)))]
        weights += [
            np.reshape(drawn, shape).astype(np.float32),
            np.float32(0.05) * np.cos(np.arange(units, dtype=np.float32)),
        ]
    return weights


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return two of MNIST's test digits, uint8 (2, 28, 28), and their labels."""
    test = load_dataset("mnist").split("test")
    return np.asarray(test.images[[4, 7]]), np.asarray(test.labels[[4, 7]])


def loss_by_numpy(
    kind: str, weights: list[NDArray[Any]], images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> float:
    """Compute the mean cross-entropy in float64."""
    x = images / 255.0  # (N, 28, 28)
    kernel, bias, kernel2, bias2 = (np.asarray(each, np.float64) for each in weights)
    if kind == "dense":
        hidden = np.maximum(x.reshape(len(x), -1) @ kernel + bias, 0)  # (N, 32)
    else:
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(1, 2))  # (N, 24, 24, 5, 5)
        maps = np.maximum(np.einsum("nrcij,ijf->nrcf", windows, kernel[:, :, 0]) + bias, 0)
        hidden = maps.reshape(len(x), 12, 2, 12, 2, 8).max(axis=(2, 4)).reshape(len(x), -1)  # (N, 1152)
    logits = hidden @ kernel2 + bias2  # (N, 10)
    logits -= logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(x)), labels].mean())


def indices_of(array: NDArray[Any], gradient: NDArray[Any]) -> list[int]:
    """Choose which numbers of an array are written: every n-th, and those with the largest gradients."""
    flat = np.abs(gradient).ravel()
    even = np.arange(0, array.size, max(1, array.size // (_LOOKED_AT // 2)))
    return sorted({*even.tolist(), *np.argsort(flat)[-_LOOKED_AT // 2 :].tolist()})


def finite_differences(
    kind: str, weights: Weights, which: int, indices: list[int], images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> list[float]:
    """Compute the slope of the loss along single weights."""
    slopes = []
    for index in indices:
        losses = []
        for step in (_STEP, -_STEP):
            moved = [np.asarray(each, np.float64).copy() for each in weights]
            moved[which].ravel()[index] += step
            losses.append(loss_by_numpy(kind, moved, images, labels))
        slopes.append((losses[0] - losses[1]) / (2 * _STEP))
    return slopes


def keras_network(kind: str) -> keras.Model:
    """Build the same network in Keras, with the same weights."""
    import keras
    from keras import layers

    first = (
        [layers.Flatten(), layers.Dense(32, activation="relu")]
        if kind == "dense"
        else [layers.Conv2D(8, 5, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()]
    )
    network = keras.Sequential([keras.Input((28, 28, 1)), *first, layers.Dense(10)])
    network.set_weights(weights_of(kind))
    return network


def keras_gradients(network: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Weights:
    """Compute the gradients of the mean cross-entropy with TensorFlow: weights', then pixels'."""
    import keras
    import tensorflow as tf

    x = tf.constant(images[..., None] / np.float32(255), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        losses = keras.losses.sparse_categorical_crossentropy(labels, network(x), from_logits=True)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, [*network.trainable_variables, x])
    return [np.asarray(each, np.float32) for each in gradients]


def keras_steps(kind: str, method: str, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Weights:
    """Return the weights after three steps on both images."""
    from keras import optimizers

    rate = RATES[method]
    optimisers_by_name = {
        "sgd": lambda: optimizers.SGD(rate),
        "momentum": lambda: optimizers.SGD(rate, momentum=0.9),
        "adam": lambda: optimizers.Adam(rate),
    }
    network, optimiser = keras_network(kind), optimisers_by_name[method]()
    for _ in range(3):
        gradients = keras_gradients(network, images, labels)[:-1]
        optimiser.apply(gradients, network.trainable_variables)
    return [np.asarray(each, np.float32) for each in network.get_weights()]


def numbers_of(kind: str) -> dict[str, Any]:
    """Compute what is written about one network."""
    images, labels = digits()
    weights, network = weights_of(kind), keras_network(kind)
    *gradients, pixels = keras_gradients(network, images, labels)
    logits = np.asarray(network(images[..., None] / np.float32(255)), np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    after = {method: keras_steps(kind, method, images, labels) for method in RATES}
    arrays = []
    for which, (array, gradient) in enumerate(zip(weights, gradients, strict=True)):
        indices = indices_of(array, gradient)
        entry = {
            "places": indices,
            "weights": _rounded(array.ravel()[indices]),
            "keras": _rounded(gradient.ravel()[indices]),
            "size": _rounded([np.linalg.norm(gradient)])[0],
            "differences": _rounded(finite_differences(kind, weights, which, indices, images, labels)),
        }
        arrays.append(entry | {f"after-{name}": _rounded(each[which].ravel()[indices]) for name, each in after.items()})
    return {
        "loss": loss_by_numpy(kind, list(weights), images, labels),
        "probabilities": [_rounded(row) for row in shares / shares.sum(axis=1, keepdims=True)],
        "pixels": _rounded(pixels[0].ravel()),
        "arrays": arrays,
    }


def _rounded(values: Any) -> list[float]:
    return [float(f"{float(each):.7g}") for each in values]


def text() -> str:
    """Generate the content of the file."""
    images, labels = digits()
    content = {
        "seed": SEED, "rates": RATES, "glyphs": images.reshape(len(images), -1).tolist(), "labels": labels.tolist(),
        "networks": {kind: numbers_of(kind) for kind in KINDS},
    }  # fmt: skip
    return json.dumps(content, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
