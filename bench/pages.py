"""Accuracy of reading pages drawn by our own code, by kind of paper:  python bench/pages.py [--pages N]

The digits are MNIST's: use ``--split train`` for tuning, ``--split test`` for reporting. The character error is the
edit distance per character; times are for one thread, from array to reading.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab import load_dataset
from digitlab.bench.answering import edits
from digitlab.examples.pages import KINDS, page_of
from digitlab.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.examples.paper import Page
    from digitlab.values import Digits

_LINES, _LENGTHS = 6, (3, 11)  # at most 6 lines, of 3 to 10 digits


@dataclass(frozen=True, slots=True)
class KindScore:
    """Score on one kind of paper: character error (edits per character), pages without error, and median time."""

    kind: str
    pages: int
    character_error: float
    exact: int
    milliseconds: float


def drawn_pages(kind: str, count: int, digits: Digits, *, seed: int = 0) -> Iterator[Page]:
    """Draw pages of up to six lines of random digits, the same for the same seed."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        lengths = rng.integers(*_LENGTHS, rng.integers(1, _LINES + 1))
        lines = [digits[rng.integers(0, len(digits), length)] for length in lengths]
        yield page_of(kind, lines, seed=int(rng.integers(2**31)))


def measure_kind(reader: Reader, kind: str, count: int, digits: Digits, *, seed: int = 0) -> KindScore:
    """Read ``count`` drawn pages of a kind, and score the readings."""
    wrong = characters = exact = 0
    times = []
    for page in drawn_pages(kind, count, digits, seed=seed):
        reading = reader.read(page.image)
        wrong += edits(page.text, reading.text)
        characters += len(page.text)
        exact += page.text == reading.text
        times.append(reading.milliseconds)
    return KindScore(kind, count, wrong / characters, exact, statistics.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--split", choices=["train", "test"], default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reader = Reader(options.model, threads=1)
    digits = load_dataset("mnist").split(options.split)
    print(f"{'paper':14}{'pages':>6}{'character error':>17}{'exact':>7}{'ms':>8}")
    for kind in options.kinds:
        score = measure_kind(reader, kind, options.pages, digits, seed=options.seed)
        shown = f"{score.character_error:17.4f}{score.exact:7}{score.milliseconds:8.1f}"
        print(f"{kind:14}{score.pages:6}{shown}", flush=True)


if __name__ == "__main__":
    main()
