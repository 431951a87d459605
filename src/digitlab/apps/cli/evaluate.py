"""`digitlab evaluate` and `digitlab report`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import KERAS_FILES, advise, say, say_json, table

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation import Metrics
    from digitlab.runs import Run

    Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

__all__ = ["evaluate", "report"]


def evaluate(
    model: str = "reader",
    /,
    *,
    data: str = "mnist",
    split: str = "test",
    tta: int = 1,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Measure a model on labelled digits: loss, accuracy, precision, recall, F1, confusion matrix; and write a report.

    For a run folder the files go into it, for any other model into a new folder under runs/.

    For example:
    digitlab evaluate
    digitlab evaluate runs/2026-…-thesis-2conv --data mnist
    digitlab evaluate runs/2026-…-thesis-2conv --tta 5

    Args:
        model: A shipped name, a run folder, or a file (.onnx, .keras, .h5).
        data: A dataset of `digitlab data list`, or a file of labelled images in any format.
        split: train, validation or test; where there is one split only, that.
        tta: Test-time augmentation: answer by the mean over so many copies of each image, 1 to 19: as it is, moved by a
            pixel, turned by 6°.
        out: Write the files into this folder instead.
        json: The numbers as one JSON object.
    """
    import numpy as np

    from digitlab.datasets import find_dataset
    from digitlab.datasets.transforms import tta_copies
    from digitlab.evaluation import keep, measure
    from digitlab.reports import write_report

    dataset = find_dataset(data)
    split = dataset.splits[0] if len(dataset.splits) == 1 else split
    digits = dataset.split(split)
    copies = tta_copies(digits.images, tta)
    answer = _answering(model, form=dataset.form)
    probabilities = np.asarray(np.mean([answer(images) for images in copies], axis=0), np.float32)
    metrics = measure(probabilities, digits.labels)
    run = _folder(model, data, split, out, tta)
    about = {"model": model, "data": data, "split": split, **({"tta": tta} if tta > 1 else {})}
    keep(run, metrics, probabilities, digits, about)
    write_report(run)
    if json:
        say_json({**about, "report": str(run.report), **metrics.as_dict()})
        return 0
    _show(metrics)
    advise(f"look at {run.report}")
    say(str(run.path))
    return 0


def report(*runs: Path) -> int:
    """Write the page of each run folder again, from its files.

    For example:
    digitlab report runs/2026-…-thesis-2conv

    Args:
        runs: Run folders.
    """
    from digitlab.errors import UsageError
    from digitlab.reports import write_report
    from digitlab.runs import Run

    if not runs:
        raise UsageError("report: no run folder given; expected one or more, e.g. digitlab report runs/*")
    for path in runs:
        run = Run.open(path)
        write_report(run)
        say(str(run.report))
    return 0


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
    classifier = Classifier(resolve_model(model))
    if form == "sobel" and classifier.card is not None and classifier.card.form == "sobel":
        if not path.is_dir():
            raise ModelError(f"{model}: makes Sobel images itself, and these are some already; name its run folder")
        return _by_keras(Run.open(path).keras, form=form)
    return classifier.probabilities


def _by_keras(path: Path, *, form: str) -> Answer:
    advise("loading the network library …")
    from digitlab.models import after_sobel, open_model, predict_probabilities, read_card

    model = open_model(path, tell=advise)
    card = read_card(path) if path.suffix.lower() == ".keras" else None  # files of old Keras have none
    if form == "grey" and card is not None and card.form == "sobel":
        model = after_sobel(model)
    return functools.partial(predict_probabilities, model)


def _folder(model: str, data: str, split: str, out: Path | None, tta: int) -> Run:
    """Where the files go: ``out``; the run itself for its own test images; a folder inside it; a new folder."""
    from digitlab.runs import Run
    from digitlab.storage import saying_what_failed

    if out is not None:
        with saying_what_failed(out, "make"):
            out.mkdir(parents=True, exist_ok=True)
        return Run(out)
    if not Path(model).is_dir():
        return Run.create(f"evaluate-{Path(model).stem}-{Path(data).stem}")
    run = Run.open(Path(model))
    config = run.read_config()
    own = config.get("test", config.get("dataset", data)) == data and split == "test" and tta == 1
    name = Path(data).stem if Path(data).exists() else data
    name = name if split == "test" else f"{name}-{split}"
    return run if own else run.evaluation(name if tta == 1 else f"{name}-tta-{tta}")


def _show(metrics: Metrics) -> None:
    rows = [
        [digit, f"{100 * precision:.2f}", f"{100 * recall:.2f}", f"{100 * f1:.2f}", support]
        for digit, (precision, recall, f1, support) in enumerate(
            zip(metrics.precision, metrics.recall, metrics.f1, metrics.support, strict=True)
        )
    ]
    say(f"accuracy {100 * metrics.accuracy:.2f} %, log loss {metrics.loss:.4f}, {metrics.images:,} images")
    say(table(["digit", "precision %", "recall %", "F1 %", "images"], rows))
