"""What can be done with a cell of a study; how it is done stands in `digitlab.studies.work`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

__all__ = ["CountParameters", "FindRate", "Task", "Train", "TrainOnFolds"]


@dataclass(frozen=True, slots=True)
class Task:
    """One of those below.

    kind: its name in a cell's file
    repeated: what the repeats of a cell are: seeds, or folds
    trains: whether it needs the settings of a training; else the cell's changes are all it needs
    exact: whether one repeat says everything
    """

    kind: ClassVar[str] = ""
    repeated: ClassVar[str] = "seed"
    trains: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    @property
    def most(self) -> int | None:
        """Repeats that there can be at most; None: any number."""
        return 1 if self.exact else None

    def settings(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Train(Task):
    """Train on the training images, measure on the test images.

    watch: "test": where no images are held out, the test images are looked at after each epoch, as S0 §3.1.4, S1 and S4
        did for their curves. Nothing is decided by them here.
    """

    kind: ClassVar[str] = "train"
    watch: Literal["test"] | None = None


@dataclass(frozen=True, slots=True)
class TrainOnFolds(Task):
    """Cross-validation: train on all folds of the training images but one, measure on that one.

    Repeat k, counted from 0, leaves out fold k. The test images are never looked at.
    """

    kind: ClassVar[str] = "train-on-folds"
    repeated: ClassVar[str] = "fold"
    folds: int = 10

    @property
    def most(self) -> int | None:
        """As many as there are folds."""
        return self.folds


@dataclass(frozen=True, slots=True)
class FindRate(Task):
    """A learning-rate range test from ``low`` to ``high`` over so many passes (`digitlab.training.range_test`)."""

    kind: ClassVar[str] = "find-rate"
    low: float = 1e-6
    high: float = 100.0
    passes: int = 1


@dataclass(frozen=True, slots=True)
class CountParameters(Task):
    """Build an architecture, or a single layer, and count its weights."""

    kind: ClassVar[str] = "count-parameters"
    trains: ClassVar[bool] = False
    exact: ClassVar[bool] = True
