"""The run folder: `runs/<date-time>-<name>/`. The only module that knows its file names.

    config.toml        all resolved settings, enough to repeat the run
    environment.json   versions, processor, seed, commit, precision, how the training ended
    history.csv        one row per epoch
    batches.csv        one row per batch
    model.keras        the trained model, float32
    model.onnx         the same model for every other use
    predictions.npz    probabilities float32 (N, 10) and labels uint8 (N,) of the test images, the mistakes' images
    metrics.json       what `digitlab evaluate` computes from them
    metrics.mat        the same for Octave, and the learning curves
    report.html        one page, self-contained
    README.md          the model card, as model hubs show it
    mlflow.json        where it was logged in MLflow, on request
    checkpoint/        the state after the last epoch, while training
    tensorboard/       event files of train and validation, on request
    members/N/         a run folder for each network of an ensemble
    lr-range.csv       one row per step, and lr-range.png: from a learning-rate range test, instead of a model
    folds.csv          one row per fold, and cross-validation.json: from `digitlab train --folds`, instead of a model
    robustness.csv     one row per set, robustness.json and robustness.png: from `digitlab evaluate --robustness`
    label-errors.csv   one row per suspicious label, label-errors.json and .png: from `digitlab label-errors`
    evaluations/NAME/  predictions.npz, metrics.json, metrics.mat and report.html for other data

Every file is written atomically.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError, UsageError, counted
from digitlab.shown import Drawn
from digitlab.storage import atomic_path, saying_what_failed, write_text
from digitlab.toml_files import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Predictions", "Run", "plain_name"]


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predictions for a set of images.

    probabilities: float32 (N, 10); float64 if a foreign file stores them so
    labels: uint8 (N,)
    mistakes: int64 (M,), rows of the most confident wrong answers, worst first, at most 50
    mistaken_images: uint8 (M, 28, 28); (0, 28, 28) if the answers came without images
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    mistakes: NDArray[np.int64]
    mistaken_images: NDArray[np.uint8]


def plain_name(model: str | Path) -> str:
    """Return the name of a model's run folder or file, without characters that need escaping in an address; or "".

    >>> plain_name("runs/2026-11-20-demo/model.onnx"), plain_name("my net.onnx")
    ('2026-11-20-demo', 'my-net')
    """
    path = Path(os.path.abspath(model))  # noqa: PTH100 - `resolve` would follow links, which have names of their own
    name = path.parent.name if path.stem == "model" and path.parent.name else path.stem
    return "".join(
        character if character.isascii() and (character.isalnum() or character in "-_.") else "-" for character in name
    )


@dataclass(frozen=True, slots=True)
class Run(Drawn):
    """A folder with the files of one training or one evaluation.

    >>> Run(Path("runs/2026-01-31-101500-fast")).report.as_posix()
    'runs/2026-01-31-101500-fast/report.html'
    """

    path: Path

    @classmethod
    def create(cls, name: str, parent: Path = Path("runs")) -> Run:
        """Create a new, empty run folder; a number is added to the name if two start in the same second.

        Raises:
            UsageError: when the name is a path.
            StorageError: when the folder cannot be made.
        """
        if {"/", "\\", "\0"} & set(name):
            raise UsageError(f"name is {name!r}; expected the name of a folder, without / and \\")
        stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        with saying_what_failed(parent, "make"):
            for number in range(1, 1000):
                path = parent / (f"{stamp}-{name}" if number == 1 else f"{stamp}-{name}-{number}")
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    if not path.is_dir():
                        raise
                else:
                    return cls(path)
        raise RunError(f"{parent} contains a thousand runs of this second already; try again")

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open an existing run folder.

        Raises:
            RunError: when it is no folder, or holds neither a model nor metrics.
        """
        run = cls(Path(path))
        if not run.path.is_dir():
            raise RunError(f"{path}: there is no such run folder")
        if not any(file.is_file() for file in (run.keras, run.onnx, run.metrics, run.config)):
            raise RunError(f"{path}: not a run folder; expected model.onnx, metrics.json or config.toml in it")
        return run

    @property
    def config(self) -> Path:
        """All resolved settings, as TOML."""
        return self.path / "config.toml"

    @property
    def environment(self) -> Path:
        """Versions, processor, seed, commit and precision, as JSON."""
        return self.path / "environment.json"

    @property
    def history(self) -> Path:
        """One row per epoch, as CSV."""
        return self.path / "history.csv"

    @property
    def batches(self) -> Path:
        """One row per batch, as CSV."""
        return self.path / "batches.csv"

    @property
    def keras(self) -> Path:
        """The trained model for Keras."""
        return self.path / "model.keras"

    @property
    def onnx(self) -> Path:
        """The trained model for everything else."""
        return self.path / "model.onnx"

    @property
    def predictions(self) -> Path:
        """Probabilities and labels of the test images."""
        return self.path / "predictions.npz"

    @property
    def metrics(self) -> Path:
        """The numbers computed from the predictions, as JSON."""
        return self.path / "metrics.json"

    @property
    def card(self) -> Path:
        """The model card, as model hubs show it."""
        return self.path / "README.md"

    @property
    def mlflow(self) -> Path:
        """Where this training was logged in MLflow, as JSON."""
        return self.path / "mlflow.json"

    @property
    def mat(self) -> Path:
        """The metrics for Octave."""
        return self.path / "metrics.mat"

    @property
    def report(self) -> Path:
        """The report, as a web page."""
        return self.path / "report.html"

    @property
    def checkpoint(self) -> Path:
        """The state after the last epoch, while training."""
        return self.path / "checkpoint" / "state.npz"

    @property
    def tensorboard(self) -> Path:
        """A folder of event files, where they were asked for."""
        return self.path / "tensorboard"

    @property
    def rate_range(self) -> Path:
        """A learning-rate range test: one row per step, as CSV."""
        return self.path / "lr-range.csv"

    @property
    def rate_range_plot(self) -> Path:
        """The plot of the learning-rate range test."""
        return self.path / "lr-range.png"

    @property
    def folds(self) -> Path:
        """A cross-validation: one row per fold, as CSV."""
        return self.path / "folds.csv"

    @property
    def cross_validation(self) -> Path:
        """The cross-validation with mean and deviation, as JSON."""
        return self.path / "cross-validation.json"

    @property
    def robustness(self) -> Path:
        """A robustness test, as JSON."""
        return self.path / "robustness.json"

    @property
    def robustness_table(self) -> Path:
        """The robustness test, one row per set, as CSV."""
        return self.path / "robustness.csv"

    @property
    def robustness_plot(self) -> Path:
        """The plot of the robustness test."""
        return self.path / "robustness.png"

    @property
    def label_errors(self) -> Path:
        """A search for wrong labels: how it was done and what it found, as JSON."""
        return self.path / "label-errors.json"

    @property
    def label_errors_table(self) -> Path:
        """The suspicious labels, one per row, as CSV."""
        return self.path / "label-errors.csv"

    @property
    def label_errors_plot(self) -> Path:
        """Pictures of the most suspicious ones."""
        return self.path / "label-errors.png"

    def member(self, number: int) -> Run:
        """Return the run folder of one network of an ensemble, counted from 1; it is created if missing."""
        run = Run(self.path / "members" / str(number))
        with saying_what_failed(run.path, "make"):
            run.path.mkdir(parents=True, exist_ok=True)
        return run

    def is_done(self, members: int = 1) -> bool:
        """Return whether the training is complete: its networks' checkpoint folders were removed.

        One that was stopped in its first epoch has a report, and that folder without a checkpoint.

        members: the number of networks, if it is an ensemble
        """
        folders = [self.path / "members" / str(number + 1) for number in range(members)]
        parts = [Run(run) for run in folders] if members > 1 else [self]
        reported = all(run.report.is_file() for run in (self, *parts))
        return reported and not any(run.checkpoint.parent.is_dir() for run in parts)

    def remove_checkpoint(self) -> None:
        """Remove the checkpoint once the training is done."""
        shutil.rmtree(self.checkpoint.parent, ignore_errors=True)

    def evaluation(self, data: str, tta: int = 1) -> Run:
        """Return the subfolder for evaluating on other data, or with test-time augmentation; created if missing."""
        data = data if tta == 1 else f"{data}-tta-{tta}"
        run = Run(self.path / "evaluations" / "".join(c if c.isalnum() or c in "-_." else "-" for c in data))
        with saying_what_failed(run.path, "make"):
            run.path.mkdir(parents=True, exist_ok=True)
        return run

    def write_config(self, settings: Mapping[str, Any]) -> None:
        """Write `config.toml`; settings that are None are left out, as TOML has no null."""
        import tomli_w

        write_text(self.config, tomli_w.dumps({key: value for key, value in settings.items() if value is not None}))

    def read_config(self) -> dict[str, Any]:
        """Read `config.toml`; empty if the run has none.

        Raises:
            RunError: when it is damaged.
        """
        if not self.config.is_file():
            return {}
        with saying_what_failed(self.config, "read"):
            content = self.config.read_bytes()
        try:
            return parse_toml(content.decode("utf-8"))
        except ValueError as error:  # not TOML, or not UTF-8
            raise RunError(f"{self.config}: damaged, not TOML ({error})") from error

    def write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write one of the JSON files."""
        write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read one of the JSON files.

        Raises:
            RunError: when it is missing or damaged.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path}: lacks {path.name}; run `digitlab evaluate {self.path}` to make it") from None
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"{path}: cannot be read ({error})") from error
        if not isinstance(content, dict):
            raise RunError(f"{path}: expected a JSON object")
        return content

    def write_table(self, path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write one of the CSV files."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else value for value in row] for row in rows])
        write_text(path, text.getvalue())

    def read_table(self, path: Path) -> dict[str, list[float]]:
        """Read the columns of one of the CSV files as numbers, empty cells as NaN; no columns if it is missing.

        Raises:
            RunError: when it is damaged.
        """
        if not path.is_file():
            return {}
        try:
            with saying_what_failed(path, "read"):
                columns, *rows = list(csv.reader(path.read_text("utf-8").splitlines())) or [[]]
            for number, row in enumerate(rows, 2):
                if len(row) < len(columns):  # the end is missing
                    raise ValueError(f"line {number} has {counted(len(row), 'column')}, the first has {len(columns)}")
            return {name: [float(row[index] or "nan") for row in rows] for index, name in enumerate(columns)}
        except (ValueError, csv.Error) as error:
            raise RunError(f"{path}: damaged; expected a table of numbers ({error})") from error

    def write_predictions(self, predictions: Predictions) -> None:
        """Write `predictions.npz`."""
        import numpy as np

        with atomic_path(self.predictions) as temporary:
            np.savez_compressed(
                temporary,
                probabilities=predictions.probabilities,
                labels=predictions.labels,
                mistakes=predictions.mistakes,
                mistaken_images=predictions.mistaken_images,
            )

    def read_predictions(self) -> Predictions:
        """Read `predictions.npz`.

        Raises:
            RunError: when it is missing or damaged.
        """
        import numpy as np

        from digitlab.npy_files import DAMAGE

        try:
            # Opened here, because np.load does not close a file that turns out not to be a zip archive.
            with self.predictions.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return Predictions(*(stored[name] for name in Predictions.__dataclass_fields__))
        except FileNotFoundError:
            raise RunError(
                f"{self.path}: lacks predictions.npz; run `digitlab evaluate {self.path}` to make it"
            ) from None
        except (OSError, *DAMAGE) as error:
            raise RunError(f"{self.predictions}: cannot be read ({error})") from error
