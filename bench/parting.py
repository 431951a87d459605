"""Fit the weights by which the reader decides whether a wide or doubtful mark is several digits: likeliest.py.

    python bench/parting.py [--model MODEL] [--seed N]

Draws single digits, and pairs and triples that touch, from MNIST's training images; lets the model read each mark
whole and in pieces; and fits a logistic regression on half of them, both kinds counted alike. It prints the weights,
and on the other half how many singles stay whole and how many of the others are parted, and rightly.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from digitlab.datasets import load_dataset
from digitlab.examples.ink import stroke
from digitlab.examples.writing import Written, moved_to_touch
from digitlab.reading import Reader
from digitlab.reading.constraints import Constraints
from digitlab.reading.likeliest import in_pieces
from digitlab.reading.page import PageReader

SINGLES, PAIRS, TRIPLES = 20_000, 3_000, 700  # few singles are wide or doubtful, and nearly all of the others


@dataclass(frozen=True)
class Mark:
    """A mark that the reader would cut: the signs (10,), what stands there, and how it reads whole and in pieces."""

    signs: np.ndarray
    text: str
    whole: str
    parted: str


def written(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images one beside the other so that they touch: float32 (H, W) ink."""
    scale, row = rng.uniform(2.0, 4.0), []
    for image in images:
        coverage = stroke(image, scale * rng.uniform(0.85, 1.0))
        place = Written(
            coverage, row[-1].box[2] if row else 10, max(2, 60 - len(coverage) // 2 + int(rng.integers(-4, 5)))
        )
        row.append(moved_to_touch(row[-1], place) if row else place)
    boxes = np.array([place.box for place in row])
    ink = np.zeros((boxes[:, 3].max() + 10, boxes[:, 2].max() + 10), np.float32)
    for place, (x0, y0, x1, y1) in zip(row, boxes, strict=True):
        np.maximum(ink[y0:y1, x0:x1], place.coverage, out=ink[y0:y1, x0:x1])
    return ink


def mark_of(ink: np.ndarray, text: str, reader: Reader) -> Mark | None:
    """What the reader sees in the ink; None where it is not one mark, or not cut."""
    pages = PageReader(reader.classifier, reader.threshold, credulous=False)
    reads = pages.read_clusters(ink, Constraints())
    found = in_pieces(reads[0]) if len(reads) == 1 and reads[0].cluster.cut else None
    if found is None:
        return None
    way, _, signs = found
    digits = reads[0].answers.argmax(axis=1)
    return Mark(signs, text, str(digits[0]), "".join(str(digits[n]) for n in way))


def main() -> None:
    """Draw, fit, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a shipped name, a run folder or an .onnx file")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    reader, digits = Reader(given.model, threads=1), load_dataset("mnist").split("train")
    rng = np.random.default_rng(given.seed)
    marks: list[Mark] = []
    for length, count in ((1, SINGLES), (2, PAIRS), (3, TRIPLES)):
        for _ in range(count):
            chosen = digits[rng.integers(0, len(digits), length)]
            found = mark_of(written(chosen.images, rng), "".join(map(str, chosen.labels)), reader)
            marks += [] if found is None else [found]
    several = np.array([len(mark.text) > 1 for mark in marks])
    signs = np.array([mark.signs for mark in marks])
    half = np.arange(len(marks)) % 2 == 0
    scale = np.where(np.ptp(signs, axis=0) > 0, signs[half].std(axis=0), 1.0)  # the first sign is 1 throughout
    fit = LogisticRegression(class_weight="balanced", fit_intercept=False, max_iter=2000)
    weights = fit.fit(signs[half] / scale, several[half]).coef_[0] / scale
    parted = signs @ weights > 0
    print(f"{(~several).sum():,} singles, {several.sum():,} pairs and triples; weights:")
    print(np.array2string(weights, precision=2, separator=", ", max_line_width=120))
    right = np.array(
        [(mark.parted if cut else mark.whole) == mark.text for mark, cut in zip(marks, parted, strict=True)]
    )
    for name, kind in (("singles left whole", ~several), ("others parted", several)):
        chosen = kind & ~half
        print(f"{name}: {(parted[chosen] == several[chosen]).mean():.3f}, read right {right[chosen].mean():.3f}")


if __name__ == "__main__":
    main()
