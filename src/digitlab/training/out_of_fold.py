"""Out-of-fold predictions: every image of a dataset is classified by a network that was not trained on it.

The images are split into stratified folds; for each fold a network is trained on all the others and predicts this one.
With several repeats the images are split anew each time, and an image's predictions are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, UsageError, counted
from digitlab.models import predict_probabilities
from digitlab.stopping import StopRequest
from digitlab.training.assembly import loop_of, network_of, optimiser_of
from digitlab.training.augmentation import augmentation
from digitlab.training.data import split_validation, with_distractors
from digitlab.training.events import Stage, Started
from digitlab.training.precision import dtype_policy_name
from digitlab.training.precision_choice import choose_precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Listener
    from digitlab.values import Digits

__all__ = ["OutOfFold", "check_folds", "check_settings", "out_of_fold", "predicted_folds", "stratified_folds"]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """The predictions for N images.

    rows: int64 (M,), the predicted images in order: all N, or fewer after an interruption
    probabilities: float32 (M, 10), the mean over the networks that predicted the image
    networks: number of finished trainings
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    networks: int


def out_of_fold(
    training: TrainingConfig,
    digits: Digits,
    *,
    folds: int = 5,
    repeats: int = 1,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> OutOfFold:
    """Train ``folds`` × ``repeats`` networks with these settings, each on all folds but one, which it then predicts.

    No files are written. When asked to stop, it ends after the current batches and returns the folds predicted so far.

    Args:
        training: the settings; its dataset and test set are not used. The first network has its seed, the next ones
            the seeds after it.
        digits: images and labels; each network sees only the labels of its training folds.
        folds: at least 2, at most the number of images of the rarest class that occurs.
        repeats: number of times that the images are split into folds.
        listener: called with each event.
        stop: when requested, it ends early.

    Raises:
        UsageError: for invalid numbers of folds or repeats, or an unknown architecture, optimiser or augmentation.
        DatasetError: when a class has fewer images than there are folds, or early stopping has no validation images.
    """
    sums = np.zeros((len(digits), 10), np.float64)
    counts = np.zeros(len(digits), np.int64)
    check_settings(training, digits.labels, folds, repeats)
    training = replace(training, precision=choose_precision(training, len(digits), listener).precision)
    networks = 0
    for rows, probabilities in predicted_folds(
        training, digits, folds=folds, repeats=repeats, listener=listener, stop=stop
    ):
        sums[rows] += probabilities
        counts[rows] += 1
        networks += 1
    rows = np.flatnonzero(counts)
    return OutOfFold(rows, np.asarray(sums[rows] / counts[rows, None], np.float32), networks)


def predicted_folds(
    training: TrainingConfig,
    digits: Digits,
    *,
    folds: int,
    repeats: int = 1,
    skip: int = 0,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield each fold of `out_of_fold`: its rows, int64 (M,), in order, and their probabilities, float32 (M, 10).

    skip: number of initial folds that are not trained again; the results of the others do not depend on it

    Raises:
        UsageError, DatasetError: as `out_of_fold`, before the first fold.
    """
    check_settings(training, digits.labels, folds, repeats)
    stop, to_network_input = stop or StopRequest(), augmentation(training.augmentation).to_network_input
    # In float32, and shared by all folds: TensorFlow would trace the graph again for each new network.
    network = network_of(training)
    for repeat in range(repeats):
        fold_of = stratified_folds(digits.labels, folds, (training.seed, repeat))
        for fold in range(folds):
            number = repeat * folds + fold
            if number < skip:
                continue
            times = f", time {repeat + 1} of {repeats}" if repeats > 1 else ""
            listener(Stage(f"fold {fold + 1} of {folds}{times}", number + 1, folds * repeats))
            fold_training = replace(training, seed=training.seed + number)
            weights = _trained_weights(fold_training, digits[np.flatnonzero(fold_of != fold)], listener, stop)
            if stop.asked:
                return
            network.set_weights(weights)
            rows = np.flatnonzero(fold_of == fold)
            images = digits.images[rows] if to_network_input is None else to_network_input(digits.images[rows])
            yield rows, predict_probabilities(network, images)


def check_settings(training: TrainingConfig, labels: NDArray[np.uint8], folds: int, repeats: int = 1) -> None:
    """Reject invalid settings before anything is trained or written.

    Raises:
        UsageError, DatasetError: as `out_of_fold`.
    """
    check_folds(labels, folds, repeats)
    if training.members > 1:
        raise UsageError(f"members is {training.members}; expected 1: repeats give the mean of several networks")
    if training.patience is not None and not training.validation:
        raise DatasetError("early stopping needs images held out of each fold's own, e.g. validation = 0.1")
    augmentation(training.augmentation)
    network_of(training)
    optimiser_of(training, steps=1)


def check_folds(labels: NDArray[np.uint8], folds: int, repeats: int = 1) -> None:
    """Reject images that cannot be split into stratified folds. A class that does not occur at all is allowed.

    Raises:
        UsageError: for fewer than two folds, or no repeat.
        DatasetError: when a class has fewer images than there are folds, or there is no image.
    """
    if folds < 2:
        raise UsageError(
            f"folds is {folds}; expected 2 or more: a network must not predict images that it was trained on"
        )
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}; expected 1 or more")
    if not len(labels):
        raise DatasetError("there are no images; expected some of each class")
    counts = np.bincount(labels, minlength=10)
    rarest = int(np.where(counts > 0, counts, len(labels) + 1).argmin())
    if counts[rarest] < folds:
        raise DatasetError(
            f"class {rarest} has {counts[rarest]} of the {counted(len(labels), 'image')}; "
            f"expected at least {folds}, one for "
            "each fold: use fewer folds or more images"
        )


def stratified_folds(labels: NDArray[np.uint8], folds: int, seed: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Assign each image a fold, int64 (N,), 0 to ``folds`` - 1: at random, with the same share of each class."""
    from sklearn.model_selection import StratifiedKFold

    random = np.random.RandomState(np.random.default_rng(seed).integers(2**32))
    fold_of = np.empty(len(labels), np.int64)
    splits = StratifiedKFold(folds, shuffle=True, random_state=random).split(labels, labels)
    for fold, (_, rows) in enumerate(splits):
        fold_of[rows] = fold
    return fold_of


def _trained_weights(
    training: TrainingConfig, digits: Digits, listener: Listener, stop: StopRequest
) -> list[NDArray[Any]]:
    """Train a network on these images and return its weights."""
    train, validation = split_validation(digits, training.validation)
    train = with_distractors(train, training)
    loop = loop_of(training, train, validation)
    held_out, size = len(validation) if validation else 0, loop.model.count_params()
    policy = dtype_policy_name(training.precision)
    listener(Started(len(train), held_out, training.epochs, loop.batches, size, policy, f"seed {training.seed}"))
    loop.run(training.epochs, listener, stop)
    return loop.model.get_weights()  # type: ignore[no-any-return]
