"""The panel of activation maps: a layer is chosen, its maps of the present digit are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QComboBox

from digitlab.apps.desktop.cards import Card
from digitlab.apps.desktop.layer_maps import LayerMaps
from digitlab.apps.desktop.maps_view import MapsView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.live.snapshot import Snapshot
    from digitlab.reading import Reader

__all__ = ["MapsPanel"]


def _tr(text: str) -> str:
    return QCoreApplication.translate("MapsPanel", text)


class MapsPanel(Card):
    """Shows what one layer makes of the digit that is being read.

    layer: the name of the layer that is wanted; where a network has none of that name, its first convolution is shown
    layer_chosen: the user chose another, by its name
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

    def show_snapshot(self, seen: Snapshot, reader: Reader | None) -> None:
        """Ask for the maps of this digit, and say why there are none. Never waits."""
        self._has_ink = seen.glyph is not None and seen.mode != "thesis"
        if reader is None:
            self.view.show_maps(None, _tr("The network is being loaded."))
        elif seen.mode == "thesis":
            # What is shown there is the Sobel image, which a network that makes its own must not be given.
            self.view.show_maps(None, _tr("Maps are to be had in the modes Region and Page."))
            self.layer_maps.again()  # of the same digit, where the reading is paused and another mode is chosen
        else:
            self.layer_maps.ask(str(reader.classifier.path), seen.glyph)
            if seen.glyph is None:
                self.view.show_maps(None, _tr("There is no ink to look at."))

    def close_maps(self) -> None:
        """End the thread that computes them."""
        self.layer_maps.close()

    def _take_layers(self, layers: tuple[tuple[str, str], ...]) -> None:
        self.chooser.clear()
        for name, words in layers:
            self.chooser.addItem(words, name)
        wanted = self.chooser.findData(self.layer)
        if wanted < 0:  # the first that has learned something
            wanted = next((at for at, (name, _) in enumerate(layers) if name.startswith("conv")), 0)
        self.chooser.setCurrentIndex(wanted if layers else -1)

    def _take_maps(self, maps: dict[str, NDArray[np.float32]]) -> None:
        self._maps = maps
        if self._has_ink:  # else it went while they were computed
            self.view.show_maps(maps.get(str(self.chooser.currentData())))

    def _choose(self, _index: int) -> None:
        self.layer = str(self.chooser.currentData())
        self.layer_chosen.emit(self.layer)
        if self._has_ink and self.layer in self._maps:
            self.view.show_maps(self._maps[self.layer])
