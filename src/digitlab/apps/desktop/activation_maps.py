"""The activation maps of a layer for the current digit: computed in a thread, painted as tiles, in a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from digitlab.apps.desktop.background import BackgroundTasks
from digitlab.apps.desktop.theme import LIGHT
from digitlab.apps.desktop.widgets import Card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    from digitlab.apps.desktop.theme import Colours
    from digitlab.live.snapshot import Snapshot
    from digitlab.network.layers import NetworkLayers
    from digitlab.reading import Reader

__all__ = ["LayerMaps", "MapsPanel", "MapsView", "columns_that_fill", "signed_image"]

_NOT_SHOWN = frozenset({"flatten"})  # has the same values as the layer before


class LayerMaps(QObject):
    """Loads the layers of a model on request, and computes their activations.

    layers_ready: the layers with their descriptions, ((name, text), …); empty on failure
    maps_ready: the activation maps of one digit, by the layer's name, each float32 (maps, rows, columns)
    failed: the reason of a failure
    """

    layers_ready = Signal(tuple)
    maps_ready = Signal(dict)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: BackgroundTasks | None = None
        self._layers: NetworkLayers | None = None
        self._model: str | None = None
        self._glyph: NDArray[np.uint8] | None = None
        self._busy = False

    def ask(self, model: str, glyph: NDArray[np.uint8] | None) -> None:
        """Request the maps of the current model and digit; a signal follows when they are ready. Never blocks."""
        if self._tasks is None:
            self._tasks = BackgroundTasks("maps", self)
            self._tasks.failed.connect(self._fail)
        if self._busy:
            return
        if model != self._model:
            self._model, self._layers, self._glyph, self._busy = model, None, None, True
            self._tasks.run(lambda: _open(model), self._take_layers)
        elif self._layers is not None and glyph is not None and glyph is not self._glyph:
            self._glyph, self._busy = glyph, True
            layers = self._layers
            self._tasks.run(lambda: layers.activations(glyph).maps, self._take_maps)

    def again(self) -> None:
        """Compute the maps of the same digit again at the next `ask`."""
        self._glyph = None

    def close(self) -> None:
        """Stop the thread."""
        if self._tasks is not None:
            self._tasks.close()

    def _take_layers(self, layers: NetworkLayers) -> None:
        self._layers, self._busy = layers, False
        self.layers_ready.emit(
            tuple((each.name, f"{each.name}   {_size(each.shape)}") for each in layers.layers
                  if each.kind not in _NOT_SHOWN)
        )  # fmt: skip

    def _take_maps(self, maps: Mapping[str, NDArray[np.float32]]) -> None:
        self._busy = False
        self.maps_ready.emit(dict(maps))

    def _fail(self, problem: str) -> None:
        self._busy = False
        self.layers_ready.emit(())
        self.failed.emit(problem)


def _open(model: str) -> NetworkLayers:
    from digitlab.network.layers import NetworkLayers

    return NetworkLayers(model)


def _size(shape: tuple[int, ...]) -> str:
    """Format the number and size of the maps.

    >>> _size((26, 26, 32)), _size((128,))
    ('32 × 26×26', '128')
    """
    if len(shape) == 3:
        rows, columns, maps = shape
        return f"{maps} × {rows}×{columns}"
    return "×".join(str(length) for length in shape)


_MOST = 128  # at most this many maps are drawn, the first ones
_BRIGHT = 99.5  # percentile of the magnitudes at the end of the colour scale: a single outlier must not dim the rest


class MapsView(QWidget):
    """The maps of a layer as tiles: 0 is the background colour, positive orange, negative blue, as in all figures."""

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
        """Show maps, float32 (maps, rows, columns), or (units, 1, 1) of a dense layer; the hint if None."""
        if maps is None and self.maps is None and hint == self.hint:
            return
        self.maps, self.hint, self._image = maps, hint, None
        self.setAccessibleDescription(hint if maps is None else self._description(maps))
        self.update()

    def forget_colours(self) -> None:
        """Redraw the tiles in new colours."""
        self._image = None
        self.update()

    def _description(self, maps: NDArray[np.float32]) -> str:
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
            column_of_tiles = stack.reshape(count * high, wide)
            self._image = signed_image(
                column_of_tiles, float(np.percentile(np.abs(stack), _BRIGHT)), *self._three_colours()
            )
        columns = columns_that_fill(count, self.width() * high, self.height() * wide)
        side = min(self.width() / columns, self.height() * wide / high / -(-count // columns))
        gap = 1.0 if side < 24 else 2.0
        tile_height = side * high / wide
        left = (self.width() - side * columns) / 2
        top = (self.height() - tile_height * -(-count // columns)) / 2
        for tile in range(count):
            row, column = divmod(tile, columns)
            rect = QRectF(left + column * side, top + row * tile_height, side - gap, tile_height - gap)
            painter.drawImage(rect, self._image, QRectF(0, tile * high, wide, high))

    def _three_colours(self) -> tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]:
        zero, below, above = (self.colours.of(name) for name in ("paper", "accent", "warning"))
        return (
            (zero.red(), zero.green(), zero.blue()),
            (below.red(), below.green(), below.blue()),
            (above.red(), above.green(), above.blue()),
        )


def columns_that_fill(count: int, width: float, height: float) -> int:
    """Return the number of columns in which ``count`` squares are largest.

    >>> columns_that_fill(32, 800, 100), columns_that_fill(32, 100, 100), columns_that_fill(1, 10, 10)
    (16, 6, 1)
    """
    return max(range(1, count + 1), key=lambda columns: min(width / columns, height / -(-count // columns)))


def signed_image(
    values: NDArray[np.float32], largest: float, zero: tuple[int, int, int], below: tuple[int, int, int],
    above: tuple[int, int, int],
) -> QImage:  # fmt: skip
    """Convert numbers, float32 (H, W), to a picture: `zero` at 0, `above` at +largest and `below` at −largest."""
    share = np.clip(values / max(largest, 1e-12), -1.0, 1.0)[..., np.newaxis]  # (H, W, 1)
    middle = np.asarray(zero, np.float32)
    ends = np.where(share >= 0.0, np.asarray(above, np.float32), np.asarray(below, np.float32))
    colours = np.ascontiguousarray(np.rint(middle + np.abs(share) * (ends - middle)).astype(np.uint8))
    height, width = values.shape
    return QImage(colours.data, width, height, 3 * width, QImage.Format.Format_RGB888)


def _tr(text: str) -> str:
    return QCoreApplication.translate("MapsPanel", text)


class MapsPanel(Card):
    """The panel with the activation maps of one layer for the current digit.

    layer: the name of the selected layer; where a network has none of that name, its first convolution is shown
    layer_chosen: the user selected another layer, given by its name
    """

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        self.view = MapsView()
        self.chooser = QComboBox()
        super().__init__(_tr("Activation maps of a layer"), self.view, beside=self.chooser)
        self.layer: str | None = None
        self.layer_maps = LayerMaps(self)
        self._maps: dict[str, NDArray[np.float32]] = {}
        self._has_ink = False
        self.chooser.setAccessibleName(_tr("Layer"))
        self.chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.chooser.activated.connect(self._choose)
        self.layer_maps.layers_ready.connect(self._take_layers)
        self.layer_maps.maps_ready.connect(self._take_maps)
        self.layer_maps.failed.connect(lambda problem: self.view.show_maps(None, problem))

    def show_snapshot(self, snapshot: Snapshot, reader: Reader | None) -> None:
        """Request the maps of this digit, or show why there are none. Never blocks."""
        self._has_ink = snapshot.glyph is not None and snapshot.mode != "thesis"
        if reader is None:
            self.view.show_maps(None, _tr("Loading the network …"))
        elif snapshot.mode == "thesis":
            # The image shown there is the Sobel image; a network that computes it itself needs the grey one.
            self.view.show_maps(None, _tr("Maps are available in the modes Region and Page."))
            self.layer_maps.again()  # for the same digit, when another mode is selected while paused
        else:
            self.layer_maps.ask(str(reader.classifier.path), snapshot.glyph)
            if snapshot.glyph is None:
                self.view.show_maps(None, _tr("No digit was found."))

    def close_maps(self) -> None:
        """Stop the thread that computes them."""
        self.layer_maps.close()

    def _take_layers(self, layers: tuple[tuple[str, str], ...]) -> None:
        self.chooser.clear()
        for name, words in layers:
            self.chooser.addItem(words, name)
        index = self.chooser.findData(self.layer)
        if index < 0:  # the first with learned weights
            index = next((number for number, (name, _) in enumerate(layers) if name.startswith("conv")), 0)
        self.chooser.setCurrentIndex(index if layers else -1)

    def _take_maps(self, maps: dict[str, NDArray[np.float32]]) -> None:
        self._maps = maps
        if self._has_ink:  # otherwise the digit vanished while its maps were computed
            self.view.show_maps(maps.get(str(self.chooser.currentData())))

    def _choose(self, _index: int) -> None:
        self.layer = str(self.chooser.currentData())
        self.layer_chosen.emit(self.layer)
        if self._has_ink and self.layer in self._maps:
            self.view.show_maps(self._maps[self.layer])
