from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import load_dataset
from digitlab.datasets.catalogue import CORRUPTIONS
from digitlab.datasets.robustness_sets import hard_sets, rotated, shifted
from digitlab.errors import DatasetError, UsageError

TEST = load_dataset("mnist").split("test")


def test_every_kind_is_there() -> None:
    counts = Counter(each.kind for each in hard_sets())
    assert counts == {
        "plain": 1, "corruption": 15, "rotation": 12, "shift-x": 8, "shift-y": 8, "other-hand": 1, "stranger": 2,
    }  # fmt: skip
    assert tuple(each.name for each in hard_sets() if each.kind == "corruption") == CORRUPTIONS
    assert len({each.name for each in hard_sets()}) == 47


def test_a_part_is_taken_evenly_and_stays_beside_its_labels() -> None:
    sets = {each.name: each for each in hard_sets(20)}
    rows = np.arange(20) * 500
    for name in ("mnist", "turned 30° left", "moved 4 px left", "brightness"):
        images, labels = sets[name].load()
        assert images.shape == (20, 28, 28)
        np.testing.assert_array_equal(labels, TEST.labels[rows])
    np.testing.assert_array_equal(sets["mnist"].load()[0], TEST.images[rows])
    np.testing.assert_array_equal(
        sets["brightness"].load()[0], load_dataset("mnist-c/brightness").split("test").images[rows]
    )
    np.testing.assert_array_equal(sets["moved 8 px down"].load()[0][:, 8:], TEST.images[rows][:, :-8])


def test_other_hands_and_strangers_are_whole_where_they_have_less() -> None:
    sets = {each.name: each for each in hard_sets()}
    images, labels = sets["digits-8x8"].load()
    assert len(images) == 1797
    assert labels is not None
    np.testing.assert_array_equal(np.bincount(labels) > 170, True)
    shapes, none = {each.name: each for each in hard_sets(50)}["shapes"].load()
    assert shapes.shape == (50, 28, 28)
    assert none is None


def test_clothes_that_are_not_there_are_optional(monkeypatch: pytest.MonkeyPatch, fresh_cache: Path) -> None:
    from digitlab.datasets import other_datasets

    monkeypatch.setattr(other_datasets, "Path", lambda _: fresh_cache)
    monkeypatch.delenv("DIGITLAB_DATA", raising=False)
    (clothes,) = (each for each in hard_sets(5) if each.name == "fashion-mnist")
    assert clothes.optional
    assert [each.name for each in hard_sets() if each.optional] == ["fashion-mnist"]
    with pytest.raises(DatasetError, match="apt-get install"):
        clothes.load()


def test_less_than_one_image_is_refused() -> None:
    with pytest.raises(UsageError, match="expected 1 or more"):
        hard_sets(0)


def corner(row: int, column: int) -> np.ndarray:
    """A blot of 3×3 about this pixel."""
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, row - 1 : row + 2, column - 1 : column + 2] = 255
    return image


def test_turning_is_counter_clockwise() -> None:
    np.testing.assert_array_equal(rotated(corner(5, 20), 90), corner(7, 5))  # the top right comes to the top left
    np.testing.assert_array_equal(rotated(corner(5, 20), -90), corner(20, 22))
    np.testing.assert_array_equal(rotated(TEST.images[:9], 0), TEST.images[:9])
    there_and_back = rotated(rotated(TEST.images[:50], 15), -15).astype(float)
    assert np.abs(there_and_back - TEST.images[:50]).mean() < 8  # twice interpolated


def test_moving_is_to_the_right_and_down() -> None:
    np.testing.assert_array_equal(shifted(corner(5, 20), 4, 3), corner(8, 24))
    np.testing.assert_array_equal(shifted(corner(5, 20), -4, 0), corner(5, 16))
    np.testing.assert_array_equal(shifted(corner(5, 20), 0, -3), corner(2, 20))
    assert shifted(corner(5, 20), 9, 0).sum() == 0
