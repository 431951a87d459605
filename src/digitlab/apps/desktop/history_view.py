"""The last readings, newest first, with the time of day."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFont, QGuiApplication, QKeySequence, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from digitlab.apps.desktop.colours import LIGHT

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from digitlab.apps.desktop.colours import Colours
    from digitlab.live.engine import Change

__all__ = ["HistoryView"]

_CLOCK = Qt.ItemDataRole.UserRole
_TEXT = Qt.ItemDataRole.UserRole + 1


class _Row(QStyledItemDelegate):
    """The time in small grey type, the reading in large."""

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, round(self._view.fontMetrics().height() * 1.55))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        rect, colours = option.rect, self._view.colours
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, colours.of("accent", 45))
        font = QFont(self._view.font())
        painter.setFont(font)
        painter.setPen(colours.of("quiet"))
        clock = str(index.data(_CLOCK))
        wide = painter.fontMetrics().horizontalAdvance("00:00:00")
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect.adjusted(8, 0, 0, 0), middle, clock)
        text = str(index.data(_TEXT))
        font.setBold(bool(text))
        font.setPixelSize(round(painter.fontMetrics().height() * 1.05))
        painter.setFont(font)
        painter.setPen(colours.of("ink" if text else "quiet"))
        place = rect.adjusted(wide + 24, 0, -6, 0)
        shown = text.replace("\n", "  ") or self._view.tr("nothing")
        shown = painter.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, middle, shown)
        painter.restore()


class HistoryView(QListWidget):
    """A list of changes of the steady reading. Ctrl+C copies what is selected, a line a reading."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self._newest: Change | None = None
        self.setItemDelegate(_Row(self))
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setAccessibleName(self.tr("Last readings"))
        self.setMinimumHeight(60)

    def sizeHint(self) -> QSize:
        return QSize(240, 130)

    def show_history(self, history: tuple[Change, ...]) -> None:
        """Show these, oldest first in the tuple, newest first on the screen; only what is new is added."""
        newest = history[-1] if history else None
        if newest is self._newest:
            return
        known = self._newest
        self._newest = newest
        place = next((at for at in range(len(history) - 1, -1, -1) if history[at] is known), None)
        if place is None:
            self.clear()
            place = -1
        for change in history[place + 1 :]:
            self.insertItem(0, _item(change, self.tr("nothing")))
        while self.count() > len(history):
            self.takeItem(self.count() - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted(self.row(item) for item in self.selectedItems())
            lines = (f"{self.item(row).data(_CLOCK)}\t{self.item(row).data(_TEXT)!s}" for row in rows)
            QGuiApplication.clipboard().setText("\n".join(line.replace("\n", " ") for line in lines))
        else:
            super().keyPressEvent(event)


def _item(change: Change, nothing: str) -> QListWidgetItem:
    clock = time.strftime("%H:%M:%S", time.localtime(change.clock))
    item = QListWidgetItem()
    item.setData(_CLOCK, clock)
    item.setData(_TEXT, change.text)
    item.setToolTip(change.text if "\n" in change.text or len(change.text) > 12 else "")
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{clock} {change.text or nothing}")
    return item
