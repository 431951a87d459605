"""What a picture may be in Python, and the sentence for what it may not be."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from digitlab.errors import ImageError, ShapeError, UsageError
from digitlab.reading import load_image
from digitlab.reading.picture_like import is_one_picture, rgb_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Digits

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 51
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


class OnlyArray:
    """A tensor of a library that knows NumPy's protocol."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __array__(self, dtype: object = None, copy: bool | None = None) -> NDArray[Any]:
        return self.array


class OnlyDLPack:
    """A tensor of a library that knows DLPack."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> object:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class OnGpu:
    """What torch answers for a tensor on a GPU."""

    def __array__(self, dtype: object = None, copy: bool | None = None) -> NDArray[Any]:
        raise TypeError("can't convert cuda:0 device type tensor to numpy\nUse Tensor.cpu()")


@pytest.mark.parametrize(
    "given",
    [
        RGB,
        RGB / 255,
        (RGB / 255).astype(np.float32),
        OnlyArray(RGB),
        OnlyArray(RGB / 255),
        OnlyDLPack(RGB.copy()),
        Image.fromarray(RGB),
    ],
)
def test_the_same_picture_in_every_dress(given: Any) -> None:
    pixels, size = rgb_of(given)
    assert pixels.dtype == np.uint8
    assert_array_equal(pixels, RGB)
    assert size == (3, 2)


def test_grey_and_yes_or_no_become_grey() -> None:
    for given in (GREY, GREY[:, :, None], GREY / 255):
        assert_array_equal(rgb_of(given)[0], np.repeat(GREY[:, :, None], 3, axis=2))
    assert rgb_of(GREY > 100)[0][:, :, 0].tolist() == [[0, 0, 255], [255, 255, 255]]


def test_a_file_as_path_bytes_and_file_object(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path)
    content = path.read_bytes()
    with path.open("rb") as file:
        for given in (path, str(path), content, bytearray(content), memoryview(content), file, io.BytesIO(content)):
            assert_array_equal(rgb_of(given)[0], RGB)


def test_a_picture_of_pillow_is_turned_upright_as_its_file_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as picture:
        assert_array_equal(rgb_of(picture)[0], load_image(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (RGB.astype(float), r"0 to 1: image / 255, received float64 \(2, 3, 3\) from 0 to 255"),
        (RGB / 127.5 - 1, r"0 to 1: \(image \+ 1\) / 2, received .* from -1 to 1"),
        (RGB * 1e6, r"0 to 1: image / image.max\(\)"),
        (RGB * -3.0, r"0 to 1: \(image - image.min\(\)\)"),
        (RGB * np.nan, r"finite numbers: np.nan_to_num\(image\)"),
        (RGB.astype(int), r'image.astype\("uint8"\), received int64 \(2, 3, 3\) from 0 to 255'),
        (RGB.astype(np.uint16) * 257, r"image / 65535, received uint16"),
        (np.zeros((3, 28, 28), np.uint8), r"channels last: image.transpose\(1, 2, 0\)"),
        (np.zeros((1, 28, 28), np.uint8), r"one picture: image\[0\], received uint8 \(1, 28, 28\)"),
        (np.zeros((9, 28, 28), np.uint8), r"one picture: image\[0\], or reader.read_many\(images\)"),
        (RGB[None], r"one picture: image\[0\], or reader.read_many\(images\)"),
        (RGB[:, :, :2], r"\(H, W\), \(H, W, 1\), .*received uint8 \(2, 3, 2\)"),
        (RGB[:0], r"received uint8 \(0, 3, 3\)"),
        (RGB.ravel(), r"received uint8 \(18,\)"),
        (RGB.astype(object), "uint8, bool or floating numbers, received object"),
        (RGB.astype(complex), "received complex128"),
        ([RGB], r"received list; several pictures are read by reader.read_many\(pictures\)"),
        (None, "a path, .* received NoneType"),
        (7, "received int"),
        (io.StringIO("text"), r"opened in binary mode: open\(path, 'rb'\), received one of str"),
        (OnGpu(), r"image.detach\(\).cpu\(\).numpy\(\) with torch, received .*OnGpu, .*cuda:0"),
    ],
)
def test_what_could_be_meant_otherwise_is_refused_with_the_line_to_type(given: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said) as refused:
        rgb_of(given)
    assert "\n" not in str(refused.value)


def test_the_lines_to_type_are_taken() -> None:
    image = RGB.astype(float)
    assert_array_equal(rgb_of(image / 255)[0], RGB)
    image = RGB / 127.5 - 1
    assert_array_equal(rgb_of((image + 1) / 2)[0], RGB)
    assert_array_equal(rgb_of(RGB.transpose(2, 0, 1).transpose(1, 2, 0))[0], RGB)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for given, said in (
        (b"", "the bytes: is empty"),
        (b"hello", "the bytes: is not a picture"),
        (io.BytesIO(), "empty"),
    ):
        with pytest.raises(ImageError, match=said):
            rgb_of(given)
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ImageError, match="cannot be read"):
        rgb_of(closed)


@pytest.fixture
def pages(sure_digits: Digits, write: Callable[..., NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [write([(sure_digits.images[2 * digit], 60, 60, 90)], size=(220, 220)) for digit in (1, 4, 7)]


def test_many_pictures_come_back_in_order_and_errors_in_their_places(
    reader: Reader, pages: list[NDArray[np.uint8]]
) -> None:
    given: list[Any] = [pages[0], "no such.png", pages[1] / 255, pages[2]]
    found = list(reader.read_many(iter(given), threads=2))
    assert isinstance(found[1], ImageError)
    assert [getattr(each, "text", None) for each in found] == ["1", None, "4", "7"]
    assert [getattr(each, "text", None) for each in reader.read_many(np.array(pages), count=1)] == ["1", "4", "7"]


def test_an_iterator_is_asked_a_few_pictures_ahead_only(reader: Reader, pages: list[NDArray[np.uint8]]) -> None:
    asked = itertools.count()

    def endless() -> Iterator[NDArray[np.uint8]]:
        for _ in asked:
            yield pages[0]

    answers: Any = reader.read_many(endless(), threads=1)
    assert [next(answers) for _ in range(3)]
    answers.close()
    assert next(asked) <= 6


@pytest.mark.parametrize("given", ["a.png", b"abc", GREY, RGB, io.BytesIO(), Image.fromarray(RGB), 3])
def test_one_picture_instead_of_many_is_refused_at_once(reader: Reader, given: Any) -> None:
    with pytest.raises(ShapeError, match=r"pictures: expected a list, .* read by reader.read\(picture\)"):
        reader.read_many(given)


def test_a_negative_number_of_threads_is_refused(reader: Reader) -> None:
    with pytest.raises(UsageError, match="threads is -1"):
        reader.read_many([], threads=-1)
    assert list(reader.read_many([])) == []
    assert not is_one_picture([])
