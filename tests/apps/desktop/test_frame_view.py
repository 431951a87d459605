"""Moving and resizing the region, by mouse and by keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from PySide6.QtCore import QPoint, Qt

from digitlab.apps.desktop.frame_view import FrameView
from digitlab.apps.desktop.region_handles import MOVE, SMALLEST, dragged, handle_at, handles
from digitlab.values import ReadDigit, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from digitlab.live.snapshot import Snapshot
    from digitlab.values import Box

LEFT = Qt.MouseButton.LeftButton
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
REGION = (220, 140, 420, 340)


@pytest.fixture
def view(qtbot: QtBot, snapshot: Callable[..., Snapshot]) -> FrameView:
    """640×480 at twice its size."""
    made = FrameView()
    qtbot.addWidget(made)
    made.resize(1280, 960)
    made.show()
    made.show_snapshot(snapshot())
    return made


def drag(qtbot: QtBot, view: FrameView, start: tuple[int, int], end: tuple[int, int]) -> None:
    qtbot.mousePress(view, LEFT, pos=QPoint(*start))
    qtbot.mouseMove(view, QPoint((start[0] + end[0]) // 2, (start[1] + end[1]) // 2))
    qtbot.mouseMove(view, QPoint(*end))
    qtbot.mouseRelease(view, LEFT, pos=QPoint(*end))


def last(view: FrameView) -> list[Box]:
    told: list[Box] = []
    view.region_changed.connect(told.append)
    return told


def test_dragging_inside_moves_it(qtbot: QtBot, view: FrameView) -> None:
    told = last(view)
    drag(qtbot, view, (640, 480), (540, 520))
    assert told[-1] == (170, 160, 370, 360)
    assert view.box == told[-1]


@pytest.mark.parametrize(("start", "end", "expected"), [
    ((840, 680), (940, 780), (220, 140, 470, 390)),
    ((440, 280), (400, 240), (200, 120, 420, 340)),
    ((840, 480), (880, 700), (220, 140, 440, 340)),
    ((640, 280), (900, 240), (220, 120, 420, 340)),
    ((840, 280), (100, 900), (220, 324, 236, 340)),
])  # fmt: skip
def test_handles_resize_it(
    qtbot: QtBot, view: FrameView, start: tuple[int, int], end: tuple[int, int], expected: Box
) -> None:
    told = last(view)
    drag(qtbot, view, start, end)
    assert told[-1] == expected


def test_dragging_outside_does_nothing(qtbot: QtBot, view: FrameView) -> None:
    told = last(view)
    drag(qtbot, view, (100, 100), (300, 300))
    assert told == []


@pytest.mark.parametrize(("key", "held", "expected"), [
    (Qt.Key.Key_Left, None, (214, 140, 414, 340)),
    (Qt.Key.Key_Right, None, (226, 140, 426, 340)),
    (Qt.Key.Key_Up, None, (220, 134, 420, 334)),
    (Qt.Key.Key_Down, CONTROL, (220, 141, 420, 341)),
    (Qt.Key.Key_Right, SHIFT, (220, 140, 426, 340)),
    (Qt.Key.Key_Up, SHIFT | CONTROL, (220, 140, 420, 339)),
])  # fmt: skip
def test_arrow_keys(
    qtbot: QtBot, view: FrameView, key: Qt.Key, held: Qt.KeyboardModifier | None, expected: Box
) -> None:
    told = last(view)
    qtbot.keyClick(view, key, held or Qt.KeyboardModifier.NoModifier)
    assert told == [expected]
    qtbot.keyClick(view, key, held or Qt.KeyboardModifier.NoModifier)
    assert told[1] != told[0]  # goes on from where it was put, not from where the engine still has it


def test_double_click_and_home_put_it_back(qtbot: QtBot, view: FrameView) -> None:
    for reset in (
        lambda: qtbot.mouseDClick(view, LEFT, pos=QPoint(640, 480)),
        lambda: qtbot.keyClick(view, Qt.Key.Key_Home),
    ):
        with qtbot.waitSignal(view.region_reset):
            reset()


def test_the_engine_has_the_last_word(qtbot: QtBot, view: FrameView, snapshot: Callable[..., Snapshot]) -> None:
    drag(qtbot, view, (640, 480), (540, 520))
    view.show_snapshot(snapshot(number=31))  # this frame was read before it heard of it
    assert view.box == (170, 160, 370, 360)
    view.show_snapshot(snapshot(number=32))
    assert view.box == REGION


def test_in_a_camera_that_is_silent_the_region_stays_where_it_was_put(
    qtbot: QtBot, view: FrameView, snapshot: Callable[..., Snapshot]
) -> None:
    drag(qtbot, view, (640, 480), (540, 520))
    for age in (3000.0, 9000.0):
        view.show_snapshot(snapshot(state="stalled", age_ms=age))
    assert view.box == (170, 160, 370, 360)


def test_without_a_region_there_is_nothing_to_move(
    qtbot: QtBot, view: FrameView, snapshot: Callable[..., Snapshot], nothing_yet: dict[str, Any]
) -> None:
    told = last(view)
    for seen in (snapshot(mode="page", region=None), snapshot(**nothing_yet, state="connecting")):
        view.show_snapshot(seen)
        drag(qtbot, view, (640, 480), (540, 520))
        for key in (Qt.Key.Key_Left, Qt.Key.Key_Home):
            qtbot.keyClick(view, key)
    assert told == []


@pytest.mark.parametrize("state", ["connecting", "running", "stalled", "reconnecting", "ended"])
@pytest.mark.parametrize("first", [True, False])
def test_it_paints_in_every_state(
    qtbot: QtBot, view: FrameView, snapshot: Callable[..., Snapshot], nothing_yet: dict[str, Any],
    state: str, *, first: bool,
) -> None:  # fmt: skip
    seen = snapshot(**nothing_yet) if first else snapshot()
    view.show_snapshot(replace(seen, state=state, problem="a long reason " * 12))  # type: ignore[arg-type]
    before = view.paints
    picture = view.grab().toImage()
    assert view.paints == before + 1
    colours = {picture.pixelColor(x, y).name() for x in range(0, 1280, 16) for y in range(0, 960, 16)}
    assert len(colours) > 1


def test_the_frames_pixels_come_out_where_they_are(
    qtbot: QtBot, view: FrameView, snapshot: Callable[..., Snapshot]
) -> None:
    from digitlab.values import Frame

    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, 32:] = (255, 128, 0)
    view.show_snapshot(snapshot(frame=Frame(image, 1.0, 1), region=None, tracks=()))
    picture = view.grab().toImage()
    assert picture.pixelColor(960, 240).getRgb()[:3] == (255, 128, 0)  # type: ignore[index]
    assert picture.pixelColor(320, 720).getRgb()[:3] == (0, 0, 0)  # type: ignore[index]


boxes = st.tuples(*(st.integers(0, 60) for _ in range(4))).map(
    lambda four: (four[0], four[1], four[0] + SMALLEST + four[2], four[1] + SMALLEST + four[3])
)


@given(boxes, st.integers(0, 8), st.floats(-500, 500), st.floats(-500, 500))
def test_a_dragged_box_stays_in_the_frame_and_large_enough(box: Box, which: int, dx: float, dy: float) -> None:
    handle = MOVE if which == 8 else handles(box)[which][0]
    x0, y0, x1, y1 = dragged(box, handle, dx, dy, (140, 150))
    assert 0 <= x0 <= x1 - SMALLEST <= 140 - SMALLEST
    assert 0 <= y0 <= y1 - SMALLEST <= 150 - SMALLEST
    if handle == MOVE:
        assert (x1 - x0, y1 - y0) == (box[2] - box[0], box[3] - box[1])


@given(boxes)
def test_every_handle_is_taken_hold_of_where_it_is(box: Box) -> None:
    for handle, x, y in handles(box):
        assert handle_at(box, x, y, reach=3.0) == handle


def test_of_several_digits_the_one_whose_bars_are_shown_stands_out(
    view: FrameView, snapshot: Callable[..., Snapshot], track: Callable[..., Any]
) -> None:
    boxes = ((100, 100, 160, 200), (300, 100, 360, 200))
    digits = (ReadDigit(1, 0.97, boxes[0], 0), ReadDigit(7, 0.91, boxes[1], 0))
    tracks = (track(1, boxes[0]), track(7, boxes[1], 2))
    view.show_snapshot(snapshot(mode="page", region=None, tracks=tracks, reading=Reading(digits, 1.0)))
    picture = view.grab().toImage()
    edges = [{picture.pixelColor(x, 2 * 150).name() for x in range(2 * box[0] - 4, 2 * box[0] + 4)} for box in boxes]
    orange, blue = view.colours.warning, view.colours.accent
    assert [(orange in edge, blue in edge) for edge in edges] == [(True, False), (False, True)]
