"""`digitlab evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        model: A shipped name, a run folder, or a model file of anybody (.onnx, .keras, .h5, .tflite …).
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
    from digitlab.apps.cli.robustness import expect_model, show_robustness
    from digitlab.jobs import evaluate as evaluate_model
    from digitlab.jobs import evaluate_predictions
    from digitlab.jobs import robustness as evaluate_robustness
    from digitlab.jobs.evaluation import ALL_IMAGES

    shifted = robustness or robustness_images is not None
    if shifted:
        expect_model(robustness_images, given=probabilities is None)
    if probabilities is not None:
        _expect_no_model((model, data, split, tta))
    else:
        _expect_no_files(labels, logits=logits)
    with JobView() as view:
        if probabilities is not None:
            done = evaluate_predictions(probabilities, labels, logits=logits, out=out, listener=view)
        else:
            done = evaluate_model(model, data=data, split=split, tta=tta, out=out, listener=view)
    content = dict(done.kept)
    if not json:
        _show(content)
    if shifted:
        images = ALL_IMAGES if robustness_images is None else robustness_images
        with JobView() as view:
            found = evaluate_robustness(model, images=images, tta=tta, out=done.run.path, listener=view)
        content["robustness"] = found.kept
        if not json:
            show_robustness(found)
    if json:
        say_json({**content, "report": str(done.run.report)})
        return 0
    advise(f"look at {done.run.report}")
    say(str(done.run.path))
    return 0


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
