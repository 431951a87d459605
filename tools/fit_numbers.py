"""Fit the constants by which numbers are read again: what a candidate's row says of it, and how sure a number is.

    make fonts && python tools/fit_numbers.py            # about ten minutes on two cores; prints, changes nothing

To be run after the page reader was trained anew. It draws numbers of MNIST *training* images that the page reader was
not trained on, and its validation pages, reads them, and prints

* `digitlab.reading.context`: `_WEIGHTS`, `_CONSTANT`, a logistic regression of `FEATURES` on whether a candidate is a
  digit, of candidates that are not sure and have sure ones beside them; pages count three times as much as numbers;
* `digitlab.values`: `_SURENESS`, a logistic regression of the product of a number's confidences (its logit) on whether
  the number is right, with the expected calibration error on the half that it was not fitted on;
* `digitlab.reading.numbers.evidence`: `OVERLOOKED`, the share of digits that nothing stands for, and the `FLOOR` of 0,
  0.001, 0.002, 0.004 and 0.008 at which the digits' log loss is least.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.mnist import load
from digitlab.datasets.pages import DrawnPage
from digitlab.datasets.pages.numbers import KINDS, draw_number, number_alphabets
from digitlab.reading import Reader
from digitlab.reading.context import FEATURES, neighbourhood
from digitlab.training.page_reader.making import drawn_pages, made_alphabets
from digitlab.training.page_reader.measure import same_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.reading.candidates import Candidate

HELD_OUT = slice(52_000, 60_000)  # of the training images: the page reader's validation pages have them
DOUBTED = 0.9  # score: what is surer is left as it is
NUMBER_WEIGHT = 0.33  # of a candidate on a drawn number, against one on a page
FLOORS = (0.0, 1e-3, 2e-3, 4e-3, 8e-3)


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Seen:
    """What was collected. rows: features, is it a digit, weight. products: logit of a number's, is it right."""

    rows: list[tuple[Any, bool, float]] = field(default_factory=list)
    products: list[tuple[float, bool]] = field(default_factory=list)
    digits: list[tuple[Any, int]] = field(default_factory=list)
    written: int = 0

    def candidates(self, page: DrawnPage, found: list[Candidate], weight: float) -> None:
        """Take note of the candidates of a page that are not sure."""
        told = neighbourhood(found)
        for row, place in same_place(page, [each.box for each in found]):
            features = told[row]
            if features is not None and found[row].score < DOUBTED:
                self.rows.append((features, place is not None, weight))

    def number(self, page: DrawnPage, reader: Reader) -> None:
        """Take note of how a drawn number is read."""
        reading = reader.read(page.image)
        self.written += len(page.labels)
        boxes = [tuple(map(float, each.box)) for each in reading.digits]
        for row, place in same_place(page, boxes):  # type: ignore[arg-type]  # four each
            if place is not None:
                self.digits.append((np.array(reading.digits[row].probabilities), int(page.labels[place])))
        guess = [int(np.argmax(each.probabilities)) for each in reading.digits]
        if guess:
            product = float(np.prod([each.confidence for each in reading.digits]))
            product = min(max(product, 1e-9), 1.0 - 1e-9)
            self.products.append((float(np.log(product / (1.0 - product))), guess == page.labels.tolist()))


def numbers(count: int) -> Iterator[DrawnPage]:
    """Drawn numbers of each kind, as pages."""
    train = load()[0][HELD_OUT]
    alphabets = number_alphabets(np.asarray(train.images), np.asarray(train.labels), seed=1)
    for number in range(count):
        drawn = draw_number(alphabets, np.random.default_rng((6, number)), kind=KINDS[number % len(KINDS)])
        labels = np.array([int(digit) for digit in drawn.digits], np.int8)
        yield DrawnPage(drawn.image, drawn.boxes, labels, drawn.kind)


def main() -> None:
    """Draw, read, fit, print."""
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, default=1500)
    parser.add_argument("--pages", type=int, default=500)
    asked = parser.parse_args()
    reader, seen = Reader(threads=1), Seen()
    tell(f"{asked.numbers} numbers …")
    for page in numbers(asked.numbers):
        seen.candidates(page, reader.candidates(page.image), NUMBER_WEIGHT)
        seen.number(page, reader)
    tell(f"{asked.pages} pages …")
    for page in drawn_pages(made_alphabets("validation"), asked.pages, seed=11):
        seen.candidates(page, reader.candidates(page.image), 1.0)
    features, digit, weights = (np.array(each) for each in zip(*seen.rows, strict=True))
    fitted = LogisticRegression(max_iter=1000).fit(features, digit, sample_weight=weights)
    tell(f"context: {len(digit)} candidates, {digit.mean():.2f} of them digits")
    tell("  " + ", ".join(f"{name} {value:.2f}" for name, value in zip(FEATURES, fitted.coef_[0], strict=True)))
    tell(f"  constant {fitted.intercept_[0]:.2f}")
    logits, right = (np.array(each) for each in zip(*seen.products, strict=True))
    half = np.arange(len(right)) % 2 == 0
    sure = LogisticRegression(C=10.0).fit(logits[half, None], right[half])
    error = calibration_error(sure.predict_proba(logits[~half, None])[:, 1], right[~half])
    tell(f"sureness: {sure.coef_[0, 0]:.2f}, {sure.intercept_[0]:.2f}; {right.mean():.3f} right, error {error:.3f}")
    tell(f"overlooked: {1.0 - len(seen.digits) / seen.written:.3f}")
    shares = np.array([row[label] for row, label in seen.digits])
    losses = {floor: float(-np.log((1.0 - floor) * shares + floor / 10.0 + 1e-12).mean()) for floor in FLOORS}
    tell("floor: " + ", ".join(f"{floor:g} → {loss:.4f}" for floor, loss in losses.items()))


def calibration_error(sure: Any, right: Any) -> float:
    """The expected calibration error in ten bins, as full."""
    order = np.argsort(sure)
    bins = np.array_split(order, 10)
    return float(sum(len(rows) * abs(sure[rows].mean() - right[rows].mean()) for rows in bins) / len(order))


if __name__ == "__main__":
    main()
