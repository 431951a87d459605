"""`digitlab tune`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.stopping import StopRequest
    from digitlab.tuning import Space
    from digitlab.tuning.folder import Folder
    from digitlab.tuning.search import Search

__all__ = ["tune"]

_SHOWN = 10  # trials in the terminal


def tune(
    space: Path | None = None,
    /,
    *,
    resume: Path | None = None,
    out: Path | None = None,
    trials: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    folds: int | None = None,
    use_folds: int | None = None,
    seeds: int | None = None,
    share: float | None = None,
    seed: int | None = None,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    retrain_best: bool = False,
    runs: Path = Path("runs"),
    json: bool = False,
) -> int:
    """Hyperparameter search by cross-validation on the training images; the test images are never used.

    A search space is a recipe some of whose settings vary. Each trial is trained on all folds but one and evaluated on
    the held-out one, for each fold; trials that are not promising are pruned. Every step is saved at once: after
    Ctrl-C, a kill or a power cut the same command goes on. Ends with 1 when trials are missing in the end.

    For example:
    digitlab tune s1-grid --for 30m
    digitlab tune my-space.toml --trials 100 --pruner hyperband
    digitlab tune --resume tunings/my-space --trials 200 --retrain-best

    Args:
        space: A shipped name (s1-grid, small-and-quick), or a TOML file: the keys of a recipe, a table [tune] with the
            settings below, and a table [space] with choices, e.g. batch_size = [32, 64], or ranges, e.g. learning_rate
            = { low = 1e-4, high = 1e-1, log = true }; options of the architecture in [space.options].
        resume: The folder of a search: go on with it.
        out: The folder of the search; default: tunings/NAME.
        trials: Number of trials in all, including those of an earlier start; default: every point of a grid, or 50.
        sampler: tpe, grid or random.
        pruner: none, median, halving or hyperband.
        folds: Number of cross-validation folds of the training images.
        use_folds: Evaluate on this number of them only.
        seeds: Number of trainings per fold, with different seeds.
        share: Share of the training images that are used, e.g. 0.1 for a first look.
        seed: The same seed proposes the same trials.
        engine: local (processes on this machine) or ray (a cluster).
        address: Of a running Ray cluster, HOST:PORT or auto; without it one is started here.
        workers: Processes of the local engine; default: one per two processors.
        for_: Stop after this time, e.g. 60m or 2h.
        retrain_best: In the end train the best recipe on all training images, into a run folder; this network is
            evaluated on the test images.
        runs: The folder in which that run folder is made.
        json: Results as one JSON object.
    """
    from digitlab.apps.cli.durations import seconds_of
    from digitlab.stopping import StopRequest
    from digitlab.tuning.folder import Folder
    from digitlab.tuning.search import Search

    changes = {
        "sampler": sampler, "pruner": pruner, "folds": folds, "use_folds": use_folds, "seeds": seeds, "share": share,
        "seed": seed,
    }  # fmt: skip
    if resume is not None and (space or out or any(value is not None for value in changes.values())):
        raise UsageError(
            "--resume goes on with the search's own settings; expected no space and no other setting of it"
        )
    until = None if for_ is None else time.monotonic() + seconds_of(for_)
    searched = _space(space, resume, {**changes, "trials": trials})
    folder = Folder(resume or out or Path("tunings") / searched.name)
    stop = StopRequest(until)
    with folder.locked():
        folder.begin(searched)
        search = Search(searched, folder.journal)
        missing = _search(searched, search, folder, stop, engine=engine, workers=workers, address=address)
        retrained = None
        if retrain_best and not stop.called:
            retrained = _retrain(searched, search, runs)
    _tell(searched, folder, retrained, json=json)
    if missing:
        advise(f"{missing} trials are left to do; `digitlab tune --resume {folder.path}` goes on")
    say_last = retrained["run"] if retrained else str(folder.path)
    if not json:
        say(say_last)
    return 1 if missing else 0


def _space(given: Path | None, resume: Path | None, changes: dict[str, Any]) -> Space:
    from dataclasses import replace

    from digitlab.tuning import find_space, parse_space
    from digitlab.tuning.folder import Folder

    if resume is None and given is None:
        raise UsageError("expected a space, e.g. `digitlab tune s1-grid`, or --resume FOLDER")
    found = find_space(given) if given is not None else Folder(resume or Path()).read()
    wanted = {name: value for name, value in changes.items() if value is not None}
    changed = replace(found, tuning=replace(found.tuning, **wanted))
    return parse_space(changed.as_toml(), found.name, "with these options")


def _search(
    space: Space,
    search: Search,
    folder: Folder,
    stop: StopRequest,
    *,
    engine: str,
    workers: int | None,
    address: str | None,
) -> int:
    from digitlab.apps.cli.train import stopping_on_interrupt
    from digitlab.apps.cli.tuning_view import TuningView
    from digitlab.studies.running import make_pool
    from digitlab.tuning.results import write_results
    from digitlab.tuning.running import run_search

    before = sum(trial.state != "running" for trial in search.trials)
    if before < space.trials:
        there = f", {before} of them are there" if before else ""
        advise(f"{space.trials} trials of up to {space.tuning.jobs} trainings{there}; the workers load TensorFlow …")
    else:
        advise(f"all {before} trials are there already")
    try:
        with stopping_on_interrupt(stop, "writing the tables"), TuningView(space, before) as view:
            return run_search(
                space,
                search,
                lambda: make_pool(engine, workers=workers, address=address),
                listener=view,
                stop=stop,
            )
    finally:
        if search.trials:
            write_results(space, search, folder)


def _retrain(space: Space, search: Search, runs: Path) -> dict[str, Any] | None:
    from dataclasses import replace

    from digitlab.apps.cli.train import stopping_on_interrupt
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.runs import Run
    from digitlab.training import StopRequest, run_training
    from digitlab.tuning.results import best_recipe

    best = best_recipe(space, search)
    if best is None:
        advise("no trial is complete; there is nothing to train")
        return None
    number, training = best
    advise(f"training trial {number} on all training images …")
    name = f"{space.name}-{number}"
    run, stop = Run.create(name, runs), StopRequest()
    with stopping_on_interrupt(stop), TrainingView() as view:
        trained = run_training(replace(training, name=name), run, listener=view, stop=stop)
    return {"run": str(run.path), "accuracy": trained.metrics.accuracy, "loss": trained.metrics.loss}


def _tell(space: Space, folder: Folder, retrained: dict[str, Any] | None, *, json: bool) -> None:
    import json as json_module

    found = json_module.loads(folder.results.read_text("utf-8")) if folder.results.is_file() else None
    if json:
        say_json({"folder": str(folder.path), **(found or {}), "retrained": retrained})
        return
    if found is None:
        return
    _say_trials(space, found)
    if found["best"] is not None:
        advise(f"look at {folder.trials_plot}; `digitlab train {folder.best}` trains the best recipe")
    if retrained:
        accuracy, loss = 100 * retrained["accuracy"], retrained["loss"]
        say(f"trained on all training images; test images: accuracy {accuracy:.2f} %, log loss {loss:.4f}")


def _say_trials(space: Space, found: dict[str, Any]) -> None:
    from digitlab.apps.cli.durations import in_time
    from digitlab.apps.cli.tuning_view import value_in_words
    from digitlab.tuning.settings import OBJECTIVES

    states, cost = found["states"], found["cost"]
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count)
    say(f"{space.name}: {counts}; {cost['epochs']:.0f} epochs, {in_time(cost['seconds'])} of training")
    first = found["objectives"][0]
    complete = [row for row in found["trials"] if row["state"] == "complete"]
    several = len(found["objectives"]) > 1
    shown = [row for row in complete if row["trial"] in found["front"]] if several else complete
    shown.sort(key=lambda row: -row[first] if OBJECTIVES[first] else row[first])
    if not shown:
        say("no trial is complete")
        return
    if several:
        say(f"Pareto front: {len(shown)} trials that no other dominates in {', '.join(found['objectives'])}")
    rows = [
        [
            row["trial"],
            *(value_in_words(name, row[name]) for name in found["objectives"]),
            "–" if row["deviation"] is None else f"{row['deviation']:.4f}",
            *(_in_words(value) for value in row["settings"].values()),
        ]
        for row in shown[: 3 * _SHOWN if several else _SHOWN]
    ]
    names = [name.removeprefix("options.") for name in space.parameters]
    say(table(["trial", *found["objectives"], "std. dev.", *names], rows))


def _in_words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
