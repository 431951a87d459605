"""What the keys do, and what this is: two small windows beside the large one, which goes on."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from digitlab.apps.desktop.actions import Actions

__all__ = ["show_about", "show_keys"]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Help", text)


def show_keys(parent: QWidget, actions: Actions) -> None:
    """Say what the keys do."""
    keys = [
        (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), action.text())
        for action in actions.all()
        if not action.shortcut().isEmpty()
    ]
    keys.append(("← ↑ → ↓", _tr("Move the region; with Shift resize it; with Ctrl by a pixel")))
    keys.append(("Home", _tr("Usual region; so does a double click")))
    rows = "".join(
        f"<tr><td><b>{escape(key)}</b></td>"
        f"<td style='padding-left:18px'>{escape(words.replace('…', '').strip())}</td></tr>"
        for key, words in keys
    )
    _tell(parent, _tr("Keys"), f"<table>{rows}</table>")


def show_about(parent: QWidget) -> None:
    """Say what this is."""
    import digitlab

    words = _tr("Handwritten digits, from the first epoch to the live camera. Apache License 2.0.")
    _tell(parent, _tr("About digitlab"), f"<h3>digitlab {digitlab.__version__}</h3><p>{escape(words)}</p>")


def _tell(parent: QWidget, title: str, html: str) -> None:
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, html, QMessageBox.StandardButton.Close, parent)
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
