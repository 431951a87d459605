"""Small drawings: the shape of a state, and the icons of the buttons. Drawn, so that they are sharp at every size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.apps.desktop.colours import Colours
    from digitlab.apps.desktop.states import Kind

__all__ = ["icon", "paint_state"]

_SIDE = 24.0  # the units that the drawings below are made in


def paint_state(painter: QPainter, place: QRectF, kind: Kind, colours: Colours, phase: float) -> None:
    """The shape of a state: a disc, a turning arc, a triangle with "!", or a square.

    phase: seconds of any clock; turns the arc
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    colour = colours.of({"good": "accent", "warning": "warning"}.get(kind, "quiet"))
    painter.setBrush(colour)
    if kind == "good":
        painter.drawEllipse(place.adjusted(1, 1, -1, -1))
    elif kind == "stopped":
        inset = place.width() * 0.14
        painter.drawRoundedRect(place.adjusted(inset, inset, -inset, -inset), 2, 2)
    elif kind == "waiting":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, place.width() * 0.16, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        inset = place.width() * 0.12
        painter.drawArc(place.adjusted(inset, inset, -inset, -inset), round(-phase * 360 * 16) % (360 * 16), 270 * 16)
    else:
        x, y, w, h = place.x(), place.y(), place.width(), place.height()
        painter.drawPolygon(QPolygonF([QPointF(x + w / 2, y + h * 0.04), QPointF(x + w, y + h * 0.94),
                                       QPointF(x, y + h * 0.94)]))  # fmt: skip
        painter.setPen(QPen(colours.of("on_warning"), w * 0.12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(x + w / 2, y + h * 0.36), QPointF(x + w / 2, y + h * 0.6))
        painter.drawPoint(QPointF(x + w / 2, y + h * 0.79))
    painter.restore()


def icon(name: str, colours: Colours, side: int = 18) -> QIcon:
    """An icon of so many points in three shades: for a button that is up, down, and not to be had."""
    made = QIcon()
    for mode, state, colour in (
        (QIcon.Mode.Normal, QIcon.State.Off, colours.of("ink")),
        (QIcon.Mode.Normal, QIcon.State.On, colours.of("on_accent")),
        (QIcon.Mode.Disabled, QIcon.State.Off, colours.of("quiet", 130)),
    ):
        for scale in (1, 2, 3):
            made.addPixmap(_drawn(_DRAWINGS[name], colour, side, scale), mode, state)
    return made


def _drawn(draw: Callable[[QPainter], None], colour: QColor, side: int, scale: int) -> QPixmap:
    pixmap = QPixmap(side * scale, side * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side * scale / _SIDE, side * scale / _SIDE)
    painter.setBrush(colour)
    painter.setPen(QPen(colour, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    draw(painter)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def _pause(painter: QPainter) -> None:
    painter.drawRect(QRectF(6.5, 5, 2.5, 14))
    painter.drawRect(QRectF(15, 5, 2.5, 14))


def _play(painter: QPainter) -> None:
    painter.drawPolygon(QPolygonF([QPointF(7, 5), QPointF(19, 12), QPointF(7, 19)]))


def _snapshot(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(3, 7, 18, 13), 2.5, 2.5)
    painter.drawEllipse(QPointF(12, 13.5), 3.6, 3.6)
    painter.drawLine(QPointF(9, 4.5), QPointF(15, 4.5))


def _record(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(12, 12), 4.2, 4.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(12, 12), 8.6, 8.6)


def _maps(painter: QPainter) -> None:
    for x in (4, 14):
        for y in (4, 14):
            painter.drawRoundedRect(QRectF(x, y, 6, 6), 1, 1)


def _again(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(4.5, 4.5, 15, 15), 60 * 16, 290 * 16)
    tip, angle = QPointF(12 + 7.5 * math.cos(math.radians(60)), 12 - 7.5 * math.sin(math.radians(60))), 3.4
    arrow = QPainterPath(QPointF(tip.x() - angle, tip.y() - angle * 1.3))
    arrow.lineTo(tip)
    arrow.lineTo(QPointF(tip.x() - angle * 1.25, tip.y() + angle))
    painter.drawPath(arrow)


def _source(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(3, 6.5, 12, 11), 2, 2)
    painter.drawPolygon(QPolygonF([QPointF(15, 11), QPointF(21, 7.5), QPointF(21, 16.5), QPointF(15, 13)]))


def _model(painter: QPainter) -> None:
    points = [QPointF(5, 7), QPointF(5, 17), QPointF(19, 12)]
    for start in points[:2]:
        for end in (QPointF(12, 5), QPointF(12, 12), QPointF(12, 19)):
            painter.drawLine(start, end)
            painter.drawLine(end, points[2])
    for point in (*points, QPointF(12, 5), QPointF(12, 12), QPointF(12, 19)):
        painter.drawEllipse(point, 1.7, 1.7)


_DRAWINGS: dict[str, Callable[[QPainter], None]] = {
    "pause": _pause,
    "play": _play,
    "snapshot": _snapshot,
    "record": _record,
    "maps": _maps,
    "again": _again,
    "source": _source,
    "model": _model,
}
