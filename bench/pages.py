"""How well pages drawn by our own code are read, a kind of paper at a time:  python bench/pages.py [--pages N]

The digits are MNIST's: ``--split train`` while something is tuned, ``--split test`` to report. Character error is edits
a character; times are of one thread, from array to answer.
"""

from __future__ import annotations

import argparse

import cv2

from digitlab import load_dataset
from digitlab.bench.pages import measure_kind
from digitlab.examples.pages import KINDS
from digitlab.reading import Reader


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
