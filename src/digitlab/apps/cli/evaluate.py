"""`digitlab evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import UsageError, counted
from digitlab.jobs import evaluation as jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.evaluation.robustness import Robustness, SetResult
    from digitlab.jobs.evaluation import RobustnessResult

__all__ = ["evaluate"]

_OF_MODELS, _OF_PREDICTIONS = {"model", "data", "split", "tta"}, {"labels", "logits"}


@options_of(jobs.evaluate, jobs.evaluate_predictions, jobs.robustness)
def evaluate(*, robustness: bool = False, json: bool = False, **options: Any) -> int:
    """Evaluate a model, or stored predictions, on labelled digits, and write a report.

    Accuracy, log loss, precision, recall, F1, areas under the ROC and precision–recall curves, top-2 and top-3
    accuracy, Brier score, expected calibration error; with 95 % confidence intervals, Wilson's for the accuracy, by
    bootstrap for the others.

    The files are written into the run folder that was given, or else into a new folder under runs/.

    For example:
    digitlab evaluate
    digitlab evaluate runs/2026-…-thesis-2conv --data mnist
    digitlab evaluate runs/2026-…-thesis-2conv --tta 5
    digitlab evaluate runs/2026-…-thesis-2conv --robustness
    digitlab evaluate --probabilities caffe.csv --labels labels.csv

    Args:
        robustness: Evaluate under distribution shift, too: MNIST's test images under fifteen corruptions, rotated and
            translated, digits by other writers (digits-8x8), and out-of-distribution images (fashion-mnist, shapes);
            writes robustness.csv, .json and .png.
        json: The numbers as one JSON object.
    """
    images = options.pop("images", jobs.ALL_IMAGES if robustness else None)
    shifted = images is not None
    _check(options, shifted=shifted)
    with JobView() as view:
        job = jobs.evaluate_predictions if "probabilities" in options else jobs.evaluate
        result = job(**options, listener=view)
    content = dict(result.kept)
    if not json:
        _show(content)
    if shifted:
        model_options = {name: options[name] for name in ("model", "tta") if name in options}
        with JobView() as view:
            robustness_result = jobs.robustness(**model_options, images=images, out=result.run.path, listener=view)
        content["robustness"] = robustness_result.kept
        if not json:
            _show_robustness(robustness_result)
    if json:
        say_json({**content, "report": str(result.run.report)})
        return 0
    advise(f"look at {result.run.report}")
    say(str(result.run.path))
    return 0


def _check(options: Mapping[str, Any], *, shifted: bool) -> None:
    """Refuse incompatible options before any work is done."""
    if "probabilities" not in options and options.keys() & _OF_PREDICTIONS:
        raise UsageError(
            "evaluate: --labels and --logits are for stored predictions; give their file, too: --probabilities FILE. "
            "To a model that outputs logits, softmax is applied in any case"
        )
    if "probabilities" in options and shifted:
        raise UsageError(
            "evaluate --robustness: needs a model, which predicts other images; give MODEL instead of --probabilities"
        )
    if "probabilities" in options and options.keys() & _OF_MODELS:
        raise UsageError(
            "evaluate --probabilities: stored predictions are evaluated as they are; leave out MODEL, --data, --split "
            "and --tta"
        )


def _show(content: Mapping[str, Any]) -> None:
    """Print the numbers of `metrics.json` as two tables."""
    say(f"{counted(content['images'], 'image')}")
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
    """Format a share in per cent; a dash if it is undefined, e.g. the recall of a digit without images."""
    return "–" if share is None else f"{100 * share:.2f}"


def _show_robustness(result: RobustnessResult) -> None:
    """Print the table, and where the picture is."""
    robustness = result.found
    say()
    say(table(["robustness", "images", "accuracy %", "95 % CI", "AUROC", "accepted %"], _rows(robustness)))
    advise(f"accepted: confidence of at least {robustness.threshold:.4f}, which 99 % of the clean digits reach")
    advise(f"look at {result.run.robustness_plot}")


def _rows(robustness: Robustness) -> list[list[str]]:
    rows = [_row(result) for result in robustness.of("plain", "corruption")]
    if robustness.corruption_mean is not None:
        rows.append(["mean of the corruptions", "", _percent(robustness.corruption_mean), "", "", ""])
    return rows + [_row(result) for result in robustness.sets if result.kind not in ("plain", "corruption")]


def _row(result: SetResult) -> list[str]:
    return [
        result.name,
        f"{result.images:,}",
        "" if result.accuracy is None else _percent(result.accuracy),
        "" if result.interval is None else " to ".join(map(_percent, result.interval)),
        "" if result.by_confidence is None else f"{result.by_confidence.auroc:.4f}",
        f"{100 * result.answered:.1f}",
    ]
