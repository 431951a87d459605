"""From picture to ink to 28×28."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from digitlab.reading.glyph import normalise
from digitlab.reading.ink import INK, halved_to, ink_map, ink_strength, is_light_ink, shrink

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.values import Digits

    Write = Callable[..., NDArray[np.uint8]]


def bar(height: int = 60, width: int = 10, soft: float = 0.0) -> NDArray[np.float32]:
    image = np.ones((height, width), np.float32)
    return cv2.GaussianBlur(image, (0, 0), soft) if soft else image  # type: ignore[return-value]


@pytest.mark.parametrize("shade", [0.0, 0.6])
@pytest.mark.parametrize("ink", [(30, 30, 30), (200, 30, 40), (90, 110, 200), (150, 148, 140)])
def test_ink_is_where_it_was_written(
    sure_digits: Digits, write: Write, ink: tuple[int, int, int], shade: float
) -> None:
    picture = write([(sure_digits.images[6], 100, 40, 140)], size=(220, 300), ink=ink, shade=shade, noise=3)
    found = ink_map(picture, 80)
    assert found is not None
    written = cv2.resize(sure_digits.images[6], (140, 140), interpolation=cv2.INTER_CUBIC)
    expected = np.zeros((220, 300), bool)
    expected[40:180, 100:240] = written > 127
    both = (found >= INK) & expected
    assert both.sum() > 0.75 * ((found >= INK) | expected).sum()


def test_polarity_of_digits_small_large_bold_and_tight(sure_digits: Digits) -> None:
    wrong = 0
    for image in sure_digits.images:
        rows, columns = np.flatnonzero(image.max(axis=1)), np.flatnonzero(image.max(axis=0))
        tight = np.ascontiguousarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        bold = cv2.dilate(image, np.ones((3, 3), np.uint8))
        large = cv2.resize(image, (300, 300), interpolation=cv2.INTER_CUBIC)
        for picture in (image, tight, bold, large, cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA)):
            wrong += (not is_light_ink(picture)) + is_light_ink(255 - picture)  # type: ignore[arg-type]
    assert wrong <= 2  # of 200


@pytest.mark.parametrize("noise", [0, 2, 5])
@pytest.mark.parametrize("shade", [0.0, 0.3])
def test_blank_paper_has_no_ink(write: Write, noise: float, shade: float) -> None:
    assert ink_map(write([], size=(200, 250), noise=noise, shade=shade), 80) is None


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))), st.integers(1, 30))
def test_any_picture_gives_a_map_from_0_to_1_or_none(picture: NDArray[np.uint8], window: int) -> None:
    found = ink_map(picture, window)
    if found is not None:
        assert found.shape == picture.shape[:2]
        assert found.dtype == np.float32
        assert 0.0 <= found.min() <= found.max() <= 1.0


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.floats(0, 1, width=32)))
def test_any_ink_becomes_28_by_28(ink: NDArray[np.float32]) -> None:
    assert normalise(ink).shape == (28, 28)
    assert normalise(ink).dtype == np.uint8


def test_a_hairline_of_two_columns_comes_to_the_middle() -> None:
    """OpenCV takes two columns of floats for a list of points."""
    for shape in ((20, 2), (2, 20)):
        placed = normalise(np.ones(shape, np.float32))
        ys, xs = np.nonzero(placed)
        assert abs(ys.mean() - 13.5) <= 1
        assert abs(xs.mean() - 13.5) <= 1


def test_mnist_images_are_nearly_left_alone(sure_digits: Digits) -> None:
    changes = []
    for image in sure_digits.images:
        rows, columns = np.flatnonzero(image.max(axis=1)), np.flatnonzero(image.max(axis=0))
        ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255
        changes.append(np.abs(normalise(ink).astype(int) - image).mean())
    assert np.median(changes) < 8  # of 255; those whose centre rounds to the next pixel have up to 20


def test_longest_side_brightness_and_middle() -> None:
    made = normalise(bar(60, 30))
    rows, columns = np.flatnonzero(made.max(axis=1)), np.flatnonzero(made.max(axis=0))
    assert len(rows) == 20
    assert made.max() == 255
    assert abs(rows.mean() - 14) <= 0.5
    assert abs(columns.mean() - 14) <= 0.5


@pytest.mark.parametrize("scale", [2, 5])
def test_size_does_not_matter(sure_digits: Digits, scale: int) -> None:
    differences = []
    for image in sure_digits.images:
        ink = image[4:24, 4:24].astype(np.float32) / 255
        larger = np.kron(ink, np.ones((scale, scale), np.float32))
        differences.append(np.abs(normalise(larger).astype(int) - normalise(ink)).mean())
    assert np.mean(differences) < 8


def test_hairlines_are_thickened_and_bold_strokes_thinned() -> None:
    hair = np.zeros((200, 100), np.float32)
    hair[:, 50:52] = hair[10:12] = 1
    assert normalise(hair)[14].astype(int).sum() > 255  # without it 51
    bold = np.zeros((100, 100), np.float32)
    bold[:, :40] = bold[60:] = 1
    assert (normalise(bold) > 127).sum() < 240  # without it 256


def test_an_empty_crop_is_black() -> None:
    assert_array_equal(normalise(np.zeros((5, 3), np.float32)), 0)


def test_grey_and_the_same_in_colour_are_one_picture(sure_digits: Digits) -> None:
    for image in sure_digits.images[:8]:
        grey = cv2.resize(255 - image, (70, 70), interpolation=cv2.INTER_CUBIC)
        assert_array_equal(ink_map(grey, 24), ink_map(np.repeat(grey[:, :, None], 3, axis=2), 24))


def test_on_clean_ground_all_that_is_written_lies_on_one_side() -> None:
    drawn = np.full((40, 40), 90, np.uint8)
    assert not is_light_ink(drawn)
    drawn[3:-3, 3:-3] = 100  # bold: it is most of the picture
    assert is_light_ink(drawn)
    assert not is_light_ink(190 - drawn)


def test_ink_of_a_drawing_is_its_distance_from_the_ground(sure_digits: Digits) -> None:
    for image in sure_digits.images:
        drawing = cv2.resize(image, (90, 90))
        for level in (0, 40, 120):
            light = np.maximum(drawing, np.uint8(level))
            for picture in (light, 255 - light):
                strength = ink_strength(picture, 30)
                assert not strength[light == level].any()
                order = np.argsort(light, axis=None, kind="stable")
                assert (np.diff(strength.ravel()[order].astype(int)) >= 0).all()  # what is further away is more ink
                assert strength.max() > 60


def test_a_photo_on_a_plain_ground_keeps_its_own_paper(sure_digits: Digits, write: Write) -> None:
    """Most of the picture is not the ground, so its light is evened out as that of any photo."""
    photo = write([(sure_digits.images[6], 100, 40, 140)], size=(220, 300), shade=0.6, noise=3)
    framed = cv2.copyMakeBorder(photo, 9, 9, 9, 9, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    strength = ink_strength(framed, 80)  # type: ignore[arg-type]
    paper, ink = strength[30:50, 20:60], strength[100:150, 150:200]
    assert ink.max() > 3 * int(paper.max())


@given(st.integers(1, 400), st.integers(1, 400), st.integers(8, 300))
@settings(max_examples=60, deadline=None)
def test_a_picture_shrinks_to_the_same_size_by_halves_and_by_area_and_looks_alike(
    height: int, width: int, side: int
) -> None:
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    picture = np.asarray(np.stack([255 * across, 255 * down, 120 + 0 * down], axis=-1), np.uint8)
    by_area, halved = shrink(picture, side), halved_to(picture, side)
    assert by_area.shape == halved.shape
    assert max(halved.shape[:2]) == min(side, max(height, width))
    inner = np.abs(by_area.astype(int) - halved.astype(int))
    assert inner.max() <= 2 + 2 * 255 / max(1, min(halved.shape[:2]))


def test_a_thin_line_is_not_lost_where_a_picture_shrinks_by_halves() -> None:
    for place in range(300, 340):
        picture = np.full((640, 900, 3), 255, np.uint8)
        picture[:, place : place + 2] = 0
        for side in (880, 600, 460, 300, 120):
            darkest = 255 - int(halved_to(picture, side).min())
            assert darkest > 0.4 * (255 - int(shrink(picture, side).min()))
