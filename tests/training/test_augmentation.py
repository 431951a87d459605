from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import augment_affine, cut_out, sobel_images
from digitlab.errors import UsageError
from digitlab.training.augmentation import AUGMENTATIONS, augmentation

IMAGES = load_dataset("mnist").split("test").images[:200]


def test_joined_augmentations_run_one_after_the_other() -> None:
    both = augmentation("affine+cutout")
    assert both.vary is not None
    assert both.to_network_input is None
    affine, cutout = np.random.default_rng(3).spawn(2)
    expected = cut_out(augment_affine(IMAGES, affine), cutout)
    np.testing.assert_array_equal(both.vary(IMAGES, np.random.default_rng(3)), expected)


@pytest.mark.parametrize("name", ["affine+cutout", "handwriting+cutout", "cutout+affine"])
def test_a_joined_row_does_not_depend_on_the_number_of_rows(name: str) -> None:
    vary = augmentation(name).vary
    assert vary is not None
    few, many = (vary(IMAGES[:count], np.random.default_rng(0)) for count in (130, 200))
    np.testing.assert_array_equal(few, many[:130])


def test_what_settles_one_part_settles_the_whole() -> None:
    to_network_input = augmentation("realtime+cutout").to_network_input
    assert to_network_input is not None
    np.testing.assert_array_equal(to_network_input(IMAGES), sobel_images(IMAGES))


def test_nothing_joined_with_nothing_else_is_nothing() -> None:
    assert augmentation("none").vary is None
    only = augmentation("none+cutout").vary
    assert only is not None
    (own,) = np.random.default_rng(1).spawn(1)
    np.testing.assert_array_equal(only(IMAGES, np.random.default_rng(1)), cut_out(IMAGES, own))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("affine+cuotut", r"no augmentation 'cuotut'; known: none, .*cutout.* Did you mean 'cutout'"),
        ("affine+", "no augmentation ''"),
        ("cutout+cutout", "'cutout' twice"),
    ],
)
def test_mistakes_are_named(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        augmentation(name)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_name_is_known(name: str) -> None:
    augmentation(name)
