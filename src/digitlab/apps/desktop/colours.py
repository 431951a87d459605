"""The colours of the window, light and dark, and what Qt is told of them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette

__all__ = ["DARK", "LIGHT", "Colours", "qt_palette", "style_sheet"]


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours by what they mean.

    paper, card, well: the ground of the window, of a panel on it, and of the frame where no picture is
    ink, quiet, line: words, lesser words, edges
    accent: what is read, and nothing else; on_accent: words on it
    warning: what is not as it should be, always together with words; on_warning: words on it

    Blue and orange of Okabe and Ito, which are told apart without a red or a green sense.
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
        """The colour of that name, 0 (nothing) to 255 (all) opaque."""
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
    """What Qt's own controls are drawn in."""
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
    """Flat controls with a visible focus; letters of so many points, and all other sizes go by theirs."""
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
