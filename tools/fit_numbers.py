"""Fit the constants for rereading numbers: a number's confidence, and what its digits are evidence of.

    python tools/fit_numbers.py            # about three minutes on a quiet core; prints, changes nothing

To be run after the page reader has been retrained. It draws numbers with MNIST *training* images that the page reader
was not trained on, reads them, and prints

* `digitlab.read_numbers`: `_SURENESS`, a logistic regression of the product of a number's confidences (its logit) on
  whether the number is right, with the expected calibration error on the half of the pictures not used for fitting,
  compared with that of the current constants there;
* `digitlab.reading.numbers.evidence`: `OVERLOOKED`, the share of digits that were not detected, and the `FLOOR` out of
  0, 0.001, 0.002, 0.004 and 0.008 that minimises the digits' log loss.

The reader may split a picture into several numbers, e.g. a telephone number in groups: each is judged by the digits
that are written there. After Ctrl-C, the fit uses what was read so far.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab import read_numbers
from digitlab.datasets.mnist import load
from digitlab.datasets.pages import DrawnPage
from digitlab.datasets.pages.numbers import KINDS, draw_number, number_alphabets
from digitlab.reading import Reader
from digitlab.training.page_reader.measure import same_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.values import Reading

HELD_OUT = slice(52_000, 60_000)  # training images: the page reader's validation pages use them
IMAGES = 2000  # a subset of them: their glyphs take seconds, all 8,000 a minute
FLOORS = (0.0, 1e-3, 2e-3, 4e-3, 8e-3)


def print_line(line: str) -> None:
    """Print one line, without buffering."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Statistics:
    """Observations. numbers: for each, the logit of the product of confidences, whether it is right, its picture.

    digits: probabilities and true digit; written: number of digits
    """

    numbers: list[tuple[float, bool, int]] = field(default_factory=list)
    digits: list[tuple[Any, int]] = field(default_factory=list)
    written: int = 0

    def picture(self, page: DrawnPage, reader: Reader, order: int) -> None:
        """Record how a drawn number is read."""
        reading = reader.read(page.image)
        self.written += len(page.labels)
        boxes = [tuple(map(float, each.box)) for each in reading.digits]
        for row, truth in same_place(page, boxes):  # type: ignore[arg-type]  # four each
            if truth is not None:
                self.digits.append((np.array(reading.digits[row].probabilities), int(page.labels[truth])))
        labels_by_number = _written_in(page, reading)
        for number, labels in zip(reading.numbers, labels_by_number, strict=True):
            product = math.prod(each.confidence for each in number.digits)
            product = min(max(product, 1e-9), 1.0 - 1e-9)
            guess = [int(np.argmax(each.probabilities)) for each in number.digits]
            self.numbers.append((math.log(product / (1.0 - product)), guess == labels, order))


def _written_in(page: DrawnPage, reading: Reading) -> list[list[int]]:
    """Assign each written digit to the nearest number that was read."""
    labels_by_number: list[list[int]] = [[] for _ in reading.numbers]
    spans = [(number.box[0], number.box[2]) for number in reading.numbers]
    for (x0, _, x1, _), label in zip(page.boxes.tolist(), page.labels.tolist(), strict=True):
        middle = (x0 + x1) / 2.0
        if spans:
            nearest = min(
                range(len(spans)), key=lambda index: max(spans[index][0] - middle, middle - spans[index][1], 0.0)
            )
            labels_by_number[nearest].append(int(label))
    return labels_by_number


def numbers(count: int) -> Iterator[DrawnPage]:
    """Draw numbers of each kind, as pages."""
    train = load()[0][HELD_OUT]
    rows = np.random.default_rng(1).permutation(len(train))[:IMAGES]
    alphabets = number_alphabets(np.asarray(train.images)[rows], np.asarray(train.labels)[rows], seed=1)
    for number in range(count):
        drawn = draw_number(alphabets, np.random.default_rng((6, number)), kind=KINDS[number % len(KINDS)])
        labels = np.array([int(digit) for digit in drawn.digits], np.int8)
        yield DrawnPage(drawn.image, drawn.boxes, labels, drawn.kind)


def main() -> None:
    """Draw, read, fit, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, default=1200)
    options = parser.parse_args()
    reader, statistics, start = Reader(threads=1), Statistics(), time.perf_counter()
    print_line(f"{options.numbers:,} numbers …")
    with contextlib.suppress(KeyboardInterrupt):
        for done, page in enumerate(numbers(options.numbers), 1):
            statistics.picture(page, reader, done)
            if done % 100 == 0:
                left = (time.perf_counter() - start) / done * (options.numbers - done)
                print_line(f"{done:,} read, {left:.0f} s left")
    report(statistics)


def report(statistics: Statistics) -> None:
    """Fit the constants, and report how good they are."""
    from sklearn.linear_model import LogisticRegression

    logits, right, pictures = (np.array(each) for each in zip(*statistics.numbers, strict=True))
    half = pictures % 2 == 0
    model = LogisticRegression(C=10.0).fit(logits[half, None], right[half])
    sure = model.predict_proba(logits[~half, None])[:, 1]
    slope, constant = read_numbers._SURENESS  # to be replaced
    today = 1.0 / (1.0 + np.exp(-slope * logits[~half] - constant))
    error, before = calibration_error(sure, right[~half]), calibration_error(today, right[~half])
    # Even perfect calibration has an error in bins of so few: estimated by drawing from the probabilities.
    drawn = np.random.default_rng(0).random((50, len(sure))) < sure
    chance = float(np.mean([calibration_error(sure, each) for each in drawn]))
    print_line(
        f"{right.mean():.3f} right; calibration error {error:.3f}, today's {before:.3f}, by chance alone {chance:.3f}"
    )
    model.fit(logits[:, None], right)
    print_line(f"digitlab.read_numbers: _SURENESS = ({model.coef_[0, 0]:.2f}, {model.intercept_[0]:.2f})")
    print_line(
        f"digitlab.reading.numbers.evidence: OVERLOOKED = {1.0 - len(statistics.digits) / statistics.written:.3f}"
    )
    shares = np.array([row[label] for row, label in statistics.digits])
    losses = {floor: float(-np.log((1.0 - floor) * shares + floor / 10.0 + 1e-12).mean()) for floor in FLOORS}
    print_line("FLOOR: " + ", ".join(f"{floor:g} → {loss:.4f}" for floor, loss in losses.items()))


def calibration_error(sure: Any, right: Any) -> float:
    """Return the expected calibration error over ten bins of equal size."""
    order = np.argsort(sure)
    bins = np.array_split(order, 10)
    return float(sum(len(rows) * abs(sure[rows].mean() - right[rows].mean()) for rows in bins) / len(order))


if __name__ == "__main__":
    main()
