"""The steady text in large type, and the earlier ones with their times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QFont, QFontMetricsF, QGuiApplication, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from digitlab.apps.desktop.signs import paint_clock, paint_pencil
from digitlab.apps.desktop.theme import LIGHT

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from digitlab.apps.desktop.theme import Colours
    from digitlab.live.engine import Change

__all__ = ["AnswerView", "HistoryView"]

_SMALLEST = 13  # pixels; lines that do not fit at this size are replaced by "…"


class AnswerView(QWidget):
    """A text as large as fits, and a sentence below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.text: str | None = None
        self.sentence = ""
        self.stale = self.drawing = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(92)
        self.show_answer(None, self.tr("nothing read yet"))

    def sizeHint(self) -> QSize:
        return QSize(300, 190)

    def show_answer(self, text: str | None, sentence: str, *, stale: bool = False, drawing: bool = False) -> None:
        """Show a text; "" means an empty page, None undecided.

        stale: it is outdated, and shown in grey below a clock; drawing: a pencil is shown instead
        """
        shown = text, sentence, stale, drawing
        if shown == (self.text, self.sentence, self.stale, self.drawing) and self.accessibleName():
            return
        changed = (text, stale) != (self.text, self.stale)
        self.text, self.sentence, self.stale, self.drawing = shown
        accessible_text = {None: self.tr("undecided"), "": self.tr("nothing")}.get(text, text)
        if stale and text:
            accessible_text = self.tr("{text}, old").format(text=text)
        self.setAccessibleName(self.tr("Reading: {text}").format(text=accessible_text))
        self.setAccessibleDescription(sentence)
        if changed:  # a screen reader announces it
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        small = min(max(self.height() * 0.1, self.fontMetrics().height() * 0.85), self.height() * 0.2)
        below = QRectF(0, self.height() - small * 1.45, self.width(), small * 1.45)
        rect = QRectF(0, 0, self.width(), below.top())
        if self.drawing:
            paint_pencil(painter, rect, self.colours)
        else:
            self._paint_text(painter, rect)
            if self.stale and self.text:
                side = 0.22 * rect.height()
                paint_clock(painter, QRectF(rect.right() - 1.3 * side, 0.3 * side, side, side), self.colours)
        font = QFont(self.font())
        font.setPixelSize(round(small))
        painter.setFont(font)
        painter.setPen(self.colours.of("quiet"))
        sentence = QFontMetricsF(font).elidedText(self.sentence, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, sentence)
        painter.end()

    def _paint_text(self, painter: QPainter, rect: QRectF) -> None:
        if not self.text:
            self._paint_nothing(painter, rect)
            return
        lines, font = self._fitted(self.text.split("\n"), rect)
        painter.setFont(font)
        painter.setPen(self.colours.of("quiet" if self.stale else "accent"))
        metrics = QFontMetricsF(font)
        # Digits have no descenders: laid out by their cap height, they fill the area and are centred.
        high, gap = metrics.capHeight(), _gap(metrics)
        baseline = rect.center().y() - (len(lines) * high + (len(lines) - 1) * gap) / 2 + high
        for line in lines:
            width = metrics.horizontalAdvance(line)
            painter.drawText(round(rect.center().x() - width / 2), round(baseline), line)
            baseline += high + gap

    def _paint_nothing(self, painter: QPainter, rect: QRectF) -> None:
        """Paint a dash for an empty page, three dots while undecided."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.colours.of("quiet", 150))
        size, middle = rect.height(), rect.center()
        if self.text == "":
            dash = QRectF(middle.x() - 0.16 * size, middle.y() - 0.025 * size, 0.32 * size, 0.05 * size)
            painter.drawRoundedRect(dash, 0.025 * size, 0.025 * size)
        else:
            for step in (-1, 0, 1):
                painter.drawEllipse(middle + QPointF(0.15 * size * step, 0), 0.035 * size, 0.035 * size)

    def _fitted(self, lines: list[str], rect: QRectF) -> tuple[list[str], QFont]:
        """Return the lines and the largest font in which they fit; if none does, the last lines become "…"."""
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(100)
        metrics = QFontMetricsF(font)
        while True:
            wide = max(metrics.horizontalAdvance(line) for line in lines)
            high = len(lines) * metrics.capHeight() + (len(lines) - 1) * _gap(metrics)
            pixels = int(100 * min(0.96 * rect.width() / max(wide, 1.0), 0.92 * rect.height() / max(high, 1.0)))
            if pixels >= _SMALLEST or len(lines) <= 1:
                font.setPixelSize(max(1, pixels))
                return lines, font
            lines = [*lines[: -2 if lines[-1] == "…" else -1], "…"]


def _gap(metrics: QFontMetricsF) -> float:
    """Return the space between two lines of digits."""
    return 0.32 * metrics.capHeight()


_CLOCK = Qt.ItemDataRole.UserRole
_TEXT = Qt.ItemDataRole.UserRole + 1


class _Row(QStyledItemDelegate):
    """Paints the time in small grey type, the reading in large type."""

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
        text_rect = rect.adjusted(wide + 24, 0, -6, 0)
        shown = text.replace("\n", "  ") or self._view.tr("nothing")
        shown = painter.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, text_rect.width())
        painter.drawText(text_rect, middle, shown)
        painter.restore()


class HistoryView(QListWidget):
    """A list of changes of the steady text. Ctrl+C copies the selected ones, one line each."""

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
        """Show changes, oldest first in the tuple, newest first on the screen; only new ones are inserted."""
        newest = history[-1] if history else None
        if newest is self._newest:
            return
        previous = self._newest
        self._newest = newest
        index = next((number for number in range(len(history) - 1, -1, -1) if history[number] is previous), None)
        if index is None:
            self.clear()
            index = -1
        for change in history[index + 1 :]:
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
