"""Learning rates that change from step to step, by name."""

from __future__ import annotations

import math
from typing import Any

from digitlab.errors import UsageError
from digitlab.models.backend import keras

ops = keras.ops

__all__ = ["SCHEDULES", "Exponential", "Line", "make_schedule"]

# Name → corners (share of all steps, share of the rate), joined by straight lines; "cosine" falls along half a cosine.
_CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "warm-up": ((0.0, 0.0), (0.05, 1.0), (1.0, 1.0)),
    "linear": ((0.0, 1.0), (1.0, 0.0)),
    # Smith 2018: up for a quarter, down for the rest, the last part to nearly nothing.
    "one-cycle": ((0.0, 0.1), (0.25, 1.0), (1.0, 0.0)),
    # Tenths after half and after three quarters of the steps.
    "step": ((0.0, 1.0), (0.5, 1.0), (0.5, 0.1), (0.75, 0.1), (0.75, 0.01), (1.0, 0.01)),
}
SCHEDULES = ("constant", "cosine", *_CORNERS)
_WARM_UP = 0.05  # share of the steps in which a cosine schedule rises from a tenth of its rate


class Line(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A rate along straight lines: corners are (step, rate), the steps rising; two of one step make a jump."""

    def __init__(self, corners: tuple[tuple[float, float], ...]) -> None:
        self.corners = corners

    def __call__(self, step: Any) -> Any:
        """The rate at ``step``; before the first corner and after the last it stays."""
        now = ops.cast(step, "float32")
        rate = ops.cast(self.corners[0][1], "float32")
        for (start, low), (stop, high) in zip(self.corners, self.corners[1:], strict=False):
            share = (now - start) / (stop - start) if stop > start else ops.cast(1.0, "float32")
            rate = ops.where(now >= start, low + (high - low) * ops.clip(share, 0.0, 1.0), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        """What Keras writes into a file with the optimiser."""
        return {"corners": self.corners}


class Exponential(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A rate that grows by the same factor at each step, from ``low`` at step 0 to ``high`` at step ``last``."""

    def __init__(self, low: float, high: float, last: int) -> None:
        self.low, self.high, self.last = low, high, max(1, last)

    def __call__(self, step: Any) -> Any:
        """The rate at ``step``."""
        share = ops.cast(step, "float32") / self.last
        return ops.exp(math.log(self.low) + math.log(self.high / self.low) * share)

    def get_config(self) -> dict[str, Any]:
        """What Keras writes into a file with the optimiser."""
        return {"low": self.low, "high": self.high, "last": self.last}


def make_schedule(name: str, rate: float, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The schedule of this name whose greatest rate is ``rate``, over ``steps`` steps in all.

    "cosine" rises for a twentieth of the steps, then falls to 0; "warm-up" rises for a twentieth, then stays; "linear"
    falls to 0; "one-cycle" rises for a quarter, then falls to 0; "step" falls to a tenth after half
    and after three quarters.

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
