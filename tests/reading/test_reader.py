"""The reader as a whole, on pictures made by code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from digitlab.datasets import load_dataset
from digitlab.errors import ImageError, ModelError, ShapeError, UsageError
from digitlab.reading import Reader, digit_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.values import Digits

    Write = Callable[..., NDArray[np.uint8]]


def right(reader: Reader, pictures: list[NDArray[np.uint8]], digits: Digits) -> int:
    answers = [reader.classify(picture).digit for picture in pictures]
    return sum(answer == label for answer, label in zip(answers, digits.labels, strict=True))


def test_mnist_as_it_is_and_as_black_on_white(reader: Reader, sure_digits: Digits) -> None:
    assert right(reader, list(sure_digits.images), sure_digits) >= 19
    assert right(reader, [255 - image for image in sure_digits.images], sure_digits) >= 19


def test_polarity_does_not_matter(reader: Reader, sure_digits: Digits, write: Write) -> None:
    for image in sure_digits.images:
        picture = write([(image, 60, 30, 150)], size=(220, 300), noise=2, shade=0.2)
        assert reader.classify(picture).digit == reader.classify(255 - picture).digit


@pytest.mark.parametrize(("x", "y", "side"), [(2, 2, 90), (205, 120, 90), (20, 5, 200), (130, 90, 50)])
def test_place_and_size_do_not_matter(
    reader: Reader, sure_digits: Digits, write: Write, x: int, y: int, side: int
) -> None:
    pictures = [write([(image, x, y, side)], size=(220, 300), noise=2) for image in sure_digits.images]
    assert right(reader, pictures, sure_digits) >= 17


def test_a_large_photo_with_a_shadow_and_a_red_pen(reader: Reader, sure_digits: Digits, write: Write) -> None:
    pictures = [
        write([(image, 300, 150, 800)], size=(1200, 1600), ink=(200, 50, 60), shade=0.5, noise=5)
        for image in sure_digits.images[::4]
    ]
    assert right(reader, pictures, sure_digits[::4]) >= 4


def test_blank_paper_has_no_digit(reader: Reader, write: Write) -> None:
    for noise in (0, 3):
        prediction = reader.classify(write([], noise=noise))
        assert prediction.digit is None
        assert prediction.confidence == 0.0
        assert prediction.probabilities == (0.0,) * 10
        reading = reader.read(write([], noise=noise))
        assert reading.digits == ()
        assert reading.text == ""


def test_below_the_threshold_the_answer_is_declined_but_told(sure_digits: Digits) -> None:
    image = (sure_digits.images[6] // 2 + sure_digits.images[10] // 2).astype(np.uint8)
    prediction = Reader(threshold=1.0, threads=1).classify(image)
    assert prediction.digit is None
    assert 0.0 < prediction.confidence < 1.0
    assert sum(prediction.probabilities) == pytest.approx(1.0, abs=1e-5)


def test_the_digit_alone_is_what_the_network_gets(reader: Reader, sure_digits: Digits, write: Write) -> None:
    page = write([(sure_digits.images[8], 200, 150, 280)])
    found = digit_image(page)
    assert found is not None
    assert (found.shape, found.dtype, found.max()) == ((28, 28), np.uint8, 255)
    assert int(reader.classifier.probabilities(found[None])[0].argmax()) == reader.classify(page).digit
    assert digit_image(np.full((300, 200, 3), 230, np.uint8)) is None


def test_files_and_arrays_give_the_same(reader: Reader, sure_digits: Digits, write: Write, tmp_path: Path) -> None:
    picture = write([(sure_digits.images[8], 60, 30, 150)], size=(220, 300))
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert reader.classify(tmp_path / "a.png") == reader.classify(picture) == reader.classify(str(tmp_path / "a.png"))
    assert reader.read(tmp_path / "a.png").digits == reader.read(picture).digits


def page(digits: Digits, write: Write, factor: int = 1, **effects: float) -> tuple[NDArray[np.uint8], list[list[int]]]:
    """Twenty digits in four lines of five that slope a little, and where they were written, line by line."""
    places = [
        [int(v) * factor for v in (60 + 130 * (n % 5) + 9 * (n // 5), 20 + 140 * (n // 5) + 4 * (n % 5), 84)]
        for n in range(20)
    ]
    written = [(image, *place) for image, place in zip(digits.images, places, strict=True)]
    return write(written, size=(600 * factor, 800 * factor), **effects), places


@pytest.mark.parametrize("inverted", [False, True])
def test_a_page_is_read_in_order(reader: Reader, sure_digits: Digits, write: Write, inverted: bool) -> None:
    picture, _ = page(sure_digits, write, noise=2, shade=0.3)
    reading = reader.read(255 - picture if inverted else picture)
    assert len(reading.digits) == 20
    assert [found.line for found in reading.digits] == [row for row in range(4) for _ in range(5)]
    answers = [found.digit for found in reading.digits]
    assert sum(answer == label for answer, label in zip(answers, sure_digits.labels, strict=True)) >= 18
    assert reading.milliseconds > 0


@pytest.mark.parametrize("factor", [1, 3])
def test_boxes_are_in_pixels_of_the_full_picture(
    reader: Reader, sure_digits: Digits, write: Write, factor: int
) -> None:
    picture, places = page(sure_digits, write, factor)
    for found, (x, y, side), image in zip(reader.read(picture).digits, places, sure_digits.images, strict=True):
        rows, columns = np.flatnonzero(image.max(axis=1) > 127), np.flatnonzero(image.max(axis=0) > 127)
        pixel = side / 28
        tight = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        expected = np.array([x, y, x, y]) + np.array(tight) * pixel
        assert np.abs(np.array(found.box) - expected).max() <= 1.5 * pixel


def test_boxes_are_those_of_the_upright_picture(
    reader: Reader, sure_digits: Digits, write: Write, tmp_path: Path
) -> None:
    picture, _ = page(sure_digits, write)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(picture))).save(tmp_path / "a.png", exif=exif.tobytes())
    assert reader.read(tmp_path / "a.png").digits == reader.read(picture).digits


def test_specks_and_ruled_lines_are_not_read(reader: Reader, sure_digits: Digits, write: Write) -> None:
    picture, _ = page(sure_digits, write)
    for y in (134, 274, 414):
        cv2.line(picture, (0, y), (799, y), (90, 120, 170), 2)
    for y in range(10, 600, 20):
        cv2.circle(picture, (730 + 7 * y % 60, y), 2, (60, 60, 60), -1)
    assert len(reader.read(picture).digits) == 20


def test_an_upright_one_is_no_ruled_line(reader: Reader, sure_digits: Digits, write: Write) -> None:
    picture = write([(sure_digits.images[4], 80, 60, 300)], size=(400, 800))
    cv2.line(picture, (500, 90), (495, 310), (40, 46, 88), 18)
    assert [found.line for found in reader.read(picture).digits] == [0, 0]


def test_the_parts_of_a_broken_digit_are_one(reader: Reader, sure_digits: Digits, write: Write) -> None:
    five = sure_digits.images[10].copy()
    five[9:10] = 0
    found = reader.read(write([(five, 50, 50, 112), (sure_digits.images[2], 200, 50, 112)], size=(220, 400)))
    assert len(found.digits) == 2


def test_digits_that_touch_are_mostly_cut(reader: Reader, write: Write) -> None:
    test = load_dataset("mnist").split("test")
    right = 0
    for one, two in np.random.default_rng(0).integers(0, len(test), (30, 2)):
        end = np.flatnonzero(test.images[one].max(axis=0) > 127)[-1] + 1
        start = np.flatnonzero(test.images[two].max(axis=0) > 127)[0]
        step = round((end - start) * 100 / 28)  # the second begins where the first ends
        picture = write([(test.images[one], 50, 50, 100), (test.images[two], 50 + step, 50, 100)], size=(200, 400))
        right += reader.read(picture).text == f"{test.labels[one]}{test.labels[two]}"
    assert right >= 18  # 79 of 100 when this was written


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])))
    | arrays.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 300)))
)
def test_any_array_gets_an_answer(reader: Reader, image: NDArray[np.uint8]) -> None:
    assert 0.0 <= reader.classify(image).confidence <= 1.0 + 1e-5
    for found in reader.read(image).digits:
        x0, y0, x1, y1 = found.box
        assert 0 <= x0 < x1 <= image.shape[1]
        assert 0 <= y0 < y1 <= image.shape[0]


def test_noise_takes_no_forever(reader: Reader) -> None:
    salt = (np.random.default_rng(0).random((1000, 1000)) < 0.1) * np.uint8(255)
    assert reader.read(salt).milliseconds < 20_000


def test_wrong_use_is_refused(reader: Reader, tmp_path: Path) -> None:
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="expected 0 to 1"):
            Reader(threshold=threshold)
    with pytest.raises(UsageError, match="threads"):
        Reader(threads=-1)
    with pytest.raises(ModelError):
        Reader("no-such-model")
    with pytest.raises(ImageError):
        reader.classify(tmp_path / "none.png")
    with pytest.raises(ShapeError):
        reader.read(np.full((5, 5), 300.0))  # floats are 0 to 1


def test_threads_may_share_one_reader(reader: Reader, sure_digits: Digits, write: Write) -> None:
    picture, _ = page(sure_digits, write)
    expected = reader.read(picture).text
    texts: list[str] = []
    workers = [threading.Thread(target=lambda: texts.append(reader.read(picture).text)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert texts == [expected] * 6
