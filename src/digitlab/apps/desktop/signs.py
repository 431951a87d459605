"""Two signs that a child understands: a pencil for "somebody is drawing", a clock for "this is old"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from digitlab.apps.desktop.theme import Colours

__all__ = ["paint_clock", "paint_pencil"]


def paint_pencil(painter: QPainter, rect: QRectF, colours: Colours) -> None:
    """Paint a pencil that draws a line, in the middle of a rectangle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    unit = min(rect.height(), rect.width()) / 10.0
    middle = rect.center()
    line = QPen(colours.of("accent"), 0.35 * unit, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    painter.setPen(line)
    start = middle + QPointF(-3.6 * unit, 2.6 * unit)
    tip = middle + QPointF(-0.6 * unit, 2.6 * unit)
    painter.drawLine(start, tip)
    painter.translate(tip)
    painter.rotate(-45.0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.of("quiet", 190))
    painter.drawRect(QRectF(1.5 * unit, -0.75 * unit, 4.4 * unit, 1.5 * unit))
    painter.setBrush(colours.of("quiet", 110))
    painter.drawRoundedRect(QRectF(6.1 * unit, -0.75 * unit, 1.0 * unit, 1.5 * unit), 0.3 * unit, 0.3 * unit)
    painter.setBrush(colours.of("ink"))
    painter.drawPolygon(QPolygonF([QPointF(0, 0), QPointF(1.5 * unit, -0.75 * unit), QPointF(1.5 * unit, 0.75 * unit)]))
    painter.restore()


def paint_clock(painter: QPainter, rect: QRectF, colours: Colours) -> None:
    """Paint a clock's face in a square."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line_width = max(1.5, rect.width() * 0.09)
    pen = QPen(colours.of("warning"), line_width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(colours.of("card"))
    painter.drawEllipse(rect.adjusted(line_width, line_width, -line_width, -line_width))
    middle, radius = rect.center(), rect.width() / 2.0
    painter.drawLine(middle, middle + QPointF(0.0, -0.55 * radius))
    painter.drawLine(middle, middle + QPointF(0.4 * radius, 0.2 * radius))
    painter.restore()
