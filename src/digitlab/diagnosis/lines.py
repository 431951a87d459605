"""Three lines of Python that prepare an image as a model expects it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from digitlab.network.scales import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.diagnosis.asking import Network

__all__ = ["preparing_lines"]

_IMPORT = "from digitlab.reading import digit_image"
_COMMENT = "uint8 (28, 28): light on dark, 20×20 box, centre of mass in the middle"
_IMAGENET = "(x / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)"


def preparing_lines(network: Network, photo: str, model: str) -> tuple[str, str, str]:
    """Return the lines that convert a photo to ``x``, the array that the model's own file takes.

    Args:
        network: the network, with what is known of its images.
        photo: the picture's name.
        model: the model's name.
    """
    image = f"image = digit_image({photo!r})  # {_COMMENT}"
    card = network.classifier.card
    turned = "image.T" if network.transposed else "image"
    if card is None or not network.inside or "shape" not in card.training:
        levels = f"(255 - {turned})" if network.inverted else turned
        return _IMPORT, image, f"x = {levels}[None]  # uint8 (1, 28, 28), 0 to 255: {model} scales it itself"
    array, needed = _array(network, turned, card.training)
    return f"{needed}{_IMPORT}", image, f"x = {array}  # as {model} takes it"


def _array(network: Network, image: str, training: Mapping[str, Any]) -> tuple[str, str]:
    """Return the expression, and the import statement that it needs.

    training: the convention, as stored by `conventions.search.ConventionSearch.as_card`
    """
    shape, convention = tuple(training["shape"]), str(training.get("convention", ""))
    kind = re.search(r"(?:float|u?int)\d+", convention)
    dtype = kind[0] if kind else "float32"
    side = max(shape) if len(shape) > 1 else round(shape[0] ** 0.5)
    pixel, needed = f"{image}.astype('float32')", ""
    if side != 28 and "padded" in convention:
        pixel, needed = f"np.pad({pixel}, {(side - 28) // 2})", "import numpy as np; "
    elif side != 28:
        pixel, needed = f"cv2.resize({pixel}, ({side}, {side}))", "import cv2; "
    pixel = f"(255 - {pixel})" if network.inverted else pixel
    if 3 in shape:
        return _of_colours(network.scale, pixel, side, dtype, first=shape[0] == 3), needed
    numbers = FORMULAS[network.scale or "0…1"].replace("x", pixel) if network.scale != "0…255" else pixel
    numbers = f"({numbers})" if " " in numbers else numbers
    cast = "" if dtype == "float32" else f".astype('{dtype}')"
    return f"{numbers}.reshape{(1, *shape)}{cast}", needed


def _of_colours(scale: str | None, pixel: str, side: int, dtype: str, *, first: bool) -> str:
    """Return the expression for the grey image as red, green and blue."""
    formula = _IMAGENET if scale == "ImageNet" else FORMULAS[scale or "0…1"]
    numbers = formula.replace("x", f"{pixel}.reshape(1, {side}, {side}, 1).repeat(3, 3)")
    turned = ".transpose(0, 3, 1, 2)" if first else ""
    return f"({numbers}){turned}.astype('{dtype}')"
