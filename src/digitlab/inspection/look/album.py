"""The folder of pictures: which layers are drawn, and how many pages of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from digitlab.errors import UsageError
from digitlab.inspection.activations import mapping_layers
from digitlab.inspection.steps import CONVOLUTIONS, lay_open
from digitlab.reports.figures import save_figure
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from digitlab.inspection.steps import Network, Step
    from digitlab.models.backend import keras

__all__ = ["Album", "open_album"]

# Limits without --layer: more would be pages that nobody reads, and minutes of drawing.
_FEW_LAYERS, _FEW_PAGES = 12, 4

_Layer = TypeVar("_Layer")


@dataclass(frozen=True)
class Album:
    """The pictures of one network.

    folder: created when missing
    layer: the only one whose filters and maps are drawn, all of them; None: the first pages of each layer
    on_note: called with a sentence for everything that is left out
    step: called at the start of each longer task with its name and expected seconds, or None
    pictures: the files written so far
    """

    folder: Path
    network: Network
    layer: Step | None
    on_note: Callable[[str], None]
    step: Callable[[str, float | None], None] = lambda *_: None
    pictures: list[str] = field(default_factory=list)

    @property
    def layers(self) -> list[Step]:
        """The layers whose activation maps are drawn."""
        return mapping_layers(self.network) if self.layer is None else [self.layer]

    def keep(self, name: str, figure: Figure) -> str:
        """Write one picture; returns its file's name."""
        written = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name) + ".png"
        save_figure(figure, self.folder / written)
        self.pictures.append(written)
        return written

    def keep_pages(self, name: str, pages: Sequence[Callable[[], Figure]]) -> list[str]:
        """Write the pages of one layer, each drawn by a call; returns their files' names."""
        shown = pages if self.layer is not None else pages[:_FEW_PAGES]
        if len(shown) < len(pages):
            self.on_note(
                f"{name}: {len(pages)} pages, the first {len(shown)} are drawn; --layer draws all of one layer"
            )
        names = [name] if len(pages) == 1 else [f"{name}-{number}" for number in range(1, len(shown) + 1)]
        return [self.keep(each, draw()) for each, draw in zip(names, shown, strict=True)]

    def first(self, layers: Sequence[_Layer], contents: str) -> Sequence[_Layer]:
        """The layers that are drawn: the first few; a message says so where others are left out."""
        if len(layers) > _FEW_LAYERS:
            self.on_note(
                f"{contents}: the first {_FEW_LAYERS} of {len(layers)} layers are drawn; --layer draws another"
            )
        return layers[:_FEW_LAYERS]

    def write(self, content: Mapping[str, Any]) -> None:
        """Write `inspection.json`."""
        write_text(self.folder / "inspection.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def open_album(
    model: keras.Model,
    folder: Path,
    *,
    layer: str | None = None,
    on_note: Callable[[str], None] = lambda _: None,
    step: Callable[[str, float | None], None] = lambda *_: None,
) -> Album:
    """Split a model into steps and choose which layers are drawn.

    Raises:
        ModelError: for a model whose layers cannot be followed.
        UsageError: for an unknown layer, or one without maps; the message lists the names.
    """
    network = lay_open(model)
    chosen = None if layer is None else network.find(layer)
    if chosen is not None and len(chosen.shape) != 3:
        mapping = [
            candidate.name
            for candidate in network.steps.values()
            if len(candidate.shape) == 3 and candidate.part_of is None
        ]
        raise UsageError(
            f"layer {chosen.name!r} has no maps: its output is {'×'.join(map(str, chosen.shape))}; "
            f"layers with maps: {', '.join(mapping) or 'none'}"
        )
    if not network.of_kinds(CONVOLUTIONS):
        on_note(f"{model.name} has no convolution, so there are no filters, maps or Grad-CAM to draw")
    return Album(folder, network, chosen, on_note, step)
