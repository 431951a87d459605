"""The prepared image: the 28×28 numbers that the network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from digitlab.apps.desktop.colours import LIGHT
from digitlab.apps.desktop.pictures import grey_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage, QPaintEvent

    from digitlab.apps.desktop.colours import Colours

__all__ = ["DigitView"]


class DigitView(QWidget):
    """28×28 pixels enlarged, each a sharp square."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.glyph: NDArray[np.uint8] | None = None
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(84, 84)
        self._say()

    def sizeHint(self) -> QSize:
        return QSize(140, 140)

    def show_glyph(self, glyph: NDArray[np.uint8] | None) -> None:
        """Show uint8 (28, 28), light ink on dark; None where there is no ink."""
        if glyph is self.glyph:
            return
        self.glyph = glyph
        self._image = None if glyph is None else grey_image(glyph)
        self._say()
        self.update()

    def _say(self) -> None:
        self.setAccessibleName(self.tr("Prepared image"))
        self.setAccessibleDescription(
            self.tr("nothing was found") if self.glyph is None else self.tr("28 by 28 pixels, as the network sees them")
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        # A whole number of the screen's pixels for each of the image's, or the squares differ in size.
        ratio = self.devicePixelRatioF()
        side = int(min(self.width(), self.height()) * ratio) // 28 * 28 / ratio
        left, top = (self.width() - side) / 2, (self.height() - side) / 2
        place = QRect(round(left), round(top), round(side), round(side))
        if self._image is None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.colours.of("line"), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(self.colours.of("paper"))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 6, 6)
            painter.setPen(self.colours.of("quiet"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.tr("no ink"))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=False)
            painter.drawImage(place, self._image)
        painter.end()
