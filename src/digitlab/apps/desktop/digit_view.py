"""The digit that is shown in detail: its prepared image, and ten lamps with its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from digitlab.apps.desktop.status_text import percent_of
from digitlab.apps.desktop.theme import LIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    from digitlab.apps.desktop.theme import Colours

__all__ = ["DigitView", "Lamps", "grey_image"]


class DigitView(QWidget):
    """Shows 28×28 pixels, each enlarged to a sharp square."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.glyph: NDArray[np.uint8] | None = None
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(84, 84)
        self._update_description()

    def sizeHint(self) -> QSize:
        return QSize(140, 140)

    def show_glyph(self, glyph: NDArray[np.uint8] | None) -> None:
        """Show uint8 (28, 28), light ink on dark; None without ink."""
        if glyph is self.glyph:
            return
        self.glyph = glyph
        self._image = None if glyph is None else grey_image(glyph)
        self._update_description()
        self.update()

    def _update_description(self) -> None:
        self.setAccessibleName(self.tr("Prepared image"))
        self.setAccessibleDescription(
            self.tr("nothing was found") if self.glyph is None else self.tr("28 by 28 pixels, the input of the network")
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        # A whole number of screen pixels per image pixel: otherwise the squares differ in size.
        ratio = self.devicePixelRatioF()
        side = int(min(self.width(), self.height()) * ratio) // 28 * 28 / ratio
        left, top = (self.width() - side) / 2, (self.height() - side) / 2
        rect = QRect(round(left), round(top), round(side), round(side))
        if self._image is None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.colours.of("line"), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(self.colours.of("paper"))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
            painter.setPen(self.colours.of("quiet"))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.tr("no ink"))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=False)
            painter.drawImage(rect, self._image)
        painter.end()


def grey_image(pixels: NDArray[np.uint8]) -> QImage:
    """Convert a grey picture, uint8 (H, W), 0 black, to a QImage."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape
    return QImage(pixels.data, width, height, width, QImage.Format.Format_Grayscale8)


_NOTHING = (0.0,) * 10
_EASE = 0.35  # share of the difference that a bar moves per paint: fast enough to follow, slow enough not to flicker


class Lamps(QWidget):
    """One column per digit: a bar with its probability, and below it a lamp, lit for the predicted digit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.lit: int | None = None
        self.probabilities: tuple[float, ...] = _NOTHING
        self._shown = list(_NOTHING)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(170, 84)
        self._update_description()

    def sizeHint(self) -> QSize:
        return QSize(300, 150)

    def show_answer(self, probabilities: Sequence[float], lit: int | None) -> None:
        """Show ten probabilities, class 0 first, and light the lamp of the predicted digit, if there is one."""
        changed = (tuple(probabilities), lit) != (self.probabilities, self.lit)
        self.probabilities, self.lit = tuple(probabilities), lit
        if changed:
            self._update_description()
        if changed or self._is_moving():
            self._shown = [
                shown + _EASE * (target - shown) if abs(target - shown) > 0.005 else target
                for shown, target in zip(self._shown, self.probabilities, strict=True)
            ]
            self.update()

    def _is_moving(self) -> bool:
        return tuple(self._shown) != self.probabilities

    def _update_description(self) -> None:
        self.setAccessibleName(
            self.tr("No lamp is lit") if self.lit is None else self.tr("Lamp {digit} is lit").format(digit=self.lit)
        )
        likely = sorted(range(10), key=lambda digit: -self.probabilities[digit])[:3]
        self.setAccessibleDescription(
            ", ".join(f"{digit}: {percent_of(self.probabilities[digit])}" for digit in likely)
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        column = self.width() / 10.0
        lamp = min(column * 0.84, self.height() * 0.34)
        percent = min(max(lamp * 0.46, 9.0), column * 0.36 + 2.0)
        top, bottom = percent * 1.5, self.height() - lamp - 5.0
        for digit in range(10):
            middle = (digit + 0.5) * column
            self._paint_bar(painter, digit, QRectF(middle - lamp * 0.29, top, lamp * 0.58, bottom - top), percent)
            self._paint_lamp(painter, digit, QRectF(middle - lamp / 2, self.height() - lamp - 1.0, lamp, lamp))
        painter.end()

    def _paint_bar(self, painter: QPainter, digit: int, track: QRectF, percent: float) -> None:
        share, lit = self._shown[digit], digit == self.lit
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.colours.of("line", 110))
        radius = track.width() / 2
        painter.drawRoundedRect(track, radius, radius)
        height = share * track.height()
        if height >= 1.0:
            # The bar is clipped to the track's shape, so that a low one stays within its round end.
            painter.save()
            painter.setClipRect(QRectF(track.left(), track.bottom() - height, track.width(), height))
            painter.setBrush(self.colours.of("accent") if lit else self.colours.of("quiet", 170))
            painter.drawRoundedRect(track, radius, radius)
            painter.restore()
        if share >= 0.095:
            above = QRectF(track.center().x() - 40, 0, 80, percent * 1.35)
            self._write(painter, percent_of(share).rstrip("%"), above, percent, "ink" if lit else "quiet", bold=lit)

    def _paint_lamp(self, painter: QPainter, digit: int, rect: QRectF) -> None:
        lit = digit == self.lit
        if lit:
            painter.setPen(QPen(self.colours.of("accent", 70), rect.width() * 0.12))
            painter.setBrush(self.colours.of("accent"))
            inset = rect.width() * 0.06
        else:
            painter.setPen(QPen(self.colours.of("line"), 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            inset = rect.width() * 0.1
        painter.drawEllipse(rect.adjusted(inset, inset, -inset, -inset))
        self._write(painter, str(digit), rect, rect.width() * 0.56, "on_accent" if lit else "quiet", bold=lit)

    def _write(
        self, painter: QPainter, text: str, rect: QRectF, pixels: float, colour: str, *, bold: bool = False
    ) -> None:
        font = QFont(self.font())
        font.setPixelSize(max(7, round(pixels)))
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(self.colours.of(colour))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
