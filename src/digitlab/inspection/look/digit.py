"""One image in a network: activation maps, prediction, counterfactuals, and attribution.

Attribution is by four methods, for the question, for each class, and with shuffled weights.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import counted
from digitlab.inspection.activations import activation_maps, activation_statistics, results
from digitlab.inspection.attribution import Question, grad_cam, integrated_gradients, occlusion, saliency
from digitlab.inspection.counterfactuals import FURTHEST, smallest_changes
from digitlab.inspection.sanity import sanity_check
from digitlab.inspection.steps import CONVOLUTIONS, POOLINGS
from digitlab.inspection.summary import receptive_fields
from digitlab.reports.inspection_figures import (
    TILES_A_PAGE,
    Stage,
    activation_maps_figure,
    changes_figure,
    reasons_figure,
    walk_figure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.inspection.activations import ActivationStatistics, Maps
    from digitlab.inspection.look.album import Album
    from digitlab.inspection.steps import Network

    See = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    from collections.abc import Callable, Sequence

    Method = Callable[[Network, NDArray[np.uint8], Sequence[Question]], NDArray[np.float32]]

__all__ = ["look_at_digit", "look_at_reasons"]

_WALKED = (*CONVOLUTIONS, *POOLINGS, "Dense", "GlobalAveragePooling2D", "GlobalMaxPooling2D")


def look_at_digit(
    album: Album,
    image: NDArray[np.uint8],
    *,
    why: int | None = None,
    unless: int | None = None,
    see: See = lambda images: images,
) -> dict[str, Any]:
    """The network's prediction for one image, and why: numbers for JSON, pictures in the folder.

    image: uint8 (28, 28), light ink on dark
    why, unless: the classes to explain; None: the predicted one, and the second most probable
    see: turns images (N, 28, 28) into the network's input: unchanged, or Sobel images

    Raises:
        UsageError: for classes other than 0 to 9, or two equal ones.
    """
    shown = see(image[None])[0]
    probabilities = _answers(album.network, shown[None])[0]
    ranked = probabilities.argsort()[::-1].tolist()
    why = ranked[0] if why is None else why
    question = Question(why, next(digit for digit in ranked if digit != why) if unless is None else unless)
    answer = {
        "digit": ranked[0],
        "confidence": round(float(probabilities.max()), 6),
        "probabilities": [round(float(share), 6) for share in probabilities],
    }
    maps = _keep_maps(album, shown)
    _keep_walk(album, shown, probabilities)
    reasons = look_at_reasons(album, shown, question)
    changes = _keep_changes(album, image, ranked[0], see)
    return {"answer": answer, "image_maps": maps, "reasons": reasons, "changes": changes}


def _answers(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return results(network, images, [network.answer])[0]


def _keep_maps(album: Album, shown: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Draw the maps before and after the activation function (thesis S0, figures 5.3 and 5.4)."""
    layers = [layer for layer in album.layers if len(layer.shape) == 3]
    drawn = {layer.name for layer in album.first(layers, "maps")}
    lives = activation_statistics(album.network, shown[None], layers)
    entries = []
    for maps, life in zip(activation_maps(album.network, shown[None], layers), lives, strict=True):
        entry: dict[str, Any] = {"layer": maps.layer, "number": maps.after.shape[-1], "activation": maps.activation}
        for when, values in (("before", maps.before), ("after", maps.after)):
            if values is not None:
                entry[when] = {"least": float(values.min()), "greatest": float(values.max())}
        pictures = _draw_maps(album, maps, life) if maps.layer in drawn else []
        entries.append({**entry, "dead_here": life.dead, "faint_here": life.faint, "pictures": pictures})
    return entries


def _draw_maps(album: Album, maps: Maps, life: ActivationStatistics) -> list[str]:
    words = {**dict.fromkeys(life.dead, "dead"), **dict.fromkeys(life.faint, "faint")}
    pictures = []
    for when, values in (("before", maps.before), ("after", maps.after)):
        if values is None:
            continue
        activation = values[0]  # (H, W, C)
        height, width, number = activation.shape
        title = f"{maps.layer}: {counted(number, 'map')} {height}×{width}" + (
            f", {when} {maps.activation}" if maps.activation else ""
        )
        captions = [words.get(channel, "") if when == "after" else "" for channel in range(1, number + 1)]
        ends = (min(0.0, float(activation.min())), max(0.0, float(activation.max())))
        pages = [
            functools.partial(
                activation_maps_figure,
                activation[:, :, start : start + TILES_A_PAGE],
                captions[start : start + TILES_A_PAGE],
                title,
                ends,
                start + 1,
            )
            for start in range(0, number, TILES_A_PAGE)
        ]
        name = f"maps-{maps.layer}" + ("-before" if when == "before" else "")
        pictures += album.keep_pages(name, pages)
    return pictures


def _keep_walk(album: Album, shown: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> None:
    """Draw the layers of the forward pass, after their activation functions; the last one before the softmax."""
    network = album.network
    fields = receptive_fields(network)
    steps = album.first(network.of_kinds(_WALKED), "forward pass")
    behind = [step if network.activated(step) is network.answer else network.activated(step) for step in steps]
    stages = []
    for step, last, (output,) in zip(steps, behind, results(network, shown[None], behind), strict=True):
        field = fields[step.name]
        description = [
            f"{counted(output.shape[-1], 'map')} {output.shape[0]}×{output.shape[1]}"
            if output.ndim == 3
            else f"{counted(len(output), 'unit')}"
        ]
        if field is not None:
            description.append("receptive field: whole image" if field.whole else f"receptive field {field}")
        if last is step and network.activated(step) is network.answer:
            description.append(f"before the {network.answer.activation}")
        stages.append(Stage(step.name, "\n".join(description), output))
    album.keep("walk", walk_figure(shown, stages, probabilities.tolist()))


def _keep_changes(album: Album, image: NDArray[np.uint8], digit: int, see: See) -> list[dict[str, Any]]:
    changes = smallest_changes(lambda images: _answers(album.network, see(images)), image)
    pictures: list[tuple[str, str, NDArray[np.uint8] | None]] = [("original", str(digit), image)]
    entries: list[dict[str, Any]] = []
    for kind, change in changes.items():
        if change is None:
            pictures.append((f"{kind}:\nnone up to {FURTHEST[kind]:g}", str(digit), None))
            entries.append({"kind": kind, "size": None, "tried_up_to": FURTHEST[kind]})
        else:
            pictures.append((_in_two_lines(str(change)), str(change.digit), change.image))
            entries.append({**change.as_dict(), "text": str(change)})
    album.keep("changes", changes_figure(pictures))
    return entries


def _in_two_lines(text: str) -> str:
    r"""A line break near the middle.

    >>> _in_two_lines("turned 25° clockwise")
    'turned 25°\nclockwise'
    """
    spaces = [index for index, letter in enumerate(text) if letter == " "]
    middle = min(spaces, key=lambda index: abs(index - len(text) // 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


_GRADIENTS = "integrated gradients"
_DESCRIPTIONS = {
    "saliency": "gradient of the\nlogit with respect\nto each pixel",
    _GRADIENTS: "the pixel's share of\nthe logit's rise from\na black image",
    "Grad-CAM": "activation maps,\nweighted by\ntheir gradient",
    "occlusion": "drop of the logit\nwhen 5×5 pixels\nare erased",
}
_STEPS = 32  # of integrated gradients where its sum is not reported


def look_at_reasons(album: Album, shown: NDArray[np.uint8], question: Question) -> dict[str, Any]:
    """Draw the attribution for the question and for each class, and the sanity check; returns numbers for JSON.

    shown: uint8 (28, 28), as the network takes it; question: with a second class
    """
    network, methods = album.network, _methods(album)
    questions = [Question(question.why), Question(int(question.unless or 0)), question]
    classes = [Question(digit) for digit in range(10)]
    maps_by_method = {name: method(network, shown, [*questions, *classes]) for name, method in methods.items()}
    gathered = integrated_gradients(network, shown, questions)
    _keep(
        album,
        "reasons",
        shown,
        {**{name: maps[:3] for name, maps in maps_by_method.items()}, _GRADIENTS: gathered.maps},
        questions,
    )
    _keep(album, "reasons-by-class", shown, {name: maps[3:] for name, maps in maps_by_method.items()}, classes)
    return {
        "question": {"why": question.why, "not": question.unless},
        "integrated_gradients": {
            "of": [str(each) for each in questions],
            "rise": [float(rise) for rise in gathered.rise],
            "sum": [float(maps.sum()) for maps in gathered.maps],
            "missing": [float(share) for share in gathered.missing],
            "steps": gathered.steps,
        },
        "sanity": _check(album, shown, question, methods),
    }


def _methods(album: Album) -> dict[str, Method]:
    layer = None if album.layer is None else album.layer.name
    methods: dict[str, Method] = {
        "saliency": saliency,
        _GRADIENTS: lambda network, image, questions: (
            integrated_gradients(network, image, questions, steps=_STEPS).maps
        ),
        "Grad-CAM": functools.partial(grad_cam, layer=layer),
        "occlusion": occlusion,
    }
    if not album.network.of_kinds(CONVOLUTIONS):
        del methods["Grad-CAM"]
    return methods


def _keep(
    album: Album,
    name: str,
    shown: NDArray[np.uint8],
    maps: dict[str, NDArray[np.float32]],
    questions: Sequence[Question],
) -> None:
    rows = {f"{method}\n{_DESCRIPTIONS[method]}": heat_maps for method, heat_maps in maps.items()}
    album.keep(name, reasons_figure(shown, rows, [str(question) for question in questions]))


def _check(
    album: Album, shown: NDArray[np.uint8], question: Question, methods: dict[str, Method]
) -> dict[str, list[dict[str, Any]]]:
    """The sanity check: how the maps change while the weights are shuffled, layer by layer."""
    stages = sanity_check(
        album.network,
        shown,
        lambda network: np.stack([method(network, shown, [question])[0] for method in methods.values()]),
    )
    columns = ["as trained", *(_shuffled(each.layers) for each in stages[1:-1]), "all layers shuffled"]
    rows = {name: np.stack([each.maps[index] for each in stages]) for index, name in enumerate(methods)}
    correlations = {name: [each.correlations[index] for each in stages] for index, name in enumerate(methods)}
    notes = {name: [f"{each:.2f}".replace("-", "−") for each in alike] for name, alike in correlations.items()}
    album.keep("sanity", reasons_figure(shown, rows, columns, notes))
    return {
        name: [
            {"layers_shuffled": stage.layers, "correlation": round(each, 4)}
            for stage, each in zip(stages, alike, strict=True)
        ]
        for name, alike in correlations.items()
    }


def _shuffled(layers: int) -> str:
    return "last layer shuffled" if layers == 1 else f"last {layers} layers"
