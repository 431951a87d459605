"""The results of a search in its folder: table, JSON, recipes and figures."""

from __future__ import annotations

import csv
import io
import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.storage import write_text
from digitlab.tuning.settings import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.training.config import TrainingConfig
    from digitlab.tuning.folder import Folder
    from digitlab.tuning.search import Search, Trial
    from digitlab.tuning.space import Space

__all__ = ["Cost", "best_recipe", "cost_of", "fold_accuracies", "results_of", "write_results"]

UNITS = {"accuracy": "", "loss": "", "latency": " ms", "size": " kB"}


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of trials: number of trainings started, epochs (partial ones as fractions), seconds of training."""

    trainings: int
    epochs: float
    seconds: float


def fold_accuracies(trial: Trial) -> list[float]:
    """Return the accuracies of a trial's finished trainings, in order."""
    return [each["accuracy"] for each in _jobs(trial)]


def cost_of(trial: Trial) -> Cost:
    """Compute the cost of one trial; trainings whose results another trial already had are free."""
    counted = [each for each in _jobs(trial) if not each.get("reused")]
    cut = trial.notes.get("cut", {"epochs": 0.0, "seconds": 0.0})
    seconds = sum(each["seconds"] + each["overhead"] for each in counted) + cut["seconds"]
    epochs = sum(each["epochs"] for each in counted) + cut["epochs"]
    return Cost(len(counted) + bool(cut["seconds"]), round(epochs, 2), round(seconds, 2))


def _jobs(trial: Trial) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = []
    while (job := trial.notes.get(f"job-{len(jobs)}")) is not None:
        jobs.append(job)
    return jobs


def best_recipe(space: Space, search: Search) -> tuple[int, TrainingConfig] | None:
    """Return the best complete trial and its recipe, or None; of a Pareto front, the best in the first objective."""
    front = search.front
    if not front:
        return None
    sign = -1 if OBJECTIVES[space.tuning.objectives[0]] else 1
    trials = search.trials
    best = min(front, key=lambda number: sign * (trials[number].values or (0.0,))[0])
    return best, space.training(trials[best].labels)


def results_of(space: Space, search: Search) -> dict[str, Any]:
    """Build the content of `results.json`."""
    trials = search.trials
    rows = [_row(space, trial) for trial in trials]
    costs = [cost_of(trial) for trial in trials]
    best = best_recipe(space, search)
    return {
        "space": space.name,
        "objectives": list(space.tuning.objectives),
        "wanted": space.trials,
        "states": {
            state: sum(row["state"] == state for row in rows) for state in ("complete", "pruned", "failed", "running")
        },
        "cost": {
            "trainings": sum(cost.trainings for cost in costs),
            "epochs": round(sum(cost.epochs for cost in costs), 1),
            "seconds": round(sum(cost.seconds for cost in costs), 1),
        },
        "best": None if best is None else best[0],
        "front": search.front,
        "trials": rows,
    }


def _row(space: Space, trial: Trial) -> dict[str, Any]:
    accuracies, cost = fold_accuracies(trial), cost_of(trial)
    values = dict(zip(space.tuning.objectives, trial.values or (), strict=False))
    return {
        "trial": trial.number,
        "state": trial.state,
        "settings": {name: parameter.value(trial.labels[name]) for name, parameter in space.parameters.items()},
        **{each: values.get(each) for each in space.tuning.objectives},
        "deviation": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "accuracies": accuracies,
        "last": trial.reported[max(trial.reported)] if trial.reported else None,
        "epochs": cost.epochs,
        "seconds": cost.seconds,
        "reason": trial.notes.get("reason"),
    }


def write_results(space: Space, search: Search, folder: Folder) -> dict[str, Any]:
    """Write all files of the folder except the journal; return the content of `results.json`.

    Raises:
        StorageError: when it cannot be written.
    """
    results = results_of(space, search)
    write_text(folder.results, json.dumps(results, indent=1, allow_nan=False) + "\n")
    write_text(folder.table, _table(space, results["trials"]))
    trials = search.trials
    best = best_recipe(space, search)
    if best is not None:
        write_text(folder.best, _recipe(space, best[1], best[0]))
    if len(space.tuning.objectives) > 1:
        for number in search.front:
            write_text(folder.recipe(number), _recipe(space, space.training(trials[number].labels), number))
    _draw(results, folder)
    return results


def _recipe(space: Space, training: TrainingConfig, number: int) -> str:
    import tomli_w

    settings = {name: value for name, value in training.as_dict().items() if value is not None}
    return f"# Trial {number} of the search {space.name}.\n" + tomli_w.dumps(
        {**settings, "name": f"{space.name}-{number}"}
    )


def _table(space: Space, rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = (*space.tuning.objectives, "deviation", "last", "epochs", "seconds")
    writer.writerow(("trial", "state", *space.parameters, *numbers))
    for row in rows:
        cells = [row["trial"], row["state"], *row["settings"].values(), *(row[each] for each in numbers)]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def _draw(results: dict[str, Any], folder: Folder) -> None:
    from digitlab.reports.figures import save_figure
    from digitlab.reports.figures.tuning import front_figure, trials_figure

    first, *others = results["objectives"]
    rows = [row for row in results["trials"] if row["state"] in ("complete", "pruned")]
    if rows:
        figure = trials_figure(
            [row["trial"] for row in rows],
            [row[first] if row["state"] == "complete" else row["last"] for row in rows],
            [row["state"] == "complete" for row in rows],
            first,
            more_is_better=OBJECTIVES[first],
        )
        save_figure(figure, folder.trials_plot)
    complete = [row for row in rows if row["state"] == "complete"]
    if others and complete:
        figure = front_figure(
            {f"{each}{' in' + UNITS[each] if UNITS[each] else ''}": [row[each] for row in complete] for each in others},
            [row[first] for row in complete],
            [row["trial"] for row in complete],
            results["front"],
            first,
            more_is_better=OBJECTIVES[first],
        )
        save_figure(figure, folder.front_plot)
