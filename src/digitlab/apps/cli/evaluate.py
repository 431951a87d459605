"""`digitlab evaluate`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import KERAS_FILES, advise, say, say_json, table
from digitlab.apps.cli.foreign_model import own_onnx_of
from digitlab.apps.cli.progress_view import ProgressView
from digitlab.apps.cli.waiting import Waiting, loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.runs import Run

    Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

__all__ = ["evaluate"]

_MODEL, _DATA, _SPLIT = "reader", "mnist", "test"


def evaluate(
    model: str = _MODEL,
    /,
    *,
    data: str = _DATA,
    split: str = _SPLIT,
    tta: int = 1,
    probabilities: Path | None = None,
    labels: Path | None = None,
    logits: bool = False,
    robustness: bool = False,
    robustness_images: int | None = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Evaluate a model on labelled digits, or stored predictions; and write a report.

    Accuracy, log loss, precision, recall, F1, areas under the ROC and precision–recall curves, top-2 and top-3
    accuracy, Brier score, expected calibration error; with 95 % confidence intervals, Wilson's for the accuracy, by
    bootstrap for the others.

    For a run folder the files go into it, for anything else into a new folder under runs/.

    For example:
    digitlab evaluate
    digitlab evaluate runs/2026-…-thesis-2conv --data mnist
    digitlab evaluate runs/2026-…-thesis-2conv --tta 5
    digitlab evaluate runs/2026-…-thesis-2conv --robustness
    digitlab evaluate --probabilities caffe.csv --labels labels.csv

    Args:
        model: A shipped name, a run folder, or a file (.onnx, .keras, .h5).
        data: A dataset of `digitlab data list`, or a file of labelled images in any format; dark ink on light is
            inverted, of FILE#as-is it is not.
        split: train, validation or test; where there is one split only, that.
        tta: Test-time augmentation: average the softmax over this number of copies of each image, 1 to 19: the
            original, shifted by a pixel, rotated by 6°.
        probabilities: Evaluate stored predictions instead of a model: ten numbers per image, as .npz (the array
            probabilities), .npy or .csv (ten columns); or a run folder.
        labels: The true digit of each image, as .npz (the array labels), .npy or .csv (one column); else those in the
            npz of the probabilities.
        logits: The numbers are logits; softmax is applied to them.
        robustness: Evaluate under distribution shift, too: MNIST's test images under fifteen corruptions, rotated and
            translated, digits by other writers (digits-8x8), and out-of-distribution images (fashion-mnist, shapes);
            writes robustness.csv, .json and .png.
        robustness_images: The same, on at most this number of images per set: 1000 take a tenth of the time.
        out: Write the files into this folder instead.
        json: The numbers as one JSON object.
    """
    from digitlab.apps.cli.robustness import hard_images, run_robustness

    hard = hard_images(robustness, robustness_images, of_model=probabilities is None)
    if probabilities is not None:
        _expect_no_model((model, data, split, tta))
        run, content = _measure_files(probabilities, labels, out, logits=logits)
    else:
        _expect_no_files(labels, logits=logits)
        run, content = _measure_model(model, data, split, tta, out)
    _write_page(run)
    if not json:
        _show(content)
    if hard is not None:
        answer = _answering(model, form="grey")
        content["robustness"] = run_robustness(answer, run, {"model": model}, images=hard, tta=tta, show=not json)
        _write_page(run)  # once more: what takes minutes can be interrupted, and the page is there by then
    if json:
        say_json({**content, "report": str(run.report)})
        return 0
    advise(f"look at {run.report}")
    say(str(run.path))
    return 0


def _measure_model(model: str, data: str, split: str, tta: int, out: Path | None) -> tuple[Run, dict[str, Any]]:
    from digitlab.datasets import find_dataset
    from digitlab.evaluation import REPLICAS, keep, measure

    dataset = find_dataset(data)
    split = dataset.splits[0] if len(dataset.splits) == 1 else split
    digits = dataset.split(split)
    said = _all_answers(_answering(model, form=dataset.form), digits.images, tta)
    with Waiting() as step:
        step("measuring")
        metrics = measure(said, digits.labels, bootstrap=REPLICAS)
    run = _folder(model, data, split, out, tta)
    about = {"model": model, "data": data, "split": split, **({"tta": tta} if tta > 1 else {})}
    return run, keep(run, metrics, said, digits, about)


def _all_answers(answer: Answer, images: NDArray[np.uint8], tta: int) -> NDArray[np.float32]:
    """The model's answers to all images, or their mean over this number of copies (test-time augmentation)."""
    from digitlab.datasets.transforms import mean_answer

    if tta == 1:
        with Waiting() as step:
            step(f"asking about {len(images):,} images")
            return answer(images)
    with ProgressView() as view:
        view.start(f"asking about {tta} copies of each image")
        return mean_answer(answer, images, tta, tell=lambda done: view(done * len(images), tta * len(images)))


def _write_page(run: Run) -> None:
    from digitlab.reports import write_report
    from digitlab.reports.octave import write_mat

    with Waiting() as step:
        step("writing the report")
        write_mat(run)
        write_report(run)


def _measure_files(
    probabilities: Path, labels: Path | None, out: Path | None, *, logits: bool
) -> tuple[Run, dict[str, Any]]:
    from digitlab.errors import UsageError
    from digitlab.evaluation import REPLICAS, keep_without_images, measure, read_labels, read_probabilities

    said = read_probabilities(probabilities, logits=logits)
    if labels is None and not (probabilities.is_dir() or probabilities.suffix.lower() == ".npz"):
        raise UsageError(f"evaluate: {probabilities} holds no labels; name their file: --labels FILE")
    truth = read_labels(labels or probabilities, named=labels is None)
    metrics = measure(said, truth, bootstrap=REPLICAS)
    run = _new_folder(f"evaluate-{probabilities.stem}", out)
    about = {"model": str(probabilities), "data": str(labels or probabilities), "split": "all", "logits": logits}
    return run, keep_without_images(run, metrics, said, truth, about)


def _expect_no_model(given: tuple[object, ...]) -> None:
    from digitlab.errors import UsageError

    if given != (_MODEL, _DATA, _SPLIT, 1):
        raise UsageError(
            "evaluate --probabilities: stored predictions are evaluated as they are; leave out MODEL, --data, --split "
            "and --tta"
        )


def _expect_no_files(labels: Path | None, *, logits: bool) -> None:
    from digitlab.errors import UsageError

    if labels is not None or logits:
        raise UsageError(
            "evaluate: --labels and --logits belong to stored predictions; name their file: --probabilities FILE. To a "
            "model that answers logits softmax is applied anyway"
        )


def _answering(model: str, *, form: str) -> Answer:
    """What gives probabilities of images: ONNX Runtime where it can be, which spares the start of the network library.

    A network trained on Sobel images answers a set of Sobel images by its Keras file, which takes them as they are; its
    ONNX file would make Sobel images of them once more. For grey images it is the other way round.
    """
    from digitlab.errors import ModelError
    from digitlab.reading import Classifier, resolve_model
    from digitlab.runs import Run

    path = Path(model)
    if path.suffix.lower() in KERAS_FILES and path.exists():
        return _by_keras(path, form=form)
    classifier = Classifier(own_onnx_of(resolve_model(model)))
    if form == "sobel" and classifier.card is not None and classifier.card.form == "sobel":
        if not path.is_dir():
            raise ModelError(f"{model}: makes Sobel images itself, and these are some already; name its run folder")
        return _by_keras(Run.open(path).keras, form=form)
    return classifier.probabilities


def _by_keras(path: Path, *, form: str) -> Answer:
    with loading():
        from digitlab.models import after_sobel, open_model, predict_probabilities, read_card

    model = open_model(path, tell=advise)
    card = read_card(path) if path.suffix.lower() == ".keras" else None  # files of old Keras have none
    if form == "grey" and card is not None and card.form == "sobel":
        model = after_sobel(model)
    return functools.partial(predict_probabilities, model)


def _folder(model: str, data: str, split: str, out: Path | None, tta: int) -> Run:
    """Where the files go: ``out``; the run itself for its own test images; a folder inside it; a new folder."""
    from digitlab.datasets.formats.polarity import parted_name
    from digitlab.runs import Run

    if out is not None or not Path(model).is_dir():
        return _new_folder(f"evaluate-{Path(model).stem}-{Path(data).stem}", out)
    run = Run.open(Path(model))
    config = run.read_config()
    own = config.get("test", config.get("dataset", data)) == data and split == "test" and tta == 1
    file, _ = parted_name(data)
    name = file.stem if file.exists() else data
    name = name if split == "test" else f"{name}-{split}"
    return run if own else run.evaluation(name, tta)


def _new_folder(name: str, out: Path | None) -> Run:
    from digitlab.runs import Run
    from digitlab.storage import saying_what_failed

    if out is None:
        return Run.create(name)
    with saying_what_failed(out, "make"):
        out.mkdir(parents=True, exist_ok=True)
    return Run(out)


def _show(content: Mapping[str, Any]) -> None:
    """The numbers of `metrics.json` as two tables."""
    say(f"{content['images']:,} images")
    say(table(["", "", "95 % confidence interval"], _numbers(content)))
    say()
    columns = ("precision", "recall", "f1")
    rows: list[list[object]] = [
        [digit, *(_percent(content[name][digit]) for name in columns), content["support"][digit]] for digit in range(10)
    ]
    rows.append(["macro avg", *(_percent(content[f"{name}_macro"]) for name in columns), content["images"]])
    say(table(["digit", "precision %", "recall %", "F1 %", "support"], rows))


def _numbers(content: Mapping[str, Any]) -> list[list[str]]:
    intervals = {**content["intervals"], "accuracy": content["accuracy_interval"]}
    rows = []
    for name, words, write in (
        ("accuracy", "accuracy %", _percent),
        ("loss", "log loss", "{:.4f}".format),
        ("auc_macro", "macro AUC (ROC)", "{:.5f}".format),
        ("ece", "expected calibration error", "{:.4f}".format),
    ):
        if content[name] is not None:
            interval = " to ".join(map(write, intervals[name])) if name in intervals else ""
            rows.append([words, write(content[name]), interval])
    doubtful = content.get("doubtful", {})
    for name, words in (("corrected", "accuracy % on corrected labels"), ("without", "accuracy % without doubtful")):
        if doubtful:
            rows.append([words, _percent(doubtful[f"accuracy_{name}"]), ""])
    return rows


def _percent(share: float | None) -> str:
    """A dash for what is undefined, e.g. the recall of a digit without images."""
    return "–" if share is None else f"{100 * share:.2f}"
