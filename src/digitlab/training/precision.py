"""The floating-point format of a training: bfloat16 where the processor multiplies it natively, float32 elsewhere."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

__all__ = ["dtype_policy_name", "processor_multiplies_bfloat16", "processor_name"]

# Linux' CPU flags for Intel's matrix units and AVX-512's bfloat16 products (from Intel Cooper Lake and AMD Zen 4 on).
_FLAGS = {"amx_bf16", "avx512_bf16"}


@functools.cache
def processor_multiplies_bfloat16() -> bool:
    """Return whether this processor multiplies bfloat16 natively; False if that is unknown."""
    return not _FLAGS.isdisjoint((_cpu_property("flags") or "").split())


@functools.cache
def processor_name() -> str:
    """Return the processor's name, as far as it is known."""
    return _cpu_property("model name") or platform.processor() or platform.machine() or "unknown"


def _cpu_property(name: str) -> str | None:
    """Read a property of the first processor from Linux' /proc/cpuinfo, or None."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)


def dtype_policy_name(precision: str) -> str:
    """Return Keras' dtype policy for "auto", "float32" or "bfloat16".

    "auto" depends only on the processor here; `precision_choice` also measures the network. Mixed precision: weights
    stay float32, products are bfloat16 (float32's range, 8 bits of precision: no loss scaling needed).
    """
    if precision == "bfloat16" or (precision == "auto" and processor_multiplies_bfloat16()):
        return "mixed_bfloat16"
    return "float32"
