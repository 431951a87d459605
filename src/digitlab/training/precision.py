"""Which numbers to train with: bfloat16 where the processor multiplies it, float32 elsewhere."""

from __future__ import annotations

import functools
from pathlib import Path

__all__ = ["dtype_policy_name", "processor_multiplies_bfloat16"]

# Linux' names for Intel's matrix units and for AVX-512's bfloat16 products (Intel Cooper Lake on, AMD Zen 4 on).
_FLAGS = {"amx_bf16", "avx512_bf16"}


@functools.cache
def processor_multiplies_bfloat16() -> bool:
    """Whether this processor has bfloat16 products; False where it cannot be told."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _FLAGS.isdisjoint(flags.split())


def dtype_policy_name(precision: str) -> str:
    """Keras' dtype policy for "auto", "float32" or "bfloat16".

    Mixed: weights stay float32, products are bfloat16 (as many bits of range, 8 of precision: no loss scaling needed).
    """
    if precision == "bfloat16" or (precision == "auto" and processor_multiplies_bfloat16()):
        return "mixed_bfloat16"
    return "float32"
