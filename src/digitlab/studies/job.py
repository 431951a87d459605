"""One piece of work: plain data, so that any process on any machine can do it, and its identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.studies.tasks import Task

__all__ = ["EDITION", "QUICK_SHARE", "THREADS", "Job"]

# Change this when the same settings give other numbers: cells of an older edition are trained anew.
EDITION = 1

# Of the images that a quick run sees.
QUICK_SHARE = 1 / 20

# The order of sums depends on the number of threads, and with it the last digits: a cell trains on one, whatever the
# machine has and whichever engine runs it. Two cells side by side on two cores took 46 s where one after the other on
# two threads each took 62 s (`good`, three epochs).
THREADS = 1


@dataclass(frozen=True, slots=True)
class Job:
    """A cell with a seed (or fold).

    kind: of the task, see `digitlab.studies.tasks`
    settings: plain values: those of the task, and under "training" those of the training
    """

    kind: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, task: Task, training: TrainingConfig, *, quick: bool = False) -> Job:
        """What ``task`` does with ``training``; quick: on a share of the images."""
        share = {"share": QUICK_SHARE} if quick else {}
        return cls(task.kind, _plain({"training": training.as_dict(), **task.settings(), **share}))

    @property
    def training(self) -> TrainingConfig:
        """The settings of the training."""
        return TrainingConfig(**self.settings["training"])

    @property
    def digest(self) -> str:
        """The identity: two jobs with the same digest give the same numbers on the same machine.

        Settings that have their usual value do not count, so that a setting that is new does not make all cells new.
        """
        essential = dict(self.settings)
        if "training" in essential:
            usual = _plain(TrainingConfig().as_dict())
            essential["training"] = {
                name: value
                for name, value in essential["training"].items()
                if value != usual.get(name) and name != "name"
            }
        content = json.dumps({"edition": EDITION, "kind": self.kind, "settings": essential}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def place(self) -> str:
        """Where its result is kept: readable, and one for each digest."""
        if "training" not in self.settings:
            return f"{self.kind}/{self.digest}.json"
        training = self.training
        dataset = "".join(c if c.isalnum() or c in "-_." else "-" for c in training.dataset)[-40:]
        return f"{training.architecture}/{dataset}-{training.seed}-{self.digest}.json"


def _plain(values: Any) -> Any:
    """As JSON gives it back: tuples become lists, and what is equal looks equal."""
    try:
        return json.loads(json.dumps(values, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a study varies plain values only: numbers, words, lists of them ({error})") from error
