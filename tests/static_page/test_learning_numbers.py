"""The numbers that learning in the browser is tested with are those that Keras and finite differences make."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import numpy as np
import pytest

RENEW = "run python tools/write_learning_numbers.py"


@pytest.fixture(scope="module")
def writer() -> Any:
    return importlib.import_module("tools.write_learning_numbers")


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_they_are_what_keras_makes(writer: Any, kind: str) -> None:
    pytest.importorskip("tensorflow", reason="written with Keras on TensorFlow")
    kept, now = json.loads(writer.TARGET.read_text(encoding="utf-8"))["networks"][kind], writer.numbers_of(kind)
    assert kept["loss"] == pytest.approx(now["loss"], abs=1e-6)
    np.testing.assert_allclose(kept["probabilities"], now["probabilities"], atol=1e-5)
    np.testing.assert_allclose(kept["pixels"], now["pixels"], atol=1e-5)
    for one, other in zip(kept["arrays"], now["arrays"], strict=True):
        assert one["places"] == other["places"], RENEW
        for name in set(one) - {"places"}:
            np.testing.assert_allclose(one[name], other[name], atol=3e-5, err_msg=name)


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_keras_and_finite_differences_agree(writer: Any, kind: str) -> None:
    for array in json.loads(writer.TARGET.read_text(encoding="utf-8"))["networks"][kind]["arrays"]:
        np.testing.assert_allclose(array["keras"], array["differences"], atol=1e-4)
