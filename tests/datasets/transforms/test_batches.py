from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from digitlab.datasets import transforms
from digitlab.datasets.transforms import CORRUPTIONS, by_blocks
from digitlab.datasets.transforms.batches import BLOCK, generator, in_order
from digitlab.errors import ShapeError, UsageError

RANDOM: dict[str, Any] = {
    "transform": transforms.transform_images,
    "affine": transforms.augment_affine,
    "realtime": transforms.realtime_images,
    "handwriting": transforms.vary_handwriting,
    **{
        name: change
        for name, change in CORRUPTIONS.items()
        if name not in {"scale", "brightness", "stripe", "canny-edges"}
    },
}
ALL: dict[str, Any] = {**CORRUPTIONS, **RANDOM}


@pytest.mark.parametrize("name", ALL)
def test_shape_and_dtype_stay_and_the_source_is_untouched(name, few):
    source = few.copy()
    source.setflags(write=False)
    result = ALL[name](source, np.random.default_rng(1))
    assert result.shape == source.shape
    assert result.dtype == np.uint8
    assert_array_equal(source, few)


@pytest.mark.parametrize("name", ALL)
def test_no_images_give_no_images(name):
    assert ALL[name](np.zeros((0, 28, 28), np.uint8), np.random.default_rng(1)).shape == (0, 28, 28)


@pytest.mark.parametrize("name", ALL)
def test_row_i_does_not_depend_on_the_rows_after_it(name, few):
    whole = ALL[name](few[:45], np.random.default_rng(2))
    part = ALL[name](few[:33], np.random.default_rng(2))
    assert_array_equal(whole[:33], part)


@pytest.mark.parametrize("name", RANDOM)
def test_same_seed_same_bytes_other_seed_other_bytes(name, few):
    one, again, other = (by_blocks(RANDOM[name], few[:30], seed) for seed in (1, 1, 2))
    assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("name", ALL)
def test_refuses_other_shapes_and_types(name):
    for wrong in (np.zeros((28, 28), np.uint8), np.zeros((2, 27, 28), np.uint8), np.zeros((2, 28, 28), np.float32)):
        with pytest.raises(ShapeError, match=r"expected uint8 \(N, 28, 28\)"):
            ALL[name](wrong, np.random.default_rng(1))


@pytest.mark.parametrize("jobs", [2, 3])
def test_threads_do_not_change_the_bytes(digits, jobs):
    one = by_blocks(transforms.transform_images, digits.images, 5)
    assert_array_equal(by_blocks(transforms.transform_images, digits.images, 5, jobs=jobs), one)


def test_blocks_stand_for_themselves(digits):
    whole = by_blocks(transforms.augment_affine, digits.images, 3)
    second = transforms.augment_affine(digits.images[BLOCK:], generator(3, 1))
    assert_array_equal(whole[BLOCK:], second)
    assert (whole[:100] != by_blocks(transforms.augment_affine, digits.images[BLOCK:], 3)[:100]).any()


def test_seeds_of_several_parts_are_all_different():
    seeds: list[int | tuple[int, ...]] = [1, (1, 0), (1, 1), (0, 1), (1, 0, 0), (2,)]
    places: list[tuple[int, ...]] = [(), (0,), (1,), (0, 1), (1, 0)]
    numbers = {generator(seed, *place).random() for seed in seeds for place in places}
    assert generator(1, 4).random() == generator((1,), 4).random()
    assert len(numbers) == len(seeds) * len(places)


def test_in_order_keeps_order_and_bounds_what_waits():
    begun = []

    def work(item):
        begun.append(item)
        return item

    results = in_order(work, range(100), jobs=2)
    assert next(results) == 0
    assert max(begun) <= 4
    assert list(results) == list(range(1, 100))


def test_in_order_hands_on_what_a_thread_raises():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 // item, [1, 0], jobs=2))


@pytest.mark.parametrize("jobs", [0, -1])
def test_refuses_no_jobs(few, jobs):
    with pytest.raises(UsageError, match="jobs is"):
        by_blocks(transforms.augment_affine, few, 0, jobs=jobs)


def test_refuses_a_negative_seed(few):
    with pytest.raises(UsageError, match="seed is -1; expected 0 or more"):
        by_blocks(transforms.augment_affine, few, -1)


def test_the_exported_names():
    assert sorted(transforms.__all__) == transforms.__all__
    assert all(hasattr(transforms, name) for name in transforms.__all__)
    assert all(inspect.getdoc(getattr(transforms, name)) for name in transforms.__all__)
