"""Whom a training tells of itself besides: TensorBoard's files, an MLflow server; by words such as "mlflow:URI"."""

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
    """Who is told. mlflow: the address of its store, "" for the usual one; None: not told."""

    tensorboard: bool = False
    mlflow: str | None = None


def trackers_of(log: Sequence[str]) -> Trackers:
    """What ``--log`` names.

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
    """The listener of a training that tells MLflow as well, if that was asked for; the end is told on leaving.

    Raises:
        MissingExtraError: when MLflow's client is not installed.
        StorageError: when its store cannot be opened; once a training runs, it is not ended by its tracker.
    """
    if trackers.mlflow is None:
        yield listener
        return
    from digitlab.training.mlflow_log import MlflowLog

    log = MlflowLog(trackers.mlflow, training, run, listener)
    try:
        yield log.hear
    except KeyboardInterrupt:
        log.end("KILLED")
        raise
    except BaseException:
        log.end("FAILED")
        raise
    log.finish()
