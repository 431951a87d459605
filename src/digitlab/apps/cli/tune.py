"""`digitlab tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, in_time, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import UsageError, counted
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
def tune(*, json: bool = False, **options: Any) -> int:
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
    if "resume" in options and options.keys() & of_the_space:
        raise UsageError("--resume uses the search's own settings; leave out the space and all its settings")
    stop = StopRequest()
    with JobView(stop) as view:
        result = jobs.tune(**options, listener=view, stop=stop)
    _show(result, json=json)
    if result.missing:
        advise(
            f"{counted(result.missing, 'trial is', 'trials are')} left; "
            f"`digitlab tune --resume {result.folder.path}` continues"
        )
    if not json:
        say(str(result.retrained.run.path if result.retrained else result.folder.path))
    return 1 if result.missing or result.kept is None or not result.kept["states"]["complete"] else 0


def _show(result: Tuned, *, json: bool) -> None:
    summary, trained = result.kept, result.retrained
    if json:
        metrics = trained and {
            "run": str(trained.run.path), "accuracy": trained.metrics.accuracy, "loss": trained.metrics.loss,
        }  # fmt: skip
        say_json({"folder": str(result.folder.path), **(summary or {}), "retrained": metrics})
        return
    if summary is None:
        return
    _say_trials(result.space, summary)
    if summary["best"] is not None:
        advise(f"look at {result.folder.trials_plot}; `digitlab train {result.folder.best}` trains the best recipe")
    if trained:
        accuracy, loss = 100 * trained.metrics.accuracy, trained.metrics.loss
        say(f"trained on all training images; test images: accuracy {accuracy:.2f} %, log loss {loss:.4f}")


def _say_trials(space: Space, summary: Mapping[str, Any]) -> None:
    from digitlab.apps.cli.tuning_view import value_in_words
    from digitlab.tuning.settings import OBJECTIVES

    states, cost = summary["states"], summary["cost"]
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count)
    say(f"{space.name}: {counts}; {cost['epochs']:.0f} epochs, {in_time(cost['seconds'])} of training")
    first = summary["objectives"][0]
    complete = [row for row in summary["trials"] if row["state"] == "complete"]
    several = len(summary["objectives"]) > 1
    shown = [row for row in complete if row["trial"] in summary["front"]] if several else complete
    shown.sort(key=lambda row: -row[first] if OBJECTIVES[first] else row[first])
    if not shown:
        reason = next((row["reason"] for row in summary["trials"] if row["reason"]), None)
        say("no trial is complete" + (f": {reason}" if reason else ""))
        return
    if several:
        say(
            f"Pareto front: {counted(len(shown), 'trial')} that no other dominates in "
            f"{', '.join(summary['objectives'])}"
        )
    rows = [
        [
            row["trial"],
            *(value_in_words(name, row[name]) for name in summary["objectives"]),
            "–" if row["deviation"] is None else f"{row['deviation']:.4f}",
            *(_in_words(value) for value in row["settings"].values()),
        ]
        for row in shown[: 3 * _SHOWN if several else _SHOWN]
    ]
    names = [name.removeprefix("options.") for name in space.parameters]
    say(table(["trial", *summary["objectives"], "std. dev.", *names], rows))


def _in_words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
