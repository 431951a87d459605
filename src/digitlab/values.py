"""The values that flow through the house: small frozen dataclasses that check their shapes.

Conventions: images of single digits are ``uint8 (N, 28, 28)``, light ink on dark; frames and photos are ``uint8
(H, W, 3)`` RGB, rows top-down; boxes are ``(x0, y0, x1, y1)`` in pixels, x1 and y1 exclusive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, ShapeError
from digitlab.shown import Drawn, Shown, Tabular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CLASSES", "NONE", "Box", "Digits", "Frame", "ModelCard", "Prediction", "ReadDigit", "ReadNumber", "Reading"]

CLASSES = tuple("0123456789")
NONE = 10  # the label of out-of-distribution images: readers are trained to a uniform answer
_GAP = 0.8  # of the height of digits: the widest gap within a number

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Digits(Drawn):
    """Labelled images of single digits.

    images: uint8 (N, 28, 28), light ink on dark, 0..255
    labels: uint8 (N,), 0..9; 10 (`NONE`) among training images only
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.shape[1:] != (28, 28) or self.images.dtype != "uint8":
            raise ShapeError(
                "images", expected="uint8 (N, 28, 28)", received=f"{self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != "uint8":
            raise ShapeError(
                "labels",
                expected=f"uint8 ({len(self.images)},), one for each image",
                received=f"{self.labels.dtype} {self.labels.shape}",
            )
        if len(self.labels) and self.labels.max() > NONE:
            row = int((self.labels > NONE).argmax())
            raise DatasetError(f"labels[{row}] is {self.labels[row]}; expected 0 to 9")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Digits:
        return Digits(self.images[rows], self.labels[rows])


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model file says of itself; stored in ``model.keras`` and ``model.onnx`` alike.

    preparation: how the network turns uint8 pixels into its first numbers, for readers; the graph itself does it.
    form: "grey", or "sobel" for a network trained on Sobel images. Its ``model.onnx`` takes grey images all the same,
        the Sobel image is its first step; its ``model.keras`` takes what it was trained on.
    training: plain numbers and texts about the training (dataset, epochs, seed, test accuracy …).
    versions: what made the file.
    """

    name: str
    architecture: str
    preparation: str
    classes: tuple[str, ...] = CLASSES
    form: str = "grey"
    training: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction(Shown):
    """What one image shows. ``digit`` is None where the reader declines to answer.

    confidence: 0..1, how likely the likeliest digit stands there (also where declined): that it is a digit at all, and
        then this one; at most the largest of the probabilities
    probabilities: which digit it is, if it is one: ten numbers that sum to 1, class 0 first; all 0 where none was found
    note: one line on what is odd about the picture, such as that it holds several digits; None where nothing is
    """

    digit: int | None
    confidence: float
    probabilities: tuple[float, ...]
    note: str | None = None

    def __post_init__(self) -> None:
        if len(self.probabilities) != 10:
            raise ShapeError("probabilities", expected="10 numbers", received=len(self.probabilities))
        if self.digit is not None and not 0 <= self.digit <= 9:
            raise ShapeError("digit", expected="0 to 9 or None", received=self.digit)


@dataclass(frozen=True, slots=True)
class ReadDigit:
    """One digit found on a page: what, how surely, where (``box`` in pixels of the upright picture), on which line.

    digit: None where a digit was found but not answered: its confidence is below the reader's threshold
    confidence: 0..1, how likely the likeliest digit stands there
    probabilities: which digit it is, if it is one: ten that sum to 1; empty where unknown
    column: of the cell in a grid, whose row is ``line``, or the place among a pattern's digits; None without either
    """

    digit: int | None
    confidence: float
    box: Box
    line: int
    probabilities: tuple[float, ...] = ()
    column: int | None = None

    @property
    def character(self) -> str:
        """What stands for it in every text: its digit, or "?" where it was not answered."""
        return "?" if self.digit is None else str(self.digit)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: digit (or null), confidence, box, line; column, where there is one."""
        column = {} if self.column is None else {"column": self.column}
        confidence = round(self.confidence, 4)
        return {"digit": self.digit, "confidence": confidence, "box": list(self.box), "line": self.line, **column}


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """Digits of one line that stand close together.

    text: a character a digit, "?" for one that was not answered; box: around them, in pixels of the picture
    confidence: of the whole: the product of the digits'
    """

    text: str
    box: Box
    confidence: float
    digits: tuple[ReadDigit, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: text, confidence, box."""
        return {"text": self.text, "confidence": round(self.confidence, 4), "box": list(self.box)}


@dataclass(frozen=True, slots=True)
class Reading(Shown, Tabular):
    r"""All that was read from one picture, in reading order.

    ``digits`` are the digits that were found, one for each character of the text: "?" stands for those that were found
    but not answered (``digit`` None). Marks that are no digits, such as specks, frames and letters, are not among them.

    note: one line on what is odd about the picture as a whole, such as "lies upside down"; None where nothing is
    size: width and height of the upright picture, which the boxes refer to; None where unknown
    grid: columns and rows of the grid that was asked for. Each row is a line, "." an empty cell, "?" a declined digit
    pattern: that was asked for and is followed. Its literals are in the text, "?" stands where a digit is missing or
        declined
    fits: whether the picture holds what was asked for: so many digits, or the pattern. Where not, the note says what
        stands there instead
    turned: quarter turns, clockwise, by which the picture was turned to be read; the boxes are those of the picture as
        it was given
    picture: what was read, where it is kept for showing: a path, or the picture that was given itself, no copy

    >>> one = ReadDigit(1, 0.9, (0, 0, 5, 9), line=0)
    >>> two = ReadDigit(None, 0.4, (6, 0, 11, 9), line=0)
    >>> three = ReadDigit(3, 0.8, (0, 20, 5, 29), line=1)
    >>> Reading((one, two, three), milliseconds=3.0).text
    '1?\n3'
    >>> third = ReadDigit(1, 0.9, (0, 0, 5, 9), line=0, column=2)
    >>> Reading((third,), milliseconds=3.0, pattern="##-##").text
    '??-1?'
    >>> Reading((third,), milliseconds=3.0, grid=(4, 1)).text
    '..1.'
    """

    digits: tuple[ReadDigit, ...]
    milliseconds: float
    note: str | None = None
    size: tuple[int, int] | None = None
    grid: tuple[int, int] | None = None
    pattern: str | None = None
    fits: bool = True
    turned: int = 0
    picture: Any = field(default=None, repr=False, compare=False)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was read, a string a line, a character a digit; "?" is a digit that was found but not answered."""
        if self.grid is not None:
            return self._rows_of_the_grid(*self.grid)
        if self.pattern is not None:
            return self._filled_in(self.pattern)
        texts: dict[int, str] = {}
        for found in self.digits:
            texts[found.line] = texts.get(found.line, "") + found.character
        return tuple(text for _, text in sorted(texts.items()))

    @property
    def text(self) -> str:
        """The lines, joined by newlines; a digit that was found but not answered is "?", never left out."""
        return "\n".join(self.lines)

    @property
    def answered(self) -> int:
        """How many digits were answered."""
        return sum(found.digit is not None for found in self.digits)

    @property
    def numbers(self) -> tuple[ReadNumber, ...]:
        """The digits of each line in groups that stand close together, in reading order; of a grid, each digit alone.

        Two belong together where the gap between them is less than 0.8 times the height of the digits.

        >>> row = [ReadDigit(n, 0.9, (x, 0, x + 8, 12), line=0) for n, x in ((1, 0), (2, 10), (7, 60))]
        >>> [number.text for number in Reading(tuple(row), milliseconds=3.0).numbers]
        ['12', '7']
        """
        groups: list[list[ReadDigit]] = []
        for found in self.digits:
            if groups and self.grid is None and self._together(groups[-1][-1], found):
                groups[-1].append(found)
            else:
                groups.append([found])
        return tuple(_number(group) for group in groups)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, as the command line, the page and programs get it; what is usual (no note, not turned) is left out.

        >>> told = Reading((ReadDigit(7, 0.98765, (3, 4, 9, 16), line=0),), milliseconds=3.14159).as_dict()
        >>> told["digits"], told["ms"]
        ([{'digit': 7, 'confidence': 0.9877, 'box': [3, 4, 9, 16], 'line': 0}], 3.14)
        """
        note = {} if self.note is None else {"note": self.note}
        fits = {} if self.fits else {"fits": False}
        turned = {"turned": self.turned} if self.turned else {}
        grid = {} if self.grid is None else {"grid": list(self.grid)}
        return {
            "text": self.text,
            "lines": list(self.lines),
            **note,
            **fits,
            **turned,
            **grid,
            "digits": [found.as_dict() for found in self.digits],
            "ms": round(self.milliseconds, 2),
        }

    def scaled(self, scale: float) -> Reading:
        """The same reading of a picture of another size: its boxes times ``scale``, to the nearest pixel."""
        digits = []
        for each in self.digits:
            x0, y0, x1, y1 = (round(scale * at) for at in each.box)
            digits.append(replace(each, box=(x0, y0, x1, y1)))
        size = None if self.size is None else (round(scale * self.size[0]), round(scale * self.size[1]))
        return replace(self, digits=tuple(digits), size=size)

    def _together(self, left: ReadDigit, right: ReadDigit) -> bool:
        """Whether two neighbours of a reading stand close together on one line."""
        if left.line != right.line:
            return False
        along, across = (1, 0) if self.turned % 2 else (0, 1)  # of a page that lay on its side, lines run up or down
        gap = max(left.box[along] - right.box[along + 2], right.box[along] - left.box[along + 2])
        height = (left.box[across + 2] - left.box[across] + right.box[across + 2] - right.box[across]) / 2.0
        return gap < _GAP * height

    def _rows_of_the_grid(self, columns: int, rows: int) -> tuple[str, ...]:
        cells = [["."] * columns for _ in range(rows)]
        for found in self.digits:
            if found.column is not None:
                cells[found.line][found.column] = found.character
        return tuple("".join(row) for row in cells)

    def _filled_in(self, pattern: str) -> tuple[str, ...]:
        places = [at for at, sign in enumerate(pattern) if sign == "#"]
        texts: dict[int, list[str]] = {}
        for found in self.digits:
            text = texts.setdefault(found.line, list(pattern.replace("#", "?")))
            if found.column is not None:
                text[places[found.column]] = found.character
        return tuple("".join(text) for _, text in sorted(texts.items()))


def _number(digits: list[ReadDigit]) -> ReadNumber:
    x0, y0, x1, y1 = zip(*(found.box for found in digits), strict=True)
    box = min(x0), min(y0), max(x1), max(y1)
    text = "".join(found.character for found in digits)
    return ReadNumber(text, box, math.prod(found.confidence for found in digits), tuple(digits))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    image: uint8 (H, W, 3) RGB
    captured: ``time.monotonic()`` in seconds when it was taken from the source
    number: 0 for the source's first frame, counting the frames that nobody saw
    """

    image: NDArray[np.uint8]
    captured: float
    number: int

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != "uint8":
            raise ShapeError("frame", expected="uint8 (H, W, 3)", received=f"{self.image.dtype} {self.image.shape}")
