"""`digitlab train --folds`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.runs import Run
from digitlab.storage import remove_unfinished

if TYPE_CHECKING:
    from digitlab.training import TrainingConfig
    from digitlab.training.cross_validation import CrossValidation
    from digitlab.values import Digits

__all__ = ["resume_folds", "run_folds"]


def run_folds(training: TrainingConfig, folds: int, runs: Path, *, json: bool) -> int:
    """Cross-validate in a new run folder and show the table; 1 when not all folds were done."""
    from digitlab.training.cross_validation import images_to_part
    from digitlab.training.out_of_fold import check_settings

    digits = images_to_part(training)
    check_settings(training, digits.labels, folds)
    name = training.name or f"{training.architecture}-{Path(training.dataset).stem}"
    return _run(training, digits, Run.create(f"{name}-folds", runs), folds, json=json)


def resume_folds(run: Run, *, json: bool) -> int:
    """Go on with a cross-validation that was killed or interrupted.

    Raises:
        RunError: when it is done, or cannot be gone on with.
    """
    from digitlab.training.cross_validation import folds_of, images_to_part
    from digitlab.training.experiment import settings_of

    folds, training = folds_of(run), settings_of(run)
    remove_unfinished(run.path)
    return _run(training, images_to_part(training), run, folds, json=json)


def _run(training: TrainingConfig, digits: Digits, run: Run, folds: int, *, json: bool) -> int:
    from digitlab.apps.cli.job_view import stopping_on_interrupt
    from digitlab.apps.cli.training_view import TrainingView
    from digitlab.training import StopRequest
    from digitlab.training.cross_validation import run_cross_validation

    stop = StopRequest()
    with stopping_on_interrupt(stop, "keeping the folds that are done"), TrainingView() as view:
        found = run_cross_validation(training, digits, run, folds, listener=view, stop=stop)
    if found is None or len(found.folds) < folds:
        advise(f"go on with: digitlab train --resume {run.path}")
    if found is None:
        advise("no fold is done yet")
        return 1
    if json:
        say_json({"run": str(run.path), **run.read_json(run.cross_validation)})
    else:
        _tell(found, training, folds)
        say(str(run.path))
    return 0 if len(found.folds) == folds else 1


def _tell(found: CrossValidation, training: TrainingConfig, folds: int) -> None:
    rows = [
        [each.fold, f"{each.images:,}", f"{each.accuracy:.4f}", f"{each.loss:.4f}", each.epochs, f"{each.seconds:.1f}"]
        for each in found.folds
    ]
    say(table(["fold", "images", "accuracy", "log loss", "epochs", "seconds"], rows))
    if len(found.folds) < folds:
        advise(f"interrupted: {len(found.folds)} of {folds} folds are done")
    accuracy, loss = found.accuracy, found.loss
    spread = "" if accuracy.deviation is None else f" ± {100 * accuracy.deviation:.2f} (standard deviation over folds)"
    say(f"{training.dataset}, {len(found.folds)} folds: accuracy {100 * accuracy.mean:.2f} %{spread}, "
        f"log loss {loss.mean:.4f}")  # fmt: skip
