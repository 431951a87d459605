"""Accuracy of ensembles: averages the probabilities of every combination of these run folders, by size.

    python bench/recipes.py best --set tta=1 --seeds 5 --keep RUNS
    python bench/ensembles.py RUNS/*best* --out studies-results/recipes/best-ensemble-seed-0.json
    python bench/ensembles.py RUNS/*best* --tta 19 --out studies-results/recipes/best-ensemble-seed-0-tta.json

Uses the stored probabilities of each run for the test images, so nothing is trained; with ``--tta N`` each network
predicts again with test-time augmentation, the mean over N shifted copies of each image (`digitlab evaluate --tta N`).
Combinations share networks, so their spread is smaller than that of independent ensembles.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from pathlib import Path

import numpy as np

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import mean_answer
from digitlab.network.classifier import Classifier
from digitlab.runs import Run
from digitlab.storage import write_text


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--tta", type=int, default=1, metavar="N", help="copies of each image, 1 to 19")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    loaded = [np.load(Run.open(path).predictions, allow_pickle=False) for path in options.runs]
    labels = loaded[0]["labels"]
    if any((each["labels"] != labels).any() for each in loaded):
        parser.error("the runs were tested on different images; expected one test set for all")
    if options.tta > 1:
        probabilities = [answers(Run.open(path), labels, options.tta) for path in options.runs]
    else:
        probabilities = [each["probabilities"].astype(np.float64) for each in loaded]
    rows = []
    for members in range(1, len(loaded) + 1):
        accuracies = [
            float((np.mean(chosen, axis=0).argmax(axis=1) == labels).mean())
            for chosen in itertools.combinations(probabilities, members)
        ]
        rows.append({
            "members": members, "choices": len(accuracies), "mean_accuracy": statistics.mean(accuracies),
            "deviation": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
            "least": min(accuracies), "greatest": max(accuracies),
        })  # fmt: skip
        print(
            f"{members} of {len(loaded)}: {100 * rows[-1]['mean_accuracy']:.3f} % "
            f"({100 * min(accuracies):.2f} to {100 * max(accuracies):.2f}, {len(accuracies)} choices)"
        )
    if options.out:
        names = [Run.open(path).path.name for path in options.runs]
        command = "python bench/ensembles.py RUNS…" + (f" --tta {options.tta}" if options.tta > 1 else "")
        content = {"command": command, "tta": options.tta, "runs": names, "rows": rows}
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return 0


def answers(run: Run, labels: np.ndarray, copies: int) -> np.ndarray:
    """Return the network's probabilities, averaged over copies of MNIST's test images: float32 (N, 10)."""
    test = load_dataset("mnist").split("test")
    if len(test) != len(labels) or (test.labels != labels).any():
        raise SystemExit(f"{run.path} was not tested on MNIST's test images; expected a run on mnist for --tta")
    network = Classifier(run.onnx)
    return mean_answer(network.probabilities, test.images, copies)


if __name__ == "__main__":
    sys.exit(main())
