"""Folders of pictures by class: what is left out with a warning, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from digitlab.datasets.formats import convert, dataset_writer, open_dataset_file, read_all
from digitlab.datasets.formats.pictures import MAX_PHOTO_BYTES
from digitlab.errors import DatasetError


def refused(path, message):
    """Converting it fails so and leaves nothing."""
    with pytest.raises(DatasetError, match=message):
        convert(path, path.parent / "target.npz")
    assert not (path.parent / "target.npz").exists()


@pytest.fixture
def pictures(tmp_path, digits):
    with dataset_writer(f"{tmp_path}/a/") as sink:
        sink.write(digits)
    return tmp_path / "a"


def left_out(path, message):
    """All other images are read; the warning says so of those that are not."""
    with pytest.warns(UserWarning, match=message) as caught:
        read = read_all(open_dataset_file(path))
    assert len([each for each in caught if "left out" in str(each.message)]) == 1
    return read


def test_folder_with_other_folders(pictures):
    (pictures / "3/more").mkdir()
    refused(pictures, "a/3/more is not a file; expected only pictures")
    (pictures / "3/more").rmdir()
    (pictures / "10").mkdir()
    refused(pictures, "a/10: a folder named '10'; expected folders named 0 to 9")


def test_folder_with_a_picture_that_is_no_digit_for_its_size(pictures, digits):
    Image.new("L", (5000, 5000)).save(pictures / "5/other.png")
    read = left_out(pictures, r"left out 1 file .*: \S*a/5/other\.png is a picture of 5000×5000; expected one digit")
    np.testing.assert_array_equal(read.images, digits.images)


def test_folder_with_a_broken_picture_is_read_without_it(pictures, digits):
    first = next(pictures.glob("*/00000000.png"))
    whole = first.read_bytes()
    for content in (b"", whole[:100], b"GIF89a" + whole, whole.replace(b"IDAT", b"IDOT")):
        first.write_bytes(content)
        read = left_out(
            pictures,
            r"a: left out 1 file that is not a readable picture of one digit: "
            r"\S*a/\d/00000000\.png is not a readable PNG, JPEG, BMP or PGM picture",
        )
        np.testing.assert_array_equal(read.images, digits.images[1:])
        np.testing.assert_array_equal(read.labels, digits.labels[1:])
    first.write_bytes(whole + bytes(MAX_PHOTO_BYTES))
    assert len(left_out(pictures, r"00000000\.png has more than 33,554,432 bytes")) == len(digits) - 1


def test_folder_with_several_broken_pictures_names_and_counts_them(pictures, digits):
    (pictures / "3/notes.txt").write_text("not a picture")
    broken = sorted(pictures.glob("*/*.png"), key=lambda path: path.name)[1:3]
    for path in broken:
        path.write_bytes(b"")
    names = ", ".join(str(path.relative_to(pictures)) for path in broken)
    message = rf"left out 3 files that are not a readable picture of one digit \({names}, 3/notes\.txt\): \S*00000001"
    read = left_out(pictures, message)
    np.testing.assert_array_equal(read.images, np.delete(digits.images, [1, 2], axis=0))
    with pytest.warns(UserWarning, match="left out 3 files"):
        assert convert(pictures, pictures.parent / "b.npz") == len(digits) - 2
    with pytest.warns(UserWarning, match="left out") as caught:  # in small batches: as soon as one is met, and all
        assert sum(map(len, open_dataset_file(pictures).batches(2))) == len(digits) - 2
    assert ["left out 3 files" in str(each.message) for each in caught] == [False, True]


def test_folder_with_broken_pictures_only(pictures, digits):
    for path in pictures.glob("*/*.png"):
        path.write_bytes(b"broken")
    refused(pictures, f"{len(digits)} files in its class folders, and no readable picture; .* is not a readable PNG")
