"""Maps of the network that is reading, computed beside the window: it shows the newest that are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from digitlab.apps.desktop.errands import Errands

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.network.layers import NetworkLayers

__all__ = ["LayerMaps"]

_NOT_SHOWN = frozenset({"flatten"})  # the numbers of the layer before, in a row


class LayerMaps(QObject):
    """Opens the layers of a model when they are asked for, and keeps them.

    layers_ready: the names of the layers with what they are, ((name, words), …); none where they cannot be had
    maps_ready: all layers' maps of one digit, by the layer's name, each float32 (maps, rows, columns)
    failed: why there are none
    """

    layers_ready = Signal(tuple)
    maps_ready = Signal(dict)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._errands: Errands | None = None
        self._layers: NetworkLayers | None = None
        self._model: str | None = None
        self._glyph: NDArray[np.uint8] | None = None
        self._busy = False

    def ask(self, model: str, glyph: NDArray[np.uint8] | None) -> None:
        """Take the model and the digit of now; what comes of it is signalled when it is ready. Never waits."""
        if self._errands is None:
            self._errands = Errands("maps", self)
            self._errands.failed.connect(self._fail)
        if self._busy:
            return
        if model != self._model:
            self._model, self._layers, self._glyph, self._busy = model, None, None, True
            self._errands.run(lambda: _open(model), self._take_layers)
        elif self._layers is not None and glyph is not None and glyph is not self._glyph:
            self._glyph, self._busy = glyph, True
            layers = self._layers
            self._errands.run(lambda: layers.activations(glyph).maps, self._take_maps)

    def again(self) -> None:
        """Give out the maps of the last digit once more, with the next `ask`."""
        self._glyph = None

    def close(self) -> None:
        """End the thread."""
        if self._errands is not None:
            self._errands.close()

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
    """How many maps of which size.

    >>> _size((26, 26, 32)), _size((128,))
    ('32 × 26×26', '128')
    """
    if len(shape) == 3:
        rows, columns, maps = shape
        return f"{maps} × {rows}×{columns}"
    return "×".join(str(each) for each in shape)
