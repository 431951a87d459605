"""What stays and what changes in each way, and what the run folder holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlab.errors import DatasetError, UsageError
from digitlab.models import load_keras, predict_probabilities, read_card
from digitlab.reading import Classifier
from digitlab.runs import Run
from digitlab.transfer_learning import Base, Transfer, TransferData, run_transfer, transfer, transfer_data
from digitlab.transfer_learning.surgery import cut

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]


def weights_of(model: Any) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def changed(model: Any, base: Any) -> dict[str, bool]:
    before = {step.name: step.layer.get_weights() for step in base.network.steps.values()}
    return {
        name: any((one != other).any() for one, other in zip(held, before[name], strict=True))
        for name, held in weights_of(model).items()
        if name in before and [each.shape for each in held] == [each.shape for each in before[name]]
    }


def test_a_cut_network_computes_what_the_layer_did(base: Any, few: TransferData) -> None:
    from digitlab.inspection import results

    steps = [base.network.find("corners"), base.network.find("dense")]
    body = cut(base.network, steps, "part")
    maps, units = results(base.network, few.test.images[:9], steps)
    expected = np.concatenate([maps.reshape(9, -1), units], axis=1)
    np.testing.assert_allclose(predict_probabilities(body, few.test.images[:9]), expected, atol=1e-5)
    assert body.input_shape == (None, 28, 28)


@pytest.mark.parametrize("learner", ["logistic", "svm"])
def test_features_into_a_learner_leave_a_whole_run_folder(
    base: Any, few: TransferData, learner: str, tmp_path: Path
) -> None:
    run, settings = Run.create("some", tmp_path), Transfer("features", learner=learner, layer="corners")
    done, metrics = run_transfer(base, few, settings, run, about={"command": "digitlab transfer small --data x"})
    assert metrics.accuracy > 0.4  # untrained filters and six images a class
    opened = load_keras(run.keras)
    np.testing.assert_allclose(predict_probabilities(opened, few.test.images), done.probabilities, atol=1e-5)
    np.testing.assert_allclose(Classifier(run.onnx).probabilities(few.test.images), done.probabilities, atol=1e-5)
    card = read_card(run.keras)
    assert card is not None
    assert card.training["transferred_from"] == "small"
    assert card.training["layer"] == "corners"
    assert run.read_config()["learner"] == learner
    assert "digitlab transfer small --data x" in run.report.read_text("utf-8")
    assert json.loads(run.metrics.read_text("utf-8"))["model"] == "small, features"


@pytest.mark.parametrize("settings", [Transfer("features", learner="svm"), Transfer("freeze", epochs=1)])
def test_what_was_transferred_is_transferred_again(base: Any, few: TransferData, settings: Transfer) -> None:
    """Its layers have the names of those that are added to it."""
    once = transfer(base, few, Transfer("features", learner="svm")).model
    again = transfer(Base.of(once), few, replace(settings, layer="probabilities")).model
    names = [layer.name for layer in again.layers]
    assert len(set(names)) == len(names)
    assert names[-1] == "probabilities_"
    assert predict_probabilities(again, few.test.images[:5]).shape == (5, 10)
    if settings.how == "freeze":
        assert not changed(again, Base.of(once))["landmarks"]


def test_neighbours_are_measured_and_no_model_is_kept(base: Any, few: TransferData, tmp_path: Path) -> None:
    run = Run.create("some", tmp_path)
    done, _ = run_transfer(base, few, Transfer("features", learner="knn"), run, about={})
    assert done.model is None
    assert run.report.is_file()
    assert not run.keras.exists()
    assert not run.onnx.exists()


def test_frozen_layers_stay_and_two_phases_change_all_but_the_normalisation(base: Any, few: TransferData) -> None:
    short = Transfer("freeze", epochs=2, fine_epochs=2, fine_rate=1e-2)
    frozen = transfer(base, few, short)
    assert changed(frozen.model, base) == {
        "lines": False, "even": False, "corners": False, "dense": False, "probabilities": True,
    }  # fmt: skip
    both = transfer(base, few, replace(short, how="two-phase"))
    assert changed(both.model, base) == {
        "lines": True, "even": False, "corners": True, "dense": True, "probabilities": True,
    }  # fmt: skip
    assert [row.epoch for row in both.history.epochs] == [1, 2, 3, 4]
    assert all(layer.trainable for layer in both.model.layers)
    again = transfer(base, few, replace(short, how="two-phase"))
    for one, other in zip(both.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_anew_begins_with_other_weights(base: Any, few: TransferData) -> None:
    done = transfer(base, few, Transfer("anew", epochs=1, fine_epochs=1, learning_rate=1e-9))
    assert all(found for name, found in changed(done.model, base).items() if name != "even")
    lines = weights_of(done.model)["lines"][0]
    assert abs(lines.std() - base.network.find("lines").layer.get_weights()[0].std()) < 0.03  # the same initialiser


def test_a_kept_head_goes_on_from_where_it_was(base: Any, few: TransferData) -> None:
    done = transfer(base, few, Transfer("freeze", head="keep", epochs=1, learning_rate=1e-9))
    before = predict_probabilities(base.network.model, few.test.images)
    np.testing.assert_allclose(done.probabilities, before, atol=1e-4)
    assert done.before == (before.argmax(axis=1) == few.test.labels).mean()
    moved = transfer(base, few, Transfer("freeze", head="keep", epochs=3, learning_rate=1e-2))
    assert changed(moved.model, base) == {
        "lines": False, "even": False, "corners": False, "dense": False, "probabilities": True,
    }  # fmt: skip


def test_a_layer_that_does_not_exist_is_named_with_those_that_do(base: Any, few: TransferData) -> None:
    with pytest.raises(UsageError, match="no layer 'conv99'; it has: prepare, add_channel, lines"):
        transfer(base, few, Transfer("features", layer="conv99"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"how": "magic"}, "expected one of features"),
        ({"head": "keep", "how": "features"}, "discards it"),
        ({"head": "keep", "layer": "x"}, "expected one of them"),
        ({"how": "anew", "layer": "x"}, "as a whole"),
        ({"per_class": 0}, "per_class is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"fine_rate": 0.0}, "fine_rate is 0"),
    ],
)
def test_settings_check_themselves(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Transfer(**settings)


def test_a_folder_of_own_digits_is_parted(own_digits: Path) -> None:
    whole = transfer_data(str(own_digits))
    assert (len(whole.train), len(whole.test)) == (40, 10)
    drawn = transfer_data(str(own_digits), per_class=3, seed=2)
    assert (len(drawn.train), len(drawn.test)) == (30, 20)
    assert np.bincount(drawn.train.labels).tolist() == [3] * 10
    assert drawn.tested_on.endswith("own, the rest")
    elsewhere = transfer_data(str(own_digits), test="digits-8x8")
    assert (len(elsewhere.train), elsewhere.tested_on) == (50, "digits-8x8")
    assert (transfer_data(str(own_digits), form="sobel").train.images != whole.train.images).any()


def test_sets_that_cannot_be_learned_from_are_refused(own_digits: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has 5 training images of class 0; expected at least 6"):
        transfer_data(str(own_digits), per_class=6)
    with pytest.raises(DatasetError, match="none are left for testing"):
        transfer_data(str(own_digits), per_class=5)
    np.savez(tmp_path / "one.npz", images=np.zeros((4, 28, 28), np.uint8), labels=np.full(4, 7, np.uint8))
    with pytest.raises(DatasetError, match="images of class 7 only"):
        transfer_data(str(tmp_path / "one.npz"))
    np.savez(tmp_path / "many.npz", images=np.zeros((4, 28, 28), np.uint8), labels=np.arange(9, 13).astype(np.uint8))
    with pytest.raises(DatasetError, match="expected 0 to 9"):
        transfer_data(str(tmp_path / "many.npz"))
    with pytest.raises(UsageError, match="the model takes grey ones"):
        transfer_data("sobel", per_class=1)
