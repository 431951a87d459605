"""The final steps of every training: evaluate on the test images, save, export, and write the report."""

from __future__ import annotations

import functools
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from digitlab.datasets.transforms import mean_answer
from digitlab.errors import ModelError
from digitlab.evaluation import REPLICAS, Metrics, accuracy_of, keep, log_loss_of, measure
from digitlab.evaluation.run_files import predictions_of
from digitlab.models import export_onnx, predict_probabilities, save_keras
from digitlab.reports.model_card import write_card
from digitlab.storage import remove_unfinished, write_text
from digitlab.training.events import EpochEnded, Stage
from digitlab.training.helper_process import HelperProcess, MeasureRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.models.backend import keras
    from digitlab.runs import Run
    from digitlab.training.events import Listener
    from digitlab.training.loop import History
    from digitlab.values import Digits, ModelCard

__all__ = ["Finished", "finish_run", "write_history"]

_HISTORY = tuple(field.name for field in fields(EpochEnded))


@dataclass(frozen=True, slots=True)
class Finished:
    """The metrics of a finished network.

    metrics: on the test images
    tta: with probabilities averaged over moved copies of the test images; None if not requested
    """

    metrics: Metrics
    tta: Metrics | None = None


def finish_run(
    run: Run,
    model: keras.Model | None,
    card: ModelCard,
    history: History,
    test: Digits,
    about: Mapping[str, Any],
    *,
    probabilities: NDArray[np.float32] | None = None,
    tta: int = 1,
    must_export: bool = True,
    helper: HelperProcess | None = None,
    listener: Listener = lambda _: None,
) -> Finished:
    """Evaluate on the test images, save, export, and write the report, all into ``run``.

    Args:
        run: must already contain `config.toml`.
        model: in float32; None: the classifier is not a network, and only its predictions are saved.
        card: the metadata of the model files; the test accuracy and loss are added.
        history: of the epochs.
        test: the test images, in the network's input format.
        about: what was evaluated (model, data, split), stored in `metrics.json`.
        probabilities: float32 (N, 10), the model's for the test images, if already known; None: they are computed.
        tta: evaluate again, averaging over this number of moved copies of each image; 1: do not.
        must_export: False: if the network's outputs differ as ONNX, `model.onnx` is omitted, and the listener is told
            why.
        helper: a process that evaluates and draws while this one saves and exports; None: this one does everything.
        listener: called with each event.

    Raises:
        ModelError: when ONNX Runtime's probabilities differ from Keras', and ``must_export``.
        StorageError: when the run folder cannot be written.
    """
    helper = HelperProcess(running=False) if helper is None else helper
    listener(Stage("evaluating on the test images"))
    if probabilities is None:
        probabilities = predict_probabilities(model, test.images)
    write_history(run, history)
    helper.submit("measure", run, MeasureRequest(predictions_of(probabilities, test), about))
    early = helper.running and (model is None or tta == 1)  # no later evaluation would appear on the page
    if early:
        helper.submit("page", run)
    try:
        if model is not None:
            listener(Stage("saving and exporting"))
            _save(run, model, card, measured=(probabilities, test), must_export=must_export, listener=listener)
    finally:  # keep the measurements, even if saving or exporting failed
        metrics: Metrics = helper.result()
    copies = _evaluate_copies(run, model, test, about, tta, listener) if model is not None and tta > 1 else None
    listener(Stage("writing the report"))
    if not early:
        helper.submit("page", run)
    write_text(run.report, helper.result())
    if model is not None:
        write_card(run)
    remove_unfinished(run.path)
    return Finished(metrics, copies)


def _save(
    run: Run,
    model: keras.Model,
    card: ModelCard,
    *,
    measured: tuple[NDArray[np.float32], Digits],
    must_export: bool,
    listener: Listener,
) -> None:
    """Write `model.keras` and `model.onnx`, with the test accuracy and loss in their cards."""
    probabilities, test = measured
    scores = {
        "test_accuracy": round(accuracy_of(probabilities, test.labels), 4),
        "test_loss": round(log_loss_of(probabilities, test.labels), 4),
    }
    card = replace(card, training={**card.training, **scores})
    save_keras(model, run.keras, card)
    try:
        export_onnx(model, run.onnx, card)
    except ModelError as error:  # a deep third-party network may round differently there; keep what was learned
        if must_export:
            raise
        listener(Stage(f"no model.onnx is written ({error})"))


def write_history(run: Run, history: History) -> None:
    """Write `history.csv` and `batches.csv`.

    Raises:
        StorageError: when they cannot be written.
    """
    run.write_table(run.history, _HISTORY, [astuple(row) for row in history.epochs])
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), history.batches)


def _evaluate_copies(
    run: Run, model: keras.Model, test: Digits, about: Mapping[str, Any], copies: int, listener: Listener
) -> Metrics:
    """Evaluate like `digitlab evaluate RUN --tta N`, and store the result in the same place."""

    def on_progress(done: int) -> None:
        listener(Stage(f"evaluating with test-time augmentation, {copies} copies per image", done=done, of=copies))

    predict = functools.partial(predict_probabilities, model)
    probabilities = mean_answer(predict, test.images, copies, on_progress=on_progress)
    metrics = measure(probabilities, test.labels, bootstrap=REPLICAS)
    keep(
        run.evaluation(about["data"], copies), metrics, probabilities, test,
        {**about, "model": str(run.path), "tta": copies},
    )  # fmt: skip
    return metrics
