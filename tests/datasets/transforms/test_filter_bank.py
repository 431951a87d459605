from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from digitlab.datasets.transforms import BANK, apply_bank
from digitlab.datasets.transforms.filter_bank import convolve
from digitlab.errors import ShapeError

IMAGES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20))


def test_the_bank_is_the_slides():
    assert list(BANK) == [
        "lines-horizontal",
        "lines-vertical",
        "lines-45",
        "lines-135",
        "sobel-horizontal",
        "sobel-vertical",
        "laplacian-4",
        "laplacian-8",
        "laplacian-of-gaussian",
        "mean",
        "gaussian",
    ]


@pytest.mark.parametrize("name", BANK)
def test_smoothing_kernels_sum_to_1_and_all_others_to_0(name):
    assert BANK[name].sum() == pytest.approx(1 if name in {"mean", "gaussian"} else 0, abs=1e-6)
    assert BANK[name].shape in {(3, 3), (5, 5)}
    assert not BANK[name].flags.writeable


@pytest.mark.parametrize("name", BANK)
def test_only_sobel_tells_convolution_from_correlation(name):
    turned = BANK[name][::-1, ::-1]
    assert_array_equal(turned, -BANK[name] if name.startswith("sobel") else BANK[name])


def test_convolves_truly():
    """A single bright pixel shows the kernel itself, not the turned one."""
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 1
    for name, result in apply_bank(image).items():
        half = len(BANK[name]) // 2
        assert_allclose(result[4 - half : 5 + half, 4 - half : 5 + half], BANK[name])
        assert np.abs(result).sum() == pytest.approx(np.abs(BANK[name]).sum())


@given(IMAGES)
@settings(max_examples=30, deadline=None)
def test_keeps_the_shape_and_stays_in_range(image):
    for name, result in apply_bank(image).items():
        assert result.shape == image.shape
        assert result.dtype == np.float32
        assert np.abs(result).max() <= 255 * np.abs(BANK[name]).sum() + 1e-2


def test_lines_answer_to_their_own_direction():
    horizontal = np.zeros((15, 15), np.uint8)
    horizontal[7] = 255
    images = {
        "lines-horizontal": horizontal,
        "lines-vertical": horizontal.T.copy(),
        "lines-135": np.eye(15, dtype=np.uint8) * 255,
        "lines-45": np.eye(15, dtype=np.uint8)[::-1].copy() * 255,
    }
    for own, image in images.items():
        answers = {name: apply_bank(image)[name][7, 7] for name in images}
        assert max(answers, key=lambda name: answers[name]) == own


@pytest.mark.parametrize("wrong", [np.zeros((2, 5, 5), np.uint8), np.zeros((5, 5)), np.zeros((0, 5), np.uint8)])
def test_refuses_anything_but_one_grey_image(wrong):
    with pytest.raises(ShapeError, match=r"expected uint8 \(H, W\)"):
        convolve(wrong, BANK["mean"])
