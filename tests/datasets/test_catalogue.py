from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import dataset_names, handmade_sets, load_dataset, summarise_batches
from digitlab.datasets.catalogue import CORRUPTIONS
from digitlab.datasets.splits import THESIS_TRAINING_COUNTS, thesis_split
from digitlab.datasets.transforms import CORRUPTIONS as IMPLEMENTED
from digitlab.datasets.transforms import sobel_images
from digitlab.errors import DatasetError

SIZES = {
    "sobel": (48_000, 12_000),
    "0-1": (48_000, 12_000),
    "1-1": (96_000, 24_000),
    "0-6": (288_000, 72_000),
    "1-6": (336_000, 84_000),
}


def test_the_split_of_the_thesis_has_its_counts() -> None:
    train, validation = thesis_split(load_dataset("mnist").split("train"))
    assert np.bincount(train.labels).tolist() == list(THESIS_TRAINING_COUNTS)
    assert (len(train), len(validation)) == (48_000, 12_000)


@pytest.mark.parametrize(("name", "sizes"), SIZES.items())
def test_the_handmade_sets_have_the_published_sizes(name: str, sizes: tuple[int, int]) -> None:
    assert tuple(handmade_sets.handmade_size(name, split) for split in ("train", "validation")) == sizes
    assert handmade_sets.handmade_size("1-6", "test") == 70_000
    assert load_dataset(name).splits == ("train", "validation", "test")
    assert load_dataset("1-6-test").splits == ("test",)


def test_the_sobel_set_is_the_sobel_images_of_the_split(fresh_cache: Path) -> None:
    train, validation = thesis_split(load_dataset("mnist").split("train"))
    data = load_dataset("sobel")
    assert data.form == "sobel"
    built = data.split("validation")
    np.testing.assert_array_equal(built.images[:500], sobel_images(validation.images[:500]))
    np.testing.assert_array_equal(built.labels, validation.labels)
    assert summarise_batches([data.split("train")]).counts == tuple(np.bincount(train.labels).tolist())


def test_grey_sets_are_the_same_copies_without_the_sobel_filter() -> None:
    grey, sobel = load_dataset("1-6-grey-test"), load_dataset("1-6-test")
    assert (grey.form, grey.splits, sobel.form) == ("grey", ("test",), "sobel")
    assert grey.handmade is not None
    assert sobel.handmade is not None
    assert grey.handmade.size("test") == sobel.handmade.size("test") == 70_000
    ours, theirs = (data.handmade.first("test", 50) for data in (grey, sobel) if data.handmade)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    np.testing.assert_array_equal(ours.images[:50], load_dataset("mnist").split("test").images[:50])
    # The filter saw them before they were rounded to 256 levels.
    difference = np.abs(sobel_images(ours.images).astype(int) - theirs.images)
    assert difference.max() <= 6
    assert difference.mean() < 1
    np.testing.assert_array_equal(ours.images[50:100], load_dataset("0-1-grey").handmade.first("test", 50).images)


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = []
    for number, (seed, jobs) in enumerate([(0, 1), (0, 2), (1, 2)]):
        monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path / str(number)))
        built = handmade_sets.load_handmade("0-1", "validation", seed=seed, jobs=jobs)
        digests.append(summarise_batches([built]).digest)
    assert digests[0] == digests[1] != digests[2]


def test_copies_of_one_image_differ_and_keep_its_label(fresh_cache: Path) -> None:
    built = load_dataset("1-2-test").split("test")
    assert len(built) == 30_000
    plain, first, second = built[:10_000], built[10_000:20_000], built[20_000:]
    np.testing.assert_array_equal(plain.labels, first.labels)
    np.testing.assert_array_equal(plain.labels, second.labels)
    assert (first.images[:50] != second.images[:50]).any((1, 2)).all()


def test_a_second_load_maps_the_first(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_dataset("sobel").split("test")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("built twice")

    monkeypatch.setattr(handmade_sets, "handmade_blocks_of", refuse)
    second = load_dataset("sobel").split("test")
    assert not second.images.flags.writeable
    assert summarise_batches([first]).digest == summarise_batches([second]).digest


def test_corrupted_sets_keep_the_labels(fresh_cache: Path) -> None:
    assert set(CORRUPTIONS) == set(IMPLEMENTED)
    data = load_dataset("mnist-c/stripe")
    clean = load_dataset("mnist").split("test")
    np.testing.assert_array_equal(data.split("test").labels, clean.labels)
    assert (data.split("test").images[:20] != clean.images[:20]).any((1, 2)).all()


def test_other_hands_come_in_our_format() -> None:
    data = load_dataset("digits-8x8")
    train, test = (data.split(split) for split in ("train", "test"))
    assert len(train) + len(test) == 1797
    assert train.images.max() == 255
    assert (np.bincount(test.labels) > 30).all()


def test_fashion_is_read_where_it_is_and_explained_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    images = np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28)
    (folder / "t10k-images-idx3-ubyte").write_bytes(np.array([2051, 2, 28, 28], ">u4").tobytes() + images.tobytes())
    (folder / "t10k-labels-idx1-ubyte").write_bytes(np.array([2049, 2], ">u4").tobytes() + bytes([9, 0]))
    found = load_dataset("fashion-mnist").split("test")
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [9, 0]


@pytest.mark.parametrize("name", ["0-0", "1-99", "1-6-tset", "mnist-c/rain", "SOBEL", "../1-6"])
def test_names_that_are_none_are_answered_with_known_ones(name: str) -> None:
    with pytest.raises(DatasetError, match="known: mnist"):
        load_dataset(name)


def test_every_listed_name_can_be_named() -> None:
    for name in dataset_names():
        assert load_dataset(name).name == name
