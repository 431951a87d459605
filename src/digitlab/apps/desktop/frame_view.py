"""The camera's picture with the region and the tracked digits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from digitlab.apps.desktop.region_handles import MOVE, Handle, dragged, handle_at, handles
from digitlab.apps.desktop.status_text import condition, shown_digit
from digitlab.apps.desktop.theme import LIGHT, paint_state

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from digitlab.apps.desktop.theme import Colours
    from digitlab.live.engine import Snapshot, Track
    from digitlab.values import Box, Frame

__all__ = ["FrameView", "scaled_frame"]

_REACH = 11.0  # points of the screen around a handle in which it can be dragged
_STEP = 0.01  # fraction of the frame's width by which an arrow key moves the region
_EMIT_EVERY = 0.1  # seconds between two changes sent to the engine during dragging
_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class FrameView(QWidget):
    """The frame, scaled to the widget.

    region_changed: the region set by the user, (x0, y0, x1, y1) in pixels of the frame
    region_reset: the user asks for the default one
    paints: number of paints so far
    """

    region_changed = Signal(tuple)
    region_reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.paints = 0
        self._times: list[float] | None = None
        self._snapshot: Snapshot | None = None
        self._scaled: tuple[Frame, int, int, QImage] | None = None
        self._draft: Box | None = None  # the region set by the user, until the engine has applied it
        self._drop_at = 0  # number of the snapshot from which on the engine's region is shown again
        self._handle: Handle | None = None
        self._pressed = (0.0, 0.0)
        self._start: Box = (0, 0, 0, 0)
        self._emitted = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)
        self.setAccessibleName(self.tr("Camera picture"))
        self.setAccessibleDescription(self.tr("Arrow keys move the region, with Shift they resize it; Home resets it."))

    def sizeHint(self) -> QSize:
        return QSize(720, 540)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot; painting follows at once."""
        self._snapshot = snapshot
        if self._draft is not None and self._handle is None and snapshot.number >= self._drop_at:
            self._draft = None
        self.update()

    def watch_paints(self) -> list[float]:
        """Return a list to which the times of all further paints are appended, in seconds."""
        self._times = []
        return self._times

    # Geometry

    @property
    def box(self) -> Box | None:
        """The region as shown, in pixels of the frame."""
        if self._snapshot is None or self._snapshot.frame is None or self._snapshot.region is None:
            return None
        return self._draft or self._snapshot.region

    def frame_rect(self) -> QRectF:
        """Return the rectangle of the frame, in points of this widget; empty before the first frame."""
        if self._snapshot is None or self._snapshot.frame is None:
            return QRectF()
        height, width = self._snapshot.frame.image.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        wide, high = width * scale, height * scale
        return QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)

    def on_screen(self, box: Box) -> QRectF:
        """Convert a box of the frame to points of this widget."""
        rect, scale = self.frame_rect(), self._scale()
        x0, y0, x1, y1 = box
        return QRectF(rect.x() + x0 * scale, rect.y() + y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale)

    def _scale(self) -> float:
        """Return the points of the screen per pixel of the frame."""
        return self.frame_rect().width() / self._size()[0]

    def _size(self) -> tuple[int, int]:
        assert self._snapshot is not None  # noqa: S101 - only called with a region
        assert self._snapshot.frame is not None  # noqa: S101
        height, width = self._snapshot.frame.image.shape[:2]
        return width, height

    def _in_frame(self, point: QPointF) -> tuple[float, float]:
        rect, scale = self.frame_rect(), self._scale()
        return (point.x() - rect.x()) / scale, (point.y() - rect.y()) / scale

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        box = self.box
        if event.button() != Qt.MouseButton.LeftButton or box is None:
            return
        at = self._in_frame(event.position())
        self._handle = handle_at(box, *at, _REACH / self._scale())
        self._pressed, self._start = at, box

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        box = self.box
        if box is None:
            self.unsetCursor()
            return
        at = self._in_frame(event.position())
        if self._handle is None:
            self.setCursor(_cursor(handle_at(box, *at, _REACH / self._scale())))
            return
        dx, dy = at[0] - self._pressed[0], at[1] - self._pressed[1]
        self._take(dragged(self._start, self._handle, dx, dy, self._size()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._handle is not None:
            self._handle = None
            if self._draft is not None:
                self._emitted = 0.0
                self._take(self._draft)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.box is not None:
            self._reset()

    def leaveEvent(self, _event: QEvent) -> None:
        self.unsetCursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        box, direction = self.box, _ARROWS.get(Qt.Key(event.key()))
        if box is not None and event.key() == Qt.Key.Key_Home:
            self._reset()
        elif box is not None and direction is not None:
            modifiers = event.modifiers()
            fine = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
            step = 1 if fine else max(1, round(_STEP * self._size()[0]))
            handle = Handle(right=1, bottom=1) if modifiers & Qt.KeyboardModifier.ShiftModifier else MOVE
            self._emitted = 0.0
            self._take(dragged(box, handle, step * direction[0], step * direction[1], self._size()))
        else:
            super().keyPressEvent(event)

    def _take(self, box: Box) -> None:
        assert self._snapshot is not None  # noqa: S101 - only called with a region
        self._draft = box
        self._drop_at = self._snapshot.number + 2  # the current frame may still be read with the old region
        now = time.monotonic()
        if now - self._emitted >= _EMIT_EVERY:
            self._emitted = now
            self.region_changed.emit(box)
        self.update()

    def _reset(self) -> None:
        self._draft, self._handle = None, None
        self.region_reset.emit()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.paints += 1
        if self._times is not None:
            self._times.append(time.perf_counter())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self.colours.of("well"))
        if self._snapshot is not None:
            if self._snapshot.frame is not None:
                self._paint_frame(painter, self._snapshot.frame)
                self._paint_region(painter)
                chosen = shown_digit(self._snapshot)
                for track in self._snapshot.tracks:
                    # The box of the single digit of a region is the region, and moves with it.
                    is_region = self._snapshot.region is not None and track.box == self._snapshot.region
                    box = (self.box or track.box) if is_region else track.box
                    is_chosen = chosen is not None and track.box == chosen.box
                    self._paint_track(painter, track, box, framed=not is_region, chosen=is_chosen)
            self._paint_condition(painter, self._snapshot)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.colours.of("accent", 150), 2))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_frame(self, painter: QPainter, frame: Frame) -> None:
        rect, ratio = self.frame_rect(), self.devicePixelRatioF()
        wide, high = round(rect.width() * ratio), round(rect.height() * ratio)
        if self._scaled is None or self._scaled[0] is not frame or self._scaled[1:3] != (wide, high):
            image = scaled_frame(frame.image, wide, high)
            image.setDevicePixelRatio(ratio)
            self._scaled = (frame, wide, high, image)
        painter.drawImage(rect.topLeft(), self._scaled[3])

    def _paint_region(self, painter: QPainter) -> None:
        box = self.box
        if box is None:
            return
        # Straight edges on whole points: anti-aliasing them would take most of the paint's time.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        inside, frame, veil = self.on_screen(box).toRect(), self.frame_rect().toRect(), self.colours.of("well", 105)
        for part in (
            QRect(frame.topLeft(), QPoint(frame.right(), inside.top() - 1)),
            QRect(QPoint(frame.left(), inside.bottom() + 1), frame.bottomRight()),
            QRect(QPoint(frame.left(), inside.top()), QPoint(inside.left() - 1, inside.bottom())),
            QRect(QPoint(inside.right() + 1, inside.top()), QPoint(frame.right(), inside.bottom())),
        ):
            painter.fillRect(part, veil)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # A light line within a dark one is visible on any picture.
        for colour, width in ((self.colours.of("well", 190), 4.0), (self.colours.of("accent"), 2.0)):
            pen = QPen(colour, width)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(inside)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.colours.of("accent"), 1.5))
        painter.setBrush(Qt.GlobalColor.white)
        for _, x, y in handles(box):
            at = self.on_screen((0, 0, 0, 0)).topLeft() + QPointF(x, y) * self._scale()
            painter.drawEllipse(at, 4.5, 4.5)

    def _paint_track(self, painter: QPainter, track: Track, frame_box: Box, *, framed: bool, chosen: bool) -> None:
        box = self.on_screen(frame_box)
        answered = track.digit is not None
        colour = self.colours.of("warning" if chosen else "accent" if answered else "quiet")
        style = Qt.PenStyle.SolidLine if answered else Qt.PenStyle.DashLine
        if framed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.colours.of("card", 170), 3.5))
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QPen(colour, 3.0 if chosen else 2.0, style))
            painter.drawRoundedRect(box, 4, 4)
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(round(min(max(0.42 * box.height(), 13.0), max(16.0, 0.07 * self.height()))))
        metrics, text = QFontMetricsF(font), str(track.digit) if answered else "?"
        high = metrics.capHeight() * 1.75  # digits have no descenders
        wide = max(high, metrics.horizontalAdvance(text) * 1.6)
        # Above the box, clear of its handles; below it where there is no space above.
        off = 2 if framed else 8
        top = box.top() - high - off
        top = top if top >= self.frame_rect().top() else box.bottom() + off
        label = QRectF(box.center().x() - wide / 2, top, wide, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(label, high * 0.28, high * 0.28)
        painter.setFont(font)
        painter.setPen(self.colours.of("on_warning" if chosen else "on_accent" if answered else "card"))
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_condition(self, painter: QPainter, snapshot: Snapshot) -> None:
        """Show a card with the state and the reason, unless all is well; on a warning, the picture is dimmed, too."""
        state = condition(snapshot)
        if state.is_good:
            return
        if snapshot.frame is not None and state.kind == "warning":
            painter.fillRect(self.frame_rect(), self.colours.of("well", 120))
        large, small = QFont(self.font()), QFont(self.font())
        size = min(max(0.036 * self.height(), QFontMetricsF(small).height() * 0.95), 44.0)
        large.setPixelSize(round(size * 1.25))
        large.setBold(True)
        small.setPixelSize(round(size * 0.82))
        room = min(0.9 * self.width(), 34 * size)
        mark, pad = size * 1.25, size * 0.75
        wrap = int(Qt.TextFlag.TextWordWrap)
        limit = QRectF(0, 0, room - 2 * pad - mark - pad * 0.7, self.height())
        first = QFontMetricsF(large).boundingRect(limit, wrap, state.words)
        second = QFontMetricsF(small).boundingRect(limit, wrap, state.sentence) if state.sentence else QRectF()
        wide = max(first.width(), second.width()) + 2 * pad + mark + pad * 0.7 + 2
        high = first.height() + (second.height() + 0.2 * size if state.sentence else 0.0) + 2 * pad * 0.8
        # At the bottom: the label of the digit is above the region.
        top = (self.height() - high) / 2 if snapshot.frame is None else self.frame_rect().bottom() - pad - high
        card = QRectF((self.width() - wide) / 2, top, wide, high)
        painter.setPen(QPen(self.colours.of("warning" if state.kind == "warning" else "line"), 1.5))
        painter.setBrush(self.colours.of("card", 242))
        painter.drawRoundedRect(card, 10, 10)
        left, y = card.left() + pad, card.top() + pad * 0.8
        paint_state(painter, QRectF(left, y + (first.height() - mark) / 2, mark, mark), state.kind, self.colours,
                    time.monotonic())  # fmt: skip
        words = QRectF(left + mark + pad * 0.7, y, limit.width() + 2, first.height())
        painter.setFont(large)
        painter.setPen(self.colours.of("ink"))
        painter.drawText(words, wrap, state.words)
        if state.sentence:
            painter.setFont(small)
            painter.setPen(self.colours.of("quiet"))
            painter.drawText(words.translated(0, first.height() + 0.2 * size).adjusted(0, 0, 0, second.height()), wrap,
                             state.sentence)  # fmt: skip


def _cursor(handle: Handle | None) -> Qt.CursorShape:
    if handle is None:
        return Qt.CursorShape.ArrowCursor
    if handle == MOVE:
        return Qt.CursorShape.SizeAllCursor
    across, down = handle.left + handle.right, handle.top + handle.bottom
    if across and down:
        falling = handle.left == handle.top  # from the upper left to the lower right
        return Qt.CursorShape.SizeFDiagCursor if falling else Qt.CursorShape.SizeBDiagCursor
    return Qt.CursorShape.SizeHorCursor if across else Qt.CursorShape.SizeVerCursor


def scaled_frame(pixels: NDArray[np.uint8], width: int, height: int) -> QImage:
    """Scale a frame, uint8 (H, W, 3) RGB, to screen pixels, in the screen's channel order.

    OpenCV scales it once per frame, so that repainting is a plain copy: area averaging to shrink, bilinear to enlarge.
    """
    width, height = max(1, width), max(1, height)
    if (height, width) != pixels.shape[:2]:
        shrinks = width * height < pixels.shape[0] * pixels.shape[1]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)
    screen = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA), np.uint8)
    # The image keeps a reference to the array.
    return QImage(screen.data, width, height, 4 * width, QImage.Format.Format_RGB32)
