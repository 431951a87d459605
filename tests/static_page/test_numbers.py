"""The numbers that the browser's modules are tested with are those that Python makes."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import numpy as np

RENEW = "run python tools/write_browser_numbers.py"


def test_they_are_what_python_makes() -> None:
    writer = importlib.import_module("tools.write_browser_numbers")
    kept, now = json.loads(writer.TARGET.read_text(encoding="utf-8")), json.loads(writer.text())
    assert kept["given"] == now["given"], RENEW
    assert list(kept["made"]) == list(now["made"])
    for name, value in now["made"].items():
        assert _alike(kept["made"][name], value), f"{name}: {RENEW}"


def _alike(one: Any, other: Any) -> bool:
    """The same, floats to 1e-4: processors round sums in other orders."""
    if isinstance(one, dict) and "type" not in one:
        return list(one) == list(other) and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, dict):
        return {**one, "data": ""} == {**other, "data": ""} and (one["type"] != "uint8" or one == other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(np.isclose(one, other, atol=1e-4)) if isinstance(one, float) else one == other
