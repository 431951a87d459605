"""Datasets by name or path, their summary, and sets written into files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from digitlab.datasets import build_file, find_dataset, first_images, load_dataset, summarise_batches
from digitlab.datasets.formats import convert, dataset_writer, form_of, hdf5_writer, open_dataset_file
from digitlab.datasets.formats.polarity import inks_of
from digitlab.errors import DatasetError, UsageError
from digitlab.values import Digits


def write(path: Path, digits: Digits) -> Path:
    with dataset_writer(path) as sink:
        sink.write(digits)
    return path


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a.csv", "a.lmdb", "a-images-idx3-ubyte.gz", "folder"])
def test_a_file_of_any_format_is_a_dataset_of_one_split(tmp_path: Path, few_digits: Digits, name: str) -> None:
    data = find_dataset(str(write(tmp_path / name, few_digits)))
    assert (data.splits, data.form, data.name) == (("all",), "grey", str(tmp_path / name))
    found = data.split("all")
    np.testing.assert_array_equal(found.images, few_digits.images)
    np.testing.assert_array_equal(found.labels, few_digits.labels)
    with data.open("all") as source:
        assert sum(len(batch) for batch in source.batches(3)) == 20


def test_the_splits_of_a_file_are_those_of_the_dataset(tmp_path: Path, few_digits: Digits) -> None:
    with hdf5_writer(tmp_path / "a.h5") as sink:
        sink.write(few_digits[:5], split="test")
        sink.write(few_digits, split="train")
    data = find_dataset(str(tmp_path / "a.h5"))
    assert data.splits == ("train", "test")
    assert len(data.split("test")) == 5
    with pytest.raises(DatasetError, match="has no split 'all'; it has: train, test"):
        data.split("all")


def test_a_name_goes_before_a_path(tmp_path: Path, few_digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mnist", few_digits)
    assert find_dataset("mnist").splits == ("train", "test")
    assert find_dataset("./mnist").splits == ("all",)
    assert find_dataset("1-6", seed=7).about.endswith("seed 7")


@pytest.mark.parametrize("text", ["mnits", "no/such.h5", "", "x" * 300])
def test_what_is_neither_is_answered_with_names_and_the_missing_file(text: str) -> None:
    if len(text) > 255:
        with pytest.raises(Exception, match="File name too long"):
            find_dataset(text)
        return
    with pytest.raises(DatasetError, match=r"known: mnist, .*There is no file or folder") as caught:
        find_dataset(text or "no name")
    assert "\n" not in str(caught.value)


def test_a_file_says_that_it_holds_sobel_images_and_so_does_its_copy(tmp_path: Path, few_digits: Digits) -> None:
    with hdf5_writer(tmp_path / "a.h5") as sink:
        sink.mark("sobel")
        sink.write(few_digits)
    convert(tmp_path / "a.h5", tmp_path / "b.h5", dtype="uint8")
    convert(tmp_path / "b.h5", tmp_path / "c.npz")
    assert [form_of(tmp_path / name) for name in ("a.h5", "b.h5", "c.npz")] == ["sobel", "sobel", "grey"]
    assert find_dataset(str(tmp_path / "b.h5")).form == "sobel"


@pytest.mark.parametrize("value", ["sobel", 7, [b"sobel"] * 3, b"sobel" * 10, b"grey", h5py.Empty("f")])
def test_foreign_notes_in_a_file_say_nothing(tmp_path: Path, few_digits: Digits, value: object) -> None:
    path = write(tmp_path / "a.h5", few_digits)
    with h5py.File(path, "a") as file:
        file.attrs["form"] = value
    assert form_of(path) == "grey"


def test_the_first_images_of_a_file_are_had_without_the_rest(tmp_path: Path, few_digits: Digits) -> None:
    path = write(tmp_path / "a.h5", few_digits)
    with h5py.File(path, "a") as file:
        file["data"][15] = np.nan
    data = find_dataset(str(path))
    np.testing.assert_array_equal(first_images(data, "all", 7).images, few_digits.images[:7])
    assert len(first_images(find_dataset(str(write(tmp_path / "b.csv", few_digits))), "all", 100)) == 20
    with pytest.raises(DatasetError, match=r"data\[15\] contains nan"):
        data.split("all")


def test_the_first_images_of_a_handmade_set_are_those_of_the_whole_set(fresh_cache: Path) -> None:
    data = load_dataset("1-2-test", seed=3)
    first = first_images(data, "test", 30)
    assert not list(fresh_cache.glob("handmade*"))
    rows = np.concatenate([np.arange(30) + 10_000 * copy for copy in range(3)])
    whole = data.split("test")[rows]
    np.testing.assert_array_equal(first.images, whole.images)
    np.testing.assert_array_equal(first.labels, whole.labels)


@pytest.mark.parametrize("size", [1, 7, 20, 4000])
def test_a_summary_does_not_depend_on_the_batches(few_digits: Digits, size: int) -> None:
    many = few_digits[np.arange(2500) % 20]
    found = summarise_batches(many[start : start + size] for start in range(0, 2500, size))
    assert found == summarise_batches([many])
    assert (found.images, found.counts) == (2500, (250,) * 10)
    assert found.mean == pytest.approx(many.images.mean())
    assert found.deviation == pytest.approx(many.images.std())
    assert summarise_batches([many[::-1]]).digest != found.digest


def test_nothing_at_all_has_a_summary() -> None:
    assert summarise_batches([]).counts == (0,) * 10


def test_a_built_file_has_the_same_bytes_whatever_the_threads_and_leaves_no_cache(
    tmp_path: Path, fresh_cache: Path
) -> None:
    data = load_dataset("0-1", seed=5)
    for jobs in (1, 3):
        assert build_file(data, tmp_path / f"{jobs}.h5", split="test", jobs=jobs, dtype="uint8") == {"test": 10_000}
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()
    assert not list(fresh_cache.glob("handmade*"))
    built = find_dataset(str(tmp_path / "1.h5"))
    assert (built.splits, built.form) == (("all",), "sobel")
    assert summarise_batches([built.split("all")]) == summarise_batches([data.split("test")])


def test_all_splits_become_groups_of_s0s_layout(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    data = load_dataset("sobel")
    sizes = build_file(data, tmp_path / "a.h5", lambda done, total: told.append((done, total)))
    assert sizes == {"train": 48_000, "validation": 12_000, "test": 10_000}
    assert told[-1] == (70_000, 70_000)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["train/data"].shape == (48_000, 28, 28, 1)
        assert (file["train/data"].dtype, file["test/labels"].dtype) == ("float32", "int32")
    with open_dataset_file(tmp_path / "a.h5", "test") as source:
        assert summarise_batches(source.batches()) == summarise_batches([data.split("test")])


def test_a_set_of_one_split_has_it_at_the_root(tmp_path: Path) -> None:
    build_file(load_dataset("0-1-test"), tmp_path / "a.h5", dtype="uint8")
    with h5py.File(tmp_path / "a.h5") as file:
        assert sorted(file) == ["data", "labels"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.npz", {}, r"only HDF5 .* choose one with --split: train, test"),
        ("a.xyz", {}, "has no known format"),
        ("a.h5", {"split": "dev"}, "has no split 'dev'; it has: train, test"),
    ],
)
def test_what_cannot_be_built_leaves_nothing(tmp_path: Path, name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises((UsageError, DatasetError), match=message):
        build_file(load_dataset("mnist"), tmp_path / name, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def on_paper(few_digits: Digits) -> Digits:
    """Dark ink on light, as a scan has it."""
    return Digits(255 - few_digits.images, few_digits.labels)


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a.csv", "a.lmdb", "a-images-idx3-ubyte", "folder"])
def test_dark_ink_on_light_is_inverted_and_said(
    tmp_path: Path, few_digits: Digits, on_paper: Digits, name: str
) -> None:
    path = str(write(tmp_path / name, on_paper))
    with pytest.warns(UserWarning, match=r"is dark ink on light; its images are inverted.*#as-is leaves them"):
        found = find_dataset(path).split("all")
    np.testing.assert_array_equal(found.images, few_digits.images)
    with pytest.warns(UserWarning, match="inverted"), find_dataset(path).open("all") as source:
        assert sum(batch.images.astype(int).sum() for batch in source.batches(3)) == few_digits.images.astype(int).sum()
    np.testing.assert_array_equal(find_dataset(f"{path}#as-is").split("all").images, on_paper.images)


def test_a_file_may_be_inverted_by_its_name(tmp_path: Path, few_digits: Digits, on_paper: Digits) -> None:
    path = write(tmp_path / "a.h5", few_digits)
    data = find_dataset(f"{path}#inverted")
    assert data.about.endswith("a.h5, inverted")
    np.testing.assert_array_equal(data.split("all").images, on_paper.images)
    with data.open("all") as source:
        np.testing.assert_array_equal(source.read(3, 5).images, on_paper.images[3:5])  # type: ignore[attr-defined]
    assert convert(f"{path}#inverted", tmp_path / "b.npz") == 20
    np.testing.assert_array_equal(find_dataset(f"{tmp_path}/b.npz#as-is").split("all").images, on_paper.images)


def test_a_mixture_of_both_is_left_alone_and_said(tmp_path: Path, few_digits: Digits, on_paper: Digits) -> None:
    mixed = Digits(np.concatenate([few_digits.images, on_paper.images]), np.tile(few_digits.labels, 2))
    data = find_dataset(str(write(tmp_path / "a.npz", mixed)))
    with pytest.warns(UserWarning, match=r"20 of the 40 images examined are dark ink on light.*nothing is inverted"):
        np.testing.assert_array_equal(data.split("all").images, mixed.images)
    assert summarise_batches([mixed]).dark_ink == 20


def test_no_named_set_is_taken_for_dark_ink() -> None:
    for name in ("mnist", "digits-8x8", "mnist-c/fog", "mnist-c/brightness", "mnist-c/impulse-noise"):
        images = first_images(load_dataset(name), "test", 500).images
        assert inks_of(images).verdict == "light", name


def test_noise_and_empty_images_have_no_polarity() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    for images in (noise, np.full((5, 28, 28), 255, np.uint8), np.empty((0, 28, 28), np.uint8)):
        assert inks_of(images) == (0, 0, len(images))
