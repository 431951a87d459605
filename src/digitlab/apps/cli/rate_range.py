"""`digitlab train --lr-range-test`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.errors import UsageError
from digitlab.runs import Run

if TYPE_CHECKING:
    from digitlab.training import TrainingConfig
    from digitlab.training.range_test import RangeTest

__all__ = ["rate_range", "run_range"]


def rate_range(text: str) -> tuple[float, float]:
    """``LOW:HIGH`` as two rates.

    >>> rate_range("1e-6:100")
    (1e-06, 100.0)

    Raises:
        UsageError: when it is not two numbers, the first above 0 and below the second.
    """
    low, _, high = text.partition(":")
    try:
        rates = float(low), float(high)
    except ValueError:
        rates = (math.nan, math.nan)
    if not 0 < rates[0] < rates[1] < math.inf:
        raise UsageError(f"--lr-range-test is {text!r}; expected LOW:HIGH with 0 < LOW < HIGH, e.g. 1e-6:100")
    return rates


def run_range(training: TrainingConfig, low: float, high: float, passes: int, runs: Path, *, json: bool) -> int:
    """Make the test in a new run folder and print its result; 1 when the loss did not fall."""
    from digitlab.apps.cli.job_view import stopping_on_interrupt
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.training import StopRequest
    from digitlab.training.range_test import run_range_test

    name = training.name or f"{training.architecture}-{Path(training.dataset).stem}"
    run = Run.create(f"{name}-lr-range", runs)
    stop = StopRequest()
    with stopping_on_interrupt(stop), TrainingView() as view:
        found = run_range_test(training, run, low, high, passes=passes, listener=view, stop=stop)
    if json:
        say_json(_as_json(found, run))
    else:
        _tell(found, run)
    return 0 if found.steepest is not None else 1


def _as_json(found: RangeTest, run: Run) -> dict[str, object]:
    return {
        "run": str(run.path),
        "suggested": found.steepest,
        "least": found.least,
        "tenth_of_least": found.least and found.least / 10,
        "diverged": found.diverged,
        "steps": len(found.rates),
        "plot": str(run.rate_range_plot),
    }


def _tell(found: RangeTest, run: Run) -> None:
    ended = f"the loss diverged at {found.rates[-1]:.2g}" if found.diverged else "the loss did not diverge"
    advise(f"{len(found.rates)} steps; {ended}")
    if found.steepest is None or found.least is None:
        say("no suggestion: the loss did not fall; try higher rates, or more steps (--epochs)")
    else:
        say(f"suggested learning rate: {found.steepest:.2g}, where the loss falls most steeply")
        say(f"or {found.least / 10:.2g}, a tenth of the rate with the lowest loss")
    advise(f"look at {run.rate_range_plot}")
    say(str(run.path))
