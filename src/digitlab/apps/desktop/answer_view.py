"""The steady reading in type that a classroom can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from digitlab.apps.desktop.colours import LIGHT

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from digitlab.apps.desktop.colours import Colours

__all__ = ["AnswerView"]

_SMALLEST = 13  # pixels; what does not fit at this size is left out, and "…" says so


class AnswerView(QWidget):
    """A text as large as its place allows, and a sentence below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.text: str | None = None
        self.sentence = ""
        self.stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(92)
        self.show_answer(None, self.tr("nothing read yet"))

    def sizeHint(self) -> QSize:
        return QSize(300, 190)

    def show_answer(self, text: str | None, sentence: str, *, stale: bool = False) -> None:
        """Show a text; "" is surely nothing, None not sure. `stale`: it is not of now, so it is shown in grey."""
        if (text, sentence, stale) == (self.text, self.sentence, self.stale) and self.accessibleName():
            return
        says_other = text != self.text
        self.text, self.sentence, self.stale = text, sentence, stale
        spoken = {None: self.tr("not sure yet"), "": self.tr("nothing")}.get(text, text)
        self.setAccessibleName(self.tr("Reading: {text}").format(text=spoken))
        self.setAccessibleDescription(sentence)
        if says_other:  # a screen reader says it without being asked
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        small = min(max(self.height() * 0.1, self.fontMetrics().height() * 0.85), self.height() * 0.2)
        below = QRectF(0, self.height() - small * 1.45, self.width(), small * 1.45)
        self._paint_text(painter, QRectF(0, 0, self.width(), below.top()))
        font = QFont(self.font())
        font.setPixelSize(round(small))
        painter.setFont(font)
        painter.setPen(self.colours.of("quiet"))
        sentence = QFontMetricsF(font).elidedText(self.sentence, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, sentence)
        painter.end()

    def _paint_text(self, painter: QPainter, place: QRectF) -> None:
        if not self.text:
            self._paint_nothing(painter, place)
            return
        lines, font = self._fitted(self.text.split("\n"), place)
        painter.setFont(font)
        painter.setPen(self.colours.of("quiet" if self.stale else "accent"))
        metrics = QFontMetricsF(font)
        # Digits have no descenders: set by their own height they fill the place and stand in its middle.
        high, gap = metrics.capHeight(), _gap(metrics)
        baseline = place.center().y() - (len(lines) * high + (len(lines) - 1) * gap) / 2 + high
        for line in lines:
            width = metrics.horizontalAdvance(line)
            painter.drawText(round(place.center().x() - width / 2), round(baseline), line)
            baseline += high + gap

    def _paint_nothing(self, painter: QPainter, place: QRectF) -> None:
        """A dash where surely nothing is, three dots where nothing is sure: no shouting."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.colours.of("quiet", 150))
        size, middle = place.height(), place.center()
        if self.text == "":
            dash = QRectF(middle.x() - 0.16 * size, middle.y() - 0.025 * size, 0.32 * size, 0.05 * size)
            painter.drawRoundedRect(dash, 0.025 * size, 0.025 * size)
        else:
            for step in (-1, 0, 1):
                painter.drawEllipse(middle + QPointF(0.15 * size * step, 0), 0.035 * size, 0.035 * size)

    def _fitted(self, lines: list[str], place: QRectF) -> tuple[list[str], QFont]:
        """The lines and the largest font that they fit in; the last ones give way to "…" where none does."""
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(100)
        metrics = QFontMetricsF(font)
        while True:
            wide = max(metrics.horizontalAdvance(line) for line in lines)
            high = len(lines) * metrics.capHeight() + (len(lines) - 1) * _gap(metrics)
            pixels = int(100 * min(0.96 * place.width() / max(wide, 1.0), 0.92 * place.height() / max(high, 1.0)))
            if pixels >= _SMALLEST or len(lines) <= 1:
                font.setPixelSize(max(1, pixels))
                return lines, font
            lines = [*lines[: -2 if lines[-1] == "…" else -1], "…"]


def _gap(metrics: QFontMetricsF) -> float:
    """Between two lines of digits."""
    return 0.32 * metrics.capHeight()
