"""Workers that train nothing: what a network would reach is a formula of its settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import pytest

from digitlab.scheduling.protocol import Done, Failed, Message, Progressed, Stopped
from digitlab.tuning import Space, parse_space

if TYPE_CHECKING:
    from digitlab.studies.job import Job
    from digitlab.training import TrainingConfig

Reach = Callable[["TrainingConfig", int], float]


def reach(training: TrainingConfig, fold: int) -> float:
    """Wide is good, 0.01 is the best learning rate, and folds differ a little."""
    rate = training.learning_rate or 0.01
    return 0.9 + training.options.get("width", 64) / 10_000 - abs(rate - 0.01) + 0.001 * (fold % 3)


class PaperPool:
    """Does jobs an epoch at each look; ``done`` and ``cut`` remember."""

    def __init__(
        self, workers: int = 1, reach: Reach = reach, fails: Callable[[TrainingConfig], bool] = lambda _: False
    ) -> None:
        self._workers, self._reach, self._fails = workers, reach, fails
        self._under_way: dict[str, tuple[Job, int]] = {}
        self._stopped: set[str] = set()
        self._said: deque[Message] = deque()
        self.checked: list[Job] = []
        self.given: list[Job] = []
        self.cut_jobs: list[Job] = []
        self.epochs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, jobs: Sequence[Job]) -> None:
        self.checked += jobs

    @property
    def idle(self) -> int:
        return self._workers - len(self._under_way)

    def give(self, job: Job) -> None:
        assert job.digest not in self._under_way, "nobody is asked twice at once"
        self.given.append(job)
        self._under_way[job.digest] = job, 0

    def stop(self) -> None:
        self._stopped |= set(self._under_way)

    def cut(self, job: Job) -> None:
        self.cut_jobs.append(job)
        self._stopped.add(job.digest)

    def wait(self, _: float) -> Sequence[Message]:
        said: list[Message] = []
        for digest, (job, done) in list(self._under_way.items()):
            said.append(self._step(digest, job, done))
        return said

    def _step(self, digest: str, job: Job, done: int) -> Message:
        if digest in self._stopped:
            self._stopped.discard(digest)
            del self._under_way[digest]
            return Stopped(job)
        if job.kind == "weigh":
            del self._under_way[digest]
            width = job.training.options.get("width", 64)
            return Done(job, {"parameters": 10, "kilobytes": float(width), "milliseconds": 1 / width}, {})
        training = job.training
        if self._fails(training):
            del self._under_way[digest]
            return Failed(job, "it would not")
        whole = self._reach(training, job.settings["fold"])
        curve = [round(whole - 0.1 / epoch, 5) for epoch in range(1, training.epochs)] + [round(whole, 5)]
        if done < training.epochs:
            self.epochs += 1
            self._under_way[digest] = job, done + 1
            accuracies = list(enumerate(curve[: done + 1], start=1))
            return Progressed(job, {"done": done + 1, "epochs": training.epochs, "loss": 0.1, "accuracies": accuracies})
        del self._under_way[digest]
        numbers = {"accuracy": whole, "loss": 1 - whole, "epochs": training.epochs, "seconds": 1.0, "overhead": 0.5}
        history: dict[str, Any] = {"validation_accuracy": curve}
        return Done(job, {**numbers, "parameters": 10, "history": history, "batches": {}}, {})


@pytest.fixture
def paper_pool() -> type[PaperPool]:
    return PaperPool


@pytest.fixture
def make_space() -> Callable[..., Space]:
    """A space over width and learning rate; arguments change its table [tune], ``space`` its [space]."""

    def make(**tune: Any) -> Space:
        space = tune.pop("space", {"learning_rate": [0.001, 0.01, 0.1], "options": {"width": [16, 64, 256]}})
        content = {"architecture": "dense-family", "optimiser": "adam", "epochs": 4, "tune": tune, "space": space}
        return parse_space(content, "paper", "paper.toml")

    return make
