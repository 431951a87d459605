"""The tasks for a study's cells, and jobs: a cell with a seed or fold, as plain data with an identity.

Jobs are carried out by `digitlab.studies.work`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from digitlab.errors import UsageError
from digitlab.storage import cache_folder
from digitlab.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["EDITION", "QUICK_SHARE", "CountParameters", "FindRate", "Job", "Task", "Train", "TrainOnFolds"]

# Increase it when the same settings give different numbers: cells of an older edition are then trained again.
EDITION = 1

QUICK_SHARE = 1 / 20  # of the images, in a quick run


@dataclass(frozen=True, slots=True)
class Task:
    """Base of the tasks below.

    kind: its name in a cell's file
    repeated: what the repeats of a cell differ in: "seed" or "fold"
    trains: whether it needs the settings of a training; otherwise the cell's changes are all it needs
    exact: whether all repeats would give the same numbers
    """

    kind: ClassVar[str] = ""
    repeated: ClassVar[str] = "seed"
    trains: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    @property
    def most(self) -> int | None:
        """The largest possible number of repeats; None: no limit."""
        return 1 if self.exact else None

    def settings(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Train(Task):
    """Train on the training images, measure on the test images.

    watch: "test": where no validation images are held out, the test images are evaluated after each epoch, as S0
        §3.1.4, S1 and S4 do for their curves. Here they decide nothing.
    """

    kind: ClassVar[str] = "train"
    watch: Literal["test"] | None = None


@dataclass(frozen=True, slots=True)
class TrainOnFolds(Task):
    """Cross-validation: train on all folds of the training images but one, evaluate on that one.

    Repeat k, counted from 0, leaves out fold k. The test images are never used.
    """

    kind: ClassVar[str] = "train-on-folds"
    repeated: ClassVar[str] = "fold"
    folds: int = 10

    @property
    def most(self) -> int | None:
        """The number of folds."""
        return self.folds


@dataclass(frozen=True, slots=True)
class FindRate(Task):
    """A learning-rate range test from ``low`` to ``high`` in ``passes`` epochs (`digitlab.training.range_test`)."""

    kind: ClassVar[str] = "find-rate"
    low: float = 1e-6
    high: float = 100.0
    passes: int = 1


@dataclass(frozen=True, slots=True)
class CountParameters(Task):
    """Build an architecture, or a single layer, and count its parameters."""

    kind: ClassVar[str] = "count-parameters"
    trains: ClassVar[bool] = False
    exact: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Job:
    """A cell with a seed or fold: a `digitlab.scheduling.protocol.Job`.

    kind: `Task.kind`
    settings: JSON-serialisable settings of the task, and under "training" those of the training
    """

    kind: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, task: Task, training: TrainingConfig, *, quick: bool = False) -> Job:
        """Create the job of ``task`` with ``training``; quick: on a share of the images only."""
        share = {"share": QUICK_SHARE} if quick else {}
        return cls(task.kind, _plain({"training": training.as_dict(), **task.settings(), **share}))

    @property
    def training(self) -> TrainingConfig:
        """The settings of the training."""
        return TrainingConfig(**self.settings["training"])

    @property
    def digest(self) -> str:
        """The identity: two jobs with the same digest give the same numbers on the same machine.

        Training settings at their default are ignored, so that a new setting does not change the digest of all cells.
        """
        essential = dict(self.settings)
        if "training" in essential:
            defaults = _plain(TrainingConfig().as_dict())
            essential["training"] = {
                name: value
                for name, value in essential["training"].items()
                if value != defaults.get(name) and name != "name"
            }
        content = json.dumps({"edition": EDITION, "kind": self.kind, "settings": essential}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """``kind`` and ``settings``: ``Job(**job.as_dict())`` is the same job."""
        return {"kind": self.kind, "settings": dict(self.settings)}

    @property
    def checkpoint(self) -> Path:
        """The file on this machine that holds the state after an epoch, while the job is under way."""
        return cache_folder() / "studies" / self.digest / "state.npz"

    @property
    def place(self) -> str:
        """Relative path of its result in a store: readable, and unique for each digest."""
        if "training" not in self.settings:
            return f"{self.kind}/{self.digest}.json"
        training = self.training
        dataset = "".join(c if c.isalnum() or c in "-_." else "-" for c in training.dataset)[-40:]
        return f"{training.architecture}/{dataset}-{training.seed}-{self.digest}.json"


def _plain(values: Any) -> Any:
    """Values after a round trip through JSON: tuples become lists, so that equal settings have equal digests."""
    try:
        return json.loads(json.dumps(values, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a study varies plain values only: numbers, words, lists of them ({error})") from error
