"""What the processor multiplies at most: one large matrix product, in float32 and in bfloat16."""

from __future__ import annotations

import time
from dataclasses import dataclass

from digitlab.models.backend import keras

ops = keras.ops

__all__ = ["Peak", "measure_peak"]

_SIZE = 2048  # 17 GFLOP a product: beyond every cache, and a fraction of a second


@dataclass(frozen=True, slots=True)
class Peak:
    """The best of several products, in GFLOP/s; a multiplication and an addition are two operations."""

    float32: float
    bfloat16: float


def measure_peak(rounds: int = 5) -> Peak:
    """Time a square product of each type ``rounds`` times, after one that is not counted."""
    return Peak(_fastest("float32", rounds), _fastest("bfloat16", rounds))


def _fastest(dtype: str, rounds: int) -> float:
    left, right = (keras.random.normal((_SIZE, _SIZE), dtype="float32", seed=seed) for seed in (0, 1))
    left, right = ops.cast(left, dtype), ops.cast(right, dtype)
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        ops.convert_to_numpy(ops.matmul(left, right)[:1, :1])  # waits for the product
        seconds.append(time.perf_counter() - began)
    return 2 * _SIZE**3 / min(seconds[1:]) / 1e9
