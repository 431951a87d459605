"""How well pages drawn by our own code are read, a kind of paper at a time; `bench/pages.py` prints it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.bench.page_text import edits
from digitlab.examples.pages import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.examples.paper import Page
    from digitlab.reading import Reader
    from digitlab.values import Digits

__all__ = ["KindScore", "drawn_pages", "measure_kind"]

_LINES, _LENGTHS = 6, (3, 11)  # of digits


@dataclass(frozen=True, slots=True)
class KindScore:
    """Pages of one kind of paper: character error (edits a character), pages without any, and the median time."""

    kind: str
    pages: int
    character_error: float
    exact: int
    milliseconds: float


def drawn_pages(kind: str, count: int, digits: Digits, *, seed: int = 0) -> Iterator[Page]:
    """Pages of up to six lines of random digits, the same for the same seed."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        lengths = rng.integers(*_LENGTHS, rng.integers(1, _LINES + 1))
        lines = [digits[rng.integers(0, len(digits), length)] for length in lengths]
        yield page_of(kind, lines, seed=int(rng.integers(2**31)))


def measure_kind(reader: Reader, kind: str, count: int, digits: Digits, *, seed: int = 0) -> KindScore:
    """Read ``count`` drawn pages of a kind."""
    wrong = characters = exact = 0
    times = []
    for page in drawn_pages(kind, count, digits, seed=seed):
        reading = reader.read(page.image)
        wrong += edits(page.text, reading.text)
        characters += len(page.text)
        exact += page.text == reading.text
        times.append(reading.milliseconds)
    return KindScore(kind, count, wrong / characters, exact, statistics.median(times))
