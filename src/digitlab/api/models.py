"""Models, datasets, runs and pictures from Python: load, inspect, export, read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from digitlab import jobs
from digitlab.api.following import described_by, following
from digitlab.reading import Constraints
from digitlab.reading import Reader as PlainReader
from digitlab.runs import Run
from digitlab.settings import with_keywords_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitlab.api.keywords import ReadingKeywords
    from digitlab.datasets import Dataset
    from digitlab.jobs import DiagnosisResult, ImportResult, Inspection
    from digitlab.jobs.conversion import Ensemble
    from digitlab.jobs.events import Listener
    from digitlab.models.export import Exported
    from digitlab.network.classifier import Classifier
    from digitlab.reading.picture_like import PictureLike
    from digitlab.values import Reading

__all__ = [
    "Reader", "diagnose", "ensemble", "export", "import_model", "inspect", "load_dataset", "load_model", "load_run",
]  # fmt: skip


class Reader(PlainReader):
    """Reads digits from photos, scans and drawings, as `digitlab read` does. Threads may share one.

    A picture is a path, a file's bytes, a file opened in binary mode, a picture of Pillow, or an array or tensor
    (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA: uint8, bool or floating numbers from 0 to 1, in which 0 is
    black. A reading shows its picture with boxes, so it keeps the path, or the picture that it was given.

    >>> reading = Reader().read(page)
    >>> reading.text
    '402713'
    >>> reading.digits[0].digit, reading.digits[0].confidence > 0.9, len(reading.digits[0].box)
    (4, True, 4)
    """

    @with_keywords_of(Constraints)
    def read(  # type: ignore[override]
        self,
        image: PictureLike,
        constraints: Constraints | None = None,
        *,
        turning: bool = True,
        **known: Unpack[ReadingKeywords],
    ) -> Reading:
        """Read all digits of a page, line by line; digits found but rejected are included, with ``digit`` None.

        Args:
            image: the picture.
            constraints: what is known about the page; or its fields as keywords, e.g. ``count=6``, ``pattern="##-##"``.
            turning: whether a page that reads badly is tried in other orientations, which takes about as long again.
            known: the fields of `Constraints`.

        Raises:
            ImageError: if a file cannot be read.
            ShapeError: for an array of another type, shape or range, or for an object that is not a picture.
            UsageError: for a constraint that is impossible, or two that contradict each other.
        """
        reading = super().read(image, constraints, turning=turning, **known)
        return replace(reading, picture=_kept(image))


def _kept(image: PictureLike) -> Any:
    """Return what shows the picture again: its absolute path, or itself; None for a file object, which is exhausted."""
    if isinstance(image, str | os.PathLike):
        return Path(image).absolute()
    return None if callable(getattr(image, "read", None)) else image


def load_model(
    model: Run | str | Path = "reader", *, progress: bool | None = None, listener: Listener | None = None
) -> Classifier:
    """Load a trained network, ready to predict; it is displayed as the table of its layers.

    Args:
        model: a shipped name, a run or its folder, or a file (.onnx, .keras, .h5); Keras files are exported once, and
            the export is kept.
        progress: whether to show a progress bar for an export; None: on a terminal and in a notebook.
        listener: a function that is called with every event.

    Raises:
        ModelError: if there is no such model, or it cannot be opened.

    >>> import numpy as np
    >>> model = load_model()
    >>> model.probabilities(np.zeros((5, 28, 28), np.uint8)).shape
    (5, 10)
    """
    with following("load_model", progress, listener) as heard:
        return jobs.load_model(model.path if isinstance(model, Run) else model, listener=heard)


def load_dataset(name: str | Path, *, seed: int = 0) -> Dataset:
    """Load a dataset by its name, or a file or folder of labelled images.

    Its splits are loaded on demand: ``load_dataset("mnist").split("test")``.

    Args:
        name: a name from `digitlab data list`, or a path; dark ink on light is inverted, except for FILE#as-is.
        seed: for handmade and corrupted datasets, which are generated randomly.

    Raises:
        DatasetError: if it is neither, with a similar known name; for a file of unknown format.
        StorageError: for a file that may not be read.

    >>> digits = load_dataset("mnist").split("test")
    >>> digits.images.shape, digits.labels[:3].tolist()
    ((10000, 28, 28), [7, 2, 1])
    """
    from digitlab.datasets import find_dataset

    return find_dataset(str(name), seed=seed)


def load_run(folder: str | Path) -> Run:
    """Open an existing run folder: its settings, predictions and metrics can be read, its figures drawn.

    Raises:
        RunError: if it is no run folder.

    >>> run = load_run(first)
    >>> run.read_config()["architecture"], run.read_predictions().probabilities.shape
    ('slides-cnn', (100, 10))
    """
    return jobs.load_run(folder)


@described_by(jobs.inspect)
def inspect(
    model: Run | str | Path,
    out: str | Path,
    *,
    image: str | Path | None = None,
    digit: str | None = None,
    why: int | None = None,
    unless: int | None = None,
    layer: str | None = None,
    data: str = "mnist",
    form: str | None = None,
    explore: bool = False,
    images: int = 3000,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Inspection:
    """Look inside a model: layers, filters, dead maps; for a digit, its activations, attributions, counterfactuals.

    As `digitlab inspect`. ``folder`` and ``pictures`` of the result tell what was drawn.

    Args:
        model: a run or its folder, a shipped name, a .keras file, or an .h5 file of an old Keras.
        unless: the class that it is contrasted with (``--not``); None: the second most probable one.

    >>> inside = inspect(first, "inside")
    >>> inside.kept["name"], (inside.folder / inside.pictures[0]).is_file()
    ('slides-cnn', True)
    """
    with following("inspect", progress, listener) as heard:
        return jobs.inspect(
            model.path if isinstance(model, Run) else model, out, image=image, digit=digit, why=why, unless=unless,
            layer=layer, data=data, form=form, explore=explore, images=images, listener=heard,
        )  # fmt: skip


@described_by(jobs.diagnose)
def diagnose(
    model: Run | str | Path | Classifier,
    *photos: str | Path | NDArray[Any],
    data: str | Path | None = None,
    label: int | None = None,
    split: str | None = None,
    images: int = 500,
    out: str | Path | None = None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> DiagnosisResult:
    """Find out why a model misreads pictures: measure and correct each difference from the data it was trained on.

    As `digitlab diagnose`. ``sentence`` of the result is the outcome; ``photos`` has the details of each picture.

    Args:
        model: a run or its folder, a shipped name, a model file of any framework (.onnx, .keras, .h5), or a loaded one.
        photos: pictures of one digit each: files, or arrays: uint8 or bool (H, W), uint8 (H, W, 3) RGB, or floats
            (H, W), which are taken as the network's actual input.

    >>> five = load_dataset("mnist").split("test").images[15]
    >>> found = diagnose("reader", 255 - five, label=5)
    >>> found.photos[0].cause, found.photos[0].last.digit
    ('polarity', 5)
    >>> found.sentence[:71]
    'Your photo is dark on light; your network has only seen light on dark. '
    """
    with following("diagnose", progress, listener) as heard:
        return jobs.diagnose(
            model.path if isinstance(model, Run) else model, *photos, data=None if data is None else str(data),
            label=label, split=split, images=images, out=out, listener=heard,
        )  # fmt: skip


@described_by(jobs.export)
def export(
    model: Run | str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    int8: bool = False,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Exported:
    """Write a trained model for ONNX Runtime (.onnx), OpenVINO (.xml), LiteRT (.tflite) or Keras (.keras).

    As `digitlab export`. The file is run and compared with Keras on 1,000 images before it is kept.

    Args:
        model: a run or its folder, a shipped name, a .keras file, or an .h5 file of an old Keras.
        target: what the file is for (``--for``): "robotics-academy", "onnx-zoo", "web" or "c".

    >>> made = export(first, "mine.keras")
    >>> made.path.is_file(), made.difference <= made.tolerance
    (True, True)
    """
    with following("export", progress, listener) as heard:
        path = model.path if isinstance(model, Run) else model
        return jobs.export(path, out, target=target, int8=int8, listener=heard)


@described_by(jobs.ensemble)
def ensemble(
    *members: Run | str | Path,
    out: str | Path,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> Ensemble:
    """Join trained networks into one model file that predicts the mean of their probabilities.

    As `digitlab ensemble`.

    Args:
        members: two or more runs or their folders, or files; all with the same preprocessing.

    >>> joined = ensemble(first, second, out="both.onnx")
    >>> load_model("both.onnx").probabilities(load_dataset("mnist").split("test").images[:3]).shape
    (3, 10)
    """
    with following("ensemble", progress, listener) as heard:
        paths = (each.path if isinstance(each, Run) else each for each in members)
        return jobs.ensemble(*paths, out=Path(out), listener=heard)


@described_by(jobs.import_model)
def import_model(
    old: str | Path,
    out: str | Path,
    *,
    architecture: str | None = None,
    weights: str | Path | None = None,
    preparation: str | None = None,
    backend: str | None = None,
    form: str = "grey",
    progress: bool | None = None,
    listener: Listener | None = None,
) -> ImportResult:
    """Convert a model from an old Keras version or another framework. The file is opened safely, whoever made it.

    As `digitlab import`. How the network expects its images is found by trial on MNIST's, unless ``preparation`` says.

    >>> done = import_model(load_model("reader").path, "theirs.onnx")
    >>> done.path.is_file(), done.tried[0].accuracy > 0.95
    (True, True)
    """
    with following("import_model", progress, listener) as heard:
        return jobs.import_model(
            old, out, architecture=architecture, weights=weights, preparation=preparation, backend=backend, form=form,
            listener=heard,
        )  # fmt: skip
