"""A training told to MLflow: its settings, each epoch, the metrics of the test images, the model and the report.

The model stands there as one of MLflow's own kind: `mlflow.pyfunc.load_model("runs:/NUMBER/model")` takes it.
Their ``log_model`` would want pandas and a copy of the file, and an MLmodel file says the same.

What is sent goes to the store that was named and nowhere else; MLflow's own telemetry is off (`digitlab.privacy`). The
run's number there is kept in the run folder, so a training that is resumed goes on in the same MLflow run.
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
_KIND = {"mlflow.experimentKind": "custom_model_development"}  # its page opens with the runs, not with language models
_USUAL = "mlruns"  # a folder here, as MLflow's own programs look for it
_LONGEST = 500  # characters of a setting
# A server that does not answer: MLflow would try again for minutes, before the training and after each epoch.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def store_of(address: str) -> str:
    """The address as MLflow takes it: a folder becomes a file URI; "" is MLFLOW_TRACKING_URI, or the folder mlruns.

    >>> store_of("http://127.0.0.1:5000"), store_of("/data/mlruns")
    ('http://127.0.0.1:5000', 'file:///data/mlruns')
    """
    address = address or os.environ.get("MLFLOW_TRACKING_URI", "") or _USUAL
    known = "://" in address or address.startswith(("file:", "databricks"))
    return address if known else Path(address).absolute().as_uri()


class MlflowLog:
    """One training in MLflow. Made before it begins; `hear` is its listener, `finish` or `end` comes last."""

    def __init__(self, address: str, training: TrainingConfig, run: Run, listener: Listener) -> None:
        """Open the store, and a run in it.

        Raises:
            MissingExtraError: when MLflow's client is not installed.
            StorageError: when the store does not answer.
        """
        self._run, self._listener, self._prefix = run, listener, ""
        self._works = True
        store = store_of(address)
        self._client = _client_of(store)
        try:
            self._number = self._opened(store, training)
        except Exception as error:  # MLflow's own, requests', SQLAlchemy's: they have no common root but this
            raise StorageError(
                f"MLflow at {store} cannot be written ({first_line(error)}); expected the address of a running server, "
                "or a folder"
            ) from error

    def hear(self, event: Event) -> None:
        """Pass an event on, and tell MLflow of each epoch."""
        self._listener(event)
        if isinstance(event, Stage) and event.parts:
            self._prefix = f"member-{event.part}/"
        elif isinstance(event, EpochEnded):
            told = {key: value for key, value in asdict(event).items() if value is not None and key != "epoch"}
            self._tell(self._metrics, {f"{self._prefix}{key}": value for key, value in told.items()}, event.epoch)

    def finish(self) -> None:
        """Tell the end of a training: the metrics of the test images, the model, the report."""
        self._tell(self._metrics, _measured(self._run), 0)
        self._tell(self._files)
        self.end("FINISHED")

    def end(self, status: str) -> None:
        """Close the run there: FINISHED, FAILED or KILLED."""
        self._tell(self._client.set_terminated, self._number, status)

    def _opened(self, store: str, training: TrainingConfig) -> str:
        kept = self._run.read_json(self._run.mlflow) if self._run.mlflow.is_file() else {}
        if kept.get("store") == store:
            self._client.update_run(kept["run"], status="RUNNING")
            return str(kept["run"])
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT, tags=_KIND)
        name = self._run.path.name
        tags = {"mlflow.source.name": "digitlab train", "digitlab.version": VERSION, "digitlab.run": name}
        made = self._client.create_run(experiment, run_name=name, tags=tags).info.run_id
        for key, value in _settings(training).items():
            self._client.log_param(made, key, value)
        self._run.write_json(self._run.mlflow, {"store": store, "experiment": EXPERIMENT, "run": made})
        return str(made)

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

    def _tell(self, tell: Callable[..., Any], *told: Any) -> None:
        """A tracker that fails does not end hours of training: it is reported once; the run folder has everything."""
        if not self._works:
            return
        try:
            tell(*told)
        except Exception as error:  # noqa: BLE001 - as in __init__
            self._works = False
            said = f"MLflow is not told any more ({first_line(error)}); the run folder keeps everything"
            self._listener(Stage(said))


def _client_of(store: str) -> Any:
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    if store.startswith("file:"):
        # MLflow wants to hear that a store of files is meant; its newer programs have it beside their databases.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtraError("mlflow", needed_for="--log mlflow") from error
    return MlflowClient(tracking_uri=store)


def _model_files(onnx: str, number: str) -> dict[str, str]:
    """What makes a folder with an ONNX file a model of MLflow's format; source: MLflow's documentation, "MLmodel"."""
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
    needed = ["mlflow", *(f"{name}=={version(name)}" for name in ("numpy", "onnx", "onnxruntime"))]
    python = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    conda = {"name": "digitlab", "dependencies": [f"python={platform.python_version()}", "pip", {"pip": needed}]}
    written = {"MLmodel": description, "python_env.yaml": python, "conda.yaml": conda}
    texts = {name: yaml.safe_dump(each, sort_keys=False) for name, each in written.items()}
    return texts | {"requirements.txt": "\n".join(needed) + "\n"}


def _settings(training: TrainingConfig) -> dict[str, str]:
    flat: dict[str, Any] = {}
    for name, value in training.as_dict().items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        elif value is not None:
            flat[name] = value
    return {name: str(value)[:_LONGEST] for name, value in flat.items()}


def _measured(run: Run) -> dict[str, float]:
    """The numbers of `metrics.json`, as test_accuracy and so on."""
    try:
        found = run.read_json(run.metrics)
    except RunError:
        return {}
    numbers = {key: value for key, value in found.items() if isinstance(value, int | float) and key != "tta"}
    return {f"test_{key}": float(value) for key, value in numbers.items()}
