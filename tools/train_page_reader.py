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


def tell(line: str) -> None:
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
    asked = parser.parse_args()
    found = make_page_reader(
        asked.folder, asked.out, steps=asked.steps, seed=asked.seed, workers=asked.workers, start=asked.start,
        tell=tell,
    )  # fmt: skip
    tell("share of answers that are right, from which confidence on: " + json.dumps(found["thresholds"]))
    for kind, (digits, recall, precision) in sorted(found["drawn"].items()):
        tell(f"{kind:15} {digits:6} digits, recall {recall:.3f}, precision {precision:.3f}")
    pairs, parted = found["touching"]
    tell(f"{'touching':15} {pairs:6} pairs, both read {parted:.3f}")
    if asked.report:
        asked.report.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
