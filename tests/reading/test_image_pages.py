"""TIFF files of several pages: each is a picture of its own, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from digitlab.errors import ImageError
from digitlab.picture_files.pages import file_and_page, file_of, page_names
from digitlab.reading import load_image
from digitlab.reading.images import decode_image

if TYPE_CHECKING:
    from pathlib import Path

_KIND = 254  # the tag NewSubfileType


def save_pages(path: Path, greys: list[int], **options: Any) -> Path:
    """Pages of one grey each, of growing sizes."""
    pages = [Image.fromarray(np.full((20 + number, 30, 3), grey, np.uint8)) for number, grey in enumerate(greys)]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:], **options)
    return path


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
def test_each_page_of_a_tiff_is_a_picture(tmp_path: Path, compression: str | None) -> None:
    path = save_pages(tmp_path / "scan.tif", [10, 90, 200], compression=compression)
    names = page_names(path)
    assert names == [f"{path}#1", f"{path}#2", f"{path}#3"]
    for number, (name, grey) in enumerate(zip(names, [10, 90, 200], strict=True)):
        page = load_image(name)
        assert page.shape == (20 + number, 30, 3)
        assert abs(int(page.mean()) - grey) <= 2


def test_a_tiff_of_several_pages_without_a_number_is_its_first_and_says_so(tmp_path: Path) -> None:
    path = save_pages(tmp_path / "scan.tif", [10, 90])
    with pytest.warns(UserWarning, match=r"has 2 pages; this is the first of them, .*scan\.tif#2 the next"):
        assert load_image(path).max() == 10
    assert decode_image(path.read_bytes()).max() == 10


def test_a_single_page_keeps_its_name_and_has_a_number_too(tmp_path: Path) -> None:
    path = save_pages(tmp_path / "scan.tif", [10])
    assert page_names(path) == [str(path)]
    assert_array_equal(load_image(path), load_image(f"{path}#1"))


def test_smaller_copies_and_masks_are_no_pages(tmp_path: Path) -> None:
    large, small, mask = (
        Image.fromarray(np.full((size, size), grey, np.uint8)) for size, grey in ((40, 7), (20, 8), (40, 9))
    )
    small.encoderinfo, mask.encoderinfo = {"tiffinfo": {_KIND: 1}}, {"tiffinfo": {_KIND: 4}}
    large.save(tmp_path / "a.tif", save_all=True, append_images=[small, mask])
    assert page_names(tmp_path / "a.tif") == [str(tmp_path / "a.tif")]
    assert load_image(tmp_path / "a.tif").max() == 7


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scan.tif#3", "there is no page 3; the file has 2 pages"),
        ("one.png#2", "there is no page 2; the file has one page"),
        ("no.tif#1", "cannot be opened .*No such file"),
    ],
)
def test_pages_that_are_not_there_are_refused(tmp_path: Path, name: str, said: str) -> None:
    save_pages(tmp_path / "scan.tif", [10, 90])
    Image.new("L", (5, 5)).save(tmp_path / "one.png")
    with pytest.raises(ImageError, match=rf"{name}: {said}"):
        load_image(tmp_path / name)


@pytest.mark.parametrize("name", ["https://example.com/a.jpg", "data:image/png;base64,AAAA"])
def test_an_address_is_no_file(name: str) -> None:
    with pytest.raises(ImageError, match="expected a picture file, not an address: download it first"):
        load_image(name)


def test_a_file_s_own_name_goes_before_a_page(tmp_path: Path) -> None:
    path = tmp_path / "a.png#2"
    Image.new("L", (5, 7)).save(path, "PNG")
    assert load_image(path).shape == (7, 5, 3)
    assert file_and_page(path) == (path, None)
    assert file_of(tmp_path / "b.tif#2") == tmp_path / "b.tif"


def directories(content: bytes) -> list[int]:
    """Where the directory of each page says where the next one is."""
    found, link = [], 4
    while place := int.from_bytes(content[link : link + 4], "little"):
        link = place + 2 + 12 * int.from_bytes(content[place : place + 2], "little")
        found.append(link)
    return found


def test_damage_on_a_later_page_is_told_of_that_page(tmp_path: Path) -> None:
    path = save_pages(tmp_path / "scan.tif", [10, 90])
    content = path.read_bytes()
    for cut in (directories(content)[1] + 10, directories(content)[1] - 20):  # in its pixels, and in its directory
        path.write_bytes(content[:cut])
        names = page_names(path)
        assert load_image(f"{path}#1").max() == 10
        for name in names[1:]:
            with pytest.raises(ImageError, match="damaged or truncated"):
                load_image(name)
        assert len(names) == 2


def test_a_chain_of_pages_that_bites_its_tail_ends(tmp_path: Path) -> None:
    path = save_pages(tmp_path / "scan.tif", [10, 90])
    content = bytearray(path.read_bytes())
    last = directories(bytes(content))[1]
    content[last : last + 4] = content[4:8]
    path.write_bytes(content)
    assert len(page_names(path)) == 2
