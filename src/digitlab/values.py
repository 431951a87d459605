"""The value types of the package: small frozen dataclasses that validate their shapes.

Conventions: images of single digits are ``uint8 (N, 28, 28)``, light ink on dark; frames and photos are ``uint8
(H, W, 3)`` RGB, rows top-down; boxes are ``(x0, y0, x1, y1)`` in pixels, x1 and y1 exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, ShapeError
from digitlab.read_numbers import Box, ReadDigit, ReadMark, ReadNumber, number_of, numbers_of_line
from digitlab.shown import Drawn, Shown, Tabular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "CLASSES", "NONE", "Box", "Digits", "Frame", "ModelCard", "Prediction", "ReadDigit", "ReadMark", "ReadNumber",
    "Reading",
]  # fmt: skip

CLASSES = tuple("0123456789")
NONE = 10  # the label of out-of-distribution images, for which readers are trained to answer uniformly


@dataclass(frozen=True, slots=True)
class Digits(Drawn):
    """Labelled images of single digits.

    images: uint8 (N, 28, 28), light ink on dark, 0..255
    labels: uint8 (N,), 0..9; 10 (`NONE`) among training images only

    >>> import numpy as np
    >>> digits = Digits(np.zeros((3, 28, 28), np.uint8), np.array([7, 2, 1], np.uint8))
    >>> len(digits), digits[1:].labels.tolist()
    (3, [2, 1])
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
    """The metadata of a model file; stored in ``model.keras`` and ``model.onnx`` alike.

    preparation: how the network preprocesses uint8 pixels, for human readers; the graph itself does it.
    form: "grey", or "sobel" for a network trained on Sobel images. Its ``model.onnx`` still takes grey images, as
        the Sobel filter is its first step; its ``model.keras`` takes what it was trained on.
    training: plain numbers and texts about the training (dataset, epochs, seed, test accuracy …).
    versions: of the software that made the file.
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
    """The digit that one image shows; ``digit`` is None if the reader declines to answer.

    confidence: 0..1, probability that the most likely digit stands there (also if declined), i.e. that it is a digit
        at all and that it is this one; at most the largest of the probabilities
    probabilities: of the ten digits, given that it is one; they sum to 1, class 0 first; all 0 if none was found
    note: one line on what is odd about the picture, such as that it holds several digits; None if nothing is

    >>> found = Prediction(7, 0.98, (0, 0.01, 0, 0, 0, 0, 0, 0.98, 0, 0.01))
    >>> found.digit, found.probabilities[1]
    (7, 0.01)
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
class Reading(Shown, Tabular):
    r"""All that was read from one picture, in reading order.

    ``digits`` are the digits that were found, one for each character of the text: "?" stands for those that were found
    but not answered (``digit`` None). Marks that are not digits, such as specks, frames and letters, are not included.

    note: one line on what is odd about the picture as a whole, such as "lies upside down"; None if nothing is
    size: width and height of the upright picture, which the boxes refer to; None if unknown
    grid: columns and rows of the grid that was asked for. Each row is a line, "." an empty cell, "?" a declined digit
    pattern: the requested pattern, if the page was read with it. Its literals are in the text; "?" stands for a digit
        that is missing or declined
    fits: whether the picture holds what was asked for: the number of digits, the pattern, a number of the list, or one
        that passes the check. If not, the note says what stands there instead
    turned: clockwise quarter turns by which the picture was rotated for reading; the boxes refer to the picture as it
        was given
    marks: signs between the digits, line by line from left to right: commas, points, minus, slashes and colons
    settled: the numbers that a list or a check led to, returned by `numbers` and `lines`; None without either
    picture: the input, if it is kept for display: a path, or the given picture itself, not a copy

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
    marks: tuple[ReadMark, ...] = ()
    settled: tuple[ReadNumber, ...] | None = None
    picture: Any = field(default=None, repr=False, compare=False)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was read: one string per line, one character per digit; "?" is a digit that was found but not answered.

        With a list or a check, one string per number: the value that it leads to.
        """
        if self.settled is not None:
            return tuple(each.text for each in self.settled)
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
        """The number of digits that were answered."""
        return sum(found.digit is not None for found in self.digits)

    @property
    def written(self) -> tuple[str, ...]:
        """The lines as they are written: a line with signs includes them, and a space between its numbers."""
        if self.settled is not None or not self.marks:
            return self.lines
        signed = {mark.line for mark in self.marks}
        texts: dict[int, list[str]] = {}
        for each in self.numbers:
            texts.setdefault(each.digits[0].line, []).append(each.text)
        return tuple(
            " ".join(texts[line]) if line in signed else plain
            for line, plain in zip(sorted(texts), self.lines, strict=True)
        )

    @property
    def numbers(self) -> tuple[ReadNumber, ...]:
        """The digits of each line, grouped into numbers, in reading order; in a grid, each digit alone.

        Two digits belong together if the gap between them is less than 0.8 digit heights, or less than twice the usual
        gap on their line, up to 1.3; a sign between them splits a gap into two.

        >>> row = [ReadDigit(n, 0.9, (x, 0, x + 8, 12), line=0) for n, x in ((1, 0), (2, 10), (7, 60))]
        >>> [number.text for number in Reading(tuple(row), milliseconds=3.0).numbers]
        ['12', '7']
        >>> point = ReadMark(".", (9, 9, 11, 11), line=0)
        >>> [number.text for number in Reading(tuple(row), milliseconds=3.0, marks=(point,)).numbers]
        ['1.2', '7']
        """
        if self.settled is not None:
            return self.settled
        if self.grid is not None:
            return tuple(number_of([each], []) for each in self.digits)
        return tuple(
            number
            for line in sorted({each.line for each in self.digits})
            for number in numbers_of_line(
                [each for each in self.digits if each.line == line],
                [each for each in self.marks if each.line == line],
                self.turned,
            )
        )

    @property
    def digits_of_numbers(self) -> tuple[tuple[int, ...], ...]:
        """For each of `numbers`, the indices of its digits in ``digits``.

        >>> row = [ReadDigit(n, 0.9, (x, 0, x + 8, 12), line=0) for n, x in ((1, 0), (2, 10), (7, 60))]
        >>> Reading(tuple(row), milliseconds=3.0).digits_of_numbers
        ((0, 1), (2,))
        """
        places = {each: index for index, each in enumerate(self.digits)}
        return tuple(tuple(places[each] for each in number.digits if each in places) for number in self.numbers)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, as the command line, page and programs get it, without defaults (no note, not turned).

        The ``digits`` of each number are indices into the reading's ``digits``.

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
            "numbers": [
                {**each.as_dict(), "digits": list(indices)}
                for each, indices in zip(self.numbers, self.digits_of_numbers, strict=True)
            ],
            "ms": round(self.milliseconds, 2),
        }

    def scaled(self, scale: float) -> Reading:
        """Return the reading for a resized picture: its boxes times ``scale``, rounded to the nearest pixel."""

        def of(found: Any) -> Any:
            x0, y0, x1, y1 = (round(scale * at) for at in found.box)
            return replace(found, box=(x0, y0, x1, y1))

        def whole(number: ReadNumber) -> ReadNumber:
            parts = {"digits": tuple(map(of, number.digits)), "marks": tuple(map(of, number.marks))}
            moved: ReadNumber = replace(of(number), **parts)
            return moved

        size = None if self.size is None else (round(scale * self.size[0]), round(scale * self.size[1]))
        settled = self.settled and tuple(map(whole, self.settled))
        digits, marks = tuple(map(of, self.digits)), tuple(map(of, self.marks))
        return replace(self, digits=digits, marks=marks, settled=settled, size=size)

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


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    image: uint8 (H, W, 3) RGB
    captured: ``time.monotonic()`` in seconds when it was taken from the source
    number: 0 for the source's first frame, counting frames that were skipped too
    seconds: within a file, since its first frame, however fast it is read; None for a camera

    >>> import numpy as np
    >>> Frame(np.zeros((480, 640, 3), np.uint8), captured=0.0, number=7).image.shape
    (480, 640, 3)
    """

    image: NDArray[np.uint8]
    captured: float
    number: int
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != "uint8":
            raise ShapeError("frame", expected="uint8 (H, W, 3)", received=f"{self.image.dtype} {self.image.shape}")
