from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from digitlab.datasets.transforms import by_blocks, vary_handwriting
from digitlab.datasets.transforms.handwriting import INK, draw_hands, vary_strokes


def bar(width=4):
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, 6:22, 12 : 12 + width] = 255
    return image


def width_of(strokes):
    """The bar's width in its middle row, in pixels."""
    return float(strokes[0, 14].sum())


def same(growth):
    return np.full((1, 1, 1), growth, np.float32)


@pytest.mark.parametrize("growth", [-0.8, -0.5, 0.0, 0.5, 1.0, 1.8])
def test_strokes_grow_by_so_many_pixels(growth):
    assert width_of(vary_strokes(bar(), same(growth))) == pytest.approx(4 + growth, abs=0.15)


def test_strokes_are_blurred_by_a_quarter_of_a_pixel_at_most_when_they_do_not_grow(few):
    strokes = vary_strokes(few, np.zeros((len(few), 1, 1), np.float32))
    assert np.abs(strokes - few / 255).mean() < 0.02


def test_thin_strokes_are_not_lost():
    thin = vary_strokes(bar(width=1), same(-0.8))
    assert thin.max() == pytest.approx(1)
    assert (thin[0, 7:21].max(1) > 0.9).all()


def test_ink_of_neighbours_on_the_canvas_does_not_run_over():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1] = 255
    strokes = vary_strokes(images, np.full((3, 1, 1), 2, np.float32))
    assert not strokes[[0, 2]].any()


def test_a_digit_stays_in_its_frame(digits):
    changed = by_blocks(vary_handwriting, digits.images, 0)
    ink = changed.astype(float).clip(60) - 60
    rows, columns = ink.sum(2) @ np.arange(28) / ink.sum((1, 2)), ink.sum(1) @ np.arange(28) / ink.sum((1, 2))
    assert np.abs(np.array([rows, columns]) - 13.5).max() < 6
    assert (ink[:, 4:24, 4:24].sum((1, 2)) / ink.sum((1, 2)) > 0.6).all()


def test_ink_keeps_its_level(digits):
    levels = np.sort(vary_handwriting(digits.images, np.random.default_rng(0)).reshape(len(digits), -1), axis=1)[:, -15]
    assert np.median(levels) > 255 * INK[0]
    assert levels.min() > 60


def test_paper_stays_dark(digits):
    changed = vary_handwriting(digits.images, np.random.default_rng(0))
    assert np.quantile(changed, 0.25, axis=(1, 2)).max() < 10


def test_hands_have_their_deviations():
    matrices = draw_hands(np.random.default_rng(0), 20_000)
    centre = matrices @ (13.5, 13.5, 1) - 13.5
    assert_allclose(centre.std(0), 0.8, rtol=0.05, atol=0.06)
    sizes = np.sqrt(np.linalg.det(matrices[:, :, :2]))
    assert np.log(sizes).std() == pytest.approx(0.1 / np.sqrt(2), rel=0.1)
