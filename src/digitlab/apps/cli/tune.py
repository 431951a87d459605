"""`digitlab tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, in_time, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import UsageError
from digitlab.jobs import searches as jobs
from digitlab.settings import settings_in
from digitlab.stopping import StopRequest
from digitlab.tuning.settings import Tuning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.jobs.searches import Tuned
    from digitlab.tuning import Space

__all__ = ["tune"]

_SHOWN = 10  # trials shown in the terminal
_MAY_GROW = "trials"  # the only setting that may be changed when a search is resumed


@options_of(jobs.tune, Tuning)
def tune(*, json: bool = False, **given: Any) -> int:
    """Hyperparameter search by cross-validation on the training images; the test images are never used.

    A search space is a recipe some of whose settings vary. Each trial is trained on all folds but one and evaluated on
    the held-out one, for each fold; trials that are not promising are pruned. Every step is saved at once: after
    Ctrl-C, a kill or a power cut the same command goes on. Exit code 1 if trials are missing in the end, or if none is
    complete.

    For example:
    digitlab tune s1-grid --for 30m
    digitlab tune my-space.toml --trials 100 --pruner hyperband
    digitlab tune --resume tunings/my-space --trials 200 --retrain-best

    Args:
        json: Results as one JSON object.
    """
    of_the_space = {"space", "out", *(each.name for each in settings_in(Tuning))} - {_MAY_GROW}
    if "resume" in given and given.keys() & of_the_space:
        raise UsageError("--resume uses the search's own settings; expected no space and no other setting of it")
    stop = StopRequest()
    with JobView(stop) as view:
        found = jobs.tune(**given, listener=view, stop=stop)
    _tell(found, json=json)
    if found.missing:
        advise(f"{found.missing} trials are left; `digitlab tune --resume {found.folder.path}` continues")
    if not json:
        say(str(found.retrained.run.path if found.retrained else found.folder.path))
    return 1 if found.missing or found.kept is None or not found.kept["states"]["complete"] else 0


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
        reason = next((row["reason"] for row in found["trials"] if row["reason"]), None)
        say("no trial is complete" + (f": {reason}" if reason else ""))
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
