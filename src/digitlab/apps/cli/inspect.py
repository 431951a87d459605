"""`digitlab inspect`: look inside a model."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import inspection as jobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["inspect"]


@options_of(jobs.inspect)
def inspect(*, json: bool = False, **options: Any) -> int:
    """Look inside a model: layers, filters, dead maps; for a digit, its activations, attribution maps, counterfactuals.

    Writes a diagram, pictures of the filters and inspection.json into the folder; for a digit also every layer's
    activation maps, attribution maps (saliency, integrated gradients, Grad-CAM, occlusion) with a sanity check, and the
    smallest changes of the image that change the prediction.

    For example:
    digitlab inspect runs/2026-…-thesis-2conv --out inside
    digitlab inspect runs/2026-…-thesis-2conv --digit mnist:17 --out inside
    digitlab inspect runs/2026-…-thesis-2conv --data mnist --explore --out inside
    digitlab inspect 2017.h5 --form sobel --image four.jpg --why 4 --not 9 --out inside

    Args:
        json: The results as one JSON object.
    """
    with JobView() as view:
        result = jobs.inspect(**options, listener=view)
    if json:
        say_json(result.kept)
    else:
        _show(result.kept)
        advise(f"{counted(len(result.pictures), 'picture')} and inspection.json")
        say(str(result.folder))
    return 0


_WIDTH = 110


def _show(content: Mapping[str, Any]) -> None:
    """Print layers, filters and dead maps; for a digit, the prediction, its reasons, and what would change it."""
    say(_layers(content))
    for filters in content["filters"]:
        say()
        _say_filters(filters)
    say()
    _say_dead(content["maps"])
    if "answer" in content:
        say()
        _say_digit(content)


def _layers(content: Mapping[str, Any]) -> str:
    rows = [
        [
            layer["name"],
            layer["kind"],
            layer["detail"],
            _by(layer["shape"]),
            f"{layer['parameters']:,}",
            f"{layer['multiply_adds']:,}",
            _field(layer["receptive_field"]),
        ]
        for layer in content["layers"]
    ]
    rows.append(["total", "", "", "", f"{content['parameters']:,}", f"{content['multiply_adds']:,}", ""])
    return table(["layer", "kind", "", "output", "parameters", "multiply-adds", "receptive field"], rows)


def _by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _field(field: Any) -> str:
    if field is None:
        return "?"
    return field if isinstance(field, str) else f"{field['rows']}×{field['columns']}"


def _say_filters(filters: Mapping[str, Any]) -> None:
    part = f", {filters['part']}" if "part" in filters else ""
    say(
        f"{filters['layer']}{part}: {counted(filters['number'], 'filter')}, "
        f"width {filters['width']}, height {filters['height']}, "
        f"depth {filters['depth']}, from {filters['least']:.4f} to {filters['greatest']:.4f}"
    )
    biases = filters["biases"]
    _say_list("biases", [f"{bias:.3f}" for bias in biases] if biases is not None else ["none"])
    for reads, numbers in filters.get("reads", {}).items():
        _say_list(reads, [str(number) for number in numbers] or ["none"])


def _say_list(name: str, words: Sequence[str]) -> None:
    """Print a name and a list that may be long, wrapped to indented lines."""
    say(textwrap.fill(f"{name}: {' '.join(words)}", _WIDTH, initial_indent="  ", subsequent_indent="    "))


def _say_dead(layers: Sequence[Mapping[str, Any]]) -> None:
    for kind, meaning in (
        ("dead", "the same everywhere"),
        ("faint", "varying by less than a hundredth of the strongest"),
    ):
        affected = [layer for layer in layers if layer[kind]]
        if layers:
            say(f"{kind} maps, {meaning} in {layers[0]['images']:,} images: {'' if affected else 'none'}".rstrip())
        for layer in affected:
            _say_list(
                f"{layer['layer']}, {len(layer[kind])} of {layer['number']}", [str(number) for number in layer[kind]]
            )


def _say_digit(content: Mapping[str, Any]) -> None:
    answer, reasons = content["answer"], content["reasons"]
    say(f"prediction: {answer['digit']}  (softmax {100 * answer['confidence']:.1f} %)")
    gradients = reasons["integrated_gradients"]
    say(
        f"{gradients['of'][-1]}: logit {gradients['rise'][-1]:+.2f} against a black image; integrated gradients sum to "
        f"{gradients['sum'][-1]:+.2f} in {gradients['steps']} steps"
    )
    ends = [f"{name} {stages[-1]['correlation']:.2f}" for name, stages in reasons["sanity"].items()]
    say(f"sanity check, rank correlation of the maps with those of shuffled weights: {', '.join(ends)}")
    for change in content["changes"]:
        if change["size"] is None:
            say(f"the prediction does not change under {change['kind']} up to {change['tried_up_to']:g}")
        else:
            say(f"{change['text']}: {change['digit']}  ({100 * change['confidence']:.1f} %)")
