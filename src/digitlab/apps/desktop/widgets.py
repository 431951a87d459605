"""Buttons, panels, the status line and the notice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from digitlab.apps.desktop.status_text import Condition, condition
from digitlab.apps.desktop.theme import LIGHT, paint_state

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QPaintEvent, QResizeEvent

    from digitlab.apps.desktop.theme import Colours
    from digitlab.live.engine import Snapshot

__all__ = ["Button", "Card", "Notice", "StatusLine", "row"]

_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Button(QToolButton):
    """A button for an action, with its icon and its text; pressed by Space and by Return when it has the focus."""

    def __init__(self, action: QAction | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(18, 18))
        if action is not None:
            self.setDefaultAction(action)
            self.setAccessibleName(action.text().replace("&", "").replace("…", ""))

    def event(self, event: QEvent) -> bool:
        # A shortcut of the window (Space: pause) asks the widget with the focus first.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _PRESSING:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _PRESSING[1:] and not event.isAutoRepeat():
            if self.menu() is not None:
                self.showMenu()
            else:
                self.click()
        else:
            super().keyPressEvent(event)


class Card(QFrame):
    """A panel with a title above its content; `beside` is placed to the right of the title."""

    def __init__(self, title: str, content: QWidget, *, beside: QWidget | None = None) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.title = QLabel(title)
        self.title.setProperty("role", "title")
        head = row(self.title)
        if beside is not None:
            head.addStretch(1)
            head.addWidget(beside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(content, 1)


def row(*widgets: QWidget, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8) -> QBoxLayout:
    """Lay out widgets side by side."""
    layout = QHBoxLayout()
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


_MESSAGE_STAYS = 7000  # milliseconds


class _StateSymbol(QWidget):
    """The symbol of the state."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self._condition = Condition("", "", "waiting")

    def show_condition(self, state: Condition) -> None:
        if state.kind != self._condition.kind or state.kind == "waiting":
            self.update()
        self._condition = state

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_state(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), self._condition.kind, self.colours,
                    time.monotonic())  # fmt: skip
        painter.end()


class _ElidedLabel(QLabel):
    """A label elided to its width, with the full text in its tool tip."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._full_text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def show_text(self, text: str) -> None:
        if text != self._full_text:
            self._full_text = text
            self.setToolTip(text)
            self.setAccessibleName(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setText(QFontMetrics(self.font()).elidedText(self._full_text, Qt.TextElideMode.ElideRight, self.width()))


class StatusLine(QWidget):
    """State, last action, recording, frames per second, latency."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mark = _StateSymbol(self)
        self.words = QLabel(self)
        self.message = _ElidedLabel(self)
        self.recording = QLabel(self)
        self.rate = QLabel(self)
        self.latency = QLabel(self)
        self._message = ""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 3, 12, 6)
        layout.setSpacing(8)
        for widget, stretch in ((self.mark, 0), (self.words, 0), (self.message, 1), (self.recording, 0),
                                (self.rate, 0), (self.latency, 0)):  # fmt: skip
            layout.addWidget(widget, stretch)
        self.message.setProperty("role", "quiet")
        for label in (self.rate, self.latency):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setProperty("role", "quiet")
        self.rate.setToolTip(self.tr("Frames read per second"))
        self.latency.setToolTip(self.tr("From the capture of a frame to its reading"))
        self._clear = QTimer(self, singleShot=True, interval=_MESSAGE_STAYS)
        self._clear.timeout.connect(lambda: self._set_message(""))

    def show_message(self, message: str) -> None:
        """Show a message for some seconds."""
        self._set_message(message)
        self._clear.start()

    def _set_message(self, message: str) -> None:
        self._message = message

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show state and speed."""
        state = condition(snapshot)
        self.mark.show_condition(state)
        _set(self.words, state.words)
        self.message.show_text(self._message or state.sentence)
        _set(self.recording, self.tr("● Recording") if snapshot.recording else "")
        _set(self.rate, self.tr("{rate:.1f} frames/s").format(rate=snapshot.frames_per_second))
        _set(self.latency, "– ms" if snapshot.latency_ms is None else f"{snapshot.latency_ms:.1f} ms")

    def take_colours(self, colours: Colours, points: float) -> None:
        """Draw in these colours, with text of ``points``."""
        font = QFont(self.font())
        font.setPointSizeF(points)
        metrics = QFontMetrics(font)
        for label, widest in ((self.rate, "000.0 frames/s"), (self.latency, "0000.0 ms")):
            label.setMinimumWidth(metrics.horizontalAdvance(widest))  # so that changing numbers do not move each other
        side = round(metrics.height() * 0.9)
        self.mark.setFixedSize(side, side)
        self.mark.colours = colours
        self.recording.setStyleSheet(f"color: {colours.warning}; font-weight: 600")


def _set(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
        label.setAccessibleName(text)


class Notice(QFrame):
    """A strip with sentences that stay until it is closed by its button or by Escape."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "notice")
        self.label = QLabel(self)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = Button(parent=self)
        self.button.setText("✕")
        self.button.setAccessibleName(self.tr("Close this notice"))
        self.button.setToolTip(self.tr("Close this notice (Esc)"))
        self.button.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 6, 6)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self._problem: str | None = None  # the engine's current problem, shown or closed
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(100, super().minimumSizeHint().height())

    @property
    def text(self) -> str:
        """The text shown; "" when hidden."""
        return "" if self.isHidden() else self.label.text()

    def show_text(self, text: str) -> None:
        """Show this text."""
        self.label.setText(text)
        self.setAccessibleName(text)
        self.show()

    def show_problem(self, problem: str | None) -> None:
        """Show the engine's problem, unless the user closed it; hide it when the problem is gone."""
        if problem == self._problem:
            return
        before, self._problem = self._problem, problem
        if problem:
            self.show_text(problem)
        elif self.text == before:
            self.dismiss()

    def dismiss(self) -> None:
        """Hide it."""
        self.label.setText("")
        self.hide()

    def take_colours(self, colours: Colours) -> None:
        """Draw in these colours."""
        self.setStyleSheet(
            f'QFrame[role="notice"] {{ background: {colours.card}; border: 1px solid {colours.warning}; '
            f"border-left: 6px solid {colours.warning}; border-radius: 7px }}"
        )
