"""Attribution of a prediction: four methods, for the question, for each class, and with shuffled weights."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.inspection.attribution import Question, grad_cam, integrated_gradients, occlusion, saliency
from digitlab.inspection.sanity import sanity_check
from digitlab.inspection.steps import CONVOLUTIONS
from digitlab.reports.inspection_figures import reasons_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.inspection.look.album import Album
    from digitlab.inspection.steps import Network

    Way = Callable[[Network, NDArray[np.uint8], Sequence[Question]], NDArray[np.float32]]

__all__ = ["look_at_reasons"]

_GRADIENTS = "integrated gradients"
_SAID = {
    "saliency": "gradient of the\nlogit with respect\nto each pixel",
    _GRADIENTS: "the pixel's share of\nthe logit's rise from\na black image",
    "Grad-CAM": "activation maps,\nweighted by\ntheir gradient",
    "occlusion": "drop of the logit\nwhen 5×5 pixels\nare erased",
}
_STEPS = 32  # of integrated gradients where its sum is not reported


def look_at_reasons(album: Album, seen: NDArray[np.uint8], question: Question) -> dict[str, Any]:
    """Numbers for JSON; pictures of the attribution for the question, for each class, and of the sanity check.

    seen: uint8 (28, 28), as the network takes it; question: with a second class
    """
    network, ways = album.network, _ways(album)
    asked = [Question(question.why), Question(int(question.unless or 0)), question]
    classes = [Question(digit) for digit in range(10)]
    found = {name: way(network, seen, [*asked, *classes]) for name, way in ways.items()}
    gathered = integrated_gradients(network, seen, asked)
    _keep(
        album, "reasons", seen, {**{name: maps[:3] for name, maps in found.items()}, _GRADIENTS: gathered.maps}, asked
    )
    _keep(album, "reasons-by-class", seen, {name: maps[3:] for name, maps in found.items()}, classes)
    return {
        "question": {"why": question.why, "not": question.unless},
        "integrated_gradients": {
            "of": [str(each) for each in asked],
            "rise": [float(rise) for rise in gathered.rise],
            "sum": [float(maps.sum()) for maps in gathered.maps],
            "missing": [float(share) for share in gathered.missing],
            "steps": gathered.steps,
        },
        "sanity": _check(album, seen, question, ways),
    }


def _ways(album: Album) -> dict[str, Way]:
    layer = None if album.layer is None else album.layer.name
    ways: dict[str, Way] = {
        "saliency": saliency,
        _GRADIENTS: lambda network, image, asked: integrated_gradients(network, image, asked, steps=_STEPS).maps,
        "Grad-CAM": functools.partial(grad_cam, layer=layer),
        "occlusion": occlusion,
    }
    if not album.network.of_kinds(CONVOLUTIONS):
        del ways["Grad-CAM"]
    return ways


def _keep(
    album: Album,
    name: str,
    seen: NDArray[np.uint8],
    maps: dict[str, NDArray[np.float32]],
    asked: Sequence[Question],
) -> None:
    rows = {f"{way}\n{_SAID[way]}": each for way, each in maps.items()}
    album.keep(name, reasons_figure(seen, rows, [str(question) for question in asked]))


def _check(
    album: Album, seen: NDArray[np.uint8], question: Question, ways: dict[str, Way]
) -> dict[str, list[dict[str, Any]]]:
    """The sanity check: how the maps change while the weights are shuffled, layer by layer."""
    stages = sanity_check(
        album.network, seen, lambda network: np.stack([way(network, seen, [question])[0] for way in ways.values()])
    )
    columns = ["as trained", *(_shuffled(each.layers) for each in stages[1:-1]), "all layers shuffled"]
    rows = {name: np.stack([each.maps[place] for each in stages]) for place, name in enumerate(ways)}
    found = {name: [each.correlations[place] for each in stages] for place, name in enumerate(ways)}
    notes = {name: [f"{each:.2f}".replace("-", "−") for each in alike] for name, alike in found.items()}
    album.keep("sanity", reasons_figure(seen, rows, columns, notes))
    return {
        name: [
            {"layers_shuffled": stage.layers, "correlation": round(each, 4)}
            for stage, each in zip(stages, alike, strict=True)
        ]
        for name, alike in found.items()
    }


def _shuffled(layers: int) -> str:
    return "last layer shuffled" if layers == 1 else f"last {layers} layers"
