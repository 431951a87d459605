"""Evaluate a model, or stored predictions, into a run folder; and evaluate it under distribution shift."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import RunError, UsageError, counted
from digitlab.jobs.events import Counted, Note, Work, ignore
from digitlab.jobs.named_models import predictor
from digitlab.runs import Run
from digitlab.settings import Range, Setting, checked
from digitlab.shown import Drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation import Metrics
    from digitlab.evaluation.robustness import Robustness
    from digitlab.jobs.events import Listener
    from digitlab.jobs.named_models import Predictor

__all__ = [
    "ALL_IMAGES", "Evaluation", "RobustnessResult", "evaluate", "evaluate_predictions", "folder_for", "load_run",
    "robustness",
]  # fmt: skip

ALL_IMAGES = 10_000  # MNIST's test images, of which the robustness sets are made

Copies = Annotated[int, Setting(within=Range(1, 19), unit="copies")]


@dataclass(frozen=True, slots=True)
class Evaluation(Drawn):
    """Results of an evaluation, and the folder with its files.

    probabilities: (N, 10)
    kept: the content of `metrics.json`: the metrics, and what was evaluated (model, data, split …)
    """

    run: Run
    metrics: Metrics
    probabilities: NDArray[np.floating]
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RobustnessResult:
    """Results of an evaluation under distribution shift, and the folder with its files.

    found: accuracy for each set, and how well out-of-distribution images are distinguished from digits
    kept: the content of `robustness.json`
    """

    run: Run
    found: Robustness
    kept: Mapping[str, Any]


def load_run(folder: str | Path) -> Run:
    """Open an existing run folder: its settings, predictions and metrics can be read.

    Raises:
        RunError: if it is no run folder.
    """
    return Run.open(Path(folder))


@checked
def evaluate(
    model: str | Path = "reader",
    *,
    data: str = "mnist",
    split: str = "test",
    tta: Copies = 1,
    out: Path | None = None,
    listener: Listener = ignore,
) -> Evaluation:
    """Evaluate a model on labelled digits: write predictions, metrics and a report into a folder.

    For a run folder, the files go into it: next to the model for the test images of its training, into evaluations/NAME
    for others. For any other model, they go into a new folder under runs/.

    Args:
        model: a shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5, .tflite …).
        data: a dataset from `digitlab data list`, or a file of labelled images in any format; dark ink on light is
            inverted, except with FILE#as-is.
        split: which split: train, validation or test; if there is only one, that one.
        tta: test-time augmentation: average the softmax over this number of copies of each image: the original,
            shifted by a pixel, rotated by 6°.
        out: write the files into this folder instead.
        listener: called with `Work`, `Counted` and `Note`.

    Raises:
        ModelError: if there is no such model, or it cannot be opened.
        DatasetError: if there is no such dataset or split.
        UsageError: for a number of copies out of range.
        StorageError: if the files cannot be written.
    """
    from digitlab.datasets import find_dataset
    from digitlab.evaluation import REPLICAS, keep, measure
    from digitlab.jobs.data_check import note_what_is_wrong

    dataset = find_dataset(data)
    split = dataset.splits[0] if len(dataset.splits) == 1 else split
    digits = dataset.split(split)
    note_what_is_wrong(data, dataset, split, listener)
    answers = _predict(predictor(model, form=dataset.form, listener=listener), digits.images, tta, listener)
    listener(Work("measuring"))
    metrics = measure(answers, digits.labels, bootstrap=REPLICAS)
    run = _run_for(model, data, split, out, tta)
    about = {"model": str(model), "data": data, "split": split, **({"tta": tta} if tta > 1 else {})}
    kept = keep(run, metrics, answers, digits, about)
    _write_page(run, listener)
    return Evaluation(run, metrics, answers, kept)


def evaluate_predictions(
    probabilities: Annotated[Path, Setting(flag="--probabilities")],
    labels: Annotated[Path | None, Setting(flag="--labels")] = None,
    *,
    logits: bool = False,
    out: Path | None = None,
    listener: Listener = ignore,
) -> Evaluation:
    """Evaluate stored predictions in the same way, whoever made them; no model is loaded.

    Args:
        probabilities: evaluate stored predictions instead of a model: ten numbers per image, as .npz (the array
            probabilities), .npy or .csv (ten columns); or a run folder.
        labels: the true digit of each image, as .npz (the array labels), .npy or .csv (one column); default: those in
            the npz of the probabilities.
        logits: the numbers are logits; softmax is applied to them.
        out: the folder for the files; default: a new one under runs/.
        listener: called with `Work`.

    Raises:
        UsageError: if there are no labels.
        DatasetError: if the files do not hold probabilities and labels.
        StorageError: if the files cannot be written.
    """
    from digitlab.evaluation import REPLICAS, keep_without_images, measure, read_labels, read_probabilities

    answers = read_probabilities(probabilities, logits=logits)
    if labels is None and not (probabilities.is_dir() or probabilities.suffix.lower() == ".npz"):
        raise UsageError(f"{probabilities}: contains no labels; give their file: labels=FILE")
    truth = read_labels(labels or probabilities, named=labels is None)
    metrics = measure(answers, truth, bootstrap=REPLICAS)
    run = folder_for(f"evaluate-{probabilities.stem}", out)
    about = {"model": str(probabilities), "data": str(labels or probabilities), "split": "all", "logits": logits}
    kept = keep_without_images(run, metrics, answers, truth, about)
    _write_page(run, listener)
    return Evaluation(run, metrics, answers, kept)


@checked
def robustness(
    model: str | Path = "reader",
    *,
    images: Annotated[int, Setting(flag="--robustness-images", within=Range(1))] = ALL_IMAGES,
    tta: Copies = 1,
    out: Path | None = None,
    listener: Listener = ignore,
) -> RobustnessResult:
    """Evaluate a model under distribution shift: write a table, a picture and numbers into a folder.

    MNIST's test images under corruptions, rotated and translated; digits by other writers; out-of-distribution images.

    Args:
        model: as for `evaluate`.
        images: maximum number of images per set; 1000 take a tenth of the time.
        tta: as for `evaluate`.
        out: the folder for the files; default: the run folder, or a new one under runs/ for any other model. If it
            holds an evaluation, its report is rewritten to include them.
        listener: called with `Work`, `Counted` and, for each set that could not be loaded, a `Note`.

    Raises:
        UsageError: for fewer than one image.
        ModelError: as for `evaluate`.
        StorageError: if the files cannot be written.
    """
    from digitlab.datasets.robustness_sets import hard_sets
    from digitlab.datasets.transforms import mean_answer
    from digitlab.evaluation.robustness import COLUMNS, measure_robustness
    from digitlab.reports.figures import save_figure
    from digitlab.reports.robustness_figures import robustness_figure

    answer = predictor(model, form="grey", listener=listener)
    run = Run.open(Path(model)) if out is None and _is_run(model) else folder_for(f"robustness-{_stem(model)}", out)

    def on_progress(done: int, total: int, name: str) -> None:
        listener(Counted("robustness", done, total, "sets", name))

    averaged = functools.partial(mean_answer, answer, count=tta)
    found = measure_robustness(averaged, hard_sets(images), on_progress=on_progress)
    for _, reason in found.left_out:
        listener(Note(f"left out: {reason}"))
    kept = {"model": str(model), **found.as_dict()}
    run.write_json(run.robustness, kept)
    run.write_table(run.robustness_table, COLUMNS, found.rows())
    save_figure(robustness_figure(found), run.robustness_plot)
    if run.metrics.is_file():
        _write_page(run, listener)
    return RobustnessResult(run, found, kept)


def _predict(answer: Predictor, images: NDArray[np.uint8], tta: int, listener: Listener) -> NDArray[np.float32]:
    """Predict probabilities for all images, or their mean over this number of copies."""
    from digitlab.datasets.transforms import mean_answer

    if tta == 1:
        listener(Work(f"predicting {counted(len(images), 'image')}"))
        return answer(images)
    text, count = f"predicting {tta} copies of each image", len(images)
    return mean_answer(answer, images, tta, on_progress=lambda done: listener(Counted(text, done * count, tta * count)))


def _run_for(model: str | Path, data: str, split: str, out: Path | None, tta: int) -> Run:
    """Choose the output folder: ``out``; the run itself for its own test images; a folder inside it; a new folder."""
    from digitlab.datasets.formats.polarity import parted_name
    from digitlab.training.config import whole_path

    if out is not None or not _is_run(model):
        return folder_for(f"evaluate-{_stem(model)}-{Path(data).stem}", out)
    run = Run.open(Path(model))
    config = run.read_config()
    tested_on = config.get("test", config.get("dataset", data))
    own_images = whole_path(tested_on) == whole_path(data) and split == "test" and tta == 1
    file, _ = parted_name(data)
    name = file.stem if file.exists() else data
    name = name if split == "test" else f"{name}-{split}"
    if own_images:
        return run
    folders = (run.evaluation(name if number == 1 else f"{name}-{number}", tta) for number in itertools.count(1))
    return next(each for each in folders if _is_evaluation_of(each, data))


def _is_evaluation_of(evaluation: Run, data: str) -> bool:
    """Return whether a folder is new or holds an evaluation on this data, not on another file of the same name."""
    try:
        evaluated = evaluation.read_json(evaluation.metrics).get("data")
    except RunError:  # there is none, or a damaged one
        return True
    return evaluated == data or (isinstance(evaluated, str) and Path(evaluated).resolve() == Path(data).resolve())


def _is_run(model: str | Path) -> bool:
    """Return whether a model is named by its run folder; a SavedModel is a folder, too, and none to write into."""
    from digitlab.network.classifier import is_foreign

    return Path(model).is_dir() and not is_foreign(Path(model))


def _stem(model: str | Path) -> str:
    return Path(model).stem


def folder_for(name: str, out: Path | None) -> Run:
    """Return the folder requested, created if missing; or a new run folder with this name.

    Raises:
        StorageError: if it cannot be created.
    """
    from digitlab.storage import saying_what_failed

    if out is None:
        return Run.create(name)
    with saying_what_failed(out, "make"):
        out.mkdir(parents=True, exist_ok=True)
    return Run(out)


def _write_page(run: Run, listener: Listener) -> None:
    from digitlab.reports import write_report
    from digitlab.reports.octave import write_mat

    listener(Work("writing the report"))
    write_mat(run)
    write_report(run)
