import numpy as np
import pytest
from PIL import Image

from digitlab.camera import ImageFolder
from digitlab.errors import SourceError
from digitlab.reading.images import load_image


def levels(folder):
    with ImageFolder(folder, realtime=False) as source:
        return [int(frame.image[0, 0, 0]) // 8 for frame in iter(source.read, None)]


def test_pictures_come_in_the_order_of_their_numbers(write_pictures):
    assert levels(write_pictures("f10.png", "f9.png", "f1.png", "f2.png")) == [2, 3, 1, 0]


def test_names_of_all_kinds_can_be_sorted(write_pictures):
    assert len(levels(write_pictures("1.png", "a.png", "01.png", "b2c3.png", "2b.bmp", "Ä.jpg", "5²6.png"))) == 7


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


def pictures_beyond_8_bits():
    bright, dark = np.full((40, 40), 60_000, np.uint16), np.zeros((40, 40, 4), np.uint8)
    bright[10:30, 18:22] = 3_000
    dark[10:30, 18:22, 3] = 255
    light = dark.copy()
    light[10:30, 18:22, :3] = 250
    grey = np.where(bright > 10_000, 0.9, 0.05).astype(np.float32)
    return {"16 bits.png": bright, "float.tiff": grey, "ink.png": dark, "chalk.png": light, "grey.png": dark[..., 2:]}


@pytest.mark.parametrize("name", pictures_beyond_8_bits())
def test_ink_stays_visible_whatever_the_kind_of_picture(tmp_path, name):
    """16 bits, floating point, transparency: the frame is what `digitlab read` makes of the file."""
    Image.fromarray(pictures_beyond_8_bits()[name]).save(tmp_path / name)
    with ImageFolder(tmp_path, realtime=False) as source:
        image = source.read().image
    assert abs(int(image[20, 20, 0]) - int(image[0, 0, 0])) > 200
    np.testing.assert_array_equal(image, load_image(tmp_path / name))


def test_the_whole_pbm_family_is_played(tmp_path):
    Image.new("1", (64, 48), 0).save(tmp_path / "1.pbm")
    assert levels(tmp_path) == [0]


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


def test_every_page_of_a_tiff_is_played_in_order(tmp_path):
    pages = [Image.new("L", (64, 48), 8 * number) for number in (1, 2, 3)]
    pages[0].save(tmp_path / "2.tif", save_all=True, append_images=pages[1:])
    for number, name in ((0, "1.png"), (4, "10.tiff")):
        Image.new("RGB", (64, 48), (8 * number,) * 3).save(tmp_path / name)
    assert levels(tmp_path) == [0, 1, 2, 3, 4]


def test_previews_and_masks_in_a_tiff_are_no_pages(tmp_path):
    pages = [Image.new("L", (64, 48), 8), Image.new("L", (32, 24), 16), Image.new("L", (64, 48), 24)]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}  # NewSubfileType: a smaller copy of a page
    pages[0].save(tmp_path / "1.tif", save_all=True, append_images=pages[1:])
    assert levels(tmp_path) == [1, 3]


def test_a_page_that_is_cut_off_is_named_after_those_before_it(tmp_path):
    pages = [Image.effect_noise((64, 48), 50).convert("L") for _ in range(3)]
    pages[0].save(tmp_path / "1.tif", save_all=True, append_images=pages[1:])
    whole = (tmp_path / "1.tif").read_bytes()
    (tmp_path / "1.tif").write_bytes(whole[: 2 * len(whole) // 3])
    with ImageFolder(tmp_path, realtime=False) as source:
        assert source.read().number == 0
        with pytest.raises(SourceError, match=r"1\.tif: not a picture"):
            list(iter(source.read, None))
