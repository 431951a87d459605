"""Conventions of foreign networks, how inputs are prepared and outputs read: one candidate, and all that are tried."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.network.scales import FORMULAS, SCALES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "FIRST", "FLAT", "LAST", "ROWS", "Convention", "Form", "answer_kind", "candidates", "forms_of",
    "probabilities_of",
]  # fmt: skip

_WHOLE = ("uint8", "int8", "int16", "int32", "int64")
_SIDES = range(16, 65)
_USUAL_SIDES = (28, 32)

FLAT, ROWS, FIRST, LAST = "(N, pixels)", "(N, rows, columns)", "NCHW", "NHWC"


@dataclass(frozen=True, slots=True)
class Form:
    """The input array of a network.

    layout: FLAT, ROWS, FIRST or LAST (position of the channels)
    side: rows and columns of one image
    channels: 1 or 3
    dtype: NumPy's name of the element type
    """

    layout: str = ROWS
    side: int = 28
    channels: int = 1
    dtype: str = "float32"

    def shape(self) -> tuple[int, ...]:
        """Return the shape of one image."""
        side, channels = self.side, self.channels
        return {
            FLAT: (side * side,),
            ROWS: (side, side),
            FIRST: (channels, side, side),
            LAST: (side, side, channels),
        }[self.layout]


@dataclass(frozen=True, slots=True)
class Convention:
    """One way to prepare images and to interpret the outputs.

    form: the input array
    scale: one of SCALES
    inverted: dark ink on light
    transposed: rows and columns are swapped
    fitted: how 28 × 28 pixels become a larger side: "padded" with empty pixels, or "resized"
    answers: type of the outputs: "probabilities", "log-probabilities", "logits" or "shares" (non-negative, any sum)
    classes: number of outputs, 10 or 11
    zero: index of digit 0 among them: 1 if the class "none" comes first
    """

    form: Form
    scale: str = "0…1"
    inverted: bool = False
    transposed: bool = False
    fitted: str = "padded"
    answers: str = "probabilities"
    classes: int = 10
    zero: int = 0

    def __str__(self) -> str:
        """Return one line, as in the card.

        >>> str(Convention(Form(FIRST, 32), "−1…1", inverted=True))
        '−1…1, dark on light, NCHW (1, 32, 32) float32, padded to 32 pixels'
        """
        parts = [self.scale, "dark on light" if self.inverted else "light on dark"]
        parts += ["transposed"] if self.transposed else []
        parts.append(f"{self.form.layout} {self.form.shape()} {self.form.dtype}")
        parts += [f"{self.fitted} to {self.form.side} pixels"] if self.form.side != 28 else []
        return ", ".join(parts)

    def preparation(self) -> str:
        """Return the preparation as a formula of the pixel x, 0…255, in the notation of the cards.

        >>> Convention(Form(), "−1…1", inverted=True).preparation()
        '(255 - x) / 127.5 - 1'
        """
        pixel = "(255 - x)" if self.inverted else "x"
        formula = FORMULAS[self.scale].replace("x", pixel)
        return f"{formula}, transposed" if self.transposed else formula

    def factors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the factors and offsets for pixels 0…255 of light ink on dark: float64 (channels,) each."""
        times, plus = (np.broadcast_to(np.float64(each), (self.form.channels,)) for each in SCALES[self.scale])
        return (-times, plus + 255 * times) if self.inverted else (times, plus)

    def enlarging(self) -> NDArray[np.float32]:
        """Return the matrix R, float32 (side, 28), for which R · image · Rᵀ has the form's side."""
        return _enlarging(self.form.side, self.fitted)

    def prepared(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Convert images uint8 (N, 28, 28), light ink on dark, to the network's input: ``form``'s shape and dtype."""
        pixels: NDArray[Any] = images.astype(np.float32)
        if self.transposed:
            pixels = pixels.transpose(0, 2, 1)
        if self.form.side != 28:
            matrix = self.enlarging()
            pixels = matrix @ pixels @ matrix.T
        times, plus = (each.astype(np.float32) for each in self.factors())
        pixels = pixels[..., None] * times + plus  # (N, side, side, channels)
        if self.form.layout == FIRST:
            pixels = pixels.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(pixels.reshape(-1, *self.form.shape()).astype(self.form.dtype))


def _enlarging(side: int, fitted: str) -> NDArray[np.float32]:
    if fitted == "padded":
        return np.eye(side, 28, k=-((side - 28) // 2), dtype=np.float32)
    positions = np.clip((np.arange(side) + 0.5) * 28 / side - 0.5, 0, 27)  # bilinear, as image libraries do
    left = np.minimum(positions.astype(int), 26)
    matrix = np.zeros((side, 28), np.float32)
    matrix[np.arange(side), left] = 1 - (positions - left)
    matrix[np.arange(side), left + 1] = positions - left
    return matrix


def forms_of(dims: tuple[int | None, ...] | None, dtype: str) -> Iterator[Form]:
    """Yield the forms that fit an input's sizes, with the batch first; for dynamic sizes, the usual ones.

    dims: None for a dynamic size; None instead of the tuple if even the rank is unknown
    dtype: NumPy's name of the element type
    """
    sizes = () if dims is None else dims[1:]  # a fixed batch size, 32 or so, is no side
    sides = {side for side in _SIDES if side in sizes} or {side for side in _SIDES if side * side in sizes}
    for layout, side, channels in itertools.product((ROWS, FIRST, LAST, FLAT), sides or _USUAL_SIDES, (1, 3)):
        if layout in (ROWS, FLAT) and channels != 1:
            continue
        form = Form(layout, side, channels, dtype)
        shape = form.shape()
        if dims is None or (
            len(shape) == len(dims) - 1 and all(size in (None, own) for size, own in zip(dims[1:], shape, strict=True))
        ):
            yield form


def candidates(form: Form, classes: int) -> Iterator[Convention]:
    """Yield every convention to be tried for an input of this form, the most common first."""
    fits = ("padded", "resized") if form.side > 28 else ("padded",) if form.side == 28 else ("resized",)
    scales = ["−128…127"] if form.dtype == "int8" else ["0…255"] if form.dtype in _WHOLE else _scales(form)
    zeros = range(classes - 9)
    for turned, fitted, inverted, scale, zero in itertools.product((False, True), fits, (False, True), scales, zeros):
        yield Convention(form, scale, inverted, turned, fitted, classes=classes, zero=zero)


def _scales(form: Form) -> list[str]:
    """Return the scales of floating numbers."""
    return [name for name in SCALES if name != "−128…127" and (name != "ImageNet" or form.channels > 1)]


def answer_kind(answers: NDArray[np.float32]) -> str:
    """Classify such outputs, float32 (N, classes): see `Convention.answers`.

    >>> answer_kind(np.log(np.float32([[0.9, 0.1]])))
    'log-probabilities'
    """
    tolerance = 0.03  # of the sum: the outputs of an 8-bit network have steps of 1/256
    if answers.min() >= -tolerance and np.abs(answers.sum(axis=1) - 1).max() <= tolerance:
        return "probabilities"
    if answers.max() <= tolerance and np.abs(np.exp(answers).sum(axis=1) - 1).max() <= tolerance:
        return "log-probabilities"
    if answers.min() >= 0 and (answers.max() <= 1 or np.abs(answers.sum(axis=1) / 100 - 1).max() <= tolerance):
        return "shares"
    return "logits"


def probabilities_of(answers: NDArray[np.float32], kind: str, zero: int = 0) -> NDArray[np.float32]:
    """Convert a network's outputs to probabilities of the ten digits, float32 (N, 10); a class "none" is left out."""
    ten: NDArray[np.float32] = answers[:, zero : zero + 10].astype(np.float32)
    if kind == "probabilities" and answers.shape[1] == 10:
        return ten
    if kind in ("logits", "log-probabilities"):
        ten = np.exp(ten - ten.max(axis=1, keepdims=True))
    sums: NDArray[np.float32] = np.maximum(ten.sum(axis=1, keepdims=True), np.float32(1e-12))
    return ten / sums
