"""`digitlab transfer`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.job_view import JobView

__all__ = ["transfer"]


def transfer(
    model: str,
    /,
    *,
    data: str,
    how: Literal["features", "freeze", "two-phase", "anew"] = "two-phase",
    layer: str | None = None,
    learner: Literal["logistic", "svm", "linear-svm", "nearest-mean", "knn"] = "logistic",
    head: Literal["new", "keep"] = "new",
    per_class: int | None = None,
    test: str | None = None,
    epochs: int | None = None,
    fine_epochs: int | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    fine_rate: float = 1e-4,
    augmentation: str = "none",
    form: Literal["grey", "sobel"] | None = None,
    weights: str | None = None,
    seed: int = 0,
    name: str | None = None,
    runs: Path = Path("runs"),
    json: bool = False,
) -> int:
    """Transfer learning: adapt a trained network to other images, often few; evaluate, save and export the result.

    The network may be one of keras.applications (VGG16, MobileNetV2 …) with its weights in a file of yours.

    For example:
    digitlab transfer runs/2026-…-thesis-2conv --data fashion-mnist --per-class 100
    digitlab transfer runs/2026-…-thesis-2conv --data digits-8x8 --how features --learner svm
    digitlab transfer runs/2026-…-reader --data my-digits/ --head keep --augmentation handwriting
    digitlab transfer VGG16 --weights vgg16_notop.h5 --data fashion-mnist --how features --per-class 100

    Args:
        model: A run folder, a .keras file, an .h5 file of an old Keras, or a name of keras.applications.
        data: The new training data: a dataset of `digitlab data list`, a file of labelled images, or a folder of
            pictures by class (0/ … 9/). Of a folder or file without splits, a part is held out for the evaluation.
        how: features (feature extraction: a classifier of scikit-learn on the activations of one layer), freeze (a new
            last layer is trained, all others are frozen), two-phase (the same, then fine-tuning of all layers at a
            lower learning rate), anew (the same network from scratch, as the baseline).
        layer: The layer whose activations are the features; default: the last before the classification layer.
        learner: For features: logistic, svm (a kernel on 500 images), linear-svm, nearest-mean, or knn, which is
            evaluated only: nearest neighbours cannot be written as layers, so there is no model to save.
        head: new, or keep: continue with the network's own last layer, for the same digits by other writers.
        per_class: Number of training images per class, drawn with the seed; default: all.
        test: The dataset or file whose test images evaluate the result; default: the dataset's own.
        epochs: Of the first phase; default: as many as make 600 gradient steps, at most 100.
        fine_epochs: Of the second phase (fine-tuning); likewise.
        batch_size: Images per gradient step (mini-batch).
        learning_rate: Of the first phase.
        fine_rate: Learning rate of the second phase, in which all layers are trained.
        augmentation: none, affine, handwriting, cutout; or several joined by +.
        form: What the model was trained on, where its file does not say; default: grey.
        weights: For a name of keras.applications: the file with its weights (…_notop.h5), or random.
        seed: The same seed draws the same images and gives the same weights.
        name: Of the run folder.
        runs: The folder in which the run folder is made.
        json: Results as one JSON object.
    """
    from digitlab.jobs import transfer as transfer_model
    from digitlab.training import StopRequest
    from digitlab.transfer_learning import Transfer

    settings = Transfer(
        how, layer, learner, head, per_class, epochs, fine_epochs, batch_size, learning_rate, fine_rate, augmentation,
        seed,
    )  # fmt: skip
    stop = StopRequest()
    with JobView(stop) as view:
        done = transfer_model(
            model, settings, data=data, test=test, form=form, weights=weights, name=name, runs=runs, listener=view,
            stop=stop,
        )  # fmt: skip
    if json:
        say_json(done.as_dict())
        return 0
    before = "" if done.learned.before is None else f", {100 * done.learned.before:.2f} % before"
    say(
        f"{done.data.tested_on}, {done.metrics.images:,} test images: accuracy {100 * done.metrics.accuracy:.2f} %"
        f"{before}, log loss {done.metrics.loss:.4f}; trained on {len(done.data.train):,}"
    )
    if done.learned.model is None:
        advise("no model is saved: this learner cannot be written as layers")
    advise(f"look at {done.run.report}")
    say(str(done.run.path))
    return 0
