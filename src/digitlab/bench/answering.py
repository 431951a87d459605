"""Ask digitlab's reader and its peers for the same pictures: digits and pages, with edit distances to the truth."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from digitlab.evaluation.intervals import Interval, resamples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.bench.photos import PageSet, SingleSet
    from digitlab.reading import Reader

__all__ = [
    "Answerer", "Ours", "PageResult", "PagesResult", "SinglesResult", "ask_pages", "ask_singles", "edits",
    "ratio_interval",
]  # fmt: skip

_REPLICAS = 1000


def edits(one: str, other: str) -> int:
    """Return the Levenshtein distance: insertions, deletions and substitutions.

    >>> edits("1234|56", "134|567")
    2
    """
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def ratio_interval(pages: Sequence[tuple[float, float]], *, seed: int = 0) -> Interval:
    """Return the 95 % bootstrap interval of a ratio of sums, such as edits per character; pages are resampled.

    >>> ratio_interval([(1, 10)] * 5)
    Interval(low=0.1, high=0.1)
    """
    above, below = np.asarray(pages, np.float64).T
    ratios = []
    for times in resamples(len(pages), _REPLICAS, seed):
        total = below @ times
        ratios.append((above @ times)[total > 0] / total[total > 0])
    low, high = np.quantile(np.concatenate(ratios), (0.025, 0.975)).tolist()
    return Interval(low, high)


class Answerer(Protocol):
    """Reads pictures: returns the text, and the milliseconds from array to text."""

    name: str

    def single(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """Read a picture of one digit; "" for none."""

    def page(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """Read the digits of a page, its lines joined by "|"."""


class Ours:
    """digitlab's reader, on one thread."""

    name = "digitlab"

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def single(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.single`."""
        start = time.perf_counter()
        digit = self._reader.classify(image).digit
        return "" if digit is None else str(digit), (time.perf_counter() - start) * 1000

    def page(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """See `Answerer.page`."""
        start = time.perf_counter()
        reading = self._reader.read(image)
        return "|".join(reading.lines), (time.perf_counter() - start) * 1000


@dataclass
class SinglesResult:
    """Counts over a set of single pictures; a picture is correct if exactly its digit was read.

    read_right: for our own reader, how often `Reader.read` gave exactly the digit
    """

    pictures: int = 0
    right: int = 0
    read_right: int = 0
    refused: int = 0
    negative: bool = False
    milliseconds: list[float] = field(default_factory=list)
    writers: dict[str, tuple[int, int]] = field(default_factory=dict)  # name → correct, total

    @property
    def accuracy(self) -> float | None:
        """Share of correct pictures, refusals counting as errors; None for pictures without digits."""
        return None if self.negative or not self.pictures else self.right / self.pictures

    @property
    def refused_share(self) -> float | None:
        """Share of pictures without a prediction."""
        return self.refused / self.pictures if self.pictures else None

    @property
    def typical_ms(self) -> float | None:
        """Median time."""
        return statistics.median(self.milliseconds) if self.milliseconds else None


@dataclass(frozen=True)
class PageResult:
    """One page."""

    name: str
    size: tuple[int, int]
    text: str
    read: str
    milliseconds: float


@dataclass(frozen=True)
class PagesResult:
    """Results for a set of pages.

    digits_only: the pages contain other things, so only the digits are compared, in order, ignoring line ends
    """

    pages: list[PageResult]
    digits_only: bool = False

    @property
    def blank(self) -> bool:
        """Whether the pages contain no digit: then every predicted digit is a false positive."""
        return not any(page.text for page in self.pages)

    def edits(self) -> list[tuple[int, int]]:
        """Return each page's edit distance and number of characters; line ends count, unless `digits_only`."""
        return [(edits(*self._compared(page)), len(self._compared(page)[0])) for page in self.pages]

    def claimed(self) -> list[int]:
        """Return the number of predicted digits of each page."""
        return [len(_digits(page.read)) for page in self.pages]

    @property
    def character_error(self) -> float:
        """Character error rate: edits per character over all pages."""
        wrong, total = (sum(column) for column in zip(*self.edits(), strict=True))
        return wrong / total if total else float("nan")

    @property
    def exact(self) -> int:
        """Number of pages read without an error."""
        return sum(wrong == 0 for wrong, _ in self.edits())

    def _compared(self, page: PageResult) -> tuple[str, str]:
        """Return the ground truth and the reading in the form that is compared."""
        return (_digits(page.text), _digits(page.read)) if self.digits_only else (page.text, page.read)


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def ask_singles(
    reader: Answerer, picture_set: SingleSet, on_progress: Callable[[str], None], *, every: int = 1
) -> SinglesResult:
    """Read each picture of a set, or every ``every``-th."""
    on_progress(f"{reader.name}: {picture_set.name} …")
    result, writers = SinglesResult(), defaultdict(list)
    for number, picture in enumerate(picture_set.pictures()):
        if number % every:
            continue
        text, milliseconds = reader.single(picture.image)
        right = picture.label is not None and text == str(picture.label)
        result.pictures += 1
        result.right += right
        if picture_set.whole and isinstance(reader, Ours):
            result.read_right += reader.page(picture.image)[0] == str(picture.label)
        result.refused += not text
        result.negative = picture.label is None
        result.milliseconds.append(milliseconds)
        if picture.writer:
            writers[picture.writer].append(right)
    result.writers = {name: (sum(rights), len(rights)) for name, rights in sorted(writers.items())}
    return result


def ask_pages(
    reader: Answerer, page_set: PageSet, on_progress: Callable[[str], None], *, rounds: int = 1
) -> PagesResult:
    """Read each page ``rounds`` times; the fastest counts."""
    on_progress(f"{reader.name}: {page_set.name} …")
    pages = []
    for page in page_set.pages():
        answers = [reader.page(page.image) for _ in range(rounds)]
        height, width = page.image.shape[:2]
        quickest = min(milliseconds for _, milliseconds in answers)
        pages.append(PageResult(page.name, (width, height), page.text, answers[0][0], quickest))
    return PagesResult(pages, page_set.digits_only)
