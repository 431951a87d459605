"""Where a training is also logged: TensorBoard files, an MLflow server; selected by words such as "mlflow:URI"."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from digitlab.runs import Run
    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Listener

__all__ = ["Trackers", "tracked", "trackers_of"]


class Trackers(NamedTuple):
    """The selected trackers. mlflow: the address of its store, "" for the default one; None: not used."""

    tensorboard: bool = False
    mlflow: str | None = None


def trackers_of(log: Sequence[str]) -> Trackers:
    """Parse the values of ``--log``.

    >>> trackers_of(["tensorboard", "mlflow:http://127.0.0.1:5000"])
    Trackers(tensorboard=True, mlflow='http://127.0.0.1:5000')
    >>> trackers_of([]), trackers_of(["mlflow"]).mlflow
    (Trackers(tensorboard=False, mlflow=None), '')

    Raises:
        UsageError: for anything else, and for MLflow twice.
    """
    tensorboard, stores = False, []
    for each in log:
        name, colon, address = each.partition(":")
        if each == "tensorboard":
            tensorboard = True
        elif name == "mlflow" and (address or not colon):
            stores.append(address)
        else:
            raise UsageError(f"--log is {each!r}; expected tensorboard, mlflow, or mlflow:URI, e.g. mlflow:mlruns")
    if len(stores) > 1:
        raise UsageError("--log names MLflow twice; expected one store")
    return Trackers(tensorboard, stores[0] if stores else None)


@contextmanager
def tracked(trackers: Trackers, training: TrainingConfig, run: Run, listener: Listener) -> Iterator[Listener]:
    """Provide a listener that also logs to MLflow, if requested; the end of the training is logged on exit.

    Raises:
        MissingExtraError: when MLflow's client is not installed.
        StorageError: when its store cannot be opened; later tracker failures do not end a training.
    """
    if trackers.mlflow is None:
        yield listener
        return
    from digitlab.training.mlflow_log import MlflowLog

    log = MlflowLog(trackers.mlflow, training, run, listener)
    try:
        yield log.on_event
    except KeyboardInterrupt:
        log.end("KILLED")
        raise
    except BaseException:
        log.end("FAILED")
        raise
    log.finish(interrupted=not run.is_done(training.members))
