from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import sobel_images
from digitlab.models import build, export_onnx, predict_probabilities
from digitlab.models.sobel import SobelImage, after_sobel
from digitlab.values import ModelCard

pytestmark = pytest.mark.xdist_group("keras")


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.uint8, (3, 28, 28)))
def test_the_layer_is_the_transform_to_the_bit(images: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(SobelImage()(images)), sobel_images(images))


@pytest.mark.backends
def test_the_layer_is_the_transform_on_real_digits() -> None:
    images = load_dataset("mnist").split("test").images[:1000]
    np.testing.assert_array_equal(np.asarray(SobelImage()(images)), sobel_images(images))


def test_an_exported_network_takes_grey_images(tmp_path: Path) -> None:
    model, images = build("thesis-4conv"), load_dataset("mnist").split("test").images[:100]
    expected = predict_probabilities(model, sobel_images(images))
    export_onnx(after_sobel(model), tmp_path / "model.onnx", ModelCard("a", "thesis-4conv", "Sobel image, x / 255"))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, atol=1e-5)
