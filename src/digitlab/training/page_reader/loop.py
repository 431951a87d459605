"""Trains the page reader's two networks on drawn batches; resumable; the same seed gives the same batches."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import tensorflow as tf

from digitlab.models.backend import keras
from digitlab.storage import atomic_path
from digitlab.training.compiled.on_tensorflow import fuse_update
from digitlab.training.compiled.quick_layers import with_quick_layers
from digitlab.training.page_reader.networks import as_map, crop_network, detector, normalised
from digitlab.training.page_reader.targets import draw_batch
from digitlab.training.precision import dtype_policy_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digitlab.datasets.pages.alphabets import Alphabets
    from digitlab.training.page_reader.targets import Batch

__all__ = ["train"]

_RATE, _RATE_AFTERWARDS, _WARM_UP = 3e-3, 1e-3, 0.08  # the highest rate; that of networks that are trained already
_KEEP_EVERY = 300  # steps
_LOSSES = ("centres", "boxes", "digits", "letters", "crops", "crops right")

_alphabets: Alphabets | None = None


def _start(alphabets: Alphabets) -> None:
    """Initialise a drawing process: one OpenCV thread, and slightly lower priority than the training."""
    global _alphabets  # noqa: PLW0603 - what a pool's tasks share
    _alphabets = alphabets
    cv2.setNumThreads(1)
    if hasattr(os, "nice"):
        os.nice(1)


def _draw(task: tuple[tuple[int, ...], int]) -> Batch:
    assert _alphabets is not None  # noqa: S101 - by `_start`
    return draw_batch(_alphabets, task[0], task[1])


def batches(alphabets: Alphabets, seed: int, first: int, last: int, count: int, workers: int) -> Iterator[Batch]:
    """Yield batches ``first`` to ``last`` (exclusive) of a training, drawn ahead of use by worker processes."""
    # Spawn, not fork: a forked child can deadlock on locks held by OpenCV's or TensorFlow's threads.
    pool = multiprocessing.get_context("spawn").Pool(workers, initializer=_start, initargs=(alphabets,))
    ahead: list[Any] = []
    number = first
    try:
        while number < last or ahead:
            while number < last and len(ahead) < 2 * workers + 2:
                ahead.append(pool.apply_async(_draw, (((seed, number), count),)))
                number += 1
            yield ahead.pop(0).get()
    finally:
        pool.terminate()


def train(
    alphabets: Alphabets,
    folder: Path,
    *,
    steps: int,
    batch: int = 32,
    seed: int = 0,
    workers: int = 2,
    begin: tuple[keras.Model, keras.Model] | None = None,
    tell: Callable[[str], None],
) -> tuple[keras.Model, keras.Model]:
    """Train detector and classifier together; continue where `folder` was left.

    begin: trained networks to start from, at half the learning rate; None: random weights
    """
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy(dtype_policy_name("auto"))
    try:
        where, what = detector(), crop_network()
    finally:
        keras.mixed_precision.set_global_policy(before)
    highest = _RATE
    if begin is not None:
        highest = _RATE_AFTERWARDS
        for network, trained in zip((where, what), begin, strict=True):
            network.set_weights(trained.get_weights())
    variables = [*where.trainable_variables, *what.trainable_variables]
    optimiser = keras.optimizers.AdamW(1e-3, weight_decay=0.01, clipnorm=None)
    optimiser.build(variables)
    everything = [*where.variables, *what.variables, *optimiser.variables]
    kept = folder / "state.npz"
    first = 0
    if kept.exists():
        with np.load(kept) as state:
            first = int(state["step"])
            for number, variable in enumerate(everything):
                variable.assign(state[f"v{number}"])
        tell(f"goes on at step {first:,}")
    fuse_update(optimiser)
    step = _step(with_quick_layers(where), with_quick_layers(what), optimiser, variables)
    began, seen = time.monotonic(), 0
    recent: list[Any] = []
    for number, given in enumerate(batches(alphabets, seed, first, steps, batch, workers), first):
        rate = highest * (number / (_WARM_UP * steps) if number < _WARM_UP * steps else
                        0.5 + 0.5 * np.cos(np.pi * (number / steps - _WARM_UP) / (1 - _WARM_UP)))  # fmt: skip
        optimiser.learning_rate.assign(max(float(rate), 1e-6))
        recent.append(np.asarray(step(given.pages, given.cells, given.digits, given.crops, given.labels)))
        seen += batch
        if (number + 1) % 50 == 0:
            passed = time.monotonic() - began
            means = np.mean(recent, axis=0)
            left = passed / (number + 1 - first) * (steps - number - 1)
            losses = ", ".join(f"{name} {mean:.3f}" for name, mean in zip(_LOSSES, means, strict=True))
            tell(f"{number + 1:,}/{steps:,}, {seen / passed:.0f} pages/s: {losses}; {left / 60:.0f} min left")
            recent = []
        if (number + 1) % _KEEP_EVERY == 0 or number + 1 == steps:
            _keep(kept, number + 1, everything)
    return _in_float32(where, detector()), _in_float32(what, crop_network())


def _in_float32(trained: keras.Model, plain: keras.Model) -> keras.Model:
    """Copy the weights into a network that computes in float32."""
    plain.set_weights(trained.get_weights())
    return plain


def _keep(path: Path, step: int, everything: list[Any]) -> None:
    state = {f"v{number}": np.asarray(variable) for number, variable in enumerate(everything)}
    with atomic_path(path) as temporary:
        np.savez(temporary, step=np.array(step), **state)  # type: ignore[arg-type]  # NumPy's own types forget **


def _step(where: keras.Model, what: keras.Model, optimiser: Any, variables: list[Any]) -> Any:
    @tf.function(jit_compile=False)  # type: ignore[untyped-decorator]
    def step(pages: Any, cells: Any, digits: Any, crops: Any, labels: Any) -> Any:
        cells = tf.cast(cells, tf.float32)
        with tf.GradientTape() as tape:
            heat, box, kind, letters = map_losses(as_map(where(normalised(pages), training=True)), cells, digits)
            crop, right = crop_loss(what(normalised(crops), training=True), labels)
            loss = heat + box + 0.4 * kind + 0.3 * letters + crop
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 8.0)
        optimiser.apply(gradients, variables)
        return tf.stack([heat, box, kind, letters, crop, right])

    return step


def map_losses(answers: Any, cells: Any, digits: Any) -> tuple[Any, Any, Any, Any]:
    """Compute the detector's losses: focal for centres (Law and Deng 2018), L1 for log distances, digits, letters."""
    heat, counts, distances, weight = cells[..., 0], cells[..., 1], cells[..., 2:6], cells[..., 6]
    centres = _focal(answers[..., 0], heat, counts)
    total = tf.maximum(tf.reduce_sum(weight), 8.0)
    box = tf.reduce_sum(tf.abs(answers[..., 1:5] - distances) * weight[..., None]) / total
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(digits, tf.int32), answers[..., 5:15])
    letters = _focal(answers[..., 15], cells[..., 7], tf.ones_like(counts))
    return centres, box, tf.reduce_sum(entropy * weight) / total, letters


def _focal(logits: Any, heat: Any, counts: Any) -> Any:
    """Compute the focal loss per centre of a map of centres (Law and Deng 2018). counts: 0 for ignored cells."""
    probability = tf.clip_by_value(tf.sigmoid(logits), 1e-5, 1 - 1e-5)
    is_centre = tf.cast(heat > 0.999, tf.float32)
    positive = -((1 - probability) ** 2) * tf.math.log(probability) * is_centre
    negative = -(probability**2) * tf.math.log(1 - probability) * (1 - heat) ** 4 * (1 - is_centre)
    return tf.reduce_sum((positive + negative) * counts) / tf.maximum(tf.reduce_sum(is_centre * counts), 8.0)


def crop_loss(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Compute cross-entropy with slight label smoothing, and the accuracy; crops labelled -1 are ignored."""
    counts = tf.cast(labels >= 0, tf.float32)
    wanted = tf.one_hot(tf.cast(tf.maximum(labels, 0), tf.int32), 11) * 0.97 + 0.03 / 11
    entropy = tf.nn.softmax_cross_entropy_with_logits(wanted, logits)
    right = tf.cast(tf.argmax(logits, -1, output_type=tf.int32) == tf.cast(labels, tf.int32), tf.float32)
    total = tf.maximum(tf.reduce_sum(counts), 1.0)
    return tf.reduce_sum(entropy * counts) / total, tf.reduce_sum(right * counts) / total
