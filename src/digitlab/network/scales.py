"""Input scales that networks are trained with: pixels 0…255 become 0…1, −1…1 and so on."""

from __future__ import annotations

from typing import Any

__all__ = ["FORMULAS", "SCALES", "scale_of_formula"]

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of red, green, blue
# Name → factor and offset for pixels 0…255; a triple holds one value per channel. The most common come first: where two
# give the same answers (a network that normalises its input itself), the first is kept.
SCALES: dict[str, tuple[Any, Any]] = {
    "0…1": (1 / 255, 0.0),
    "0…255": (1.0, 0.0),
    "−1…1": (1 / 127.5, -1.0),
    "standardised": (1 / 255 / 0.3081, -0.1307 / 0.3081),  # by MNIST's mean and deviation, as PyTorch's examples do
    "−0.5…0.5": (1 / 255, -0.5),
    "ImageNet": (
        tuple(1 / 255 / deviation for deviation in _IMAGENET[1]),
        tuple(-mean / deviation for mean, deviation in zip(*_IMAGENET, strict=True)),
    ),
    "−128…127": (1.0, -128.0),  # signed bytes, as LiteRT's int8 inputs
}
FORMULAS = {
    "0…1": "x / 255",
    "0…255": "x",
    "−1…1": "x / 127.5 - 1",
    "standardised": "(x / 255 - 0.1307) / 0.3081",
    "−0.5…0.5": "x / 255 - 0.5",
    "ImageNet": "(x / 255 - mean) / deviation of ImageNet's channels",
    "−128…127": "x - 128",
}


def scale_of_formula(preparation: str) -> str | None:
    """Return the scale of a card's formula, whatever its polarity and order of rows; None for an unknown formula.

    >>> scale_of_formula("(255 - x) / 127.5 - 1, transposed"), scale_of_formula("Sobel image, x / 255")
    ('−1…1', None)
    """
    plain = preparation.removesuffix(", transposed").replace("(255 - x)", "x").strip()
    return next((name for name, formula in FORMULAS.items() if formula == plain), None)
