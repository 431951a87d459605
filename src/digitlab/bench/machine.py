"""Which machine a speed was measured on."""

from __future__ import annotations

from digitlab.training.experiment import environment

__all__ = ["describe_machine"]


def describe_machine() -> str:
    """Processor, cores and versions, on one line."""
    facts = environment(seed=0)
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"{facts['processor']}, {facts['cores']} cores; {versions}"
