"""Fit the constants for the confidence of a form's digits: `_SURENESS` of `digitlab.sheets.digits`.

    python tools/fit_sheets.py             # about three minutes on a quiet core; prints, changes nothing

To be run after the page reader or the classifier has been retrained. It draws practice sheets (100 digits each) with
MNIST *training* images that no page reader was trained on, photographs and reads them, and fits a logistic regression
of the lowest log odds that any view gives a digit (`Look.least`) on whether it is right, over every second sheet. For
the others it prints the expected calibration error, and the share of the surest digits of which 0.1 % are wrong: by
the regression, by the current `_SURENESS`, and by plain probability. Ctrl-C stops reading; then the fit begins.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.mnist import load
from digitlab.errors import ImageError
from digitlab.examples.filled_sheets import filled
from digitlab.examples.sheet_photos import photographed_sheet
from digitlab.examples.sheet_stacks import form_page
from digitlab.jobs.practice import practice_file
from digitlab.reading import Reader
from digitlab.sheets import SheetReader, digits, lay_out, read_form
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD_OUT = slice(52_000, 60_000)  # training images: the page reader's validation pages use them
WRONG = 1e-3  # error rate among the most confident digits


def print_line(line: str) -> None:
    """Print one line, without buffering."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def sheets(count: int, seed: int) -> Iterator[tuple[Any, dict[str, str]]]:
    """Yield photos of filled practice sheets, uint8 (H, W, 3), and what is written on each, by field."""
    train = load()[0][HELD_OUT]
    images = Digits(np.asarray(train.images), np.asarray(train.labels))
    layout = lay_out(read_form(practice_file()))
    page = form_page(layout)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        values = {}
        for placed in layout.placed:
            name, boxes = placed.field.name, placed.field.boxes
            label = name.split(".")[1] if "." in name else ""  # a row of the same digit, or the writer's code
            values[name] = label * boxes or "".join(map(str, rng.integers(0, 10, boxes)))
        yield photographed_sheet(filled(page, layout, values, images, rng), layout.size, rng)[0], values


def collect(count: int, seed: int) -> tuple[Any, Any, Any]:
    """Return, for each digit read, its lowest log odds, float64 (N,), whether it is right, and its sheet."""
    reader = Reader(threads=1)
    form = SheetReader(lay_out(read_form(practice_file())), reader)
    looked: list[digits.Look] = []
    inner = digits.looks_at

    def noting(*arguments: Any) -> list[digits.Look]:
        looked[:] = inner(*arguments)
        return looked[:]

    digits.looks_at = noting  # records the step between pixels and values, without changing it
    least, right, of = [], [], []
    with contextlib.suppress(KeyboardInterrupt):
        for number, (photo, values) in enumerate(sheets(count, seed), 1):
            try:
                fields = form.read_pixels(photo).fields
            except ImageError as error:
                print_line(f"sheet {number}: {error}")
                continue
            looks = iter(looked[:])
            for field in fields:
                for cell, truth in zip(field.cells, values[field.name], strict=True):
                    if cell is not None:
                        look = next(looks)
                        least.append(look.least)
                        right.append(look.combined.digit == int(truth))
                        of.append(number)
            if number % 10 == 0:
                print_line(f"{number} of {count} sheets, {len(right):,} digits, {len(right) - sum(right)} wrong")
    digits.looks_at = inner
    return np.array(least, np.float64), np.array(right, np.bool_), np.array(of)


def main() -> None:
    """Draw, read, fit, and print the results."""
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=150)
    parser.add_argument("--seed", type=int, default=77)
    options = parser.parse_args()
    least, right, of = collect(options.sheets, options.seed)
    half, model = of % 2 == 0, LogisticRegression(C=1.0)
    if right[half].all() or right[~half].all():
        sys.exit(f"{len(right):,} digits, {len(right) - int(right.sum())} wrong: too few to fit; draw more --sheets")
    model.fit(least[half, None], right[half])
    report("fitted on the others", model.decision_function(least[~half, None]), right[~half])
    slope, constant = digits._SURENESS  # to be replaced
    report("as it is today", slope * least[~half] + constant, right[~half])
    report("the plain probability", least[~half], right[~half])
    model.fit(least[:, None], right)
    print_line(f"digitlab.sheets.digits: _SURENESS = ({model.coef_[0, 0]:.2f}, {model.intercept_[0]:.2f})")


def report(name: str, odds: Any, right: Any) -> None:
    """Report how well a ranking of digits separates errors, and how well calibrated its probabilities are."""
    sure = 1.0 / (1.0 + np.exp(-np.asarray(odds)))
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(~right[order])
    within = np.flatnonzero(wrong <= np.maximum(WRONG * np.arange(1, len(order) + 1), 0))
    bins = np.array_split(order, 10)
    error = sum(len(rows) * abs(sure[rows].mean() - right[rows].mean()) for rows in bins) / len(order)
    share = (within[-1] + 1) / len(order) if len(within) else 0.0
    print_line(f"{name}: surest {100 * share:.1f} % have {100 * WRONG:g} % wrong; calibration error {error:.4f}")


if __name__ == "__main__":
    main()
