"""Optimisers and learning-rate schedules by name, with the settings that the documents used."""

from __future__ import annotations

import difflib
import math
from typing import Any

from digitlab.errors import UsageError
from digitlab.models.backend import keras

__all__ = ["OPTIMISERS", "SCHEDULES", "Exponential", "Line", "make_optimiser", "make_schedule"]

# Name → (class, default learning rate, other settings). Adadelta's rate in the documents was 1.0 (S0 §2.1.1,
# S4); Keras 3's own default of 0.001 trains a thousand times slower.
OPTIMISERS = {
    "adadelta": (keras.optimizers.Adadelta, 1.0, {"rho": 0.95, "epsilon": 1e-8}),
    "adagrad": (keras.optimizers.Adagrad, 0.01, {}),
    "adam": (keras.optimizers.Adam, 0.001, {}),
    "adamw": (keras.optimizers.AdamW, 0.001, {}),
    "nadam": (keras.optimizers.Nadam, 0.001, {}),
    "rmsprop": (keras.optimizers.RMSprop, 0.001, {}),
    "sgd": (keras.optimizers.SGD, 0.01, {}),
}


def make_optimiser(
    name: str,
    *,
    learning_rate: float | None,
    schedule: str,
    steps: int,
    weight_average: float = 0.0,
    epsilon: float | None = None,
) -> keras.Optimizer:
    """Create the optimiser of this name; ``steps`` is the number of batches in the whole training.

    epsilon: the term that keeps its divisions finite; None: the optimiser's default
    weight_average: decay of the exponential moving average (EMA) of the weights; 0: no average

    Raises:
        UsageError: for an unknown optimiser or schedule, or an epsilon for SGD, which has none.
    """
    if name not in OPTIMISERS:
        similar = difflib.get_close_matches(name, OPTIMISERS, n=1)
        hint = f" Did you mean {similar[0]!r}?" if similar else ""
        raise UsageError(f"there is no optimiser {name!r}; known: {', '.join(OPTIMISERS)}.{hint}")
    optimiser_class, default_rate, settings = OPTIMISERS[name]
    rate = make_schedule(schedule, default_rate if learning_rate is None else learning_rate, steps)
    if epsilon is not None:
        if optimiser_class is keras.optimizers.SGD:
            raise UsageError(f"sgd has no epsilon; received {epsilon:g}")
        settings = {**settings, "epsilon": epsilon}
    if weight_average:
        settings = {**settings, "use_ema": True, "ema_momentum": weight_average}
    return optimiser_class(learning_rate=rate, **settings)


ops = keras.ops

# Name → corners (share of all steps, share of the rate), joined by straight lines; "cosine" falls along a half cosine.
_CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "warm-up": ((0.0, 0.0), (0.05, 1.0), (1.0, 1.0)),
    "linear": ((0.0, 1.0), (1.0, 0.0)),
    # Smith 2018: rises for a quarter of the steps, then falls, at the end to nearly zero.
    "one-cycle": ((0.0, 0.1), (0.25, 1.0), (1.0, 0.0)),
    # Divided by ten after half, and again after three quarters of the steps.
    "step": ((0.0, 1.0), (0.5, 1.0), (0.5, 0.1), (0.75, 0.1), (0.75, 0.01), (1.0, 0.01)),
}
SCHEDULES = ("constant", "cosine", *_CORNERS)
_WARM_UP = 0.05  # share of the steps in which a cosine schedule rises from a tenth of its rate


class Line(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A piecewise linear rate: corners are (step, rate), in ascending order; two at the same step make a jump."""

    def __init__(self, corners: tuple[tuple[float, float], ...]) -> None:
        self.corners = corners

    def __call__(self, step: Any) -> Any:
        """Return the rate at ``step``; before the first corner and after the last it is constant."""
        now = ops.cast(step, "float32")
        rate = ops.cast(self.corners[0][1], "float32")
        for (start, low), (stop, high) in zip(self.corners, self.corners[1:], strict=False):
            share = (now - start) / (stop - start) if stop > start else ops.cast(1.0, "float32")
            rate = ops.where(now >= start, low + (high - low) * ops.clip(share, 0.0, 1.0), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        """Return the configuration that Keras saves with the optimiser."""
        return {"corners": self.corners}


class Exponential(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A rate that grows by a constant factor per step, from ``low`` at step 0 to ``high`` at step ``last``."""

    def __init__(self, low: float, high: float, last: int) -> None:
        self.low, self.high, self.last = low, high, max(1, last)

    def __call__(self, step: Any) -> Any:
        """Return the rate at ``step``."""
        share = ops.cast(step, "float32") / self.last
        return ops.exp(math.log(self.low) + math.log(self.high / self.low) * share)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration that Keras saves with the optimiser."""
        return {"low": self.low, "high": self.high, "last": self.last}


def make_schedule(name: str, rate: float, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Create the schedule of this name whose maximum is ``rate``, over ``steps`` steps in total.

    "cosine" rises for a twentieth of the steps, then falls to 0; "warm-up" rises for a twentieth, then is constant;
    "linear" falls to 0; "one-cycle" rises for a quarter, then falls to 0; "step" is divided by ten after half
    and again after three quarters.

    Raises:
        UsageError: for an unknown name.
    """
    if name == "constant":
        return rate
    if name == "cosine":
        warm_up = max(1, round(steps * _WARM_UP))
        return keras.optimizers.schedules.CosineDecay(
            rate / 10, decay_steps=max(1, steps - warm_up), warmup_target=rate, warmup_steps=warm_up
        )
    if name not in _CORNERS:
        raise UsageError(f"there is no schedule {name!r}; known: {', '.join(SCHEDULES)}")
    return Line(tuple((share * steps, part * rate) for share, part in _CORNERS[name]))
