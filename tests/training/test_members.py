"""An ensemble as one training: members, their mean, interruption and going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.errors import RunError, UsageError
from digitlab.models import load_keras, predict_probabilities, read_card
from digitlab.runs import Run
from digitlab.training import EpochEnded, Event, Progressed, StopRequest, TrainingConfig, resumed, run_training

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from digitlab.training import Trained

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]

UNDRAWN = "digitlab.reports.page.svg", lambda name, _: f"<svg><title>{name}</title></svg>"  # as the fixture `undrawn`
SETTINGS: dict[str, Any] = {
    "options": {"width": 32, "hidden": 1}, "epochs": 1, "optimiser": "adam", "members": 2, "seed": 3, "name": "pair",
}  # fmt: skip


@pytest.fixture(scope="module")
def small_mnist() -> Iterator[str]:
    whole = load_dataset("mnist")
    makers = {"train": lambda: whole.split("train")[:640], "test": lambda: whole.split("test")[:200]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
        yield "small"


@pytest.fixture(scope="module")
def whole(small_mnist: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An ensemble that nobody interrupted: both tests look at it."""
    run = Run.create("pair", tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*UNDRAWN)
        return run_training(TrainingConfig("dense-family", small_mnist, **SETTINGS), run)


def test_members_are_trained_and_their_mean_is_kept(whole: Trained) -> None:
    run = whole.run
    seeds = [run.member(number).read_config()["seed"] for number in (1, 2)]
    assert seeds == [6, 7]  # seed 4 would have 8 and 9
    images = load_dataset("mnist").split("test").images[:200]
    members = [predict_probabilities(load_keras(run.member(number).keras), images) for number in (1, 2)]
    mean = predict_probabilities(load_keras(run.keras), images)
    np.testing.assert_allclose(mean, np.mean(members, axis=0), atol=1e-5)
    assert run.read_json(run.metrics)["accuracy"] == whole.metrics.accuracy
    assert run.report.is_file()
    card = read_card(run.keras)
    assert card is not None
    assert [member["seed"] for member in card.training["members"]] == [6, 7]
    with pytest.raises(RunError, match="is complete"):
        resumed(run)


@pytest.mark.parametrize("moment", [Progressed, EpochEnded])
def test_an_interrupted_ensemble_goes_on_and_ends_as_if_it_had_not_been(
    whole: Trained, small_mnist: str, tmp_path: Path, moment: type[Event]
) -> None:
    training = TrainingConfig("dense-family", small_mnist, **SETTINGS)
    broken, stop = Run.create("broken", tmp_path), StopRequest()

    def stopping(event: Event) -> None:
        if isinstance(event, moment):
            stop()

    first = run_training(training, broken, listener=stopping, stop=stop)
    assert first.history.stopped == "interrupted in member 1 of 2"
    assert broken.report.is_file()
    again = run_training(resumed(broken), broken)
    for left, right in zip(whole.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(UsageError, match="members is 0; expected 1 to 100"):
        TrainingConfig(members=0)
