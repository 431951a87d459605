"""Every control of the window, by mouse and by key."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from digitlab.apps.desktop.settings import WindowSettings
from digitlab.apps.desktop.status_text import shown_digit
from digitlab.apps.desktop.theme import DARK, LIGHT
from digitlab.apps.desktop.window import LiveWindow
from digitlab.camera.source import SourceState
from digitlab.live.region import Region
from digitlab.live.snapshot import Change, Snapshot
from digitlab.values import ReadDigit, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    Snap = Callable[..., Snapshot]

Engine = Any  # ToldEngine of conftest.py
LEFT = Qt.MouseButton.LeftButton


def shows(qtbot: QtBot, window: LiveWindow) -> None:
    """Let the window take the engine's next snapshot."""
    at = window.ticks
    qtbot.waitUntil(lambda: window.ticks > at + 1)


def button(window: LiveWindow, name: str) -> Any:
    found = [each for each in (*window.panels.buttons, *window.panels.mode_buttons, window.panels.reconnect_button)
             if each.accessibleName() == name]  # fmt: skip
    assert len(found) == 1, name
    return found[0]


def told(engine: Engine, what: str) -> list[Any]:
    return [each[1] for each in engine.told if each[0] == what and len(each) > 1]


# What is shown


def test_a_digit_that_is_read_is_in_large_type_lit_and_said(qtbot: QtBot, window: LiveWindow) -> None:
    shows(qtbot, window)
    assert window.panels.answer_view.text == "7"
    assert window.panels.answer_view.sentence == "mean confidence 91%"
    assert window.panels.answer_view.accessibleName() == "Reading: 7"
    assert window.panels.lamps.lit == 7
    assert window.panels.lamps.accessibleName() == "Lamp 7 is lit"
    assert window.panels.digit_view.glyph is not None
    assert window.status_line.words.text() == "Running"
    assert window.status_line.rate.text() == "30.0 frames/s"
    assert window.status_line.latency.text() == "3.1 ms"
    assert window.windowTitle().startswith("0")


@pytest.mark.parametrize(
    ("steady", "words", "sentence"), [(None, "undecided", "not sure yet …"), ("", "nothing", "no digit")]
)
def test_no_lamp_is_lit_where_nothing_is_sure(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap, steady: str | None, words: str, sentence: str
) -> None:
    engine.seen = snapshot(steady=steady, tracks=(), number=31)
    shows(qtbot, window)
    assert window.panels.lamps.lit is None
    assert window.panels.answer_view.accessibleName() == f"Reading: {words}"
    assert window.panels.answer_view.sentence == sentence


def test_old_is_said_as_old_and_drawing_as_drawing(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap
) -> None:
    view = window.panels.answer_view
    engine.seen = snapshot(steady=None, tracks=(), stale=True, last=("68", 12.2), number=31)
    shows(qtbot, window)
    assert (view.text, view.stale, view.drawing) == ("68", True, False)
    assert view.sentence == "old: this was 12 seconds ago"
    assert view.accessibleName() == "Reading: 68, old"
    engine.seen = snapshot(steady=None, tracks=(), drawing=True, last=("68", 12.2), number=32)
    shows(qtbot, window)
    assert (view.text, view.stale, view.drawing) == (None, False, True)
    assert view.sentence == "somebody is drawing …"


def test_many_digits_light_the_lamp_of_the_one_that_is_shown(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap, track: Callable[..., Any]
) -> None:
    tracks = (track(1, (10, 10, 40, 60)), track(7, (60, 10, 90, 60), 2))
    digits = (
        ReadDigit(1, 0.6, tracks[0].box, 0),
        ReadDigit(7, 0.91, tracks[1].box, 0),
        ReadDigit(None, 1.0, (0, 0, 5, 5), 1),
    )
    engine.seen = snapshot(mode="page", region=None, steady="17\n7", tracks=tracks, reading=Reading(digits, 1.0))
    shows(qtbot, window)
    assert window.panels.lamps_card.title.text() == "Probabilities of the most confident digit: 7"
    assert shown_digit(engine.seen) == digits[1]
    assert window.panels.answer_view.text == "17\n7"
    assert window.panels.lamps.lit == 7
    assert window.actions_.modes["page"].isChecked()
    assert not window.actions_.reset_region.isEnabled()


@pytest.mark.parametrize("state", [SourceState.STALLED, SourceState.RECONNECTING])
def test_an_answer_that_is_not_of_now_is_grey_and_no_lamp_is_lit(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap, state: SourceState
) -> None:
    engine.seen = snapshot(state=state, age_ms=4200.0, frames_per_second=0.0)
    shows(qtbot, window)
    assert window.panels.answer_view.stale
    assert window.panels.lamps.lit is None
    assert window.status_line.words.text() in ("No picture for 4 s", "Reconnecting …")


def test_before_the_first_frame_there_is_a_word_for_it_and_nothing_to_save(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap, nothing_yet: dict[str, Any]
) -> None:
    engine.seen = snapshot(**nothing_yet, state=SourceState.CONNECTING)
    shows(qtbot, window)
    assert window.status_line.words.text() == "Connecting …"
    assert window.panels.answer_view.sentence == "nothing read yet"
    assert not window.actions_.snapshot.isEnabled()


def test_a_problem_while_frames_come_is_said_until_it_is_gone_or_taken_away(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap
) -> None:
    engine.seen = snapshot(problem="old.onnx: is no ONNX model")
    shows(qtbot, window)
    assert window.notice.text == "old.onnx: is no ONNX model"
    qtbot.mouseClick(window.notice.button, LEFT)
    shows(qtbot, window)
    assert window.notice.text == ""
    engine.seen = snapshot(problem="another")
    shows(qtbot, window)
    assert window.notice.text == "another"
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.notice.text == ""
    engine.seen = snapshot(problem="a third")
    shows(qtbot, window)
    engine.seen = snapshot()
    shows(qtbot, window)
    assert window.notice.text == ""


def test_notes_are_shown_at_the_start(qtbot: QtBot, engine: Engine, settings: WindowSettings) -> None:
    window = LiveWindow(engine, settings, notes=["Format is obsolete", "NodeName does nothing"])
    qtbot.addWidget(window)
    assert window.notice.text == "Format is obsolete\nNodeName does nothing"


def test_history_is_newest_first_with_times_and_can_be_copied(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap
) -> None:
    changes = tuple(Change(float(each), 1_700_000_000.0 + each, text) for each, text in enumerate(["1", "", "12\n3"]))
    engine.seen = snapshot(history=changes[:2])
    shows(qtbot, window)
    engine.seen = snapshot(history=changes)
    shows(qtbot, window)
    view = window.panels.history_view
    rows = [view.item(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(view.count())]
    assert [row.partition(" ")[2] for row in rows] == ["12\n3", "nothing", "1"]
    view.selectAll()
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    from PySide6.QtGui import QGuiApplication

    assert [line.partition("\t")[2] for line in QGuiApplication.clipboard().text().splitlines()] == ["12 3", "", "1"]
    engine.seen = snapshot(history=changes[1:])  # the oldest was forgotten
    shows(qtbot, window)
    engine.seen = snapshot(history=(*changes[1:], Change(9.0, 1_700_000_009.0, "9")))
    shows(qtbot, window)
    assert view.count() == 3


# Reading


@pytest.mark.parametrize("by_key", [True, False])
def test_pause_and_go_on(qtbot: QtBot, window: LiveWindow, engine: Engine, *, by_key: bool) -> None:
    def press() -> None:
        if by_key:
            qtbot.keyClick(window.frame_view, Qt.Key.Key_Space)
        else:
            qtbot.mouseClick(button(window, "Pause"), LEFT)

    press()
    shows(qtbot, window)
    assert engine.told[-1] == ("pause",)
    assert window.status_line.words.text() == "Paused"
    assert button(window, "Pause").isChecked()
    press()
    shows(qtbot, window)
    assert engine.told[-1] == ("resume",)
    assert not button(window, "Pause").isChecked()


def test_space_and_return_on_a_button_press_it_and_nothing_else(
    qtbot: QtBot, window: LiveWindow, engine: Engine
) -> None:
    reconnect = window.panels.reconnect_button
    reconnect.setFocus()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
        engine.told.clear()
        qtbot.keyClick(reconnect, key)
        assert engine.told == [("source", "0")]


@pytest.mark.parametrize(("name", "key", "mode"), [
    ("Region", Qt.Key.Key_1, "region"), ("Page", Qt.Key.Key_2, "page"), ("Thesis", Qt.Key.Key_3, "thesis"),
])  # fmt: skip
def test_modes(qtbot: QtBot, window: LiveWindow, engine: Engine, name: str, key: Qt.Key, mode: str) -> None:
    other = "page" if mode == "region" else "region"
    engine.set_mode(other)
    shows(qtbot, window)
    qtbot.mouseClick(button(window, name), LEFT)
    assert engine.told[-1] == ("mode", mode)
    engine.set_mode(other)
    shows(qtbot, window)
    qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
    assert engine.told[-1] == ("mode", mode)
    shows(qtbot, window)
    assert [each.isChecked() for each in window.panels.mode_buttons].count(True) == 1
    assert button(window, name).isChecked()
    assert window.settings.mode == mode


def test_the_usual_region_comes_back_by_its_key(qtbot: QtBot, window: LiveWindow, engine: Engine) -> None:
    qtbot.keyClick(window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert engine.told[-1] == ("region", None)


def test_a_region_that_is_moved_reaches_the_engine_in_shares_of_the_frame(
    qtbot: QtBot, window: LiveWindow, engine: Engine
) -> None:
    window.frame_view.region_changed.emit((0, 0, 320, 240))
    assert engine.told[-1] == ("region", Region(0.0, 0.0, 0.5, 0.5))


def test_s_saves_the_picture_with_its_boxes(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings
) -> None:
    shown = window._shown
    qtbot.keyClick(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: any(settings.folder.glob("*-boxes.png")))
    assert engine.saved is not None
    assert engine.saved.frame is shown.frame  # all three files are of the frame that was on the screen
    saved = next(settings.folder.glob("*-boxes.png"))
    assert told(engine, "snapshot")[0].stem + "-boxes" == saved.stem
    qtbot.waitUntil(lambda: window.status_line.message.text() != "")
    assert str(saved) in window.status_line.message.toolTip()
    import cv2

    drawn = cv2.imread(str(saved))
    assert drawn.shape == (480, 640, 3)
    assert (drawn != 200).any()


def test_a_snapshot_that_cannot_be_written_is_said_in_one_line(
    qtbot: QtBot, window: LiveWindow, settings: WindowSettings, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    settings.folder = file / "below"
    qtbot.mouseClick(button(window, "Snapshot"), LEFT)
    qtbot.waitUntil(lambda: window.notice.text != "")
    assert window.notice.text.startswith("cannot write")
    assert "\n" not in window.notice.text


@pytest.mark.parametrize("by_key", [True, False])
def test_record_and_stop(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings, *, by_key: bool
) -> None:
    def press() -> None:
        if by_key:
            qtbot.keyClick(window, Qt.Key.Key_R)
        else:
            qtbot.mouseClick(button(window, "Record"), LEFT)

    press()
    qtbot.waitUntil(lambda: engine.seen.recording is not None and window.actions_.record.isEnabled())
    shows(qtbot, window)
    path = told(engine, "record")[0]
    assert path.parent == settings.folder
    assert path.suffix == ".mp4"
    assert window.status_line.recording.text() == "● Recording"
    assert button(window, "Record").isChecked()
    press()
    qtbot.waitUntil(lambda: engine.seen.recording is None and window.actions_.record.isEnabled())
    shows(qtbot, window)
    assert not button(window, "Record").isChecked()
    assert str(path) in window.status_line.message.toolTip()


def test_a_recording_that_cannot_begin_leaves_the_button_up(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    settings.folder = file / "below"
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.actions_.record.isEnabled() and window.notice.text != "")
    shows(qtbot, window)
    assert not button(window, "Record").isChecked()
    assert "cannot write" in window.notice.text


def test_the_folder_for_pictures_is_chosen_and_remembered(
    window: LiveWindow, settings: WindowSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "mine"))
    window.actions_.choose_folder.trigger()
    assert settings.folder == tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    window.actions_.choose_folder.trigger()
    assert settings.folder == tmp_path / "mine"


# Sources and models


def picks(picker: Any, words: str) -> Any:
    picker.fill()
    found = [each for each in picker.menu_of_choices.actions() if each.text().startswith(words)]
    assert len(found) == 1, [each.text() for each in picker.menu_of_choices.actions()]
    return found[0]


def test_cameras_are_listed_by_name(qtbot: QtBot, window: LiveWindow, engine: Engine) -> None:
    window.source_picker.show_cameras([("Built-in (0)", "0"), ("USB 2.0 (2)", "2")])
    assert window.source_picker.toolTip() == "Built-in (0)"
    assert picks(window.source_picker, "Built-in").isChecked()
    picks(window.source_picker, "USB").trigger()
    assert engine.told[-1] == ("source", "2")
    shows(qtbot, window)
    assert window.source_picker.accessibleName() == "Source: USB 2.0 (2)"


def test_cameras_are_looked_for_again(qtbot: QtBot, window: LiveWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitlab.apps.desktop.window._cameras", lambda: [("New one (4)", "4")])
    picks(window.source_picker, "Look for cameras").trigger()
    qtbot.waitUntil(lambda: window.source_picker.cameras == (("New one (4)", "4"),))


def test_no_camera_is_said(window: LiveWindow) -> None:
    window.source_picker.show_cameras([])
    assert not picks(window.source_picker, "No camera was found").isEnabled()


def test_a_file_a_folder_an_address_and_what_was_used_before(
    window: LiveWindow, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/films/page.mp4", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/films/frames")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (" http://phone:4747/video ", True))
    picks(window.source_picker, "Video file").trigger()
    picks(window.source_picker, "Folder of pictures").trigger()
    picks(window.source_picker, "Address").trigger()
    assert told(engine, "source") == ["/films/page.mp4", "/films/frames", "http://phone:4747/video"]
    picks(window.source_picker, "/films/page.mp4").trigger()
    assert engine.told[-1] == ("source", "/films/page.mp4")
    for action in (window.actions_.open_file, window.actions_.open_folder, window.actions_.open_address):
        action.trigger()
    assert told(engine, "source")[4:] == ["/films/page.mp4", "/films/frames", "http://phone:4747/video"]


def test_a_dialog_that_is_left_changes_nothing(
    window: LiveWindow, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("  ", True))
    for action in (window.actions_.open_file, window.actions_.open_folder, window.actions_.open_address):
        action.trigger()
    picks(window.model_picker, "Model file").trigger()
    assert engine.told == []


def test_a_password_in_an_address_is_neither_shown_nor_remembered(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings
) -> None:
    window.set_source("rtsp://admin:secret@10.0.0.7/live")
    shows(qtbot, window)
    assert told(engine, "source") == ["rtsp://admin:secret@10.0.0.7/live"]
    settings.save()
    texts = [window.windowTitle(), window.source_picker.toolTip(), window.source_picker.text(),
             settings.path.read_text()]  # fmt: skip
    assert not any("secret" in text for text in texts)
    assert "10.0.0.7" in window.windowTitle()


@pytest.mark.parametrize("by_key", [True, False])
def test_reconnect(qtbot: QtBot, window: LiveWindow, engine: Engine, *, by_key: bool) -> None:
    if by_key:
        qtbot.keyClick(window, Qt.Key.Key_F5)
    else:
        qtbot.mouseClick(window.panels.reconnect_button, LEFT)
    assert engine.told == [("source", "0")]


def test_models(window: LiveWindow, engine: Engine, settings: WindowSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    picks(window.model_picker, "reader").trigger()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/models/mine.onnx", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/runs/best")
    picks(window.model_picker, "Model file").trigger()
    picks(window.model_picker, "Run folder").trigger()
    picks(window.model_picker, "/models/mine.onnx").trigger()
    assert told(engine, "model") == ["reader", "/models/mine.onnx", "/runs/best", "/models/mine.onnx"]
    assert settings.recent_models == ["/models/mine.onnx", "/runs/best"]


def test_a_file_that_is_dropped_is_read(window: LiveWindow, engine: Engine) -> None:
    for path in ("/films/page.mp4", "/models/mine.onnx"):
        dropped = QMimeData()
        dropped.setUrls([QUrl.fromLocalFile(path)])
        event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, dropped, LEFT, Qt.KeyboardModifier.NoModifier)
        window.dropEvent(event)
    assert engine.told == [("mode", "page"), ("source", "/films/page.mp4"), ("model", "/models/mine.onnx")]
    assert window.settings.mode == "region"  # what cameras are read with
    window.set_source("0")
    assert engine.told[-2:] == [("mode", "region"), ("source", "0")]


# Activation maps


class RealReader:
    """Stands for the engine's reader: the maps ask it where its model is."""

    class classifier:  # noqa: N801
        from digitlab.reading import resolve_model  # type: ignore[misc]

        path = resolve_model(None)


def test_maps_of_a_layer_are_shown_and_the_layer_is_chosen(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings
) -> None:
    engine.reader = RealReader()
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.panels.maps_panel.isVisible()
    qtbot.waitUntil(lambda: window.panels.maps_panel.view.maps is not None, timeout=10_000)
    maps = window.panels.maps_panel.view.maps
    assert maps is not None
    assert maps.ndim == 3
    assert "maps of" in window.panels.maps_panel.view.accessibleDescription()
    last = window.panels.maps_panel.chooser.count() - 1
    window.panels.maps_panel.chooser.setFocus()
    qtbot.keyClick(window.panels.maps_panel.chooser, Qt.Key.Key_End)
    assert window.panels.maps_panel.chooser.currentIndex() == last
    assert window.panels.maps_panel.view.maps is not None
    assert window.panels.maps_panel.view.maps.shape == (10, 1, 1)
    assert settings.layer == window.panels.maps_panel.chooser.currentData()
    qtbot.mouseClick(button(window, "Maps"), LEFT)
    assert not window.panels.maps_panel.isVisible()


def test_a_model_whose_layers_cannot_be_seen_gives_a_sentence_instead(
    qtbot: QtBot, window: LiveWindow, engine: Engine, tmp_path: Path
) -> None:
    class Reader:
        class classifier:  # noqa: N801
            path = tmp_path / "gone.onnx"

    engine.reader = Reader()
    window.actions_.maps.trigger()
    qtbot.waitUntil(lambda: "gone.onnx" in window.panels.maps_panel.view.hint)


# Looks


def test_dark_and_light_and_as_the_system(qtbot: QtBot, window: LiveWindow, settings: WindowSettings) -> None:
    assert window.colours is LIGHT
    qtbot.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.colours is DARK
    assert window.frame_view.colours is DARK
    assert settings.theme == "dark"
    qtbot.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert (window.colours, settings.theme) == (LIGHT, "light")
    window.actions_.follow_system.trigger()
    assert settings.theme == "system"


def test_full_screen(qtbot: QtBot, window: LiveWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert not window.isFullScreen()


@pytest.mark.parametrize("size", [(800, 500), (1180, 760), (3840, 2160)])
def test_nothing_is_cut_off_from_small_to_4k(qtbot: QtBot, window: LiveWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    shows(qtbot, window)
    assert (window.width(), window.height()) == size
    inside = window.rect()
    shown = [each for each in window.findChildren(QWidget) if each.isVisible() and each.window() is window]
    for widget in shown:
        corner = widget.mapTo(window, widget.rect().bottomRight())
        assert inside.contains(corner), f"{widget.accessibleName() or widget}: {corner} is outside"
    for each in (*window.panels.buttons, *window.panels.mode_buttons):
        assert each.width() >= each.minimumSizeHint().width()
    assert window.frame_view.width() >= 0.5 * size[0]


def test_help_names_every_key(qtbot: QtBot, window: LiveWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F1)
    box = window.findChild(QMessageBox)
    assert box is not None
    for words in ("Space", "Ctrl+L", "F5", "Pause", "Snapshot", "Record", "Maps", "Home"):
        assert words in box.text()
    box.close()
    window.actions_.about.trigger()
    assert any("digitlab" in each.text() for each in window.findChildren(QMessageBox))


# For hands without a mouse, and eyes that do not see


def test_every_control_is_reached_by_tab_and_has_a_name(qtbot: QtBot, window: LiveWindow) -> None:
    window.actions_.maps.trigger()
    reached: list[QWidget] = []
    window.frame_view.setFocus()
    for _ in range(40):
        widget = window.focusWidget()
        if widget is None or widget in reached:
            break
        reached.append(widget)
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    for control in window.panels.focus_order():
        assert control in reached, control.accessibleName()
        assert control.accessibleName()
    for view in (
        window.frame_view,
        window.panels.answer_view,
        window.panels.digit_view,
        window.panels.lamps,
        window.panels.maps_panel.view,
    ):
        assert view.accessibleName()


def test_no_key_is_given_twice(window: LiveWindow) -> None:
    keys = [key.toString() for action in window.actions_.all() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert {"Space", "S", "R", "M", "F5", "Ctrl+D"} <= set(keys)


# The end


def test_closing_closes_the_engine_and_leaves_no_thread(qtbot: QtBot, engine: Engine, settings: WindowSettings) -> None:
    window = LiveWindow(engine, settings)
    qtbot.addWidget(window)
    window.show()
    window.actions_.maps.trigger()
    engine.reader = RealReader()
    qtbot.waitUntil(lambda: window.panels.maps_panel.layer_maps._tasks is not None)
    with qtbot.waitSignal(window.closed):
        qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert engine.told[-1] == ("close",)
    assert not window.timer.isActive()
    left = [each.name for each in threading.enumerate() if each.name.startswith("digitlab-")]
    assert left == []


def test_size_and_settings_are_there_again_the_next_time(
    qtbot: QtBot, window: LiveWindow, engine: Engine, settings: WindowSettings
) -> None:
    window.resize(700, 520)
    window.set_source("/films/page.mp4")
    window.actions_.maps.trigger()
    window.set_mode("page")
    window.set_theme("dark")
    window.close()
    again = WindowSettings(settings.path)
    other = LiveWindow(engine, again)
    qtbot.addWidget(other)
    assert (other.width(), other.height()) == (700, 520)
    assert other.colours is DARK
    assert (again.source, again.mode, again.maps) == ("/films/page.mp4", "page", True)
    assert other.source_picker.recent == ["/films/page.mp4"]


def test_a_grey_frame_of_another_size_is_fitted(
    qtbot: QtBot, window: LiveWindow, engine: Engine, snapshot: Snap
) -> None:
    from digitlab.values import Frame

    for shape in ((20, 900, 3), (900, 20, 3), (8, 8, 3)):
        frame = Frame(np.zeros(shape, np.uint8), 1.0, 1)
        engine.seen = snapshot(frame=frame, region=None, tracks=())
        shows(qtbot, window)
        place = window.frame_view.frame_rect()
        assert abs(place.width() / place.height() - shape[1] / shape[0]) < 0.01 * shape[1] / shape[0]
        assert window.frame_view.rect().toRectF().adjusted(-1, -1, 1, 1).contains(place)
