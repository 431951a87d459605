from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.errors import RunError
from digitlab.models import load_keras
from digitlab.runs import Run
from digitlab.training import Event, Progressed, StopRequest, Trained, TrainingConfig, finishing, resumed, run_training

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

Undisturbed = Callable[[str], tuple[Trained, Run]]

# With dropout's random numbers; with moving means of batch normalisation and another kind of dropout.
DEEP: dict[str, Any] = {"architecture": "thesis-4conv"}
SMALL: dict[str, Any] = {
    "architecture": "conv-family",
    "options": {"filters": [8], "units": [16], "batch_norm": True, "spatial_dropout": 0.2},
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": DEEP | {"optimiser": "adadelta"},
    "augmented": SMALL
    | {"optimiser": "adam", "augmentation": "handwriting", "schedule": "cosine", "label_smoothing": 0.1},
    "stopping early": SMALL | {"optimiser": "adam", "learning_rate": 0.02, "validation": 0.1, "patience": 1},
}


class Killed(BaseException):
    """What no one catches: stands in for SIGKILL within this process; bench/resume.py sends the real one."""


@pytest.fixture(scope="module")
def small_mnist() -> Iterator[str]:
    whole = load_dataset("mnist")  # 768 images: whole batches, whose graph is made once
    makers = {"train": lambda: whole.split("train")[:768], "test": lambda: whole.split("test")[:200]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
        yield "small"


def settings(kind: str) -> TrainingConfig:
    return TrainingConfig(dataset="small", epochs=4, seed=5, batch_size=64, **KINDS[kind])


@pytest.fixture(scope="module")
def undisturbed(small_mnist: str, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The training of a kind that nobody disturbed, by the kind's name: each is trained once."""

    @functools.cache
    def trained(kind: str) -> tuple[Trained, Run]:
        run = Run.create("undisturbed", tmp_path_factory.mktemp("undisturbed"))
        return run_training(settings(kind), run), run

    return trained


def train_until(training: TrainingConfig, run: Run, *, epoch: int, batch: int) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Progressed) and event.epoch == epoch and event.batch >= batch:
            raise Killed

    with pytest.raises(Killed):
        run_training(training, run, listener=listen)


def assert_same_ending(one: tuple[Trained, Run], two: tuple[Trained, Run]) -> None:
    weights = [load_keras(run.keras).get_weights() for _, run in (one, two)]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
    assert one[0].history.batches == two[0].history.batches
    for first_row, second_row in zip(one[0].history.epochs, two[0].history.epochs, strict=True):
        assert (first_row.loss, first_row.validation_loss) == (second_row.loss, second_row.validation_loss)
    assert one[0].history.stopped == two[0].history.stopped
    assert one[0].history.best_epoch == two[0].history.best_epoch
    assert one[0].metrics == two[0].metrics


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_ends_as_an_undisturbed_one(kind: str, undisturbed: Undisturbed, tmp_path: Path) -> None:
    training, killed = settings(kind), Run.create("killed", tmp_path)
    for epoch, batch in ((1, 3), (2, 10), (2, 1)):
        train_until(resumed(killed) if killed.config.is_file() else training, killed, epoch=epoch, batch=batch)
        assert not killed.onnx.is_file()
    found = run_training(resumed(killed), killed)
    assert_same_ending(undisturbed(kind), (found, killed))
    assert not killed.checkpoint.parent.exists()


def test_a_training_killed_while_it_finishes_only_finishes(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, killed = settings("stopping early"), Run.create("killed", tmp_path)

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(finishing, "export_onnx", kill)
        with pytest.raises(Killed):
            run_training(training, killed)
    found = run_training(resumed(killed), killed)
    assert_same_ending(undisturbed("stopping early"), (found, killed))


@pytest.mark.parametrize("epoch", [1, 3])  # in the first, there is no checkpoint yet
def test_an_interrupted_training_can_go_on(undisturbed: Undisturbed, tmp_path: Path, epoch: int) -> None:
    training, stopped, stop = settings("plain"), Run.create("stopped", tmp_path), StopRequest()

    def listen(event: Event) -> None:
        if isinstance(event, Progressed) and event.epoch == epoch:
            stop()

    ended = run_training(training, stopped, listener=listen, stop=stop).history.stopped
    assert ended == f"interrupted in epoch {epoch}"
    assert stopped.report.is_file()
    assert_same_ending(undisturbed("plain"), (run_training(resumed(stopped), stopped), stopped))


def test_what_cannot_go_on_says_why(small_mnist: str, tmp_path: Path) -> None:
    empty = Run.create("empty", tmp_path)
    with pytest.raises(RunError, match="start it again"):
        resumed(empty)
    done = Run.create("done", tmp_path)
    run_training(TrainingConfig("slides-cnn", "small", epochs=1), done)
    with pytest.raises(RunError, match="is complete"):
        resumed(done)
    done.checkpoint.parent.mkdir()
    for content in (b"", b"PK\x03\x04 cut", b"\x93NUMPY"):
        done.checkpoint.write_bytes(content)
        with pytest.raises(RunError, match="cannot continue from this checkpoint"):
            run_training(resumed(done), done)
    done.config.write_text("epochs = -1")
    with pytest.raises(RunError, match="not the settings"):
        resumed(done)


def test_a_checkpoint_of_an_older_digitlab_goes_on(small_mnist: str, tmp_path: Path) -> None:
    run = Run.create("older", tmp_path)
    train_until(settings("plain"), run, epoch=2, batch=1)
    with np.load(run.checkpoint) as stored:
        state = dict(stored)
    state["epochs"] = state["epochs"][:, :8]  # it knew no curve of the test images
    np.savez(run.checkpoint, allow_pickle=False, **state)
    run.write_json(run.environment, {"cores": 2})  # nor did it write the precision down
    seen: list[Event] = []

    def listen(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Progressed):
            raise Killed

    with pytest.raises(Killed):
        run_training(resumed(run), run, listener=listen)
    assert isinstance(seen[-1], Progressed)
    assert seen[-1].epoch == 2
