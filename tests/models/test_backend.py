from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.xdist_group("keras")


def test_keras_starts_without_what_nothing_here_asks_it_for() -> None:
    code = """
import gc, sys
import digitlab.models.backend
assert gc.isenabled() and gc.get_freeze_count() > 100_000  # its own objects, 0.2 s of processor time each time
print(*sorted({"IPython", "jax", "matplotlib", "pandas", "sklearn"}.intersection(sys.modules)), "loaded", sep=" ")
import sklearn, matplotlib
print("and there when asked for")
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split("\n")[:2] == ["loaded", "and there when asked for"]
