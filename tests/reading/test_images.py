"""Every picture file becomes an upright array or one clear line."""

from __future__ import annotations

import io
import os
import stat
import struct
import threading
import time
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from digitlab.errors import ImageError, ShapeError
from digitlab.picture_files.kinds import FORMATS
from digitlab.reading.images import MAX_PIXELS, as_rgb, load_image, load_reduced

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOSSLESS = ("png", "bmp", "tiff", "ppm", "jp2")


def gradient(height: int = 20, width: int = 30) -> NDArray[np.uint8]:
    """No two corners alike."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 5, y * 7, (x + y) * 3], axis=2).astype(np.uint8)


@cache
def encoded(format_: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(gradient()).save(stream, format_)
    return stream.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG of 8-bit RGB with any size in its header."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(gradient()).save(tmp_path / f"a.{suffix}")
    loaded = load_image(tmp_path / f"a.{suffix}")
    assert loaded.dtype == np.uint8
    assert_array_equal(loaded, gradient())


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "heic"])
def test_lossy_formats_come_back_nearly(tmp_path: Path, suffix: str) -> None:
    if suffix == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener(thumbnails=False)
    Image.fromarray(gradient()).save(tmp_path / f"a.{suffix}", quality=95)
    assert np.abs(load_image(tmp_path / f"a.{suffix}").astype(int) - gradient()).mean() < 4


def test_plain_and_raw_grey_and_bits(tmp_path: Path) -> None:
    for content, expected in (
        (b"P2 # by hand\n3 1 255\n0 128 255", [0, 128, 255]),
        (b"P5\n3 1\n65535\n\0\0\x80\x80\xff\xff", [0, 128, 255]),
        (b"P1 3 1\n1 0 1", [0, 255, 0]),
        (b"P4\n3 1\n\xa0", [0, 255, 0]),
    ):
        (tmp_path / "a.pgm").write_bytes(content)
        assert load_image(tmp_path / "a.pgm")[0, :, 0].tolist() == expected


def test_a_photo_of_a_telephone_is_upright_and_its_primary_picture(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener(thumbnails=False)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = gradient(64, 96)
    other, primary = Image.new("L", (32, 32)), Image.fromarray(np.rot90(upright).copy())
    options: dict[str, Any] = {"exif": exif.tobytes(), "primary_index": 1, "quality": 95}
    other.save(tmp_path / "a.heic", save_all=True, append_images=[primary], **options)
    read = load_image(tmp_path / "a.heic")
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 5


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("PNG"))
    assert_array_equal(load_image(str(tmp_path / "a.jpg")), gradient())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_all_exif_orientations_are_turned_upright(tmp_path: Path, orientation: int, format_: str) -> None:
    upright = gradient(32, 48)
    inverse = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{format_}"
    Image.fromarray(np.ascontiguousarray(inverse)).save(path, exif=exif.tobytes(), quality=95)
    loaded = load_image(path).astype(int)
    assert loaded.shape == upright.shape
    assert np.abs(loaded - upright).mean() < 5


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_a_senseless_orientation_is_ignored(tmp_path: Path, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    Image.fromarray(gradient()).save(tmp_path / "a.png", exif=exif.tobytes())
    assert_array_equal(load_image(tmp_path / "a.png"), gradient())


def test_a_damaged_exif_block_is_no_reason_to_refuse(tmp_path: Path) -> None:
    Image.fromarray(gradient()).save(tmp_path / "a.png", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert_array_equal(load_image(tmp_path / "a.png"), gradient())


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (10_001, 10_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png(width, height))
    start = time.perf_counter()
    with pytest.raises(ImageError, match="pixels"):
        load_image(tmp_path / "bomb.png")
    assert time.perf_counter() - start < 0.5
    assert width * height > MAX_PIXELS


def test_just_below_the_limit_pixels_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(png(7_000, 7_000))
    with pytest.raises(ImageError, match="truncated"):  # the pixels are missing, which is found when they are decoded
        load_image(tmp_path / "large.png")


@pytest.mark.parametrize(
    ("side", "expected"), [(None, (2000, 1200)), (1200, (2000, 1200)), (900, (1000, 600)), (100, (250, 150))]
)
def test_a_jpeg_is_decoded_no_larger_than_needed(tmp_path: Path, side: int | None, expected: tuple[int, int]) -> None:
    Image.new("RGB", (2000, 1200), (200, 180, 90)).save(tmp_path / "a.jpg")
    pixels, size = load_reduced(tmp_path / "a.jpg", side)
    assert (pixels.shape[1], pixels.shape[0]) == expected
    assert size == (2000, 1200)


def test_the_full_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 400)).save(tmp_path / "a.jpg", exif=exif.tobytes())
    pixels, size = load_reduced(tmp_path / "a.jpg", 300)
    assert (pixels.shape, size) == ((400, 200, 3), (400, 800))


def test_a_jpeg_beyond_the_limit_is_decoded_smaller_and_a_png_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitlab.reading.images.MAX_PIXELS", 100_000)
    for suffix in ("jpg", "png"):
        Image.new("L", (800, 400), 200).save(tmp_path / f"a.{suffix}")
    assert load_image(tmp_path / "a.jpg").shape == (200, 400, 3)
    with pytest.raises(ImageError, match="800 × 400 pixels; at most"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("format_", FORMATS)
def test_cut_off_files_are_refused(tmp_path: Path, format_: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole", format_)
    whole, content = load_image(tmp_path / "whole"), (tmp_path / "whole").read_bytes()
    path, messages = tmp_path / "cut", []
    for end in (*range(1, len(content), 61), *range(len(content) - 40, len(content))):
        path.write_bytes(content[:end])
        try:
            loaded = load_image(path)
        except ImageError as error:
            messages.append(str(error))
        else:  # only what follows the pixels is missing
            assert end > 0.9 * len(content)
            assert_array_equal(loaded, whole)
    assert all(text.startswith(str(path)) and "\n" not in text for text in messages)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello", "is not a picture"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "damaged or truncated"),
        (b"8BPS\0\1", "is a Photoshop file; expected a JPEG"),
        (b"<svg/>", "is an SVG drawing"),
        (b"PK\x03\x04", "is a zip archive; expected [^.]* picture$"),
        (b"PK\x03\x04" + bytes(26) + b"images.npyX", "a file of NumPy arrays; .*`digitlab data convert FILE FOLDER/`"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file; expected a JPEG, .* writes a dataset's images as pictures"),
        (b"\x00\x00\x00\x0cJXL \r\n", "is a JPEG XL"),
        (b"\x00\x00\x00\x18ftypheic", "damaged or truncated"),
        (b"\x00\x00\x00\x18ftypisom", "is a video file"),
        (b"P6 2 2 255 12345678901", "damaged or truncated"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=said):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["webp", "png", "gif"])
def test_of_an_animation_the_first_frame_is_read(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(gradient()), Image.fromarray(255 - gradient())]
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    read = load_image(tmp_path / f"a.{suffix}")
    assert np.abs(read.astype(int) - gradient()).max() <= (60 if suffix == "gif" else 0)  # a GIF has 256 colours


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, said in ((".", "folder"), ("none.png", "No such file"), ("a\0b", "null byte"), ("pipe", "pipe")):
        with pytest.raises(ImageError, match=said):
            load_image(f"{tmp_path}/{name}")
    with pytest.raises(ImageError, match="too long"):
        load_image("x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "a.png").chmod(stat.S_IWUSR)
    with pytest.raises(ImageError, match="Permission denied"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 32768, 65535]], np.uint16), [0, 128, 255]),
        (np.array([[0, 100, 255]], np.uint16), [0, 100, 255]),
        (np.array([[0, 257, 25700]], np.uint16), [0, 1, 100]),
        (np.array([[-5, 0, 65535]], np.int32), [0, 0, 255]),
        (np.array([[0.0, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[np.nan, np.inf, 200.0]], np.float32), [0, 0, 200]),
    ],
)
def test_deep_grey_is_scaled_and_not_clipped(tmp_path: Path, values: NDArray[np.generic], expected: list[int]) -> None:
    Image.fromarray(values).save(tmp_path / "deep.tiff")
    assert load_image(tmp_path / "deep.tiff")[0, :, 0].tolist() == expected


def test_sixteen_bit_png(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 30840, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert load_image(tmp_path / "deep.png")[0].tolist() == [[0] * 3, [120] * 3, [255] * 3]


def strokes(grey: int) -> NDArray[np.uint8]:
    """A stroke on nothing: RGBA whose transparent pixels hold the opposite grey."""
    image = np.full((20, 20, 4), 255 - grey, np.uint8)
    image[:, :, 3] = 0
    image[5:15, 8:11] = (grey, grey, grey, 255)
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize(("grey", "paper"), [(0, 255), (255, 0), (230, 0)])
def test_transparent_pictures_are_laid_where_their_ink_shows(tmp_path: Path, mode: str, grey: int, paper: int) -> None:
    Image.fromarray(strokes(grey)).convert(mode).save(tmp_path / ("a.tiff" if mode != "RGBA" else "a.png"))
    loaded = load_image(tmp_path / ("a.tiff" if mode != "RGBA" else "a.png"))
    assert loaded[10, 9].tolist() == [grey] * 3
    assert loaded[0, 0].tolist() == [paper] * 3


def test_a_light_card_with_dark_ink_and_clear_corners_is_laid_on_white() -> None:
    card = np.full((20, 20, 4), 255, np.uint8)
    card[8:12, 8:12, :3] = 0
    card[:2, :2, 3] = 0
    assert as_rgb(card)[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_colour_models(tmp_path: Path, mode: str) -> None:
    half = Image.fromarray(np.kron([[0, 255]], np.ones((8, 8))).astype(np.uint8)).convert("RGB").convert(mode)
    half.save(tmp_path / "a.tiff")
    loaded = load_image(tmp_path / "a.tiff")
    assert loaded[4, 2].max() < 10
    assert loaded[4, 12].min() > 245


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_arrays_of_all_usual_shapes_are_taken(shape: tuple[int, ...]) -> None:
    assert as_rgb(np.full(shape, 255, np.uint8)).tolist() == np.full((5, 7, 3), 255).tolist()


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 7), np.float32), np.zeros(5, np.uint8), np.zeros((5, 7, 2), np.uint8), np.zeros((0, 7), np.uint8)],
)
def test_other_arrays_are_refused(image: NDArray[np.generic]) -> None:
    with pytest.raises(ShapeError, match="image: expected uint8"):
        as_rgb(image)


@pytest.mark.filterwarnings("ignore:.* has [0-9]+ pages")  # damage may make two of one
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    format_=st.sampled_from(FORMATS),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.integers(0, 10_000),
)
def test_damaged_files_give_an_array_or_an_image_error(
    tmp_path: Path, format_: str, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(encoded(format_))
    for place, value in changes:
        content[place % min(len(content), 300)] = value  # the headers, mostly
    (tmp_path / "a").write_bytes(content[: max(1, cut)])
    try:
        loaded = load_image(tmp_path / "a")
    except ImageError:
        return
    assert loaded.dtype == np.uint8
    assert loaded.ndim == 3


def test_threads_may_load_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    wrong: list[object] = []

    def load() -> None:
        for _ in range(20):
            if not np.array_equal(load_image(tmp_path / "a.png"), gradient()):
                wrong.append("another picture")  # noqa: PERF401

    workers = [threading.Thread(target=load) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
