"""Train a network, or carry a trained one over to other images: settings in, a run folder and its numbers out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.jobs.events import ignore, loading
from digitlab.jobs.named_models import keras_file, note
from digitlab.runs import Run
from digitlab.training.config import TrainingConfig, find_recipe, with_options
from digitlab.transfer_learning.settings import Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.evaluation import Metrics
    from digitlab.jobs.events import Listener
    from digitlab.training import StopRequest, Trained
    from digitlab.transfer_learning import TransferData, Transferred

__all__ = ["TransferResult", "train", "transfer"]


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What a transfer ended with, and where its files are.

    learned: the network, and how it came to be
    metrics: of its probabilities of the test images
    data: what it was trained and tested on
    """

    run: Run
    learned: Transferred
    metrics: Metrics
    data: TransferData

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found: dict[str, Any] = {
            "run": str(self.run.path),
            "accuracy": self.metrics.accuracy,
            "loss": self.metrics.loss,
            "images": self.metrics.images,
            "tested_on": self.data.tested_on,
            "learned_from": len(self.data.train),
            "layers": self.learned.layers,
            "epochs": len(self.learned.history.epochs),
            "model": self.learned.model is not None,
        }
        return found if self.learned.before is None else {**found, "accuracy_before": self.learned.before}


def train(
    recipe: TrainingConfig | str | Path = TrainingConfig(),  # noqa: B008 - frozen
    *,
    run: Run | None = None,
    runs: Path = Path("runs"),
    tensorboard: bool = False,
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **options: Any,
) -> Trained:
    """Train a network and evaluate it on the test images: the model, metrics and a report in a run folder.

    Args:
        recipe: settings, a shipped recipe's name, or a TOML file.
        run: the folder; None: a new one. One in which this training was killed goes on after its last whole epoch.
        runs: where a new folder is made.
        tensorboard: write each epoch for TensorBoard as well.
        listener: told of `digitlab.training.events`.
        stop: asked to, it ends after the batches under way and finishes the folder with what was learned by then.
        options: fields of the settings in place of the recipe's, e.g. ``epochs=3``; None leaves the recipe's.

    Raises:
        RecipeError: when there is no such recipe.
        UsageError: for an unknown setting, or a value out of its range.
        DatasetError: for an unknown dataset, or one without training or test images.
        DivergedError: when the loss is no number any more.
        StorageError: when the run folder cannot be written.
    """
    settings = with_options(recipe if isinstance(recipe, TrainingConfig) else find_recipe(Path(recipe)), options)
    listener(loading())
    from digitlab.datasets import find_dataset
    from digitlab.jobs.data_check import note_what_is_wrong
    from digitlab.training.data import training_split
    from digitlab.training.experiment import check, run_training

    if run is None:
        check(settings)  # before a folder is made
        run = Run.create(settings.name or f"{settings.architecture}-{Path(settings.dataset).stem}", runs)
    dataset = find_dataset(settings.dataset)
    note_what_is_wrong(settings.dataset, dataset, training_split(dataset), listener)
    return run_training(settings, run, listener=listener, stop=stop, tensorboard=tensorboard)


def transfer(
    model: str | Path,
    settings: Transfer = Transfer(),  # noqa: B008 - frozen
    *,
    data: str,
    test: str | None = None,
    form: str | None = None,
    weights: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    listener: Listener = ignore,
    stop: StopRequest | None = None,
) -> TransferResult:
    """Adapt a trained network to other images, often few; evaluate, save and export the result into a run folder.

    Args:
        model: a run folder, a shipped name, a file of anybody (as `import_model` takes it), or a name of
            keras.applications.
        settings: how.
        data: the new training data: a named dataset, a file of labelled images, or a folder of pictures by class.
        test: the dataset or file whose test images evaluate the result; None: the dataset's own.
        form: what the model was trained on, "grey" or "sobel", where its file does not say.
        weights: for a name of keras.applications: the file with its weights, or "random".
        name: of the run folder.
        runs: where the run folder is made.
        listener: told of the training (`digitlab.training.events`), of `Work` and `Note`.
        stop: asked to, it ends after the batches under way, with what was learned by then.

    Raises:
        ModelError: when the model cannot be opened, or its layers cannot be followed.
        UsageError: for a layer that does not exist (the names are offered), or one that a learner cannot take.
        DatasetError: when there is no such set, or it cannot be learned from.
        StorageError: when the run folder cannot be written.
    """
    path = _named(model, form, listener)
    listener(loading())
    from digitlab.transfer_learning import open_base, run_transfer, transfer_data

    base = open_base(path, weights=weights, form=form, tell=note(listener))
    images = transfer_data(data, form=base.card.form, test=test, per_class=settings.per_class, seed=settings.seed)
    base.cut_at(settings)  # a layer that does not exist is said before a folder is made
    run = Run.create(name or f"{base.card.name}-{settings.how}-{Path(data).stem}", runs)
    about = {
        "model": str(model if Path(model).is_file() else path),
        "command": _command(model, data, {"test": test, "form": form, "weights": weights}, settings),
    }
    learned, metrics = run_transfer(base, images, settings, run, about=about, listener=listener, stop=stop)
    return TransferResult(run, learned, metrics, images)


def _named(model: str | Path, form: str | None, listener: Listener) -> Path | str:
    """A run folder or file; or a name, which may be one of keras.applications, as it is."""
    from digitlab.network.classifier import shipped_models

    path = Path(model)
    if path.exists() or path.suffix or len(path.parts) > 1 or str(model) in shipped_models():
        return keras_file(model, form=form, listener=listener)
    return model


def _command(model: str | Path, data: str, others: Mapping[str, str | None], settings: Transfer) -> str:
    """The command line that does it again: what differs from the usual settings."""
    usual = Transfer().as_dict()
    named = {**others, **{key: value for key, value in settings.as_dict().items() if value != usual[key]}}
    words = [part for key, value in named.items() if value is not None for part in (_option(key), str(value))]
    return shlex.join(["digitlab", "transfer", str(model), "--data", data, *words])


def _option(key: str) -> str:
    return "--" + key.replace("_", "-")
