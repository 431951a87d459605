"""Does pruning find as good a point of a grid as the full grid search, and at what share of its cost?

    python bench/tuning.py --share 0.1 --reduction 2 --out studies-results/tuning-halving-2.json

Runs the grid of the document S1 (or another space) twice on the same folds: pruned, and whole. Both resume after an
interruption. The pruned search's choice is judged by the whole grid's measurements of the same point, fold by fold: the
difference to the grid's best is paired, with a t interval over the folds. "As good" means that 0 lies within the
interval or below it, although the grid's best benefits from selection.

`--whole-folds 3` runs only three folds of the whole grid, and extrapolates its cost.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import t

from digitlab.bench.machine import command_line
from digitlab.stopping import StopRequest
from digitlab.storage import write_text
from digitlab.studies.running import make_pool
from digitlab.tuning import Space, find_space
from digitlab.tuning.folder import Folder
from digitlab.tuning.progress import TrialEnded
from digitlab.tuning.results import best_recipe, fold_accuracies, write_results
from digitlab.tuning.running import run_search
from digitlab.tuning.search import Search, Trial


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--space", type=Path, default=Path("s1-grid"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training images")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--whole-folds", type=int, help="of the whole grid")
    parser.add_argument("--pruner", default="halving")
    parser.add_argument("--reduction", type=int, default=3, help="of halving and hyperband")
    parser.add_argument("--sampler", default="grid")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--seed", type=int, default=0, help="the order of the pruned search's trials")
    parser.add_argument("--work", type=Path, default=Path("tunings/bench"), help="the folder of the searches")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    space = find_space(options.space)
    common = {"share": options.share, "folds": options.folds, "seed": options.seed}
    search_settings = {
        "pruner": options.pruner,
        "reduction": options.reduction,
        "sampler": options.sampler,
        "trials": options.trials,
    }
    pruned = replace(space.tuning, **common, **search_settings)
    whole = replace(space.tuning, **common, pruner="none", sampler="grid", trials=None, use_folds=options.whole_folds)
    stop = StopRequest()
    results = {}
    for name, tuning in (("pruned", pruned), ("whole", whole)):
        results[name] = search(replace(space, tuning=tuning), options.work / name, stop)
    content = compare(results["pruned"], results["whole"], options.folds / (options.whole_folds or options.folds))
    content["command"] = command_line("bench/tuning.py", sys.argv[1:])
    print(
        f"pruned: {content['pruned_epochs']:.0f} of {content['whole_epochs']:.0f} epochs "
        f"({100 * content['share_of_epochs']:.1f} %), "
        f"{content['pruned_seconds']:.0f} of {content['whole_seconds']:.0f} s "
        f"({100 * content['share_of_seconds']:.1f} %)\n"
        f"its choice: {content['chosen']}, {100 * content['chosen_accuracy']:.2f} %; "
        f"the grid's best: {content['best']}, {100 * content['best_accuracy']:.2f} %\n"
        f"difference {100 * content['difference']:+.3f} points, 95 % interval {100 * content['low']:+.3f} to "
        f"{100 * content['high']:+.3f}: {'as good' if content['as_good'] else 'not as good'}"
    )
    if options.out:
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return 0 if content["as_good"] and content["share_of_epochs"] <= 0.1 else 1


def search(space: Space, path: Path, stop: StopRequest) -> tuple[Space, Search, dict]:
    folder, start = Folder(path), time.monotonic()

    def on_event(event: object) -> None:
        if isinstance(event, TrialEnded):
            trial = event.trial
            print(f"{path.name}: trial {trial.number} {trial.state}, {time.monotonic() - start:.0f} s", flush=True)

    with folder.locked():
        folder.begin(space)
        study = Search(space, folder.journal)
        run_search(space, study, make_pool, listener=on_event, stop=stop)
        return space, study, write_results(space, study, folder)


def compare(pruned: tuple[Space, Search, dict], whole: tuple[Space, Search, dict], scale: float) -> dict:
    chosen = _best(*pruned[:2])
    grid = whole[1].trials
    same: Trial = next(trial for trial in grid if dict(trial.labels) == dict(chosen.labels))
    best = _best(*whole[:2])
    differences = np.subtract(fold_accuracies(same), fold_accuracies(best))
    mean = float(differences.mean())
    count = len(differences)
    reach = float(t.ppf(0.975, count - 1) * differences.std(ddof=1) / math.sqrt(count)) if count > 1 else math.inf
    costs = [each[2]["cost"] for each in (pruned, whole)]
    return {
        "chosen": dict(chosen.labels),
        "chosen_accuracy": float(np.mean(fold_accuracies(same))),
        "best": dict(best.labels),
        "best_accuracy": float(np.mean(fold_accuracies(best))),
        "difference": mean,
        "low": mean - reach,
        "high": mean + reach,
        "as_good": bool(mean + reach >= 0),
        "pruned_epochs": costs[0]["epochs"],
        "whole_epochs": costs[1]["epochs"] * scale,
        "share_of_epochs": costs[0]["epochs"] / (costs[1]["epochs"] * scale),
        "pruned_seconds": costs[0]["seconds"],
        "whole_seconds": costs[1]["seconds"] * scale,
        "share_of_seconds": costs[0]["seconds"] / (costs[1]["seconds"] * scale),
        "states": pruned[2]["states"],
    }


def _best(space: Space, study: Search) -> Trial:
    best = best_recipe(space, study)
    assert best is not None  # noqa: S101 - trials were complete
    return study.trials[best[0]]


if __name__ == "__main__":
    sys.exit(main())
