"""Sets of digits, and every format under the name that chooses it."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.values import Digits


@pytest.fixture
def digits() -> Digits:
    """Forty images, all classes."""
    images = np.random.default_rng(1).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    return Digits(images, (np.arange(40) % 10).astype(np.uint8))
