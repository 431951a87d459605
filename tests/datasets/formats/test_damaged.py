"""Files damaged by the hundred: only our errors, no hang, no memory. The bench does it by ten thousand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench" / "data_formats.py"
SPEC = importlib.util.spec_from_file_location("bench_data_formats", BENCH)
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


@pytest.mark.parametrize("format_", bench.FORMATS)
def test_damaged_files(format_):
    result = bench.fuzz(format_, 300, seed=1)
    assert result["foreign"] == []
    outcomes = result["outcomes"]
    assert outcomes.get("DatasetError", 0) + outcomes.get("left-out", 0) > 100
    assert result["worst"] < 5
    assert result["megabytes"] < 300
