from __future__ import annotations

import os
from pathlib import Path

import pytest

from digitlab.archives import Picture, find_pictures
from digitlab.errors import ImageError, UsageError


def test_a_folder_means_all_pictures_below_it_sorted(scans: Path) -> None:
    found = [Path(each.path).relative_to(scans).as_posix() for each in find_pictures([scans])]
    assert found == ["a.jpg", "b.png", "bad.png", "d.png", "sub/c.png"]


def test_each_picture_counts_once_and_files_stay_in_their_order(scans: Path) -> None:
    found = find_pictures([scans / "d.png", scans, Path("missing.png")])
    assert [Path(each.path).name for each in found] == ["d.png", "a.jpg", "b.png", "bad.png", "c.png", "missing.png"]


def test_drawings_never_overwrite_each_other_and_are_not_read(scans: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two, one / "drawn"):
        folder.mkdir()
        for name in ("x.png", "x.jpg"):
            (folder / name).write_bytes((scans / "b.png").read_bytes())
    found = find_pictures([one, two], draw=one / "drawn")
    names = [Path(str(each.drawing)).name for each in found]
    assert sorted(names) == ["x-2.png", "x-3.png", "x-4.png", "x.png"]
    assert not any("drawn" in each.path for each in found)


def test_one_picture_may_be_drawn_to_a_file(scans: Path, tmp_path: Path) -> None:
    (found,) = find_pictures([scans / "b.png"], draw=tmp_path / "boxes.PNG")
    assert found.drawing == str(tmp_path / "boxes.PNG")
    with pytest.raises(UsageError, match="do not fit into one file; expected a folder"):
        find_pictures([scans], draw=tmp_path / "boxes.png")
    with pytest.raises(UsageError, match=r"expected a name ending in \.png"):
        find_pictures([scans / "b.png"], draw=tmp_path / "boxes.jpg")
    with pytest.raises(UsageError, match="is the picture that is read"):
        find_pictures([scans / "b.png"], draw=scans / "sub" / ".." / "b.png")


def test_no_picture_is_drawn_over(scans: Path) -> None:
    found = find_pictures([scans / "b.png", scans / "a.jpg"], draw=scans)
    assert [Path(str(each.drawing)).name for each in found] == ["b-2.png", "a.png"]


def test_hidden_files_are_passed_by_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "a.png").touch()
    (tmp_path / ".b.png").touch()
    with pytest.raises(ImageError, match="holds no pictures"):
        find_pictures([tmp_path])


def test_names_that_are_no_utf8_can_be_written_down(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    odd.touch()
    (found,) = find_pictures([tmp_path])
    assert found.path == str(odd)
    assert found.name.endswith(r"\xff.png")
    assert Picture("a.png").name == "a.png"
