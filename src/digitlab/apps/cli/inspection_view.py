"""How `digitlab inspect` says what it found."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import say, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["tell"]

_WIDTH = 110


def tell(told: Mapping[str, Any]) -> None:
    """Layers, filters and dead maps; the answer for the digit, its reasons, and what would change it."""
    say(_layers(told))
    for filters in told["filters"]:
        say()
        _say_filters(filters)
    say()
    _say_dead(told["maps"])
    if "answer" in told:
        say()
        _say_digit(told)


def _layers(told: Mapping[str, Any]) -> str:
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
        for layer in told["layers"]
    ]
    rows.append(["total", "", "", "", f"{told['parameters']:,}", f"{told['multiply_adds']:,}", ""])
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
        f"{filters['layer']}{part}: {filters['number']} filters, width {filters['width']}, height {filters['height']}, "
        f"depth {filters['depth']}, from {filters['least']:.4f} to {filters['greatest']:.4f}"
    )
    biases = filters["biases"]
    _say_list("biases", [f"{bias:.3f}" for bias in biases] if biases is not None else ["none"])
    for reads, numbers in filters.get("reads", {}).items():
        _say_list(reads, [str(number) for number in numbers] or ["none"])


def _say_list(name: str, words: Sequence[str]) -> None:
    """A name and a list that may be long, in lines of their own below it."""
    say(textwrap.fill(f"{name}: {' '.join(words)}", _WIDTH, initial_indent="  ", subsequent_indent="    "))


def _say_dead(layers: Sequence[Mapping[str, Any]]) -> None:
    for how, told in (("dead", "the same everywhere"), ("faint", "varying by less than a hundredth of the strongest")):
        found = [layer for layer in layers if layer[how]]
        if layers:
            say(f"{how} maps, {told} in {layers[0]['images']:,} images: {'' if found else 'none'}".rstrip())
        for layer in found:
            _say_list(f"{layer['layer']}, {len(layer[how])} of {layer['number']}", [str(each) for each in layer[how]])


def _say_digit(told: Mapping[str, Any]) -> None:
    answer, reasons = told["answer"], told["reasons"]
    say(f"prediction: {answer['digit']}  (softmax {100 * answer['confidence']:.1f} %)")
    gathered = reasons["integrated_gradients"]
    say(
        f"{gathered['of'][-1]}: logit {gathered['rise'][-1]:+.2f} against a black image; integrated gradients sum to "
        f"{gathered['sum'][-1]:+.2f} in {gathered['steps']} steps"
    )
    ends = [f"{name} {stages[-1]['correlation']:.2f}" for name, stages in reasons["sanity"].items()]
    say(f"sanity check, rank correlation of the maps with those of shuffled weights: {', '.join(ends)}")
    for change in told["changes"]:
        if change["size"] is None:
            say(f"the prediction stays under {change['kind']} up to {change['tried_up_to']:g}")
        else:
            say(f"{change['text']}: {change['digit']}  ({100 * change['confidence']:.1f} %)")
