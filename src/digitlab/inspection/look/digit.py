"""One image in a network: activation maps, prediction, attribution and counterfactuals."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from digitlab.inspection.activations import activation_maps, activation_statistics, results
from digitlab.inspection.attribution import Question
from digitlab.inspection.counterfactuals import FURTHEST, smallest_changes
from digitlab.inspection.look.reasons import look_at_reasons
from digitlab.inspection.steps import CONVOLUTIONS, POOLINGS
from digitlab.inspection.summary import receptive_fields
from digitlab.reports.inspection_figures import (
    TILES_A_PAGE,
    Stage,
    activation_maps_figure,
    changes_figure,
    walk_figure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.inspection.activations import ActivationStatistics, Maps
    from digitlab.inspection.look.album import Album
    from digitlab.inspection.steps import Network

    See = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

__all__ = ["look_at_digit"]

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
    seen = see(image[None])[0]
    probabilities = _answers(album.network, seen[None])[0]
    ranked = probabilities.argsort()[::-1].tolist()
    why = ranked[0] if why is None else why
    question = Question(why, next(digit for digit in ranked if digit != why) if unless is None else unless)
    answer = {
        "digit": ranked[0],
        "confidence": round(float(probabilities.max()), 6),
        "probabilities": [round(float(share), 6) for share in probabilities],
    }
    maps = _keep_maps(album, seen)
    _keep_walk(album, seen, probabilities)
    reasons = look_at_reasons(album, seen, question)
    changes = _keep_changes(album, image, ranked[0], see)
    return {"answer": answer, "image_maps": maps, "reasons": reasons, "changes": changes}


def _answers(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return results(network, images, [network.answer])[0]


def _keep_maps(album: Album, seen: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Maps before and after the activation function (thesis S0, figures 5.3 and 5.4)."""
    layers = [layer for layer in album.layers if len(layer.shape) == 3]
    drawn = {layer.name for layer in album.first(layers, "maps")}
    lives = activation_statistics(album.network, seen[None], layers)
    told = []
    for maps, life in zip(activation_maps(album.network, seen[None], layers), lives, strict=True):
        entry: dict[str, Any] = {"layer": maps.layer, "number": maps.after.shape[-1], "activation": maps.activation}
        for when, values in (("before", maps.before), ("after", maps.after)):
            if values is not None:
                entry[when] = {"least": float(values.min()), "greatest": float(values.max())}
        pictures = _draw_maps(album, maps, life) if maps.layer in drawn else []
        told.append({**entry, "dead_here": life.dead, "faint_here": life.faint, "pictures": pictures})
    return told


def _draw_maps(album: Album, maps: Maps, life: ActivationStatistics) -> list[str]:
    words = {**dict.fromkeys(life.dead, "dead"), **dict.fromkeys(life.faint, "faint")}
    pictures = []
    for when, values in (("before", maps.before), ("after", maps.after)):
        if values is None:
            continue
        found = values[0]  # (H, W, C)
        height, width, number = found.shape
        title = f"{maps.layer}: {number} maps {height}×{width}" + (
            f", {when} {maps.activation}" if maps.activation else ""
        )
        captions = [words.get(place, "") if when == "after" else "" for place in range(1, number + 1)]
        ends = (min(0.0, float(found.min())), max(0.0, float(found.max())))
        pages = [
            functools.partial(
                activation_maps_figure,
                found[:, :, start : start + TILES_A_PAGE],
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


def _keep_walk(album: Album, seen: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> None:
    """The layers of the forward pass that are drawn, after their activation; the last one before the softmax."""
    network = album.network
    fields = receptive_fields(network)
    steps = album.first(network.of_kinds(_WALKED), "the walk")
    behind = [step if network.activated(step) is network.answer else network.activated(step) for step in steps]
    stages = []
    for step, last, (made,) in zip(steps, behind, results(network, seen[None], behind), strict=True):
        field = fields[step.name]
        told = [f"{made.shape[-1]} maps {made.shape[0]}×{made.shape[1]}" if made.ndim == 3 else f"{len(made)} units"]
        if field is not None:
            told.append("receptive field: all" if field.whole else f"receptive field {field}")
        if last is step and network.activated(step) is network.answer:
            told.append(f"before the {network.answer.activation}")
        stages.append(Stage(step.name, "\n".join(told), made))
    album.keep("walk", walk_figure(seen, stages, probabilities.tolist()))


def _keep_changes(album: Album, image: NDArray[np.uint8], digit: int, see: See) -> list[dict[str, Any]]:
    found = smallest_changes(lambda images: _answers(album.network, see(images)), image)
    pictures: list[tuple[str, str, NDArray[np.uint8] | None]] = [("original", str(digit), image)]
    told: list[dict[str, Any]] = []
    for kind, change in found.items():
        if change is None:
            pictures.append((f"{kind}:\nnone up to {FURTHEST[kind]:g}", str(digit), None))
            told.append({"kind": kind, "size": None, "tried_up_to": FURTHEST[kind]})
        else:
            pictures.append((_in_two_lines(str(change)), str(change.digit), change.image))
            told.append({**change.as_dict(), "text": str(change)})
    album.keep("changes", changes_figure(pictures))
    return told


def _in_two_lines(text: str) -> str:
    r"""A line break near the middle.

    >>> _in_two_lines("turned 25° clockwise")
    'turned 25°\nclockwise'
    """
    places = [place for place, letter in enumerate(text) if letter == " "]
    middle = min(places, key=lambda place: abs(place - len(text) // 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"
