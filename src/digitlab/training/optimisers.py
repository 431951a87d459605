"""Optimisers by name, with the settings that the documents used."""

from __future__ import annotations

import difflib

from digitlab.errors import UsageError
from digitlab.models.backend import keras

__all__ = ["OPTIMISERS", "SCHEDULES", "make_optimiser"]

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
SCHEDULES = ("constant", "cosine")
_WARM_UP = 0.05  # share of the steps in which a cosine schedule rises from a tenth of its rate


def make_optimiser(name: str, *, learning_rate: float | None, schedule: str, steps: int) -> keras.Optimizer:
    """The optimiser of this name; ``steps`` is the number of batches in the whole training.

    "cosine" rises linearly over the first twentieth of the steps, then falls to 0 along half a cosine.

    Raises:
        UsageError: for an unknown optimiser or schedule.
    """
    if name not in OPTIMISERS:
        near = difflib.get_close_matches(name, OPTIMISERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"there is no optimiser {name!r}; known: {', '.join(OPTIMISERS)}.{hint}")
    if schedule not in SCHEDULES:
        raise UsageError(f"there is no schedule {schedule!r}; known: {', '.join(SCHEDULES)}")
    kind, usual_rate, settings = OPTIMISERS[name]
    rate = usual_rate if learning_rate is None else learning_rate
    if schedule == "constant":
        return kind(learning_rate=rate, **settings)
    warm_up = max(1, round(steps * _WARM_UP))
    cosine = keras.optimizers.schedules.CosineDecay(
        rate / 10, decay_steps=max(1, steps - warm_up), warmup_target=rate, warmup_steps=warm_up
    )
    return kind(learning_rate=cosine, **settings)
