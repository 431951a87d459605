"""A training told to MLflow: what is told, where to, and that a tracker's failure is not the training's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import digitlab
from digitlab.errors import DigitlabError, StorageError, UsageError
from digitlab.runs import Run
from digitlab.training.config import TrainingConfig
from digitlab.training.events import EpochEnded, Stage
from digitlab.training.tracking import Trackers, tracked, trackers_of
from digitlab.values import Digits

EPOCHS = [EpochEnded(n, 1 / n, 0.9, None, None, 2.0, 1000.0, 0.001) for n in (1, 2)]


class Client:
    """What is used of MLflow's client; it notes what it is told, and fails when it is asked to."""

    def __init__(self, tracking_uri: str) -> None:
        self.store = tracking_uri
        self.parameters: dict[str, str] = {}
        self.metrics: list[tuple[str, float, int]] = []
        self.files: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self.states: list[str] = []
        self.fails = ""
        Client.last = self

    last: Client

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "__dict__").get("fails"):
            raise ConnectionError("the server is gone")
        return object.__getattribute__(self, name)

    def get_experiment_by_name(self, name: str) -> None:
        assert name == "digitlab"

    def create_experiment(self, name: str, tags: dict[str, str]) -> str:
        assert tags
        return name

    def create_run(self, _: str, run_name: str, tags: dict[str, str]) -> SimpleNamespace:
        assert tags["digitlab.run"] == run_name
        self.states.append("begun")
        return SimpleNamespace(info=SimpleNamespace(run_id="number"))

    def update_run(self, number: str, status: str) -> None:
        assert status == "RUNNING"
        self.states.append(f"{number} again")

    def log_param(self, _: str, name: str, value: str) -> None:
        self.parameters[name] = value

    def log_metric(self, _: str, name: str, value: float, step: int) -> None:
        self.metrics.append((name, value, step))

    def log_artifact(self, _: str, path: str, folder: str | None) -> None:
        self.files.append((Path(path).name, folder))

    def log_text(self, _: str, text: str, path: str) -> None:
        self.texts[path] = text

    def set_terminated(self, _: str, status: str) -> None:
        self.states.append(status)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    module = ModuleType("mlflow.tracking")
    module.MlflowClient = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.tracking", module)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "true" if "ALLOW" in name else "1")  # so that what is set is taken back
    return Client


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.path.mkdir()
    run.write_json(run.metrics, {"accuracy": 0.99, "loss": 0.03, "model": "x", "tta": None, "support": [1]})
    for path in (run.keras, run.onnx, run.card, run.report):
        path.write_text("content")
    return run


def train(run: Run, log: list[str], *events: object, training: TrainingConfig | None = None) -> list[object]:
    heard: list[object] = []
    with tracked(trackers_of(log), training or TrainingConfig(), run, heard.append) as told:
        for event in events:
            if isinstance(event, BaseException):
                raise event
            told(event)  # type: ignore[arg-type]
    return heard


def test_settings_epochs_metrics_and_files_are_told(client: type[Client], run: Run, tmp_path: Path) -> None:
    training = TrainingConfig("conv-family", epochs=2, options={"kernel": 5})
    assert train(run, [f"mlflow:{tmp_path / 'store'}"], *EPOCHS, training=training) == EPOCHS
    told = client.last
    assert told.store == (tmp_path / "store").as_uri()
    assert told.parameters["architecture"] == "conv-family"
    assert told.parameters["options.kernel"] == "5"
    assert "patience" not in told.parameters  # it is None
    assert ("loss", 0.5, 2) in told.metrics
    assert ("test_accuracy", 0.99, 0) in told.metrics
    assert {name for name, *_ in told.metrics} & {"validation_loss", "test_support", "test_tta"} == set()
    assert {("model.keras", "model"), ("model.onnx", "model"), ("README.md", "model"), ("report.html", None)} <= set(
        told.files
    )
    assert yaml.safe_load(told.texts["model/MLmodel"])["flavors"]["python_function"]["data"] == "model.onnx"
    assert told.states == ["begun", "FINISHED"]


def test_a_resumed_training_goes_on_in_its_run(client: type[Client], run: Run) -> None:
    train(run, ["mlflow"], EPOCHS[0])
    train(run, ["mlflow"], EPOCHS[1])
    assert client.last.states == ["number again", "FINISHED"]
    train(run, ["mlflow:http://elsewhere:5000"])
    assert client.last.states == ["begun", "FINISHED"]


def test_members_of_an_ensemble_are_told_apart(client: type[Client], run: Run) -> None:
    train(run, ["mlflow"], Stage("network 1", 1, 2), EPOCHS[0], Stage("network 2", 2, 2), EPOCHS[0])
    names = {name for name, *_ in client.last.metrics}
    assert {"member-1/loss", "member-2/loss"} <= names
    assert "loss" not in names


@pytest.mark.parametrize(("error", "state"), [(KeyboardInterrupt(), "KILLED"), (ValueError("x"), "FAILED")])
def test_how_it_ended_is_told(error: BaseException, state: str, client: type[Client], run: Run) -> None:
    with pytest.raises(type(error)):
        train(run, ["mlflow"], EPOCHS[0], error)
    assert client.last.states == ["begun", state]


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_that_was_asked_to_stop_is_not_finished(members: int, client: type[Client], run: Run) -> None:
    training = TrainingConfig(members=members)
    parts = [run.member(number + 1) for number in range(members)] if members > 1 else [run]
    for part in parts:
        part.report.touch()
    parts[-1].checkpoint.parent.mkdir()  # stays until the training is done
    train(run, ["mlflow"], EPOCHS[0], training=training)
    assert client.last.states == ["begun", "KILLED"]
    assert ("test_accuracy", 0.99, 0) in client.last.metrics
    parts[-1].remove_checkpoint()
    train(run, ["mlflow"], EPOCHS[1], training=training)
    assert client.last.states == ["number again", "FINISHED"]


def test_a_server_that_goes_away_does_not_end_the_training(client: type[Client], run: Run) -> None:
    heard: list[object] = []
    with tracked(trackers_of(["mlflow"]), TrainingConfig(), run, heard.append) as told:
        told(EPOCHS[0])
        client.last.fails = "log_metric"
        told(EPOCHS[1])
        told(EPOCHS[1])
    said = [event.text for event in heard if isinstance(event, Stage)]
    assert said == ["MLflow is no longer updated (the server is gone); the run folder has everything"]
    assert [event for event in heard if isinstance(event, EpochEnded)] == [EPOCHS[0], EPOCHS[1], EPOCHS[1]]


def test_a_store_that_cannot_be_opened_is_an_error_at_once(
    client: type[Client], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("connection refused")

    monkeypatch.setattr(client, "get_experiment_by_name", refuse)
    with pytest.raises(StorageError, match=r"MLflow at http://127\.0\.0\.1:9 cannot be written \(connection refused\)"):
        train(run, ["mlflow:http://127.0.0.1:9"])


def test_the_usual_store_is_named_by_the_environment(
    client: type[Client], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    train(run, ["mlflow"])
    assert client.last.store == "http://127.0.0.1:5001"


def test_without_mlflow_its_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [name for name in sys.modules if name.partition(".")[0] == "mlflow"]  # by the tests before
    for name in {"mlflow", *loaded}:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DigitlabError, match='--log mlflow needs the extra "mlflow"; add it with'):
        train(run, ["mlflow"])


@pytest.mark.parametrize("log", [["wandb"], ["mlflow:"], ["mlflow", "mlflow:x"], [""]])
def test_other_words_are_refused(log: list[str]) -> None:
    with pytest.raises(UsageError, match="--log"):
        trackers_of(log)


def test_nobody_is_told_unless_asked(run: Run) -> None:
    assert trackers_of([]) == Trackers()
    assert train(run, [], *EPOCHS) == EPOCHS
    assert not run.mlflow.exists()


def test_mlflows_own_client_takes_it(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    from mlflow.tracking import MlflowClient

    train(run, [f"mlflow:{tmp_path / 'store'}"], *EPOCHS)
    kept = run.read_json(run.mlflow)
    found = MlflowClient(tracking_uri=kept["store"])
    assert [each.value for each in found.get_metric_history(kept["run"], "loss")] == [1.0, 0.5]
    assert {each.path for each in found.list_artifacts(kept["run"])} >= {"model", "report.html"}
    assert found.get_run(kept["run"]).info.status == "FINISHED"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning:mlflow")
def test_mlflow_loads_the_model_as_one_of_its_own(run: Run, tmp_path: Path, few_digits: Digits) -> None:
    """By its number, as MLflow's documentation has it: the same probabilities as ONNX Runtime's by itself."""
    for name in ("mlflow", "pandas", "onnx"):
        pytest.importorskip(name, reason="loading needs MLflow, pandas and onnx")
    import mlflow.pyfunc
    from onnxruntime import InferenceSession

    shipped = Path(digitlab.__file__).parent / "reading" / "shipped" / "reader.onnx"
    shutil.copy(shipped, run.onnx)
    train(run, [f"mlflow:{tmp_path / 'store'}"], *EPOCHS)
    kept = run.read_json(run.mlflow)
    mlflow.set_tracking_uri(kept["store"])
    model = mlflow.pyfunc.load_model(f"runs:/{kept['run']}/model")
    (told,) = model.predict(few_digits.images).values()
    (expected,) = InferenceSession(shipped).run(None, {"images": few_digits.images})
    np.testing.assert_allclose(told, expected, atol=1e-6)
    assert [each.shape for each in model.metadata.signature.inputs] == [(-1, 28, 28)]
