"""Light and dark colours, the style sheet, and drawn symbols that are sharp at every size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPalette, QPen, QPixmap, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.apps.desktop.status_text import Kind

__all__ = ["DARK", "LIGHT", "Colours", "icon", "paint_state", "qt_palette", "style_sheet"]


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours by their role.

    paper, card, well: the background of the window, of a panel, and of the frame without a picture
    ink, quiet, line: text, secondary text, borders
    accent: for what is read, and nothing else; on_accent: text on it
    warning: for problems, always together with text; on_warning: text on it

    Blue and orange of Okabe and Ito, which colour-blind people can distinguish.
    """

    dark: bool
    paper: str
    card: str
    well: str
    ink: str
    quiet: str
    line: str
    accent: str
    on_accent: str
    warning: str
    on_warning: str

    def of(self, name: str, alpha: int = 255) -> QColor:
        """Return the colour of that name, with an opacity of 0 to 255."""
        colour = QColor(getattr(self, name))
        colour.setAlpha(alpha)
        return colour


LIGHT = Colours(
    dark=False, paper="#eff1f4", card="#ffffff", well="#dde1e6", ink="#1d2129", quiet="#5d6470", line="#d3d8df",
    accent="#0072b2", on_accent="#ffffff", warning="#b84a00", on_warning="#ffffff",
)  # fmt: skip
DARK = Colours(
    dark=True, paper="#17191d", card="#202329", well="#0d0e11", ink="#e6e8ec", quiet="#a2a9b5", line="#383d47",
    accent="#56b4e9", on_accent="#10202b", warning="#ff8b4a", on_warning="#2a1304",
)  # fmt: skip


def qt_palette(colours: Colours) -> QPalette:
    """Return the palette for Qt's own controls."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: "paper",
        QPalette.ColorRole.WindowText: "ink",
        QPalette.ColorRole.Base: "card",
        QPalette.ColorRole.AlternateBase: "paper",
        QPalette.ColorRole.Text: "ink",
        QPalette.ColorRole.Button: "card",
        QPalette.ColorRole.ButtonText: "ink",
        QPalette.ColorRole.BrightText: "on_accent",
        QPalette.ColorRole.ToolTipBase: "card",
        QPalette.ColorRole.ToolTipText: "ink",
        QPalette.ColorRole.PlaceholderText: "quiet",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.Mid: "line",
    }
    for role, name in roles.items():
        palette.setColor(role, colours.of(name))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, colours.of("quiet", 130))
    return palette


def style_sheet(colours: Colours, points: float) -> str:
    """Return the style sheet: flat controls with a visible focus; all sizes are relative to the text size in points."""
    c = colours
    hover = "#2b3038" if c.dark else "#e6eaee"
    return f"""
    QWidget {{ font-size: {points:g}pt }}
    QToolTip {{ color: {c.ink}; background: {c.card}; border: 1px solid {c.line}; padding: 4px }}
    QMenuBar {{ background: {c.paper}; padding: 2px 6px }}
    QMenuBar::item {{ padding: 0.3em 0.75em; border-radius: 5px; background: transparent }}
    QMenuBar::item:selected {{ background: {hover} }}
    QMenu {{ background: {c.card}; border: 1px solid {c.line}; padding: 5px }}
    QMenu::item {{ padding: 0.4em 2em 0.4em 1.8em; border-radius: 5px }}
    QMenu::item:selected {{ background: {c.accent}; color: {c.on_accent} }}
    QMenu::item:disabled {{ color: {c.quiet} }}
    QMenu::separator {{ height: 1px; background: {c.line}; margin: 5px 8px }}
    QToolButton, QPushButton {{ background: {c.card}; border: 1px solid {c.line}; border-radius: 7px;
        padding: 0.4em 0.8em; min-height: 1.45em; color: {c.ink} }}
    QToolButton:hover, QPushButton:hover {{ background: {hover} }}
    QToolButton:focus, QPushButton:focus {{ border-color: {c.accent};
        background: {hover} }}
    QToolButton:checked {{ background: {c.accent}; color: {c.on_accent}; border-color: {c.accent} }}
    QToolButton:checked:focus {{ background: {c.accent}; border-color: {c.ink} }}
    QToolButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center; right: 9px }}
    QToolButton:disabled, QPushButton:disabled {{ color: {c.quiet}; background: transparent }}
    QListView {{ background: transparent; border: 0; outline: 0 }}
    QListView:focus {{ border-left: 2px solid {c.accent} }}
    QLabel[role="title"] {{ color: {c.quiet}; font-weight: 600 }}
    QLabel[role="quiet"] {{ color: {c.quiet} }}
    QFrame[role="card"] {{ background: {c.card}; border: 1px solid {c.line}; border-radius: 10px }}
    QScrollBar:vertical {{ width: 9px; background: transparent; margin: 0 }}
    QScrollBar::handle:vertical {{ background: {c.line}; border-radius: 4px; min-height: 24px }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0 }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent }}
    """


_SIDE = 24.0  # the coordinate range of the drawings below


def paint_state(painter: QPainter, rect: QRectF, kind: Kind, colours: Colours, phase: float) -> None:
    """Paint the symbol of a state: a disc, a rotating arc, a triangle with "!", or a square.

    phase: the time in seconds on any clock; rotates the arc
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    colour = colours.of({"good": "accent", "warning": "warning"}.get(kind, "quiet"))
    painter.setBrush(colour)
    if kind == "good":
        painter.drawEllipse(rect.adjusted(1, 1, -1, -1))
    elif kind == "stopped":
        inset = rect.width() * 0.14
        painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), 2, 2)
    elif kind == "waiting":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, rect.width() * 0.16, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        inset = rect.width() * 0.12
        painter.drawArc(rect.adjusted(inset, inset, -inset, -inset), round(-phase * 360 * 16) % (360 * 16), 270 * 16)
    else:
        x, y, w, h = rect.x(), rect.y(), rect.width(), rect.height()
        painter.drawPolygon(QPolygonF([QPointF(x + w / 2, y + h * 0.04), QPointF(x + w, y + h * 0.94),
                                       QPointF(x, y + h * 0.94)]))  # fmt: skip
        painter.setPen(QPen(colours.of("on_warning"), w * 0.12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(x + w / 2, y + h * 0.36), QPointF(x + w / 2, y + h * 0.6))
        painter.drawPoint(QPointF(x + w / 2, y + h * 0.79))
    painter.restore()


def icon(name: str, colours: Colours, side: int = 18) -> QIcon:
    """Make an icon of ``side`` points in three shades: for a button that is off, on, and disabled."""
    result = QIcon()
    for mode, state, colour in (
        (QIcon.Mode.Normal, QIcon.State.Off, colours.of("ink")),
        (QIcon.Mode.Normal, QIcon.State.On, colours.of("on_accent")),
        (QIcon.Mode.Disabled, QIcon.State.Off, colours.of("quiet", 130)),
    ):
        for scale in (1, 2, 3):
            result.addPixmap(_drawn(_DRAWINGS[name], colour, side, scale), mode, state)
    return result


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
