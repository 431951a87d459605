"""The small views, each alone."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from PySide6.QtGui import QImage

from digitlab.apps.desktop.activation_maps import MapsView, signed_image
from digitlab.apps.desktop.answer_view import AnswerView
from digitlab.apps.desktop.digit_view import DigitView, Lamps, grey_image
from digitlab.apps.desktop.frame_view import scaled_frame
from digitlab.apps.desktop.theme import DARK, LIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot


def pixels(view: QWidget) -> NDArray[np.uint32]:
    """What a view paints, uint32 (H, W), 0xRRGGBB."""
    picture = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(picture.constBits(), np.uint32).reshape(picture.height(), -1)
    return rows[:, : picture.width()] & np.uint32(0xFFFFFF)


def number(name: str) -> int:
    return int(name.removeprefix("#"), 16)


def test_pictures_keep_their_pixels_when_the_array_is_gone() -> None:
    rng = np.random.default_rng(0)
    frame, grey = rng.integers(0, 256, (30, 40, 3), np.uint8), rng.integers(0, 256, (28, 28), np.uint8)
    made, small = scaled_frame(frame, 40, 30), grey_image(grey.copy())
    expected, level = tuple(int(each) for each in frame[7, 11]), int(grey[5, 9])
    del frame
    gc.collect()
    np.full((400, 400), 9, np.uint8)
    assert made.pixelColor(11, 7).getRgb()[:3] == expected  # type: ignore[index]
    assert small.pixelColor(9, 5).red() == level


def test_signed_pictures_go_from_one_colour_through_the_middle_to_the_other() -> None:
    picture = signed_image(np.array([[-2.0, 0.0, 2.0]], np.float32), 2.0, (10, 20, 30), (255, 0, 0), (0, 0, 255))
    assert [picture.pixelColor(x, 0).getRgb()[:3] for x in range(3)] == [(255, 0, 0), (10, 20, 30), (0, 0, 255)]  # type: ignore[index]
    assert signed_image(np.zeros((2, 2), np.float32), 0.0, (1, 2, 3), (9, 9, 9), (9, 9, 9)).pixelColor(1, 1).blue() == 3


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("size", [(170, 84), (300, 150), (1200, 500)])
def test_the_lit_lamp_has_the_accent_and_no_other(qtbot: QtBot, colours: object, size: tuple[int, int]) -> None:
    lamps = Lamps()
    qtbot.addWidget(lamps)
    lamps.colours = colours  # type: ignore[assignment]
    lamps.resize(*size)
    lamps.show_answer((0.1,) * 10, None)
    accent = number(lamps.colours.accent)
    assert not (pixels(lamps) == accent).any()
    lamps.show_answer((0.0,) * 9 + (1.0,), 9)
    columns = np.flatnonzero((pixels(lamps) == accent).any(axis=0))
    assert columns.size
    assert columns.min() >= 0.9 * size[0] - 2


def test_bars_come_to_rest_where_they_should(qtbot: QtBot) -> None:
    lamps = Lamps()
    qtbot.addWidget(lamps)
    for _ in range(30):
        lamps.show_answer((0.0, 0.7, 0.3, *(0.0,) * 7), 1)
    assert lamps._shown == pytest.approx((0.0, 0.7, 0.3, *(0.0,) * 7))
    assert "1: 70%" in lamps.accessibleDescription()
    lamps.show_answer((0.0, 0.9996, *(0.0,) * 8), 1)
    assert "1: >99%" in lamps.accessibleDescription()


@pytest.mark.parametrize("text", ["7", "1234567890123456", "\n".join(["0123456789"] * 40), "", None])
@pytest.mark.parametrize("size", [(250, 92), (1400, 900)])
def test_the_answer_fits_its_place_whatever_it_is(qtbot: QtBot, text: str | None, size: tuple[int, int]) -> None:
    view = AnswerView()
    qtbot.addWidget(view)
    view.resize(*size)
    view.show_answer(text, "")
    shown = pixels(view)
    edge = np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]])
    assert len(np.unique(edge)) == 1
    assert len(np.unique(shown)) > 1


def test_one_digit_is_as_high_as_its_place_allows(qtbot: QtBot) -> None:
    view = AnswerView()
    qtbot.addWidget(view)
    view.resize(500, 300)
    view.show_answer("7", "91% sure")
    shown = pixels(view)[:240]
    rows = np.flatnonzero((shown != shown[0, 0]).any(axis=1))
    assert rows[-1] - rows[0] > 0.75 * 260


def test_the_prepared_image_is_enlarged_by_a_whole_number(qtbot: QtBot) -> None:
    view = DigitView()
    qtbot.addWidget(view)
    view.resize(150, 170)
    glyph = np.zeros((28, 28), np.uint8)
    glyph[::2, ::2] = 255
    view.show_glyph(glyph)
    assert (pixels(view) == 0xFFFFFF).sum() == 14 * 14 * 5 * 5
    view.show_glyph(None)
    assert view.accessibleDescription() == "nothing was found"
    assert len(np.unique(pixels(view))) > 1


@pytest.mark.parametrize("shape", [(32, 24, 24), (1, 28, 28), (500, 3, 7), (128, 1, 1), (10, 1, 1)])
def test_maps_of_any_shape_are_drawn(qtbot: QtBot, shape: tuple[int, int, int]) -> None:
    view = MapsView()
    qtbot.addWidget(view)
    view.resize(420, 130)
    view.show_maps(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert len(np.unique(pixels(view))) > 2
    view.show_maps(np.zeros(shape, np.float32))
    view.grab()
    view.show_maps(None, "no ink")
    assert view.accessibleDescription() == "no ink"


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_maps_have_the_colours_of_all_other_pictures(qtbot: QtBot, colours: object) -> None:
    view = MapsView()
    qtbot.addWidget(view)
    view.resize(400, 100)
    view.colours = colours  # type: ignore[assignment]
    above, below = (number(getattr(colours, name)) for name in ("warning", "accent"))  # orange and blue
    view.show_maps(np.array([[[1.0]], [[-1.0]], [[0.0]]], np.float32))
    shown = pixels(view)
    assert shown[50, 50] == above
    assert below in shown[50, 100:250]
