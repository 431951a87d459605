from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets import mnist


@pytest.fixture(scope="session")
def digits():
    """The first 1,203 test images: two blocks, and no whole number of OpenCV's hundreds."""
    return mnist.load()[1][slice(0, 1203)]


@pytest.fixture(scope="session")
def few(digits):
    """230 images: three calls of OpenCV."""
    return np.ascontiguousarray(digits.images[:230])
