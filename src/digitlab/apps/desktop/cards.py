"""Panels with a title, and rows of widgets: the small change of layouts."""

from __future__ import annotations

from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

__all__ = ["Card", "row"]


class Card(QFrame):
    """A widget on a ground of its own, under a title; `beside` stands at the title's right."""

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
    """Widgets side by side."""
    made = QHBoxLayout()
    made.setContentsMargins(*margins)
    made.setSpacing(spacing)
    for widget in widgets:
        made.addWidget(widget)
    return made
