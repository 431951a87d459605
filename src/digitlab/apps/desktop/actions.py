"""The window's actions with names and keyboard shortcuts, for menus and buttons; and the help that lists them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMessageBox

from digitlab.live.frame_reading import MODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

    from digitlab.live.frame_reading import Mode

__all__ = ["Actions", "show_about", "show_keys"]


class Actions:
    """All actions of the window, not yet connected.

    They belong to `owner`, which must add them to itself so that their keys work wherever the focus is.
    """

    def __init__(self, owner: QObject, tr: Callable[[str], str]) -> None:
        def make(text: str, keys: str, tip: str, *, checkable: bool = False) -> QAction:
            action = QAction(text, owner)
            action.setShortcuts([QKeySequence(key) for key in keys.split()])
            first = keys.split()[0] if keys else ""
            action.setToolTip(f"{tip} ({first})" if first else tip)
            action.setStatusTip("")
            action.setCheckable(checkable)
            return action

        self.choose_source = make(tr("Choose a source …"), "Ctrl+L", tr("Cameras, files and addresses"))
        self.open_file = make(tr("Open a video …"), "Ctrl+O", tr("Read from a video file"))
        self.open_folder = make(tr("Open a folder of pictures …"), "Ctrl+Shift+O", tr("Read from pictures"))
        self.open_address = make(tr("Open an address …"), "Ctrl+U", tr("Read from a phone or an IP camera"))
        self.reconnect = make(tr("Reconnect"), "F5", tr("Connect to the source again; a video starts again"))
        self.quit = make(tr("Quit"), "Ctrl+Q", tr("Close the window"))

        self.pause = make(tr("Pause"), "Space", tr("Freeze the picture and the reading"), checkable=True)
        self.snapshot = make(tr("Snapshot"), "S", tr("Save the picture with its bounding boxes"))
        self.record = make(tr("Record"), "R", tr("Record a video with its readings"), checkable=True)
        self.reset_region = make(tr("Default region"), "Ctrl+0", tr("Move the region back to the middle"))
        self.choose_folder = make(tr("Folder for snapshots and recordings …"), "", tr("Choose where they are saved"))

        texts = {
            "region": (tr("Region"), tr("Read the one digit in the region")),
            "page": (tr("Page"), tr("Read all digits of the picture")),
            "thesis": (tr("Thesis"), tr("Read as the program of the thesis did: blur, Sobel edges, its network")),
        }
        self.modes: dict[Mode, QAction] = {}
        self.mode_group = QActionGroup(owner)
        for number, mode in enumerate(MODES, start=1):
            words, tip = texts[mode]
            self.modes[mode] = make(words, f"Ctrl+{number}", tip, checkable=True)
            self.mode_group.addAction(self.modes[mode])

        self.maps = make(tr("Maps"), "M", tr("Show the activation maps of a layer of the network"), checkable=True)
        self.dark = make(tr("Dark"), "Ctrl+D", tr("Dark colours"), checkable=True)
        self.follow_system = make(tr("Light or dark as the system"), "", tr("Follow the system"), checkable=True)
        self.full_screen = make(tr("Full screen"), "F11", tr("Fill the screen"), checkable=True)
        self.keys = make(tr("Keys"), "F1", tr("List of keyboard shortcuts"))
        self.about = make(tr("About digitlab"), "", tr("Version and licence"))
        self.dismiss = make(tr("Close the notice"), "Esc", tr("Close the notice"))

    def all(self) -> list[QAction]:
        """List all actions, in the order of the menus."""
        actions: list[QAction] = []
        for value in vars(self).values():
            actions += (
                [value] if isinstance(value, QAction) else list(value.values()) if isinstance(value, dict) else []
            )
        return actions

    def fill(self, bar: QMenuBar, models: QMenu, tr: Callable[[str], str]) -> None:
        """Fill a menu bar; `models` is the menu of models."""
        source = bar.addMenu(tr("&Source"))
        source.addActions([self.choose_source, self.open_file, self.open_folder, self.open_address])
        source.addSeparator()
        source.addActions([self.reconnect])
        source.addSeparator()
        source.addActions([self.quit])
        reading = bar.addMenu(tr("&Reading"))
        reading.addActions([self.pause, self.snapshot, self.record])
        reading.addSeparator()
        reading.addActions([*self.modes.values(), self.reset_region])
        reading.addSeparator()
        models.setTitle(tr("Model"))
        reading.addMenu(models)
        reading.addAction(self.choose_folder)
        view = bar.addMenu(tr("&View"))
        view.addActions([self.maps, self.dark, self.follow_system, self.full_screen])
        view.insertSeparator(self.dark)
        view.insertSeparator(self.full_screen)
        bar.addMenu(tr("&Help")).addActions([self.keys, self.about])


def _tr(text: str) -> str:
    return QCoreApplication.translate("Help", text)


def show_keys(parent: QWidget, actions: Actions) -> None:
    """Show the list of keyboard shortcuts."""
    keys = [
        (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), action.text())
        for action in actions.all()
        if not action.shortcut().isEmpty()
    ]
    keys.append(("← ↑ → ↓", _tr("Move the region; with Shift resize it; with Ctrl by a pixel")))
    keys.append(("Home", _tr("Default region, like a double click")))
    rows = "".join(
        f"<tr><td><b>{escape(key)}</b></td>"
        f"<td style='padding-left:18px'>{escape(words.replace('…', '').strip())}</td></tr>"
        for key, words in keys
    )
    _show(parent, _tr("Keys"), f"<table>{rows}</table>")


def show_about(parent: QWidget) -> None:
    """Show version and licence."""
    from digitlab.version import VERSION

    words = _tr("Handwritten digits, from the first epoch to the live camera. Apache License 2.0.")
    _show(parent, _tr("About digitlab"), f"<h3>digitlab {VERSION}</h3><p>{escape(words)}</p>")


def _show(parent: QWidget, title: str, html: str) -> None:
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, html, QMessageBox.StandardButton.Close, parent)
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
