"""Remake the shipped page reader: fonts, drawn pages, training, calibration, one ONNX file.

    make fonts && python tools/train_page_reader.py    # resumes where it was killed

Afterwards, run `python tools/write_browser_numbers.py` to renew the test data of the page without a server.

Prints recall and precision on drawn validation pages, and with --report FILE, also writes them as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from digitlab.training.page_reader.making import STEPS, make_page_reader

SHIPPED = Path(__file__).parents[1] / "src/digitlab/reading/shipped/page.onnx"


def print_line(line: str) -> None:
    """Print one line, without buffering."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Parse the command line, make the page reader, and print how good it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/page-reader"), help="where the training is kept")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that draw pages")
    parser.add_argument(
        "--start", type=Path, metavar="FILE", help="train on from this page.onnx, not from random weights"
    )
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    report = make_page_reader(
        options.folder, options.out, steps=options.steps, seed=options.seed, workers=options.workers,
        start=options.start, tell=print_line,
    )  # fmt: skip
    print_line("share of answers that are right, from which confidence on: " + json.dumps(report["thresholds"]))
    for kind, (digits, recall, precision) in sorted(report["drawn"].items()):
        print_line(f"{kind:15} {digits:6} digits, recall {recall:.3f}, precision {precision:.3f}")
    pairs, parted = report["touching"]
    print_line(f"{'touching':15} {pairs:6} pairs, both read {parted:.3f}")
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
