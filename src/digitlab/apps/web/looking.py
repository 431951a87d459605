"""Looking into a network: all activation maps of a digit, the terms of one value, and occlusion of parts."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.apps.web.network_schemas import (
    Explained,
    Inspected,
    Kernels,
    LayerDetail,
    LayerMaps,
    ModelDetail,
    Occluded,
    Probabilities,
    ReceptiveField,
)
from digitlab.reading import digit_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.apps.web.models import Served
    from digitlab.apps.web.network_schemas import ExplainQuestion, OcclusionQuestion

__all__ = ["as_bytes", "detail_of", "explain", "glyph_of", "inspect", "kernels_of", "occlude", "probabilities_of"]

_MOST_WEIGHTS = 400_000  # of one layer; a layer with more is sent without its weights
_SMALLEST = 1e-7  # probabilities are at least this, so that their logarithms stay finite


def glyph_of(text: str) -> NDArray[np.uint8]:
    """Decode a glyph of the API to uint8 (28, 28)."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)


def as_bytes(values: NDArray[Any]) -> str:
    """Encode an array's bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def detail_of(model: Served) -> ModelDetail:
    """Return a model and its layers, with weights to draw.

    Raises:
        ModelError: when the model cannot be looked into.
    """
    network, card = model.layers, model.card
    layers = [
        LayerDetail(
            name=layer.name,
            kind=layer.kind,  # type: ignore[arg-type]  # one of the words of the schema
            operator=layer.operator,
            shape=list(layer.shape),
            parameters=layer.parameters,
            takes=list(layer.takes),
            field=None
            if layer.field is None
            else ReceptiveField(
                size=list(layer.field.size), step=list(layer.field.step), middle=list(layer.field.middle)
            ),
            explainable=layer.explainable,
            kernels=_kernels(network.kernels(layer.name)),
        )
        for layer in network.layers
    ]
    training = {} if card is None else card.training
    return ModelDetail(
        name=model.name,
        architecture="unknown" if card is None else card.architecture,
        parameters=sum(layer.parameters for layer in network.layers),
        preparation="unknown" if card is None else card.preparation,
        training={
            key: value for key, value in training.items() if value is None or isinstance(value, str | int | float)
        },
        layers=layers,
    )


def inspect(model: Served, picture: NDArray[np.uint8], threshold: float | None = None) -> Inspected:
    """Return a network's answer for the prepared image of a picture's digit, and the maps of every layer.

    Raises:
        ModelError: when the model cannot be looked into.
    """
    start = time.perf_counter()
    glyph = digit_image(picture)
    if glyph is None:
        return Inspected(
            digit=None, confidence=0.0, probabilities=[0.0] * 10, model=model.name, glyph=None, layers=[],
            ms=_since(start),
        )  # fmt: skip
    activations = model.layers.activations(glyph)
    digit = int(activations.probabilities.argmax())
    confidence = float(activations.probabilities[digit])
    return Inspected(
        digit=digit if confidence >= model.reader_for(threshold).threshold else None,
        confidence=round(confidence, 6),
        probabilities=_rounded(activations.probabilities),
        model=model.name,
        glyph=as_bytes(glyph),
        layers=[_maps(name, maps) for name, maps in activations.maps.items()],
        ms=_since(start),
    )


def probabilities_of(models: Sequence[Served], glyphs: Sequence[str]) -> Probabilities:
    """Return the probabilities of each model for each glyph."""
    images = np.array([glyph_of(glyph) for glyph in glyphs])
    answers = [model.reader.classifier.probabilities(images) for model in models]
    return Probabilities(
        models=[model.name for model in models],
        probabilities=[[_rounded(row) for row in answer] for answer in answers],
    )


def explain(model: Served, question: ExplainQuestion) -> Explained:
    """Break one value of a layer down into its terms.

    Raises:
        UsageError: if there is no such value, or it cannot be broken down.
    """
    glyph = glyph_of(question.glyph)
    explanation = model.layers.explain(glyph, question.layer, question.channel, question.row, question.column)
    return Explained(
        layer=explanation.layer.name,
        kind=explanation.layer.kind,
        channel=explanation.channel,
        row=explanation.row,
        column=explanation.column,
        field=None if explanation.field is None else list(explanation.field),
        inputs=list(explanation.inputs),
        patch=np.nan_to_num(explanation.patch).tolist(),
        kernel=None if explanation.kernel is None else explanation.kernel.tolist(),
        products=None if explanation.products is None else explanation.products.tolist(),
        sums=None if explanation.products is None else explanation.products.sum(axis=(1, 2)).tolist(),
        rest=explanation.rest,
        bias=explanation.bias,
        before=explanation.before,
        activation=explanation.activation,
        after=explanation.after,
        network=explanation.network,
    )


def occlude(model: Served, question: OcclusionQuestion) -> Occluded:
    """Measure how the probabilities change when a square of background covers one place after another."""
    glyph = glyph_of(question.glyph)
    before = model.reader.classifier.probabilities(glyph[None])[0]
    order = np.argsort(-before, kind="stable")
    digit = int(order[0]) if question.digit is None else question.digit
    against = question.against
    if against is None:
        against = int(order[0] if order[0] != digit else order[1])
    places = range(0, 28, question.stride)
    covered = np.repeat(glyph[None], len(places) ** 2, axis=0)
    for number, (row, column) in enumerate((row, column) for row in places for column in places):
        top, left = row - question.size // 2, column - question.size // 2
        covered[number, max(top, 0) : top + question.size, max(left, 0) : left + question.size] = 0
    after = np.repeat(before[None], len(covered), axis=0)
    changed = (covered != glyph).any(axis=(1, 2))  # where there is no ink, covering changes nothing
    after[changed] = model.reader.classifier.probabilities(covered[changed])
    after = after.reshape(len(places), len(places), 10)
    sure_before, sure_after = np.log(np.maximum(before, _SMALLEST)), np.log(np.maximum(after, _SMALLEST))
    margin = sure_before[digit] - sure_before[against] - sure_after[..., digit] + sure_after[..., against]
    return Occluded(
        model=model.name,
        digit=digit,
        against=against,
        before=_rounded(before),
        size=question.size,
        stride=question.stride,
        fall=np.round((before[digit] - after[..., digit]).astype(np.float64), 6).tolist(),
        towards=np.round(margin.astype(np.float64), 6).tolist(),
    )


def kernels_of(weights: NDArray[np.float32], bias: NDArray[np.float32] | None) -> Kernels:
    """Quantise weights (filters, input maps, rows, columns) to 8 bits, for drawing."""
    scale = float(np.abs(weights).max(initial=0.0))
    levels = np.rint(weights * (127.0 / scale)) if scale else np.zeros_like(weights)
    return Kernels(
        shape=list(weights.shape),
        scale=scale,
        data=as_bytes(levels.astype(np.int8)),
        bias=None if bias is None else [round(float(value), 6) for value in bias],
    )


def _kernels(weights: tuple[NDArray[np.float32], NDArray[np.float32] | None] | None) -> Kernels | None:
    return None if weights is None or weights[0].size > _MOST_WEIGHTS else kernels_of(*weights)


def _maps(name: str, maps: NDArray[np.float32]) -> LayerMaps:
    low, high = float(maps.min()), float(maps.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    levels = np.rint((maps - np.float32(low)) * np.float32(scale)).astype(np.uint8)
    return LayerMaps(name=name, shape=list(maps.shape), low=low, high=high, data=as_bytes(levels))


def _rounded(probabilities: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 6) for value in probabilities]


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000.0, 2)
