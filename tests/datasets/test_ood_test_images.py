from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.ood.test_images import SHAPES, draw_shapes
from digitlab.errors import UsageError


def test_shapes_are_images_like_any_other() -> None:
    shapes = draw_shapes(100)
    assert shapes.shape == (100, 28, 28)
    assert shapes.dtype == np.uint8
    ink = shapes.reshape(10, 10, -1).max(axis=2)
    assert (ink >= 180).mean() > 0.95  # a few clouds are grey
    assert (ink > 60).all()


def test_the_seed_decides_and_the_count_does_not() -> None:
    np.testing.assert_array_equal(draw_shapes(30, seed=4), draw_shapes(1020, seed=4)[:30])
    assert (draw_shapes(30, seed=4) != draw_shapes(30, seed=5)).any(axis=(1, 2)).all()


def test_no_two_are_equal() -> None:
    shapes = draw_shapes(400).reshape(400, -1)
    assert len(np.unique(shapes, axis=0)) == 400


@pytest.mark.parametrize("kind", [kind for kind in SHAPES if kind not in ("stripes", "texture")])
def test_strokes_stand_in_the_middle_and_are_as_large_as_digits(kind: str) -> None:
    shapes = draw_shapes(200)[SHAPES.index(kind) :: len(SHAPES)]
    for shape in shapes:
        rows, columns = (np.flatnonzero(shape.max(axis=axis) > 40) for axis in (1, 0))
        assert 17 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
        for places in (rows, columns):
            assert abs((places[0] + places[-1]) / 2 - 13.5) <= 1.5


@pytest.mark.parametrize("kind", ["stripes", "texture"])
def test_patterns_fill_the_frame(kind: str) -> None:
    shapes = draw_shapes(200)[SHAPES.index(kind) :: len(SHAPES)].astype(int)
    border = np.concatenate([shapes[:, 0], shapes[:, -1], shapes[:, :, 0], shapes[:, :, -1]], axis=1)
    assert (border.max(axis=1) - border.min(axis=1) > 20).mean() > 0.9


def test_none_is_an_empty_array() -> None:
    assert draw_shapes(0).shape == (0, 28, 28)


def test_less_than_none_is_refused() -> None:
    with pytest.raises(UsageError, match="expected 0 or more"):
        draw_shapes(-1)
