"""Logs a training to MLflow: its settings, each epoch, the metrics of the test images, the model and the report.

The model is stored in MLflow's own format: `mlflow.pyfunc.load_model("runs:/NUMBER/model")` loads it. MLflow's
``log_model`` would require pandas and a copy of the file; writing an MLmodel file achieves the same.

Data is sent only to the store that was named; MLflow's own telemetry is off (`digitlab.privacy`). The MLflow run's ID
is kept in the run folder, so a resumed training continues in the same MLflow run.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from digitlab.errors import MissingExtraError, RunError, StorageError, first_line
from digitlab.training.events import EpochEnded, Stage
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from digitlab.runs import Run
    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Event, Listener

__all__ = ["EXPERIMENT", "MlflowLog", "store_of"]

EXPERIMENT = "digitlab"
_KIND = {"mlflow.experimentKind": "custom_model_development"}  # so that its page opens with runs, not language models
_DEFAULT_FOLDER = "mlruns"  # a folder in the current one, where MLflow's own programs look for it
_LONGEST = 500  # characters of a setting's value
# Without these, MLflow retries an unresponsive server for minutes, before the training and after each epoch.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def store_of(address: str) -> str:
    """Convert an address for MLflow: a folder becomes a file URI; "" means MLFLOW_TRACKING_URI, or the folder mlruns.

    >>> store_of("http://127.0.0.1:5000"), store_of("/data/mlruns")
    ('http://127.0.0.1:5000', 'file:///data/mlruns')
    """
    address = address or os.environ.get("MLFLOW_TRACKING_URI", "") or _DEFAULT_FOLDER
    known = "://" in address or address.startswith(("file:", "databricks"))
    return address if known else Path(address).absolute().as_uri()


class MlflowLog:
    """Logs one training to MLflow. Create it before the training; `hear` is the listener; end by `finish` or `end`."""

    def __init__(self, address: str, training: TrainingConfig, run: Run, listener: Listener) -> None:
        """Open the store, and start or resume a run in it.

        Raises:
            MissingExtraError: when MLflow's client is not installed.
            StorageError: when the store does not answer.
        """
        self._run, self._listener, self._prefix = run, listener, ""
        self._available = True
        store = store_of(address)
        self._client = _client_of(store)
        try:
            self._number = self._open_run(store, training)
        except Exception as error:  # from MLflow, requests or SQLAlchemy: they share no other base class
            raise StorageError(
                f"MLflow at {store} cannot be written ({first_line(error)}); expected the address of a running server, "
                "or a folder"
            ) from error

    def on_event(self, event: Event) -> None:
        """Pass an event on, and log each epoch to MLflow."""
        self._listener(event)
        if isinstance(event, Stage) and event.parts:
            self._prefix = f"member-{event.part}/"
        elif isinstance(event, EpochEnded):
            metrics = {key: value for key, value in asdict(event).items() if value is not None and key != "epoch"}
            self._call(self._metrics, {f"{self._prefix}{key}": value for key, value in metrics.items()}, event.epoch)

    def finish(self, *, interrupted: bool = False) -> None:
        """Log the end of a training, of its own accord or because it was asked to: test metrics, model, report."""
        self._call(self._metrics, _test_metrics(self._run), 0)
        self._call(self._files)
        self.end("KILLED" if interrupted else "FINISHED")

    def end(self, status: str) -> None:
        """Close the MLflow run with a status: FINISHED, FAILED or KILLED."""
        self._call(self._client.set_terminated, self._number, status)

    def _open_run(self, store: str, training: TrainingConfig) -> str:
        stored = self._run.read_json(self._run.mlflow) if self._run.mlflow.is_file() else {}
        if stored.get("store") == store:
            self._client.update_run(stored["run"], status="RUNNING")
            return str(stored["run"])
        existing = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = existing.experiment_id if existing else self._client.create_experiment(EXPERIMENT, tags=_KIND)
        name = self._run.path.name
        tags = {"mlflow.source.name": "digitlab train", "digitlab.version": VERSION, "digitlab.run": name}
        run_id = self._client.create_run(experiment, run_name=name, tags=tags).info.run_id
        for key, value in _settings(training).items():
            self._client.log_param(run_id, key, value)
        self._run.write_json(self._run.mlflow, {"store": store, "experiment": EXPERIMENT, "run": run_id})
        return str(run_id)

    def _metrics(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self._number, name, value, step=step)

    def _files(self) -> None:
        run = self._run
        for folder, paths in (
            ("model", (run.keras, run.onnx, run.card)),
            (None, (run.report, run.config, run.environment, run.metrics, run.history)),
        ):
            for path in paths:
                if path.is_file():
                    self._client.log_artifact(self._number, str(path), folder)
        if run.onnx.is_file():
            for name, text in _model_files(run.onnx.name, self._number).items():
                self._client.log_text(self._number, text, f"model/{name}")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call MLflow. A failure, reported once, must not end hours of training: the run folder has everything."""
        if not self._available:
            return
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 - as in __init__
            self._available = False
            message = f"MLflow is no longer updated ({first_line(error)}); the run folder has everything"
            self._listener(Stage(message))


def _client_of(store: str) -> Any:
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    if store.startswith("file:"):
        # MLflow requires explicit consent to a file store; its newer versions offer it beside databases.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtraError("mlflow", needed_for="--log mlflow") from error
    return MlflowClient(tracking_uri=store)


def _model_files(onnx: str, number: str) -> dict[str, str]:
    """Make the files that turn a folder with an ONNX file into an MLflow model; source: MLflow's docs, "MLmodel"."""
    image, answer = (
        json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}])
        for dtype, shape in (("uint8", [-1, 28, 28]), ("float32", [-1, 10]))
    )
    description = {
        "artifact_path": "model",
        "flavors": {
            "onnx": {
                "code": None,
                "data": onnx,
                "onnx_version": version("onnx"),
                "providers": ["CPUExecutionProvider"],
            },
            "python_function": {
                "data": onnx,
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": "mlflow.onnx",
                "python_version": platform.python_version(),
            },
        },
        "run_id": number,
        "signature": {"inputs": image, "outputs": answer},
    }
    requirements = ["mlflow", *(f"{name}=={version(name)}" for name in ("numpy", "onnx", "onnxruntime"))]
    python = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    conda = {"name": "digitlab", "dependencies": [f"python={platform.python_version()}", "pip", {"pip": requirements}]}
    contents = {"MLmodel": description, "python_env.yaml": python, "conda.yaml": conda}
    texts = {name: yaml.safe_dump(content, sort_keys=False) for name, content in contents.items()}
    return texts | {"requirements.txt": "\n".join(requirements) + "\n"}


def _settings(training: TrainingConfig) -> dict[str, str]:
    flat: dict[str, Any] = {}
    for name, value in training.as_dict().items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        elif value is not None:
            flat[name] = value
    return {name: str(value)[:_LONGEST] for name, value in flat.items()}


def _test_metrics(run: Run) -> dict[str, float]:
    """Read the numbers in `metrics.json`, named test_accuracy and so on."""
    try:
        content = run.read_json(run.metrics)
    except RunError:
        return {}
    numbers = {key: value for key, value in content.items() if isinstance(value, int | float) and key != "tta"}
    return {f"test_{key}": float(value) for key, value in numbers.items()}
