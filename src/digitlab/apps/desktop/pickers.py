"""The buttons that choose the source and the model, each with a menu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QSizePolicy, QWidget

from digitlab.apps.desktop.status_text import source_name
from digitlab.apps.desktop.widgets import Button

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtGui import QResizeEvent

__all__ = ["ModelPicker", "SourcePicker"]


class _Picker(Button):
    """A button that shows the current choice, elided to its width, with a menu of all choices.

    chosen: the user's choice, as `LiveEngine` takes it
    menu_of_choices: the same menu, for the window's menu bar
    now, recent: the current choice, and recent ones
    folder: where dialogs for files begin
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(None, parent)
        self.menu_of_choices = QMenu(self)
        self.menu_of_choices.setToolTipsVisible(True)
        self.setMenu(self.menu_of_choices)
        self.setPopupMode(Button.ToolButtonPopupMode.InstantPopup)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name = ""
        self.now = ""
        self.recent: Sequence[str] = ()
        self.folder = ""

    def minimumSizeHint(self) -> QSize:
        return QSize(110, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(260, super().sizeHint().height())

    def show_choice(self, name: str, accessible_name: str) -> None:
        """Show the current choice; `accessible_name` is its text for screen readers."""
        if name != self._name:
            self._name = name
            self.setToolTip(name)
            self.setAccessibleName(accessible_name)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = max(40, self.width() - 62)  # the icon, the arrow and the borders
        # The end of a path is more informative than its start.
        elided = QFontMetrics(self.font()).elidedText(self._name, Qt.TextElideMode.ElideMiddle, width)
        self.setText(f" {elided}")

    def _add_choices(self, title: str, choices: Iterable[tuple[str, str]], current: str) -> None:
        choices = list(choices)
        if not choices:
            return
        self.menu_of_choices.addSection(title)
        for words, value in choices:
            action = self.menu_of_choices.addAction(words)
            action.setCheckable(True)
            action.setChecked(value == current)
            action.setData(value)
            action.triggered.connect(lambda _checked=False, value=value: self.chosen.emit(value))

    def _add_asking(self, words: str, on_triggered: object, shortcut: str = "") -> None:
        action = QAction(words, self.menu_of_choices)
        if shortcut:  # shown here; the window's action handles it
            action.setText(f"{words}\t{shortcut}")
        action.triggered.connect(on_triggered)
        self.menu_of_choices.addAction(action)

    def _take_path(self, path: str) -> None:
        if path:
            self.folder = str(Path(path).parent)
            self.chosen.emit(path)

    def _take_folder(self, title: str) -> None:
        self._take_path(QFileDialog.getExistingDirectory(self.window(), title, self.folder))


class SourcePicker(_Picker):
    """Cameras by name, recent sources, files, folders and addresses.

    look_for_cameras: the user asks for a new list of cameras
    """

    look_for_cameras = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.menu_of_choices.aboutToShow.connect(self.fill)
        self.cameras: Sequence[tuple[str, str]] = ()

    def show_source(self, source: str) -> None:
        """Show the current source."""
        self.now = source
        words = next((words for words, value in self.cameras if value == source), None)
        if words is None:
            words = self.tr("Camera {number}").format(number=source) if source.isdigit() else source_name(source)
        self.show_choice(words or self.tr("No source"), self.tr("Source: {name}").format(name=words))

    def show_cameras(self, cameras: Sequence[tuple[str, str]]) -> None:
        """Set the list of cameras: for each its text and its source name."""
        self.cameras = tuple(cameras)
        self.show_source(self.now)

    def fill(self) -> None:
        """Rebuild the menu."""
        menu = self.menu_of_choices
        menu.clear()
        self._add_choices(self.tr("Cameras"), self.cameras, self.now)
        if not self.cameras:
            menu.addAction(self.tr("No camera was found")).setEnabled(False)
        self._add_asking(self.tr("Look for cameras again"), self.look_for_cameras.emit)
        listed = {value for _, value in self.cameras}
        recent = [(source_name(source), source) for source in self.recent if source not in listed]
        self._add_choices(self.tr("Recent"), recent, self.now)
        menu.addSection(self.tr("Other"))
        self._add_asking(self.tr("Video file …"), self.ask_for_file, "Ctrl+O")
        self._add_asking(self.tr("Folder of pictures …"), self.ask_for_folder)
        self._add_asking(self.tr("Address …"), self.ask_for_address, "Ctrl+U")

    def ask_for_file(self) -> None:
        """Let the user choose a video."""
        videos = self.tr("Videos") + " (*.mp4 *.avi *.mkv *.mov *.webm *.mpg *.mpeg *.m4v *.ogv)"
        path, _ = QFileDialog.getOpenFileName(
            self.window(), self.tr("Read from a video"), self.folder, f"{videos};;{self.tr('All files')} (*)"
        )
        self._take_path(path)

    def ask_for_folder(self) -> None:
        """Let the user choose a folder of pictures."""
        self._take_folder(self.tr("Read from a folder of pictures"))

    def ask_for_address(self) -> None:
        """Let the user enter an address."""
        words = self.tr(
            "Address of a camera, for example\n\n"
            "http://192.168.1.20:4747/video\n"
            "rtsp://192.168.1.20/stream\n"
            "ice:cameraA:tcp -h localhost -p 9999\n"
        )
        initial = self.now if ":" in self.now and source_name(self.now) == self.now else ""
        text, accepted = QInputDialog.getText(self.window(), self.tr("Read from an address"), words, text=initial)
        if accepted and text.strip():
            self.chosen.emit(text.strip())


class ModelPicker(_Picker):
    """The shipped models, recent ones, a file or a run folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.menu_of_choices.aboutToShow.connect(self.fill)
        self.shipped: Sequence[str] = ()

    def show_model(self, name: str) -> None:
        """Show the current model."""
        self.now = name
        shown = Path(name).name or name
        self.show_choice(shown, self.tr("Model: {name}").format(name=shown))

    def fill(self) -> None:
        """Rebuild the menu."""
        self.menu_of_choices.clear()
        self._add_choices(self.tr("Shipped"), [(name, name) for name in self.shipped], self.now)
        self._add_choices(self.tr("Recent"), [(path, path) for path in self.recent], self.now)
        self.menu_of_choices.addSection(self.tr("Other"))
        self._add_asking(self.tr("Model file …"), self.ask_for_file)
        self._add_asking(self.tr("Run folder …"), self.ask_for_folder)

    def ask_for_file(self) -> None:
        """Let the user choose an ONNX file."""
        path, _ = QFileDialog.getOpenFileName(
            self.window(), self.tr("Read with a model"), self.folder, self.tr("Models") + " (*.onnx)"
        )
        self._take_path(path)

    def ask_for_folder(self) -> None:
        """Let the user choose a run folder."""
        self._take_folder(self.tr("Read with the model of a run"))
