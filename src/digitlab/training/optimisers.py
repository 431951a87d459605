"""Optimisers by name, with the settings that the documents used."""

from __future__ import annotations

import difflib

from digitlab.errors import UsageError
from digitlab.models.backend import keras
from digitlab.training.schedules import make_schedule

__all__ = ["OPTIMISERS", "make_optimiser"]

# Name → (class, learning rate when none is given, other settings). Adadelta's rate in the documents was 1.0 (S0 §2.1.1,
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
    """The optimiser of this name; ``steps`` is the number of batches in the whole training.

    epsilon: what keeps its divisions finite; None: its own
    weight_average: how much of the running average of the weights stays at each step (EMA); 0: no average is kept

    Raises:
        UsageError: for an unknown optimiser or schedule, or an epsilon for SGD, which divides by nothing.
    """
    if name not in OPTIMISERS:
        near = difflib.get_close_matches(name, OPTIMISERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"there is no optimiser {name!r}; known: {', '.join(OPTIMISERS)}.{hint}")
    kind, usual_rate, settings = OPTIMISERS[name]
    rate = make_schedule(schedule, usual_rate if learning_rate is None else learning_rate, steps)
    if epsilon is not None:
        if kind is keras.optimizers.SGD:
            raise UsageError(f"sgd has no epsilon; received {epsilon:g}")
        settings = {**settings, "epsilon": epsilon}
    if weight_average:
        settings = {**settings, "use_ema": True, "ema_momentum": weight_average}
    return kind(learning_rate=rate, **settings)
