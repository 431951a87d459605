from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.errors import DivergedError
from digitlab.models import load_keras, read_card
from digitlab.runs import Run
from digitlab.training import Event, Progressed, Stage, Started, TrainingConfig, resumed, run_training
from digitlab.training import precision_choice as module
from digitlab.training.precision_choice import choose_precision

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

LONG = TrainingConfig("slides-cnn", epochs=4, batch_size=128)  # of 60,000 images: 1,876 steps


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch, fresh_cache: Path) -> list[dict[str, float]]:
    """A processor with bfloat16 products, and what each of the next measurements finds."""
    assert fresh_cache
    found: list[dict[str, float]] = []
    monkeypatch.setattr(module, "processor_multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(module, "_measure", lambda _: found.pop(0))
    return found


def chosen(training: TrainingConfig, images: int = 60_000) -> str:
    return choose_precision(training, images, lambda _: None).precision


@pytest.mark.parametrize(
    ("bfloat16", "float32", "expected", "reason"),
    [
        (0.31, 0.15, "float32", "2.1 times as quick here as bfloat16"),
        (0.15, 0.31, "bfloat16", "2.1 times as quick here as float32"),
        (0.22, 0.20, "bfloat16", "about as quick"),  # within noise: what the kept results were made with
    ],
)
def test_the_quicker_precision_is_chosen(
    clocked: list[dict[str, float]], bfloat16: float, float32: float, expected: str, reason: str
) -> None:
    clocked.append({"bfloat16": bfloat16, "float32": float32})
    choice = choose_precision(LONG, 60_000, lambda _: None)
    assert choice.precision == expected
    assert reason in choice.reason


def test_what_was_measured_is_remembered_for_the_same_network_batch_and_processor(
    clocked: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    clocked.append({"bfloat16": 3.0, "float32": 1.0})
    assert choose_precision(LONG, 60_000, heard.append).precision == "float32"
    assert [type(event) for event in heard] == [Stage]
    module._known.clear()  # as another process
    assert choose_precision(LONG, 60_000, heard.append).precision == "float32"
    assert len(heard) == 1
    clocked += [{"bfloat16": 1.0, "float32": 3.0}] * 2
    assert chosen(TrainingConfig("slides-cnn", epochs=4, batch_size=64)) == "bfloat16"
    monkeypatch.setattr(module, "processor_name", lambda: "another")
    assert chosen(LONG) == "bfloat16"
    assert not clocked


def test_a_damaged_memory_is_measured_anew(clocked: list[dict[str, float]], fresh_cache: Path) -> None:
    for content in ("", "[]", "{}", json.dumps({"seconds": {"bfloat16": 0, "float32": "nan"}})):
        clocked.append({"bfloat16": 3.0, "float32": 1.0})
        for path in (fresh_cache / "precision").glob("*.json"):
            path.write_text(content)
        module._known.clear()
        assert chosen(LONG) == "float32"
    assert not clocked


def test_nothing_is_measured_where_it_cannot_pay(
    clocked: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen(TrainingConfig("slides-cnn", epochs=40, precision="float32")) == "float32"
    assert chosen(LONG, images=10_000) == "bfloat16"  # 316 steps
    clocked.append({"bfloat16": 3.0, "float32": 1.0})
    assert chosen(LONG) == "float32"
    assert chosen(LONG, images=10_000) == "bfloat16"  # a short training does not depend on what was trained before
    monkeypatch.setattr(module, "processor_multiplies_bfloat16", lambda: False)
    assert chosen(TrainingConfig("thesis-2conv", epochs=40)) == "float32"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    whole = load_dataset("mnist")
    makers = {"train": lambda: whole.split("train")[:1024], "test": lambda: whole.split("test")[:200]}
    monkeypatch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
    monkeypatch.setattr(module, "_FEWEST_STEPS", 1)
    return "small"


def assert_same_weights(one: Run, two: Run) -> None:
    for first, second in zip(*(load_keras(run.keras).get_weights() for run in (one, two)), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_measurement_changes_no_weights(
    small: str, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "processor_multiplies_bfloat16", lambda: True)
    training = TrainingConfig("slides-cnn", small, epochs=2, optimiser="adam", augmentation="affine", seed=4)
    measured, told, events = Run.create("measured", tmp_path), Run.create("told", tmp_path), []
    run_training(training, measured, listener=events.append)
    assert isinstance(events[0], Stage)
    (kept,) = (fresh_cache / "precision").glob("*.json")
    assert set(json.loads(kept.read_text())["seconds"]) == {"bfloat16", "float32"}
    precision = measured.read_json(measured.environment)["precision"]
    assert measured.read_config()["precision"] == "auto"
    card = read_card(measured.keras)
    assert card is not None
    assert card.training["precision"] == precision
    run_training(TrainingConfig(**{**training.as_dict(), "precision": precision}), told)
    assert_same_weights(measured, told)


def test_a_rate_that_is_too_high_is_refused_by_the_training_not_by_the_measurement(
    small: str, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path, tmp_path: Path
) -> None:
    assert fresh_cache
    monkeypatch.setattr(module, "processor_multiplies_bfloat16", lambda: True)
    run = Run.create("high", tmp_path)
    with pytest.raises(DivergedError, match="--lr-range-test"):
        run_training(TrainingConfig("slides-cnn", small, epochs=1, optimiser="sgd", learning_rate=1e30), run)
    assert run.read_table(run.batches)["batch"][0] == 1  # how it came to that can be looked at
    assert not run.onnx.exists()


class Killed(BaseException):
    """Stands in for SIGKILL."""


@pytest.mark.parametrize("members", [1, 2])
def test_a_run_goes_on_in_the_precision_that_it_was_begun_with(
    members: int, small: str, clocked: list[dict[str, float]], tmp_path: Path
) -> None:
    training = TrainingConfig("slides-cnn", small, epochs=2, optimiser="adam", seed=6, members=members)
    clocked += [{"bfloat16": 3.0, "float32": 1.0}, {"bfloat16": 1.0, "float32": 3.0}]
    killed = Run.create("killed", tmp_path)

    def kill(event: Event) -> None:
        if isinstance(event, Progressed) and event.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        run_training(training, killed, listener=kill)
    for path in Path(tmp_path / "cache" / "precision").glob("*.json"):
        path.unlink()
    module._known.clear()
    started: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            started.append(event.precision)
            if len(started) == members:
                raise Killed

    with pytest.raises(Killed):
        run_training(resumed(killed), killed, listener=listen)
    assert started == ["float32"] * members
    assert len(clocked) == 1  # nothing was measured again
