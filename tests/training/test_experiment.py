from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.apps.cli import run as command
from digitlab.datasets import Dataset, catalogue, load_dataset
from digitlab.errors import DatasetError, UsageError
from digitlab.models import load_keras, predict_probabilities, read_card
from digitlab.reading import Classifier
from digitlab.runs import Run
from digitlab.training import Event, Progressed, Stage, Started, StopRequest, TrainingConfig, check, run_training
from digitlab.training.data import open_training_data, watched_images
from digitlab.values import Digits

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("quick_ending")]


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> str:
    """The first 2,000 training and 500 test images, as a dataset with a name."""
    whole = load_dataset("mnist")
    makers = {"train": lambda: whole.split("train")[:2000], "test": lambda: whole.split("test")[:500]}
    monkeypatch.setitem(catalogue._NAMED, "small", lambda _: Dataset("small", "", makers))
    return "small"


def test_a_training_leaves_a_whole_run_folder(small_mnist: str, tmp_path: Path) -> None:
    run, events = Run.create("test", tmp_path), []
    training = TrainingConfig("slides-cnn", small_mnist, epochs=3, optimiser="adam", validation=0.1, patience=5, seed=3)
    trained = run_training(training, run, listener=events.append)
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        "config.toml", "environment.json", "history.csv", "batches.csv", "model.keras", "model.onnx", "predictions.npz",
        "README.md", "metrics.json", "metrics.mat", "report.html",
    }  # fmt: skip
    assert isinstance(events[0], Started)
    assert any(isinstance(event, Progressed) for event in events)
    assert isinstance(events[-1], Stage)
    assert (events[0].images, events[0].validation_images) == (1801, 199)  # a tenth of each class, rounded
    metrics = run.read_json(run.metrics)
    assert metrics["accuracy"] == trained.metrics.accuracy > 0.7
    assert run.read_table(run.history)["epoch"] == [1, 2, 3]
    assert len(run.read_table(run.batches)["loss"]) == 3 * 15
    assert run.read_config()["validation"] == 0.1
    assert json.loads(run.environment.read_text())["seed"] == 3


def test_watched_test_images_give_a_curve_and_change_no_weight(small_mnist: str, tmp_path: Path) -> None:
    training = TrainingConfig("slides-cnn", small_mnist, epochs=2, optimiser="adam", seed=3, precision="float32")
    watching, plain = Run.create("watching", tmp_path), Run.create("plain", tmp_path)
    trained = run_training(replace(training, watch="test"), watching)
    run_training(training, plain)
    history = watching.read_table(watching.history)
    assert history["test_loss"][-1] == pytest.approx(trained.metrics.loss, rel=1e-4)
    assert history["test_accuracy"][-1] == pytest.approx(trained.metrics.accuracy)
    assert np.isnan(history["validation_loss"]).all()
    assert np.isnan(plain.read_table(plain.history)["test_loss"]).all()
    for one, two in zip(*(load_keras(run.keras).get_weights() for run in (watching, plain)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_is_held_out_is_watched_and_not_the_test_images(small_mnist: str) -> None:
    training = TrainingConfig("slides-cnn", small_mnist, epochs=1, validation=0.1, watch="test", patience=3)
    with open_training_data(training) as data:
        assert watched_images(training, data) is None
    with open_training_data(replace(training, validation=0.0, patience=None)) as data:
        assert watched_images(replace(training, validation=0.0, patience=None), data) is data.test


@pytest.mark.backends
def test_keras_and_onnx_files_say_the_same(small_mnist: str, tmp_path: Path) -> None:
    run = Run.create("test", tmp_path)
    run_training(TrainingConfig("slides-cnn", small_mnist, epochs=1, optimiser="adam"), run)
    images = load_dataset("mnist").split("test").images
    by_keras, by_onnx = predict_probabilities(load_keras(run.keras), images), Classifier(run.onnx).probabilities(images)
    np.testing.assert_allclose(by_keras, by_onnx, atol=1e-5)
    np.testing.assert_array_equal(by_keras.argmax(1), by_onnx.argmax(1))
    assert Classifier(run.onnx).card == read_card(run.keras)
    card = read_card(run.keras)
    assert card is not None
    assert card.classes == tuple("0123456789")
    assert card.preparation == "x / 255"
    assert card.training["epochs_trained"] == 1
    assert {"keras", "digitlab", "python"} <= set(card.versions)


def test_measured_by_copies_as_evaluate_measures(
    small_mnist: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.create("test", tmp_path)
    trained = run_training(TrainingConfig("slides-cnn", small_mnist, epochs=1, optimiser="adam", tta=5), run)
    inside = run.evaluation(small_mnist, 5)
    kept = inside.read_predictions().probabilities
    assert trained.tta is not None
    assert inside.read_json(inside.metrics)["accuracy"] == trained.tta.accuracy
    assert run.read_json(run.metrics)["accuracy"] == trained.metrics.accuracy
    assert f"{small_mnist}, test-time augmentation, 5 copies per image" in run.report.read_text()
    assert command(["evaluate", str(run.path), "--data", small_mnist, "--tta", "5"]) == 0
    assert "5" in capsys.readouterr().out
    np.testing.assert_allclose(inside.read_predictions().probabilities, kept, atol=1e-5)


def test_copies_of_images_that_become_sobel_images_are_refused() -> None:
    with pytest.raises(UsageError, match="evaluate RUN --tta"):
        check(TrainingConfig("slides-cnn", augmentation="realtime", tta=5))


def test_two_runs_with_one_seed_have_identical_weights(small_mnist: str, tmp_path: Path) -> None:
    weights = []
    for _ in range(2):
        run = Run.create("test", tmp_path)
        run_training(TrainingConfig("thesis-4conv", small_mnist, epochs=2, seed=9), run)
        with zipfile.ZipFile(run.keras) as archive:
            weights.append((archive.read("model.weights.h5"), load_keras(run.keras).get_weights()))
    for one, two in zip(weights[0][1], weights[1][1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_can_be_repeated_from_its_config(small_mnist: str, tmp_path: Path) -> None:
    from digitlab.training import find_recipe

    run = Run.create("test", tmp_path)
    training = TrainingConfig("slides-cnn", small_mnist, epochs=1, dropout=True, learning_rate=0.5, name="again")
    run_training(training, run)
    assert find_recipe(run.config) == training


def test_an_interrupted_training_still_leaves_a_whole_run_folder(small_mnist: str, tmp_path: Path) -> None:
    run, stop = Run.create("test", tmp_path), StopRequest()

    def listen(event: Event) -> None:
        if isinstance(event, Progressed):
            stop()

    trained = run_training(TrainingConfig("slides-cnn", small_mnist, epochs=50), run, listener=listen, stop=stop)
    assert trained.history.stopped == "interrupted in epoch 1"
    assert "<dt>ended</dt><dd>interrupted in epoch 1; 0 of 50 epochs are complete; `digitlab train --resume RUN`" in (
        run.report.read_text("utf-8")
    )
    assert run.onnx.is_file()
    assert "interrupted" in str(read_card(run.keras))


@pytest.mark.parametrize(
    ("training", "error", "message"),
    [
        (TrainingConfig("no-such"), UsageError, "no architecture"),
        (TrainingConfig(optimiser="addelta"), UsageError, "Did you mean 'adadelta'"),
        (TrainingConfig(schedule="sideways"), UsageError, "no schedule"),
        (TrainingConfig(augmentation="hand"), UsageError, "no augmentation"),
        (TrainingConfig(dataset="emnist"), DatasetError, "no dataset"),
        (TrainingConfig(patience=2), DatasetError, "--validation 0.2"),
        (TrainingConfig(patience=2, validation=0.1, weight_average=0.99), UsageError, "weights of the best epoch"),
        (TrainingConfig("ann-397", dropout=False), UsageError, "no variant"),
    ],
)
def test_names_that_do_not_exist_are_refused_before_anything_is_made(
    training: TrainingConfig, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check(training)


def test_a_network_trained_on_sobel_images_reads_grey_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from digitlab.apps.cli import run as command
    from digitlab.datasets.transforms import sobel_images

    whole = load_dataset("mnist")
    grey = {"train": whole.split("train")[:2000], "test": whole.split("test")[:500]}
    makers = {name: lambda part=part: Digits(sobel_images(part.images), part.labels) for name, part in grey.items()}
    monkeypatch.setitem(catalogue._NAMED, "edges", lambda _: Dataset("edges", "", makers, form="sobel"))
    run = Run.create("test", tmp_path)
    trained = run_training(TrainingConfig("slides-cnn", "edges", epochs=3, optimiser="adam"), run)
    card = Classifier(run.onnx).card
    assert card is not None
    assert (card.form, card.preparation) == ("sobel", "Sobel image, x / 255")
    answers = Classifier(run.onnx).probabilities(grey["test"].images)
    assert float((answers.argmax(1) == grey["test"].labels).mean()) == trained.metrics.accuracy
    assert command(["evaluate", str(run.path), "--data", "edges", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == trained.metrics.accuracy
    monkeypatch.setitem(catalogue._NAMED, "grey", lambda _: Dataset("grey", "", {"test": lambda: grey["test"]}))
    for model in (run.path, run.keras, run.onnx):
        out = str(tmp_path / f"grey-{model.suffix}")
        assert command(["evaluate", str(model), "--data", "grey", "--out", out, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == trained.metrics.accuracy
    assert command(["evaluate", str(run.onnx), "--data", "edges"]) == 2
    assert "give its run folder" in capsys.readouterr().err
