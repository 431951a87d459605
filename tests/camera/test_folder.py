import pytest
from PIL import Image

from digitlab.camera import ImageFolder
from digitlab.errors import SourceError


def levels(folder):
    with ImageFolder(folder, realtime=False) as source:
        return [int(frame.image[0, 0, 0]) // 8 for frame in iter(source.read, None)]


def test_pictures_come_in_the_order_of_their_numbers(write_pictures):
    assert levels(write_pictures("f10.png", "f9.png", "f1.png", "f2.png")) == [2, 3, 1, 0]


def test_names_of_all_kinds_can_be_sorted(write_pictures):
    assert len(levels(write_pictures("1.png", "a.png", "01.png", "b2c3.png", "2b.bmp", "Ä.jpg"))) == 6


def test_what_is_no_picture_is_left_out(write_pictures):
    folder = write_pictures("1.png", ".2.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "more.png").mkdir()
    assert levels(folder) == [0]


def test_a_picture_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "1.jpg", exif=exif)
    with ImageFolder(tmp_path, realtime=False) as source:
        assert source.read().image.shape == (64, 48, 3)


def test_a_grey_picture_becomes_rgb(tmp_path):
    Image.new("L", (8, 4), 7).save(tmp_path / "1.png")
    with ImageFolder(tmp_path, realtime=False) as source:
        assert source.read().image.tolist() == [[[7, 7, 7]] * 8] * 4


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="no pictures"), ImageFolder(tmp_path):
        pass


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="nowhere"), ImageFolder(tmp_path / "nowhere"):
        pass


def test_a_damaged_picture_is_named(write_pictures):
    folder = write_pictures("1.png", "2.png")
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:60])
    with ImageFolder(folder, realtime=False) as source:
        assert source.read().number == 0
        with pytest.raises(SourceError, match=r"2\.png: not a picture"):
            source.read()
