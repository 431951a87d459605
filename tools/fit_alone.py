"""Refit how likely a picture's whole ink is the digit that the 28×28-pixel network classifies it as.

    make fonts && python tools/fit_alone.py        # two minutes on a quiet core; prints, changes nothing

To be run after either network has been retrained. It draws pictures of one digit or of one other sign, with validation
fonts and images, and keeps those in which the page reader is certain of nothing and the other network is confident
enough to be asked. A logistic regression of the two logits of `digitlab.reading.candidates.confidence_alone` on whether
that digit is correct gives `_ALONE_WEIGHTS` and `_ALONE_BIAS`; the bias is adjusted to pictures of which one in six
shows no digit.
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np

from digitlab.datasets.pages import NOT_A_DIGIT, draw_page
from digitlab.reading import Reader
from digitlab.reading.candidates import logits_alone
from digitlab.training.page_reader.calibration import fit_logistic
from digitlab.training.page_reader.making import made_alphabets

SIDES = (64, 96, 160)  # pixels of a picture
CERTAIN = 0.95  # confidence
DIGITS_PER_SIGN = 5


def main() -> None:
    """Draw, read, fit, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    count = parser.parse_args().pictures
    alphabets, reader = made_alphabets("validation"), Reader(threads=1)
    inputs: list[tuple[float, float]] = []
    right: list[bool] = []
    drawn = [0, 0]  # signs, digits
    for number in range(count):
        is_digit = number % 2 == 0
        kind = "single" if is_digit else "lone_sign"
        page = draw_page(alphabets, np.random.default_rng((91, number)), size=SIDES[number % len(SIDES)], kind=kind)
        labels = page.labels.tolist()
        if labels != [NOT_A_DIGIT] and (not is_digit or len(labels) != 1 or labels[0] < 0):
            continue  # truncated or illegible: nobody could tell
        drawn[is_digit] += 1
        candidates, whole = reader.pages.find(page.image), reader.whole_ink(page.image)
        if whole is not None and all(each.confidence < CERTAIN for each in candidates):
            inputs.append(logits_alone(whole, candidates))
            right.append(whole.digit == labels[0])
    *weights, bias = fit_logistic(np.array(inputs), np.array(right))
    bias += math.log(DIGITS_PER_SIGN * drawn[0] / drawn[1])
    sys.stdout.write(
        f"{drawn[1]:,} digits and {drawn[0]:,} other signs, {len(right):,} of them asked about, {sum(right):,} right\n"
        f"digitlab.reading.candidates: _ALONE_WEIGHTS, _ALONE_BIAS = "
        f"({weights[0]:.2f}, {weights[1]:.2f}), {bias:.2f}\n"
    )


if __name__ == "__main__":
    main()
