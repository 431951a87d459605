"""`digitlab train --folds`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.runs import Run

if TYPE_CHECKING:
    from digitlab.training import Training
    from digitlab.training.cross_validation import CrossValidation

__all__ = ["run_folds"]


def run_folds(training: Training, folds: int, runs: Path, *, json: bool) -> int:
    """Cross-validate in a new run folder and show the table; 1 when not all folds were done."""
    from digitlab.apps.cli.train import stopping_on_interrupt
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.training import StopRequest
    from digitlab.training.cross_validation import images_to_part, run_cross_validation
    from digitlab.training.out_of_fold import check_folds

    digits = images_to_part(training)
    check_folds(digits.labels, folds)
    name = training.name or f"{training.architecture}-{Path(training.dataset).stem}"
    run, stop = Run.create(f"{name}-folds", runs), StopRequest()
    try:
        with stopping_on_interrupt(stop, "writing the folds that are done"), TrainingView() as view:
            found = run_cross_validation(training, digits, run, folds, listener=view, stop=stop)
    finally:
        with contextlib.suppress(OSError):
            run.path.rmdir()  # where nothing was written into it
    if found is None:
        advise("no fold was done; nothing is written")
        return 1
    if json:
        say_json({"run": str(run.path), **run.read_json(run.cross_validation)})
    else:
        _tell(found, training, folds)
        say(str(run.path))
    return 0 if len(found.folds) == folds else 1


def _tell(found: CrossValidation, training: Training, folds: int) -> None:
    rows = [
        [each.fold, f"{each.images:,}", f"{each.accuracy:.4f}", f"{each.loss:.4f}", each.epochs, f"{each.seconds:.1f}"]
        for each in found.folds
    ]
    say(table(["fold", "images", "accuracy", "log loss", "epochs", "seconds"], rows))
    if len(found.folds) < folds:
        advise(f"interrupted: {len(found.folds)} of {folds} folds are done")
    accuracy, loss = found.accuracy, found.loss
    spread = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.2f} (deviation over folds)"
    say(f"{training.dataset}, {len(found.folds)} folds: accuracy {100 * accuracy.mean:.2f} %{spread}, "
        f"log loss {loss.mean:.4f}")  # fmt: skip
