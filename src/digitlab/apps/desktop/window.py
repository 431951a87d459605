"""The window of the live view: shows the engine's latest snapshot and passes the user's settings on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMainWindow,
)

from digitlab.apps.desktop.actions import Actions, show_about, show_keys
from digitlab.apps.desktop.background import BackgroundTasks, Saver
from digitlab.apps.desktop.panels import Panels
from digitlab.apps.desktop.status_text import (
    condition,
    how_old,
    mode_of,
    shown_digit,
    shown_probabilities,
    source_name,
    what_is_read,
)
from digitlab.apps.desktop.theme import DARK, LIGHT, Colours, qt_palette, style_sheet
from digitlab.errors import StorageError
from digitlab.live.region import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent

    from digitlab.apps.desktop.settings import Theme, WindowSettings
    from digitlab.camera import Source
    from digitlab.live.engine import LiveEngine, Snapshot
    from digitlab.live.frame_reading import Mode
    from digitlab.values import Box

__all__ = ["LiveWindow"]

_log = logging.getLogger(__name__)

_TICK = 16  # milliseconds: 62.5 paints per second; most screens show 60
_LARGE = 1000  # points of height from which on text and icons grow with the window, up to twice their size


class LiveWindow(QMainWindow):
    """The whole live view in one window.

    engine: shown and controlled; started by the caller, closed by the caller or with the window
    source: the engine's current source, for `Reconnect`
    ticks: number of snapshots taken
    closed: window and engine are closed, and all threads have ended
    """

    closed = Signal()

    def __init__(
        self,
        engine: LiveEngine,
        settings: WindowSettings,
        *,
        source: str | Source = "",
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.engine = engine
        self.settings = settings
        self.source = source
        self.ticks = 0
        self.colours: Colours = LIGHT
        self._shown: Snapshot | None = None
        self._closing = False
        self._size = 1.0  # scale of text and icons
        self._letters = self.font().pointSizeF()
        self.tasks = BackgroundTasks("tasks", self)
        self.saver = Saver(engine, self.tasks, self)
        self.actions_ = Actions(self, self.tr)
        self.panels = panels = Panels(self.actions_)
        self.frame_view, self.notice, self.status_line = panels.frame_view, panels.notice, panels.status_line
        self.source_picker, self.model_picker = panels.source_picker, panels.model_picker
        self.setWindowTitle("digitlab")
        self.setMinimumSize(640, 420)
        self.setAcceptDrops(True)
        self.setCentralWidget(panels)
        self.addActions(self.actions_.all())
        self.actions_.fill(self.menuBar(), self.model_picker.menu_of_choices, self.tr)
        self.frame_view.setFocus()
        self._connect()
        self.restore()
        for note in notes:
            self._add_note(note)
        self.tasks.run(_cameras, self.source_picker.show_cameras)
        self.timer = QTimer(self, interval=_TICK, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.tick)
        self.timer.start()

    # Construction

    def _connect(self) -> None:
        actions = self.actions_
        for action, slot in (
            (actions.choose_source, self.source_picker.showMenu),
            (actions.open_file, self.source_picker.ask_for_file),
            (actions.open_folder, self.source_picker.ask_for_folder),
            (actions.open_address, self.source_picker.ask_for_address),
            (actions.reconnect, self.reconnect),
            (actions.quit, self.close),
            (actions.pause, self.set_paused),
            (actions.snapshot, self.save_snapshot),
            (actions.record, self.set_recording),
            (actions.reset_region, self.frame_view.region_reset.emit),
            (actions.choose_folder, self.choose_folder),
            (actions.maps, self.show_maps),
            (actions.dark, lambda dark: self.set_theme("dark" if dark else "light")),
            (actions.follow_system, lambda follow: self.set_theme(
                "system" if follow else "dark" if self.colours.dark else "light")),
            (actions.full_screen, lambda full: self.showFullScreen() if full else self.showNormal()),
            (actions.keys, lambda: show_keys(self, actions)),
            (actions.about, lambda: show_about(self)),
            (actions.dismiss, self.notice.dismiss),
        ):  # fmt: skip
            action.triggered.connect(slot)
        for mode, action in actions.modes.items():
            action.triggered.connect(lambda _checked=False, mode=mode: self.set_mode(mode))
        self.source_picker.chosen.connect(self.set_source)
        self.source_picker.look_for_cameras.connect(lambda: self.tasks.run(_cameras, self.source_picker.show_cameras))
        self.model_picker.chosen.connect(self.set_model)
        self.frame_view.region_changed.connect(self.set_region)
        self.frame_view.region_reset.connect(lambda: self.engine.set_region(None))
        self.panels.maps_panel.layer_chosen.connect(self._choose_layer)
        self.saver.saved.connect(self.status_line.show_message)
        self.saver.failed.connect(self.notice.show_text)
        self.saver.recording_settled.connect(lambda: actions.record.setEnabled(True))
        self.tasks.failed.connect(self.notice.show_text)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    def restore(self) -> None:
        """Apply the settings of the last session."""
        from digitlab.reading import shipped_models

        self.resize(1180, 760)
        self.restoreGeometry(self.settings.geometry)
        self.source_picker.recent = self.settings.recent_sources
        self.model_picker.recent = self.settings.recent_models
        self.model_picker.shipped = shipped_models()
        self.actions_.maps.setChecked(self.settings.maps)
        self.panels.maps_panel.setVisible(self.settings.maps)
        self.panels.maps_panel.layer = self.settings.layer
        self.set_theme(self.settings.theme)

    # Display, sixty times per second

    def tick(self) -> None:
        """Take a snapshot and show it. Never blocks on a camera, the reader, or the disk."""
        self.ticks += 1
        snapshot = self.engine.snapshot()
        previous, self._shown = self._shown, snapshot
        self.frame_view.show_snapshot(snapshot)
        self.status_line.show_snapshot(snapshot)
        self._show_reading(snapshot)
        if previous is None or (previous.source, previous.model) != (snapshot.source, snapshot.model):
            self._show_names(snapshot)
        self._show_settings(snapshot)
        if self.panels.maps_panel.isVisible():
            self.panels.maps_panel.show_snapshot(snapshot, self.engine.reader)

    def _show_reading(self, snapshot: Snapshot) -> None:
        state = condition(snapshot)
        stale = snapshot.frame is not None and (snapshot.stale or state.kind == "warning")
        text = snapshot.steady
        if stale and not text and snapshot.last is not None:
            text = snapshot.last[0]
        sentence = how_old(snapshot) if stale else what_is_read(snapshot)
        panels = self.panels
        drawing = snapshot.drawing and not stale and not snapshot.steady
        panels.answer_view.show_answer(text, sentence, stale=stale, drawing=drawing)
        panels.digit_view.show_glyph(snapshot.glyph)
        probabilities = shown_probabilities(snapshot)
        panels.lamps.show_answer(probabilities, None if stale else _lit(snapshot, probabilities))
        panels.show_digit(shown_digit(snapshot))
        panels.history_view.show_history(snapshot.history)
        # While the state is bad, the picture shows the problem.
        self.notice.show_problem(snapshot.problem if state.is_good or snapshot.paused else None)

    def _show_names(self, snapshot: Snapshot) -> None:
        self.source_picker.show_source(snapshot.source)
        self.model_picker.show_model(snapshot.model or self.tr("loading …"))
        name = source_name(snapshot.source)
        self.setWindowTitle(f"{name} – digitlab" if name else "digitlab")

    def _show_settings(self, snapshot: Snapshot) -> None:
        """Set the buttons to the engine's settings."""
        actions = self.actions_
        for action, on in ((actions.pause, snapshot.paused), (actions.record, snapshot.recording is not None),
                           (actions.modes[snapshot.mode], True)):  # fmt: skip
            if action.isEnabled() and action.isChecked() != on:
                action.setChecked(on)
        if actions.snapshot.isEnabled() != (snapshot.frame is not None):
            actions.snapshot.setEnabled(snapshot.frame is not None)
        if actions.reset_region.isEnabled() != (snapshot.region is not None):
            actions.reset_region.setEnabled(snapshot.region is not None)

    # The user's commands

    def set_source(self, source: str) -> None:
        """Read from this source."""
        self.source = source
        self.settings.use_source(source)
        self.source_picker.recent = self.settings.recent_sources
        self.engine.set_mode(mode_of(source, self.settings.mode))
        self.engine.set_source(source)
        self.frame_view.setFocus()

    def reconnect(self) -> None:
        """Connect to the same source again."""
        self.engine.set_source(self.source)

    def set_model(self, model: str) -> None:
        """Read with this model; an unusable one is reported, and the previous one stays."""
        self.settings.use_model(model, shipped=model in self.model_picker.shipped)
        self.model_picker.recent = self.settings.recent_models
        self.engine.set_model(model)

    def set_mode(self, mode: Mode) -> None:
        """Read in this mode."""
        self.settings.mode = mode
        self.engine.set_mode(mode)

    def set_region(self, box: Box) -> None:
        """Read this region."""
        if self._shown is not None and self._shown.frame is not None:
            self.engine.set_region(Region.of_box(box, self._shown.frame.image.shape))

    def set_paused(self, paused: bool) -> None:
        """Pause or continue reading."""
        if paused:
            self.engine.pause()
        else:
            self.engine.resume()

    def save_snapshot(self) -> None:
        """Save the frame with its boxes."""
        if self._shown is not None:
            self.saver.save(self._shown, self.settings.folder)

    def set_recording(self, on: bool) -> None:
        """Start or finish a recording; the button is disabled meanwhile."""
        self.actions_.record.setEnabled(False)
        if on:
            self.saver.begin_recording(self.settings.folder)
        else:
            self.saver.end_recording()

    def choose_folder(self) -> None:
        """Let the user choose where snapshots and recordings go."""
        chosen = QFileDialog.getExistingDirectory(
            self, self.tr("Folder for snapshots and recordings"), str(self.settings.folder)
        )
        if chosen:
            self.settings.folder = Path(chosen)

    def show_maps(self, shown: bool) -> None:
        """Show or hide the maps of a layer."""
        self.settings.maps = shown
        self.panels.maps_panel.setVisible(shown)

    def _choose_layer(self, name: str) -> None:
        self.settings.layer = name

    # Appearance

    def set_theme(self, theme: Theme) -> None:
        """Set the theme: light, dark, or as the system; it is saved."""
        self.settings.theme = theme
        hints = QGuiApplication.styleHints()
        scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(theme, Qt.ColorScheme.Unknown)
        hints.setColorScheme(scheme)  # for what the system draws: the window's frame, file dialogs
        dark = theme == "dark" or (theme == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
        self._take_colours(DARK if dark else LIGHT)
        self.actions_.dark.setChecked(dark)
        self.actions_.follow_system.setChecked(theme == "system")

    def _system_changed(self, _scheme: Qt.ColorScheme) -> None:
        if self.settings.theme == "system" and not self._closing:
            dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
            self._take_colours(DARK if dark else LIGHT)
            self.actions_.dark.setChecked(dark)

    def _take_colours(self, colours: Colours) -> None:
        self.colours = colours
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setPalette(qt_palette(colours))
        points = self._letters * self._size
        self.setStyleSheet(style_sheet(colours, points))
        self.panels.take_colours(colours, points, self._size)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # In steps, because each change lays the whole window out again.
        size = min(max(round(4 * min(self.height(), 0.65 * self.width()) / _LARGE) / 4, 1.0), 2.0)
        if size != self._size:
            self._size = size
            self._take_colours(self.colours)
        self.panels.fit(self.width(), self.height(), size)

    # Notes, settings

    def _add_note(self, note: str) -> None:
        self.notice.show_text(f"{self.notice.text}\n{note}" if self.notice.text else note)

    def _remember(self) -> None:
        """Save the settings; a failure must not prevent closing."""
        try:
            self.settings.save()
        except StorageError as error:
            _log.warning("%s", error)

    # Dropped files, and closing

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if path := _dropped(event):
            event.acceptProposedAction()
            (self.set_model if path.lower().endswith(".onnx") else self.set_source)(path)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_.full_screen.setChecked(self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing:
            self._closing = True
            self.timer.stop()
            self.settings.geometry = self.saveGeometry()
            self._remember()
            self.hide()
            self.panels.maps_panel.close_maps()
            self.tasks.close()
            self.engine.close()
            self.closed.emit()
        event.accept()


def _lit(snapshot: Snapshot, probabilities: Sequence[float]) -> int | None:
    """Return the lamp to light: that of the steady digit, or that of the digit shown in detail if there are several."""
    if snapshot.steady is not None and len(snapshot.steady) == 1 and snapshot.steady.isdigit():
        return int(snapshot.steady)
    if snapshot.steady and max(probabilities) >= 0.5:
        return probabilities.index(max(probabilities))
    return None


def _cameras() -> list[tuple[str, str]]:
    """List the cameras of this computer: for each its text and its source name."""
    from digitlab.camera import list_devices

    return [(f"{device.name} ({device.source})", device.source) for device in list_devices()]


def _dropped(event: Any) -> str:
    urls = event.mimeData().urls()
    return urls[0].toLocalFile() if len(urls) == 1 and urls[0].isLocalFile() else ""
