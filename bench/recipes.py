"""Accuracy of a recipe: mean and deviation over seeds, last epoch, nothing selected on the test set.

    python bench/recipes.py fast --seeds 10 --out studies-results/recipes/fast.json
    python bench/recipes.py --table studies-results/recipes/*.json        # prints the table in docs/recipes.md

Each seed is a separate training in one process; the time includes compiling its graphs. Prints one row per seed and the
summary; saves everything as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.bench.machine import command_line, peak_megabytes
from digitlab.runs import Run
from digitlab.storage import write_text
from digitlab.training import EpochEnded, TrainingConfig, find_recipe, run_training
from digitlab.training.assembly import network_of
from digitlab.training.experiment import environment

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", type=Path, nargs="?")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print what was kept as a table")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another value of the recipe")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="keep the run folders here, as RECIPE-SEED")
    options = parser.parse_args()
    if options.table:
        print(table(options.table))
        return 0
    if options.recipe is None:
        parser.error("expected a recipe, e.g. fast, or --table FILES")
    training = find_recipe(options.recipe)
    changes = {key: json.loads(value) for key, _, value in (each.partition("=") for each in options.set)}
    training = replace(training, **changes, **({"epochs": options.epochs} if options.epochs else {}))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            name = f"{training.name}-{seed}"
            rows.append(measure(replace(training, seed=seed), Run.create(name, options.keep or Path(folder))))
            validation = rows[-1].get("validation_accuracy")
            held = "" if validation is None else f", held out {100 * validation:.2f} %"
            copies = f", by copies {100 * rows[-1]['tta_accuracy']:.2f} %" if "tta_accuracy" in rows[-1] else ""
            shown = f"{100 * rows[-1]['accuracy']:.2f} %{held}{copies}"
            print(f"seed {seed}: {shown}  {rows[-1]['seconds']:.2f} s", flush=True)
    accuracies, seconds = [row["accuracy"] for row in rows], [row["seconds"] for row in rows]
    deviation = statistics.stdev(accuracies) if len(rows) > 1 else 0.0
    if held := [row["validation_accuracy"] for row in rows if "validation_accuracy" in row]:
        print(f"of the images that were held out: {100 * statistics.mean(held):.3f} %")
    by_copies = [row["tta_accuracy"] for row in rows if "tta_accuracy" in row]
    if by_copies:
        print(f"by the mean over {training.tta} moved copies of each image: {100 * statistics.mean(by_copies):.3f} %")
    print(
        f"{training.name}: {100 * statistics.mean(accuracies):.3f} % ± {100 * deviation:.3f} over {len(rows)} seeds, "
        f"median {statistics.median(seconds):.2f} s, {network_of(training).count_params():,} parameters, "
        f"{peak_megabytes():,.0f} MB at most"
    )
    if options.out:
        content = {
            "command": command_line("bench/recipes.py", sys.argv[1:]),
            "settings": {key: value for key, value in training.as_dict().items() if key != "seed"},
            "mean_accuracy": statistics.mean(accuracies),
            "deviation": deviation,
            "median_seconds": statistics.median(seconds),
            "parameters": network_of(training).count_params(),
            "peak_megabytes": peak_megabytes(),
            "seeds": rows,
            "environment": environment(options.first_seed),
        }
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return 0


def table(files: Sequence[Path]) -> str:
    """Format the kept results as a Markdown table, fastest first; files without seeds are skipped."""
    rows = []
    for result in (json.loads(path.read_text("utf-8")) | {"file": path.stem} for path in files):
        if "seeds" not in result:
            continue
        copies, seeds = result["settings"].get("tta", 1), result["seeds"]
        accuracies = [row["tta_accuracy"] for row in seeds if "tta_accuracy" in row]
        spread = 100 * statistics.stdev(accuracies) if len(accuracies) > 1 else float("nan")
        looks = f"{100 * statistics.mean(accuracies):.2f} ± {spread:.2f} ({copies})" if accuracies else "–"
        rows.append((
            result["median_seconds"],
            f"| `{result['file']}` | {100 * result['mean_accuracy']:.2f} ± {100 * result['deviation']:.2f} | {looks} "
            f"| {len(seeds)} | {result['median_seconds']:.0f} | {result['parameters']:,} "
            f"| {result['peak_megabytes']:,.0f} |",
        ))  # fmt: skip
    head = "| result | accuracy, % | with copies | seeds | seconds | parameters | MB |"
    return "\n".join([head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |", *(text for _, text in sorted(rows))])


def measure(training: TrainingConfig, run: Run) -> dict[str, float]:
    """Train; return the accuracy after the last epoch, and the seconds of all epochs, including compilation."""
    ends: list[EpochEnded] = []
    trained = run_training(
        training,
        run,
        listener=lambda event: ends.append(event) if isinstance(event, EpochEnded) else None,
    )
    held_out = ends[-1].validation_accuracy
    return {
        **({"validation_accuracy": held_out} if held_out is not None else {}),
        "seed": training.seed,
        "accuracy": trained.metrics.accuracy,
        "loss": trained.metrics.loss,
        "seconds": sum(end.seconds for end in ends),
        **({"tta_accuracy": trained.tta.accuracy, "tta_loss": trained.tta.loss} if trained.tta is not None else {}),
    }


if __name__ == "__main__":
    sys.exit(main())
