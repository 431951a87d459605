"""What one layer of the network makes of the digit that is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from digitlab.apps.desktop.colours import LIGHT
from digitlab.apps.desktop.pictures import signed_image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage, QPaintEvent

    from digitlab.apps.desktop.colours import Colours

__all__ = ["MapsView", "columns_that_fill"]

_MOST = 128  # maps that are drawn; of more, the first
_BRIGHT = 99.5  # percent of all numbers that are not beyond the end of the colours: one bright spot must not dim all


class MapsView(QWidget):
    """The maps of a layer as tiles: 0 is the ground, above it is orange, below it blue, as in all pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours: Colours = LIGHT
        self.maps: NDArray[np.float32] | None = None
        self.hint = ""
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 80)
        self.setAccessibleName(self.tr("Activation maps"))

    def sizeHint(self) -> QSize:
        return QSize(500, 150)

    def show_maps(self, maps: NDArray[np.float32] | None, hint: str = "") -> None:
        """Show float32 (maps, rows, columns), (units, 1, 1) of a dense layer; where it is None, the hint says why."""
        if maps is None and self.maps is None and hint == self.hint:
            return
        self.maps, self.hint, self._image = maps, hint, None
        self.setAccessibleDescription(hint if maps is None else self._described(maps))
        self.update()

    def forget_colours(self) -> None:
        """Draw the tiles anew: the colours are others."""
        self._image = None
        self.update()

    def _described(self, maps: NDArray[np.float32]) -> str:
        count, high, wide = maps.shape
        if high == wide == 1:
            return self.tr("{count} units").format(count=count)
        return self.tr("{count} maps of {high}×{wide}").format(count=count, high=high, wide=wide)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.maps is None:
            painter.setPen(self.colours.of("quiet"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
        else:
            self._paint_tiles(painter, self.maps)
        painter.end()

    def _paint_tiles(self, painter: QPainter, maps: NDArray[np.float32]) -> None:
        stack = maps[:_MOST]
        count, high, wide = stack.shape
        if self._image is None:
            below_each_other = stack.reshape(count * high, wide)
            self._image = signed_image(
                below_each_other, float(np.percentile(np.abs(stack), _BRIGHT)), *self._three_colours()
            )
        columns = columns_that_fill(count, self.width() * high, self.height() * wide)
        side = min(self.width() / columns, self.height() * wide / high / -(-count // columns))
        gap = 1.0 if side < 24 else 2.0
        tall = side * high / wide
        left = (self.width() - side * columns) / 2
        top = (self.height() - tall * -(-count // columns)) / 2
        for tile in range(count):
            row, column = divmod(tile, columns)
            place = QRectF(left + column * side, top + row * tall, side - gap, tall - gap)
            painter.drawImage(place, self._image, QRectF(0, tile * high, wide, high))

    def _three_colours(self) -> tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]:
        zero, below, above = (self.colours.of(name) for name in ("paper", "accent", "warning"))
        return (
            (zero.red(), zero.green(), zero.blue()),
            (below.red(), below.green(), below.blue()),
            (above.red(), above.green(), above.blue()),
        )


def columns_that_fill(count: int, width: float, height: float) -> int:
    """In how many columns so many squares are largest in a place.

    >>> columns_that_fill(32, 800, 100), columns_that_fill(32, 100, 100), columns_that_fill(1, 10, 10)
    (16, 6, 1)
    """
    return max(range(1, count + 1), key=lambda columns: min(width / columns, height / -(-count // columns)))
