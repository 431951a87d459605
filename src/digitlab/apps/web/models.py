"""The models by name. A request names one of these, never a path."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from digitlab.apps.web.network_schemas import ModelSummary
from digitlab.errors import DigitlabError, ModelError
from digitlab.network.layers import NetworkLayers
from digitlab.reading import Reader, resolve_model, shipped_models
from digitlab.runs import plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.values import ModelCard

__all__ = ["Models", "Served"]

Source = Literal["shipped", "given", "trained"]

_LONGEST = 90  # characters of a name; requests take 100, so that a number fits behind it


@dataclass
class Served:
    """A model in memory: its reader, and its layers, which are loaded on first use."""

    name: str
    path: Path
    source: Source
    reader: Reader
    _layers: NetworkLayers | None = None
    _refused: str | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def reader_for(self, threshold: float | None) -> Reader:
        """Return the reader, with another threshold if one is given."""
        if threshold is None:
            return self.reader
        other = copy.copy(self.reader)
        other.threshold = threshold
        return other

    @property
    def card(self) -> ModelCard | None:
        """The model card in the file, if there is one."""
        return self.reader.classifier.card

    @property
    def layers(self) -> NetworkLayers:
        """The layers; the first call takes some hundredths of a second.

        Raises:
            ModelError: when the model cannot be looked into.
        """
        with self._turn:
            if self._refused is not None:
                raise ModelError(self._refused)
            if self._layers is None:
                try:
                    self._layers = NetworkLayers(self.path)
                except ModelError as error:
                    self._refused = f"{self.name}: its layers cannot be inspected"
                    raise ModelError(self._refused) from error
            return self._layers

    def summary(self) -> ModelSummary:
        """Return the model's entry in /v1/models."""
        card, parameters, open_to_view = self.card, 0, True
        try:
            parameters = sum(layer.parameters for layer in self.layers.layers)
        except DigitlabError:
            open_to_view = False
        accuracy = None if card is None else card.training.get("test_accuracy")
        return ModelSummary(
            name=self.name,
            architecture="unknown" if card is None else card.architecture,
            parameters=parameters,
            source=self.source,
            accuracy=accuracy if isinstance(accuracy, int | float) else None,
            layers=open_to_view,
        )


class Models:
    """All models of one server; ``default`` is used by requests that name none."""

    def __init__(self, given: Sequence[str] = ()) -> None:
        """Load the models ``given`` (names, run folders or files; the first is the default) and those that ship.

        Raises:
            ModelError: when one of them is not a model.
        """
        self._served: dict[str, Served] = {}
        shipped = shipped_models()
        for requested in dict.fromkeys((*given, *shipped)):
            path = resolve_model(requested)
            if requested in shipped:
                self.add(requested, path, "shipped")
                continue
            name = plain_name(requested if Path(requested).is_file() else path)[:_LONGEST]
            # The shipped reader keeps its name, by which a class, too, asks for it.
            self.add(f"{name}-2" if name in shipped else name, path, "given")
        if not self._served:
            raise ModelError("there is no model to serve; give one with --model")
        self.default = next(iter(self._served))

    def __len__(self) -> int:
        return len(self._served)

    def add(self, name: str, path: Path, source: Source) -> Served:
        """Load a model under this name, or with a number appended if it is taken.

        Raises:
            ModelError: when it is not a model that can be used.
        """
        reader = Reader(path, threads=1)
        number, free = 1, name
        while free in self._served:
            number += 1
            free = f"{name}-{number}"
        served = Served(free, path, source, reader)
        self._served[free] = served
        return served

    def remove(self, name: str) -> None:
        """Remove a model; requests in progress keep using it."""
        if name != self.default:
            self._served.pop(name, None)

    def get(self, name: str | None) -> Served:
        """Return the model of this name, or the default.

        Raises:
            ModelError: when there is none of this name.
        """
        served = self._served.get(self.default if name is None else name)
        if served is None:
            raise ModelError(f"there is no model {str(name)[:60]!r}; expected one of {', '.join(self._served)}")
        return served

    def all(self) -> tuple[Served, ...]:
        """List all models, the default first."""
        return tuple(self._served.values())
