"""The layout of the window."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from digitlab.apps.desktop.activation_maps import MapsPanel
from digitlab.apps.desktop.answer_view import AnswerView, HistoryView
from digitlab.apps.desktop.digit_view import DigitView, Lamps
from digitlab.apps.desktop.frame_view import FrameView
from digitlab.apps.desktop.pickers import ModelPicker, SourcePicker
from digitlab.apps.desktop.theme import icon
from digitlab.apps.desktop.widgets import Button, Card, Notice, StatusLine, row

if TYPE_CHECKING:
    from digitlab.apps.desktop.actions import Actions
    from digitlab.apps.desktop.theme import Colours
    from digitlab.values import ReadDigit

__all__ = ["Panels"]

_PICTURE_SHARE = 63  # percent of the width for the picture
_NARROW = 600  # width of the picture's column in points, below which buttons have no text
_LOW = 620  # height in points, below which panels have no titles
_ICON = 18  # points


class Panels(QWidget):
    """Source and model at the top, the picture on the left, the reading on the right, the status at the bottom."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.source_picker, self.model_picker = SourcePicker(), ModelPicker()
        self.reconnect_button = Button(actions.reconnect)
        self.notice, self.status_line = Notice(), StatusLine()
        self.frame_view, self.maps_panel = FrameView(), MapsPanel()
        self.buttons = [Button(action) for action in (actions.pause, actions.snapshot, actions.record, actions.maps)]
        self.mode_buttons = [Button(action) for action in actions.modes.values()]
        self.answer_view, self.lamps = AnswerView(), Lamps()
        self.digit_view, self.history_view = DigitView(), HistoryView()
        self._titled: list[Card] = []

        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        above = row(self.source_picker, self.reconnect_button, self.model_picker, margins=(12, 4, 12, 6))
        above.setStretch(0, 3)
        above.setStretch(2, 2)
        middle = row(self._picture_side(), self._reading_side(), margins=(12, 0, 12, 0), spacing=12)
        middle.setStretch(0, _PICTURE_SHARE)
        middle.setStretch(1, 100 - _PICTURE_SHARE)
        whole.addLayout(above)
        whole.addLayout(row(self.notice, margins=(12, 0, 12, 6)))
        whole.addLayout(middle, 1)
        whole.addWidget(self.status_line)
        for first, second in pairwise(self.focus_order()):
            QWidget.setTabOrder(first, second)

    def _picture_side(self) -> QWidget:
        side = QWidget()
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.frame_view, 5)
        layout.addWidget(self.maps_panel, 3)
        below = row(*self.buttons, spacing=6)
        below.addStretch(1)
        below.addLayout(row(*self.mode_buttons, spacing=2))
        layout.addLayout(below)
        return side

    def _reading_side(self) -> QWidget:
        side = QWidget()
        side.setMinimumWidth(268)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        self.lamps_card = self._card(self.tr("Probability of each digit"), self.lamps)
        layout.addWidget(self._card(self.tr("Reading"), self.answer_view), 9)
        layout.addWidget(self.lamps_card, 7)
        prepared = self._card(self.tr("Prepared image"), self.digit_view)
        below = row(prepared, self._card(self.tr("Last readings"), self.history_view), spacing=10)
        below.setStretch(0, 2)
        below.setStretch(1, 3)
        layout.addLayout(below, 7)
        return side

    def show_digit(self, digit: ReadDigit | None) -> None:
        """Name the digit of several whose probabilities are shown; None for a single one."""
        words = self.tr("Probability of each digit")
        if digit is not None:
            words = self.tr("Probabilities of the most confident digit: {digit}").format(digit=digit.digit)
        if self.lamps_card.title.text() != words:
            self.lamps_card.title.setText(words)

    def _card(self, title: str, content: QWidget) -> Card:
        card = Card(title, content)
        self._titled.append(card)
        return card

    def focus_order(self) -> list[QWidget]:
        """List the widgets in the order of the Tab key."""
        return [self.frame_view, *self.buttons, *self.mode_buttons, self.maps_panel.chooser, self.history_view,
                self.source_picker, self.reconnect_button, self.model_picker]  # fmt: skip

    def fit(self, width: int, height: int, size: float) -> None:
        """Adapt to a size in points, with text `size` times the default."""
        wide = width * _PICTURE_SHARE / 100 >= _NARROW * size
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in (*self.buttons, self.reconnect_button):
            button.setToolButtonStyle(style)
        for card in self._titled:
            card.title.setVisible(height >= _LOW)

    def take_colours(self, colours: Colours, points: float, size: float) -> None:
        """Draw in these colours, with text of ``points``, `size` times the default."""
        for view in (
            self.frame_view, self.answer_view, self.digit_view, self.lamps, self.history_view, self.maps_panel.view,
        ):  # fmt: skip
            view.colours = colours
            view.update()
        self.maps_panel.view.forget_colours()
        self.status_line.take_colours(colours, points)
        self.notice.take_colours(colours)
        actions, side = self._actions, round(_ICON * size)
        for action, name in ((actions.pause, "pause"), (actions.snapshot, "snapshot"), (actions.record, "record"),
                             (actions.maps, "maps"), (actions.reconnect, "again")):  # fmt: skip
            action.setIcon(icon(name, colours, side))
            action.setIconVisibleInMenu(False)
        self.source_picker.setIcon(icon("source", colours, side))
        self.model_picker.setIcon(icon("model", colours, side))
        for button in (*self.buttons, self.reconnect_button, self.source_picker, self.model_picker):
            button.setIconSize(QSize(side, side))
