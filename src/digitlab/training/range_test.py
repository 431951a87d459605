"""The learning-rate range test (Smith 2015; Aboueloula et al. 2020, §3.2.2).

It finds a rate for a network, optimiser and batch size. The rate rises exponentially from step to step. The loss falls
slowly at first, then fast, reaches a minimum and diverges; a good rate is where it falls most steeply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitlab.reports.figures import learning_rate_figure, save_figure
from digitlab.stopping import StopRequest
from digitlab.training.assembly import loop_of, optimiser_of
from digitlab.training.data import open_training_data
from digitlab.training.events import Progressed, Started
from digitlab.training.experiment import environment
from digitlab.training.optimisers import Exponential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.runs import Run
    from digitlab.training.config import TrainingConfig
    from digitlab.training.data import TrainingData
    from digitlab.training.events import Event, Listener
    from digitlab.training.loop import Loop

__all__ = ["RangeTest", "range_curve", "read_curve", "run_range_test"]

_DIVERGED = 4.0  # times the lowest smoothed loss (as in fast.ai)
_WIDTH = 0.15  # decades of the rate: the standard deviation of the Gaussian smoothing
_FALLEN = 0.95  # times the first smoothed loss: a curve that stays above it shows only noise, no learning


@dataclass(frozen=True, slots=True)
class RangeTest:
    """The curve of a range test, and the rates that are read from it.

    rates, losses, smoothed: float64 (S,), one per step, cut off where the loss diverges
    diverged: whether the loss diverged
    steepest: the suggested rate, where the smoothed loss falls most steeply; None if it does not fall
    least: the rate of the lowest smoothed loss, a tenth of which is the other common choice; None if it does not fall
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    diverged: bool
    steepest: float | None
    least: float | None


def run_range_test(
    training: TrainingConfig,
    run: Run,
    low: float,
    high: float,
    *,
    passes: int = 1,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> RangeTest:
    """Train with a rate that rises from ``low`` to ``high``; write `lr-range.csv` and `lr-range.png` into ``run``.

    Args:
        training: the settings; its own rate, schedule, epochs and patience are not used.
        run: a new run folder.
        low: the first step's rate, above 0.
        high: the last step's rate, above ``low``.
        passes: epochs in which the rate rises; it ends early when the loss diverges.
        listener: called with each event.
        stop: when requested, it ends with the curve so far.

    Raises:
        UsageError: for an unknown architecture, optimiser or augmentation.
        DatasetError: for an unknown dataset, or one without training or test images.
        StorageError: when the run folder cannot be written.
    """
    with open_training_data(training) as data:
        run.write_config(training.as_dict())
        run.write_json(run.environment, environment(training.seed))
        result = range_curve(training, data, low, high, passes=passes, listener=listener, stop=stop)
    _write(result, run)
    return result


def range_curve(
    training: TrainingConfig,
    data: TrainingData,
    low: float,
    high: float,
    *,
    passes: int = 1,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> RangeTest:
    """Measure the curve on these images, without writing files; see `run_range_test`."""
    steps = passes * -(-len(data.train) // training.batch_size)
    loop = _loop(training, data, Exponential(low, high, steps - 1))
    policy, reason = loop.model.dtype_policy.name, f"learning rate from {low:g} to {high:g}"
    listener(Started(len(loop.train), 0, passes, loop.batches, loop.model.count_params(), policy, reason))
    rates = low * (high / low) ** (np.arange(steps) / max(1, steps - 1))
    stop = StopRequest(within=stop)  # its own request: a diverging loss ends only this test
    watch = _DivergenceWatch(rates, listener, stop)
    history = loop.run(passes, watch, stop)
    result = read_curve(rates, [loss for *_, loss, _ in history.batches])
    return replace(result, diverged=result.diverged or watch.diverged)


def read_curve(rates: NDArray[np.float64], losses: Sequence[float]) -> RangeTest:
    """Analyse the losses (S,) of the first S steps at ``rates``; they are cut off where they diverge."""
    smoothed, diverged = _smoothed_until_diverged(rates, losses)
    kept_rates, kept_losses = rates[: len(smoothed)], np.asarray(losses[: len(smoothed)], np.float64)
    lowest = int(smoothed.argmin())
    fell = lowest > 0 and bool(smoothed[lowest] < _FALLEN * smoothed[0])
    # Only before the minimum: after it the loss falls only where it has jumped up before.
    steepest = int(np.gradient(smoothed[: lowest + 1]).argmin()) if fell else 0
    return RangeTest(
        kept_rates,
        kept_losses,
        smoothed,
        diverged,
        float(kept_rates[steepest]) if fell else None,
        float(kept_rates[lowest]) if fell else None,
    )


def _loop(training: TrainingConfig, data: TrainingData, rate: Exponential) -> Loop:
    optimiser = optimiser_of(replace(training, learning_rate=None, schedule="constant", weight_average=0.0), steps=1)
    optimiser.learning_rate = rate
    return loop_of(replace(training, patience=None), data.train, None, optimiser=optimiser)


def _write(result: RangeTest, run: Run) -> None:
    columns = (np.arange(1, len(result.rates) + 1), result.rates, result.losses, result.smoothed)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    run.write_table(run.rate_range, ("step", "rate", "loss", "smoothed"), rows)
    figure = learning_rate_figure(result.rates, result.losses, result.smoothed, result.steepest, result.least)
    save_figure(figure, run.rate_range_plot)


class _DivergenceWatch:
    """A listener that stops the training when the loss has diverged, and passes progress events on.

    The events hold the mean loss since the start of the epoch. From these it computes the mean of each compiled call,
    and uses that as the loss of each of its batches.
    """

    def __init__(self, rates: NDArray[np.float64], listener: Listener, stop: StopRequest) -> None:
        self._rates, self._listener, self._stop = rates, listener, stop
        self._losses: list[float] = []
        self._batch, self._sum = 0, 0.0
        self.diverged = False

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Progressed):
            return
        if event.batch <= self._batch:
            self._batch, self._sum = 0, 0.0  # a new epoch
        batches, total = event.batch - self._batch, event.batch * event.loss
        self._losses += [(total - self._sum) / batches] * batches
        self._batch, self._sum = event.batch, total
        self._listener(event)
        self.diverged = _smoothed_until_diverged(self._rates, self._losses)[1]
        if self.diverged:
            self._stop()


def _smoothed_until_diverged(rates: NDArray[np.float64], losses: Sequence[float]) -> tuple[NDArray[np.float64], bool]:
    """Smooth losses, cut off after the first too large or before the first non-finite one; tell whether they were."""
    finite = np.asarray(losses, np.float64)
    nonfinite = np.flatnonzero(~np.isfinite(finite))
    finite = finite[: nonfinite[0]] if len(nonfinite) else finite
    smoothed = _smoothed(rates[: len(finite)], finite)
    too_large = np.flatnonzero(smoothed > _DIVERGED * np.minimum.accumulate(smoothed))
    return (smoothed[: too_large[0] + 1], True) if len(too_large) else (smoothed, len(nonfinite) > 0)


def _smoothed(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply Gaussian smoothing over the log of the rate; unlike an exponential moving average, it does not lag."""
    if len(losses) < 2:
        return losses
    deviation = max(0.5, _WIDTH / np.log10(rates[1] / rates[0]))  # steps
    reach = int(3 * deviation) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights, sums = (np.convolve(values, kernel)[reach:-reach] for values in (np.ones(len(losses)), losses))
    return np.asarray(sums / weights)
