"""Which numbers to train with: bfloat16 where the processor multiplies it, float32 elsewhere."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

__all__ = ["dtype_policy_name", "processor_multiplies_bfloat16", "processor_name"]

# Linux' names for Intel's matrix units and for AVX-512's bfloat16 products (Intel Cooper Lake on, AMD Zen 4 on).
_FLAGS = {"amx_bf16", "avx512_bf16"}


@functools.cache
def processor_multiplies_bfloat16() -> bool:
    """Whether this processor has bfloat16 products; False where it cannot be told."""
    return not _FLAGS.isdisjoint((_described("flags") or "").split())


@functools.cache
def processor_name() -> str:
    """What the processor is called, as far as can be told."""
    return _described("model name") or platform.processor() or platform.machine() or "unknown"


def _described(what: str) -> str | None:
    """What Linux says of the first processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(what)), None)


def dtype_policy_name(precision: str) -> str:
    """Keras' dtype policy for "auto", "float32" or "bfloat16".

    "auto" goes by the processor alone here; `precision_choice` measures the network, too. Mixed: weights stay float32,
    products are bfloat16 (as many bits of range, 8 of precision: no loss scaling needed).
    """
    if precision == "bfloat16" or (precision == "auto" and processor_multiplies_bfloat16()):
        return "mixed_bfloat16"
    return "float32"
