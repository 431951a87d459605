from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from digitlab.archives import Picture, find_pictures
from digitlab.archives.job import stamp_of
from digitlab.errors import ImageError, UsageError
from digitlab.picture_files.pages import page_names


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
    with pytest.raises(UsageError, match="cannot take the drawings of 5 pictures; expected a folder"):
        find_pictures([scans], draw=tmp_path / "boxes.png")
    with pytest.raises(UsageError, match=r"expected a name ending in \.png"):
        find_pictures([scans / "b.png"], draw=tmp_path / "boxes.jpg")
    with pytest.raises(UsageError, match="would overwrite the picture that is read"):
        find_pictures([scans / "b.png"], draw=scans / "sub" / ".." / "b.png")


def test_no_picture_is_drawn_over(scans: Path) -> None:
    found = find_pictures([scans / "b.png", scans / "a.jpg"], draw=scans)
    assert [Path(str(each.drawing)).name for each in found] == ["b-2.png", "a.png"]
    with pytest.raises(UsageError, match="would read the drawings as pictures; choose another folder"):
        find_pictures([scans / "b.png", scans], draw=scans / "sub" / "..")


def test_no_file_of_several_pages_is_drawn_over_whatever_it_is_called(tmp_path: Path) -> None:
    page = Image.new("L", (40, 30), 255)
    page.save(tmp_path / "scan.png", "TIFF", save_all=True, append_images=[page])
    found = find_pictures([tmp_path / "scan.png"], draw=tmp_path)
    assert [Path(str(each.drawing)).name for each in found] == ["scan-2.png", "scan-3.png"]


def test_a_link_to_itself_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "b.png").symlink_to("b.png")
    assert [Path(each.path).name for each in find_pictures([tmp_path])] == ["a.png", "b.png"]
    both = find_pictures([tmp_path / "a.png", tmp_path / "b.png"], draw=tmp_path)  # the drawings' names are free ones
    assert [Path(each.path).name for each in both] == ["a.png", "b.png"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert [Path(each.path).name for each in find_pictures([tmp_path])] == ["a.jpg"]


def test_hidden_files_are_passed_by_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "a.png").touch()
    (tmp_path / ".b.png").touch()
    with pytest.raises(ImageError, match="contains no pictures"):
        find_pictures([tmp_path])


def test_names_that_are_no_utf8_can_be_written_down(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    odd.touch()
    (found,) = find_pictures([tmp_path])
    assert found.path == str(odd)
    assert found.name.endswith(r"\xff.png")
    assert Picture("a.png").name == "a.png"


def test_what_is_no_picture_by_its_name_is_counted_and_named(scans: Path, tmp_path: Path) -> None:
    said: list[str] = []
    find_pictures([scans], on_note=said.append)
    assert said == ["ignored: 1 file whose name does not end as those of pictures do (notes.txt)"]
    folder = tmp_path / "many"
    (folder / ".hidden").mkdir(parents=True)
    for name in [
        *(f"{number}.mp4" for number in range(1200)),
        "a.png",
        "b.docx",
        ".DS_Store",
        ".hidden/c.docx",
        "ours.csv",
    ]:
        (folder / name).touch()
    (folder / "elsewhere").symlink_to(scans)
    said.clear()
    found = find_pictures([folder], leave_out=[folder / "ours.csv"], on_note=said.append)
    assert [Path(each.path).name for each in found] == ["a.png"]
    assert len(said) == 1
    assert said[0].startswith("ignored: 1,202 files ")
    assert said[0].endswith("(1,200 .mp4, 1 .docx, 1 without ending)")


def test_each_page_of_a_tiff_is_a_picture(tmp_path: Path) -> None:
    page = Image.new("L", (40, 30), 255)
    page.save(tmp_path / "scan.tif", save_all=True, append_images=[page, page])
    page.save(tmp_path / "one.tif")
    names = [Path(each.path).name for each in find_pictures([tmp_path])]
    assert names == ["one.tif", "scan.tif#1", "scan.tif#2", "scan.tif#3"]
    (only,) = find_pictures([tmp_path / "scan.tif#2"])
    assert Path(only.path).name == "scan.tif#2"
    drawn = [Path(str(each.drawing)).name for each in find_pictures([tmp_path], draw=tmp_path / "boxes")]
    assert drawn == ["one.png", "scan.png", "scan-2.png", "scan-3.png"]
    assert {stamp_of(each.path) for each in find_pictures([tmp_path / "scan.tif"])} == {
        stamp_of(f"{tmp_path}/scan.tif")
    }


def test_the_pages_of_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    keeps_it_open = os.open(tmp_path / "a.tif", os.O_RDWR)  # so that the test fails rather than hangs
    os.write(keeps_it_open, b"II*\0" + bytes(4096))
    try:
        assert page_names(tmp_path / "a.tif") == [str(tmp_path / "a.tif")]
        assert len(os.read(keeps_it_open, 8192)) == 4100
    finally:
        os.close(keeps_it_open)
