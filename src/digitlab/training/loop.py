"""The training loop: epochs over shuffled images, validation, early stopping.

The order of the images in an epoch and their augmentation depend only on the seed and the epoch. One compiled call
trains on many batches, and augments their images if the augmentation can be compiled: with one call per batch, Python
would take as long as the network. While one portion of the epoch is trained on, a thread prepares the next.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from digitlab.datasets.shuffling import InMemory, prefetched
from digitlab.errors import DivergedError, counted
from digitlab.evaluation import accuracy_of, log_loss_of
from digitlab.models import predict_probabilities
from digitlab.models.backend import keras
from digitlab.shown import Drawn, Tabular
from digitlab.training.augmentation import Augmentation
from digitlab.training.compiled import make_steps
from digitlab.training.config import LOSSES
from digitlab.training.events import EpochEnded, Progressed
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from digitlab.datasets.shuffling import Shuffled
    from digitlab.stopping import StopRequest
    from digitlab.training.events import Listener

    Batches = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]

__all__ = ["History", "Loop"]

_CALLS_AN_EPOCH = 24  # progress is shown and Ctrl-C noticed between calls: every 0.25 s for thesis-2conv
_PORTION = 32_768  # images prepared at once: 26 MB, a few seconds of training; two portions are in memory
_LONGEST_CALL = 32  # batches; more was no faster
_NO_AUGMENTATION = Augmentation()


class _Stopped(Exception):  # noqa: N818 - no error: the way out of an epoch
    pass


@dataclass(slots=True)
class History(Drawn, Tabular):
    """The rows of `history.csv` and `batches.csv` (epoch and batch, both from 1, loss, accuracy), and how it ended.

    stopped: why the training ended, in words; interrupted: whether it ended because it was asked to stop
    """

    epochs: list[EpochEnded] = field(default_factory=list)
    batches: list[tuple[int, int, float, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "all epochs done"
    interrupted: bool = False

    def interrupt(self, where: str) -> None:
        """Record that the training was asked to stop, and where it did."""
        self.stopped, self.interrupted = f"interrupted {where}", True


class Loop:
    """One training in progress.

    model: built under the dtype policy that it trains with
    train, validation: images uint8 (N, 28, 28) and labels; the training images may be in a file (`InFile`)
    patience: stop after this many epochs without a lower validation loss and restore the best weights; None: never
    augmentation: of each epoch's images; by default none
    clean_from: the first epoch without augmentation; None: every epoch has it
    distractors: whether some training images are out-of-distribution (label `NONE`)
    plain: one batch per call, augmented by NumPy: slower, same results except for rounding; the benchmarks' baseline
    watched: test images that are evaluated after each epoch, only for a curve: no decision depends on them
    """

    def __init__(
        self,
        model: keras.Model,
        optimiser: keras.Optimizer,
        train: Digits | Shuffled,
        validation: Digits | None,
        *,
        batch_size: int,
        seed: int,
        patience: int | None = None,
        label_smoothing: float = 0.0,
        loss: str = LOSSES[0],
        augmentation: Augmentation = _NO_AUGMENTATION,
        clean_from: int | None = None,
        distractors: bool = False,
        plain: bool = False,
        watched: Digits | None = None,
    ) -> None:
        self.train: Shuffled = InMemory(train) if isinstance(train, Digits) else train
        self.model, self.optimiser, self.validation, self._watched = model, optimiser, validation, watched
        self.batch_size, self.seed, self.patience = batch_size, seed, patience
        self._in_graph = None if plain else augmentation.in_graph
        self._vary = augmentation.vary if self._in_graph is None else None
        self._to_network_input, self._clean_from = augmentation.to_network_input, clean_from
        self.batches = math.ceil(len(train) / batch_size)
        self.history = History()
        self._portion = max(1, _PORTION // batch_size) * batch_size
        self._call = 1 if plain else min(_LONGEST_CALL, max(1, self.batches // _CALLS_AN_EPOCH))
        self._steps = make_steps(
            model,
            optimiser,
            label_smoothing=label_smoothing,
            loss=loss,
            augmentation=self._in_graph,
            distractors=distractors,
        )
        self.best_loss = math.inf
        self._through_nan = False
        self.best_weights: list[NDArray[Any]] | None = None

    def run(
        self,
        epochs: int,
        listener: Listener,
        stop: StopRequest,
        after_epoch: Callable[[Loop], None] | None = None,
        *,
        through_nan: bool = False,
    ) -> History:
        """Train until ``epochs`` are done in total; return early when patience runs out or a stop is requested.

        after_epoch: called after each epoch, when the loop's state is consistent, e.g. to save a checkpoint
        through_nan: continue when the loss is NaN or infinite; for studies, in which that is a result

        Raises:
            DivergedError: at the first loss that is NaN or infinite; ``history`` has the batches up to then.
        """
        self._through_nan = through_nan
        while not self._is_done(epochs):
            epoch = len(self.history.epochs) + 1
            try:
                ended = self._epoch(epoch, listener, stop)
            except _Stopped:
                self.history.interrupt(f"in epoch {epoch}")
                break
            self.history.epochs.append(ended)
            self._remember_best(ended)
            listener(ended)
            if after_epoch is not None:
                after_epoch(self)
            if stop.asked:
                self.history.interrupt(f"after epoch {epoch}")
                break
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        elif self.optimiser.use_ema:
            self.optimiser.finalize_variable_values(self.model.trainable_variables)
        return self.history

    def _is_done(self, epochs: int) -> bool:
        done = len(self.history.epochs)
        best = self.history.best_epoch
        if self.patience is not None and best is not None and done - best >= max(1, self.patience):
            self.history.stopped = f"no lower validation loss for {counted(self.patience, 'epoch')}"
            return True
        return done >= epochs

    def _remember_best(self, ended: EpochEnded) -> None:
        if self.patience is None or ended.validation_loss is None:
            return
        if ended.validation_loss < self.best_loss:
            self.best_loss, self.best_weights = ended.validation_loss, self.model.get_weights()
            self.history.best_epoch = ended.epoch

    def _epoch(self, epoch: int, listener: Listener, stop: StopRequest) -> EpochEnded:
        start = time.perf_counter()
        rows: list[NDArray[np.float32]] = []
        try:
            with contextlib.closing(self._portions(epoch)) as portions:
                for portion in portions:
                    self._train_on(portion, epoch, rows, start, listener, stop)
        finally:
            done = np.concatenate([np.empty((0, 2), np.float32), *rows])
            self.history.batches += [
                (epoch, batch, *row) for batch, row in enumerate(done.astype(float).tolist(), start=1)
            ]
        trained = time.perf_counter() - start
        # Each loss is computed before its step's update, so no loss shows the effect of the last step.
        if not self._through_nan and not all(np.isfinite(each).all() for each in self.model.get_weights()):
            self._raise_diverged(epoch, len(done))
        loss, accuracy = self._means(done)
        validation = self._evaluate(self.validation)
        seconds = time.perf_counter() - start
        speed = len(self.train) / trained
        return EpochEnded(
            epoch, loss, accuracy, *validation, seconds, speed, self._rate(), *self._evaluate(self._watched)
        )

    def _portions(self, epoch: int) -> Generator[_Portion, None, None]:
        """Yield this epoch's images, shuffled and augmented, or with random numbers for augmentation in the graph."""
        order, *variations = np.random.default_rng([self.seed, epoch]).spawn(1 + -(-len(self.train) // self._portion))

        def prepare(number: int, portion: Digits) -> _Portion:
            numbers = np.empty((len(portion), 0), np.float32)
            if self._clean_from is not None and epoch >= self._clean_from:
                if self._to_network_input is not None:
                    portion = Digits(self._to_network_input(portion.images), portion.labels)
            elif self._in_graph is not None:
                numbers = self._in_graph.draw(variations[number], len(portion))
            elif self._vary is not None:
                portion = Digits(self._vary(portion.images, variations[number]), portion.labels)
            return _Portion(portion, numbers)

        return prefetched(self.train.portions(order, self._portion), prepare)

    def _train_on(
        self,
        portion: _Portion,
        epoch: int,
        rows: list[NDArray[np.float32]],
        start: float,
        listener: Listener,
        stop: StopRequest,
    ) -> None:
        """Train on a portion, several batches per call; append each call's (K, 2) losses and accuracies to ``rows``."""
        for part in portion.in_calls(self.batch_size, self._call):
            results = self._steps(*part)
            rows.append(results)
            batch = sum(map(len, rows))
            loss, accuracy = np.concatenate(rows).mean(axis=0).tolist()
            speed = batch * self.batch_size / (time.perf_counter() - start)
            losses, accuracies = results.T.tolist()
            listener(Progressed(epoch, batch, loss, accuracy, speed, tuple(losses), tuple(accuracies)))
            if stop.asked:
                raise _Stopped
            if not self._through_nan and not math.isfinite(loss):
                losses = np.concatenate(rows)[:, 0]
                self._raise_diverged(epoch, int(np.flatnonzero(~np.isfinite(losses))[0]) + 1)

    def _raise_diverged(self, epoch: int, batch: int) -> NoReturn:
        raise DivergedError(
            f"the loss became NaN or infinite in epoch {epoch}, batch {batch}, at a learning rate of "
            f"{self._rate():.3g}; expected it to fall. Train with a lower rate, e.g. a tenth: --learning-rate "
            f"{self._rate() / 10:.1g}; `digitlab train --lr-range-test 1e-6:10` finds one that suits"
        )

    def _rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(keras.ops.convert_to_numpy(self.optimiser.learning_rate))

    def _means(self, rows: NDArray[np.float32]) -> tuple[float, float]:
        """Average loss and accuracy over an epoch's images; the last batch may be smaller."""
        sizes = np.full(len(rows), self.batch_size, np.float64)
        sizes[-1] = len(self.train) - self.batch_size * (len(rows) - 1)
        loss, accuracy = np.average(rows.astype(np.float64), axis=0, weights=sizes).tolist()
        return loss, accuracy

    def _evaluate(self, digits: Digits | None) -> tuple[float | None, float | None]:
        """Evaluate the network with its current weights: return loss and accuracy."""
        if digits is None:
            return None, None
        probabilities = predict_probabilities(self.model, digits.images)
        return log_loss_of(probabilities, digits.labels), accuracy_of(probabilities, digits.labels)


@dataclass(frozen=True, slots=True)
class _Portion:
    """Images to train on next; numbers: random numbers for their augmentation in the graph, float32 (N, width)."""

    digits: Digits
    numbers: NDArray[np.float32]

    def in_calls(self, size: int, batches: int) -> Iterator[Batches]:
        """Yield images (K, B, 28, 28), labels (K, B), numbers (K, B, width), K ≤ ``batches``; last, a smaller batch."""
        count = len(self.digits)
        full = count - count % size
        starts = [*range(0, full, size * batches), *([full] if full < count else [])]
        for start, stop in zip(starts, [*starts[1:], count], strict=True):
            rows, width = slice(start, stop), min(size, stop - start)
            shape = ((stop - start) // width, width)
            parts = (self.digits.images[rows], self.digits.labels[rows], self.numbers[rows])
            yield tuple(part.reshape(*shape, *part.shape[1:]) for part in parts)  # type: ignore[misc]
