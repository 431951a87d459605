"""`digitlab tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.jobs import Tuned
    from digitlab.tuning import Space

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
        workers: Processes of the local engine; default: one per processor, and per 2 GB of memory.
        for_: Stop after this time, e.g. 60m, 2h, 30s or plain seconds.
        retrain_best: In the end train the best recipe on all training images, into a run folder; this network is
            evaluated on the test images.
        runs: The folder in which that run folder is made.
        json: Results as one JSON object.
    """
    from digitlab.apps.cli.console import seconds_of
    from digitlab.jobs import tune as search
    from digitlab.stopping import StopRequest

    changes = {
        "sampler": sampler, "pruner": pruner, "folds": folds, "use_folds": use_folds, "seeds": seeds, "share": share,
        "seed": seed,
    }  # fmt: skip
    if resume is not None and (space or out or any(value is not None for value in changes.values())):
        raise UsageError(
            "--resume goes on with the search's own settings; expected no space and no other setting of it"
        )
    seconds, stop = None if for_ is None else seconds_of(for_), StopRequest()
    with JobView(stop) as view:
        found = search(
            space, resume=resume, out=out, engine=engine, address=address, workers=workers, seconds=seconds,
            retrain_best=retrain_best, runs=runs, listener=view, stop=stop, trials=trials, **changes,
        )  # fmt: skip
    _tell(found, json=json)
    if found.missing:
        advise(f"{found.missing} trials are left to do; `digitlab tune --resume {found.folder.path}` goes on")
    if not json:
        say(str(found.retrained.run.path if found.retrained else found.folder.path))
    return 1 if found.missing else 0


def _tell(found: Tuned, *, json: bool) -> None:
    kept, trained = found.kept, found.retrained
    if json:
        metrics = trained and {
            "run": str(trained.run.path), "accuracy": trained.metrics.accuracy, "loss": trained.metrics.loss,
        }  # fmt: skip
        say_json({"folder": str(found.folder.path), **(kept or {}), "retrained": metrics})
        return
    if kept is None:
        return
    _say_trials(found.space, kept)
    if kept["best"] is not None:
        advise(f"look at {found.folder.trials_plot}; `digitlab train {found.folder.best}` trains the best recipe")
    if trained:
        accuracy, loss = 100 * trained.metrics.accuracy, trained.metrics.loss
        say(f"trained on all training images; test images: accuracy {accuracy:.2f} %, log loss {loss:.4f}")


def _say_trials(space: Space, found: Mapping[str, Any]) -> None:
    from digitlab.apps.cli.console import in_time
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
