"""Transfer learning, from a trained network and new images to a complete run folder."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import ModelError, UsageError, counted
from digitlab.evaluation import accuracy_of
from digitlab.inspection import lay_open, penultimate
from digitlab.models import card_of, open_model, predict_probabilities, preparation_of, versions
from digitlab.models.backend import keras
from digitlab.reading import shipped_keras, shipped_models
from digitlab.stopping import StopRequest
from digitlab.training.augmentation import augmentation
from digitlab.training.events import Listener, Stage, Started
from digitlab.training.experiment import environment
from digitlab.training.finishing import finish_run
from digitlab.training.loop import History, Loop
from digitlab.training.optimisers import make_optimiser
from digitlab.transfer_learning.applications import application_names, is_application, open_application
from digitlab.transfer_learning.learners import learn
from digitlab.transfer_learning.surgery import cut, freeze, new_head, reinitialised, thaw, with_end
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation import Metrics
    from digitlab.inspection import Network, Step
    from digitlab.runs import Run
    from digitlab.transfer_learning.data import TransferData
    from digitlab.transfer_learning.settings import Transfer

__all__ = ["Base", "Transferred", "open_base", "run_transfer", "transfer"]


@dataclass(frozen=True, slots=True)
class Base:
    """The network that is transferred, as a graph of its layers, and its card."""

    network: Network
    card: ModelCard

    @classmethod
    def of(cls, model: keras.Model, card: ModelCard | None = None) -> Base:
        """Create it from a model from (N, 28, 28) to (N, 10).

        Raises:
            ModelError: if its layers cannot be traced.
        """
        return cls(lay_open(model), card or ModelCard(model.name, model.name, preparation_of(model)))

    def cut_at(self, settings: Transfer) -> list[Step]:
        """Return the steps after which the network is cut.

        Raises:
            UsageError: for an unknown layer; the message lists the names.
        """
        return [self.network.find(settings.layer)] if settings.layer else penultimate(self.network)


@dataclass(frozen=True, slots=True)
class Transferred:
    """The result of a transfer.

    model: in float32; None if what was learned cannot be written as layers (nearest neighbours)
    probabilities: of the test images, float32 (N, 10)
    before: the accuracy on the test images before training, if the network's own head was kept; else None
    """

    model: keras.Model | None
    probabilities: NDArray[np.float32]
    history: History
    layers: list[str]
    before: float | None = None


def open_base(
    model: Path | str,
    *,
    weights: str | Path | None = None,
    form: str | None = None,
    on_note: Callable[[str], None] = lambda _: None,
) -> Base:
    """Open a run folder, a ``.keras`` or ``.h5`` file; or a network of `keras.applications` with its weights file.

    form: the form of images that the network takes, if its file does not say

    Raises:
        ModelError: when it cannot be opened, or an application has no weights.
        UsageError: for an unknown name, or for weights given with a model that has its own.
    """
    is_name = not Path(model).suffix and not Path(model).exists()
    if is_name and shipped_keras(str(model)) is None:
        if not is_application(str(model)):
            raise UsageError(
                f"there is no model {str(model)!r}; expected a run folder, a file ending in .keras or .h5, "
                f"a shipped name ({', '.join(shipped_models())}), or one of {', '.join(application_names())}"
            )
        if weights is None:
            raise ModelError(
                f"{model}: its weights are not part of digitlab, and nothing is fetched; expected --weights FILE "
                "(…_notop.h5), or --weights random to try it out"
            )
        return Base.of(open_application(str(model), weights))
    if weights is not None:
        raise UsageError(f"{model} has its own weights; leave out --weights")
    opened = open_model(Path(model), on_note=on_note)
    card = card_of(opened, Path(model))
    return Base.of(opened, replace(card, form=form or card.form))


def transfer(
    base: Base,
    data: TransferData,
    settings: Transfer,
    *,
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> Transferred:
    """Train on ``data`` as ``settings`` say; nothing is written to disk.

    Raises:
        UsageError: for an unknown layer (the message lists the names), or one that a learner cannot use.
    """
    network, steps = base.network, base.cut_at(settings)
    names = [step.name for step in steps]
    if settings.how == "features":
        return _by_features(network, steps, data, settings, listener)
    stop = stop or StopRequest()
    keras.utils.set_random_seed(settings.seed)
    before = None
    if settings.how == "anew":
        model, pretrained = reinitialised(network, settings.seed), set()
    else:
        body = cut(network, steps, network.model.name)
        pretrained = {layer.name for layer in body.layers}
        if settings.head == "keep":
            model = cut(network, [network.answer], network.model.name)
            before = accuracy_of(predict_probabilities(model, data.test.images), data.test.labels)
        else:
            model = with_end(body, new_head(steps))
    history = _in_phases(model, pretrained, data, settings, listener, stop)
    freeze(model, lambda _: True)  # so that all layers are trainable when the file is opened
    return Transferred(model, predict_probabilities(model, data.test.images), history, names, before)


def _by_features(
    network: Network, steps: list[Step], data: TransferData, settings: Transfer, listener: Listener
) -> Transferred:
    body = cut(network, steps, network.model.name)
    listener(Stage("computing the features"))
    features = predict_probabilities(body, data.train.images)  # (N, F)
    listener(
        Stage(f"fitting {settings.learner} to {counted(len(data.train), 'image')}, {features.shape[1]:,} numbers each")
    )
    learned = learn(features, data.train.labels, settings.learner, seed=settings.seed)
    names = [step.name for step in steps]
    if learned.as_layers is None:
        probabilities = learned.probabilities(predict_probabilities(body, data.test.images))
        return Transferred(None, probabilities, History(), names)
    model = with_end(body, learned.as_layers)
    return Transferred(model, predict_probabilities(model, data.test.images), History(), names)


def _in_phases(
    model: keras.Model,
    pretrained: set[str],
    data: TransferData,
    settings: Transfer,
    listener: Listener,
    stop: StopRequest,
) -> History:
    """Train the new layers, then all layers; epochs are numbered across both phases.

    pretrained: names of the network's own layers
    """
    first, second = settings.phases(len(data.train))
    freeze(model, lambda name: name not in pretrained)
    listener(Stage(f"training {'all layers' if settings.how == 'anew' else 'the head'}"))
    history = _phase(model, data, settings, settings.learning_rate, first, History(), listener, stop)
    if second and not stop.asked:
        thaw(model)
        listener(Stage(f"fine-tuning all layers at a learning rate of {settings.fine_rate:g}"))
        history = _phase(model, data, settings, settings.fine_rate, second, history, listener, stop)
    return history


def _phase(
    model: keras.Model,
    data: TransferData,
    settings: Transfer,
    rate: float,
    epochs: int,
    previous: History,
    listener: Listener,
    stop: StopRequest,
) -> History:
    batches = -(-len(data.train) // settings.batch_size)
    epochs_before = len(previous.epochs)
    optimiser = make_optimiser("adam", learning_rate=rate, schedule="cosine", steps=epochs * batches)
    loop = Loop(
        model,
        optimiser,
        data.train,
        None,
        batch_size=settings.batch_size,
        seed=settings.seed + 2**31 * bool(epochs_before),  # a different order from the first phase's
        augmentation=augmentation(settings.augmentation),
    )
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    listener(Started(len(loop.train), 0, epochs, loop.batches, trained, "float32", "few images"))
    history = loop.run(epochs, listener, stop)
    return History(
        [*previous.epochs, *(replace(each, epoch=each.epoch + epochs_before) for each in history.epochs)],
        [
            *previous.batches,
            *((epoch + epochs_before, batch, loss, right) for epoch, batch, loss, right in history.batches),
        ],
        stopped=history.stopped,
        interrupted=history.interrupted,
    )


def run_transfer(
    base: Base,
    data: TransferData,
    settings: Transfer,
    run: Run,
    *,
    about: Mapping[str, Any],
    listener: Listener = lambda _: None,
    stop: StopRequest | None = None,
) -> tuple[Transferred, Metrics]:
    """Transfer, measure, save, export and write the report, all into ``run``.

    For a learner that cannot be written as layers, `model.keras` and `model.onnx` are omitted; if the ONNX export gives
    other answers than the network, `model.onnx` is omitted, and the listener is told why.

    about: additional entries of `config.toml`, e.g. the model that was named and the command

    Raises:
        UsageError: as `transfer`.
        StorageError: when the run folder cannot be written.
    """
    transferred = transfer(base, data, settings, listener=listener, stop=stop)
    run.write_config({**_config(base, data, settings, transferred), **about})
    ended = {"ended": transferred.history.stopped} if transferred.history.interrupted else {}
    run.write_json(run.environment, {**environment(settings.seed), **ended})
    about_test = {"model": f"{base.card.name}, {settings.how}", "data": data.tested_on, "split": "test"}
    finished = finish_run(
        run,
        transferred.model,
        _card(base, data, settings, transferred),
        transferred.history,
        data.test,
        about_test,
        probabilities=transferred.probabilities,
        must_export=False,
        listener=listener,
    )
    return transferred, finished.metrics


def _config(base: Base, data: TransferData, settings: Transfer, transferred: Transferred) -> dict[str, Any]:
    first, second = settings.phases(len(data.train))
    values = {**settings.as_dict(), "epochs": first + second, "layer": ", ".join(transferred.layers)}
    if settings.how == "features":
        for name in ("epochs", "fine_epochs", "batch_size", "learning_rate", "fine_rate", "augmentation", "head"):
            del values[name]
    else:
        values |= {"optimiser": "adam", "schedule": "cosine", "fine_epochs": second}
        del values["learner"]
    return {
        "architecture": f"{base.card.architecture}, {settings.how}",
        "dataset": data.name,
        "test": data.tested_on,
        "images": len(data.train),
        **values,
    }


def _card(base: Base, data: TransferData, settings: Transfer, transferred: Transferred) -> ModelCard:
    values = {key: value for key, value in _config(base, data, settings, transferred).items() if value is not None}
    return replace(
        base.card,
        name=f"{base.card.name}-{settings.how}",
        training={"transferred_from": base.card.name, **values},
        versions=versions(),
    )
