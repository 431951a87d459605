"""Why a network misreads somebody's pictures, and the accuracy that common mistakes cost it; optionally as a page."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import DigitlabError, UsageError
from digitlab.jobs.events import Counted, Note, Work, ignore
from digitlab.jobs.named_models import onnx_file
from digitlab.settings import Range, Setting, checked
from digitlab.shown import Drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.diagnosis import Costs, Diagnosis, Network
    from digitlab.diagnosis.whole_set import SetDiagnosis
    from digitlab.jobs.events import Listener
    from digitlab.network.classifier import Classifier
    from digitlab.reading import Reader

    Array = NDArray[Any]

__all__ = ["DiagnosisResult", "diagnose", "mistakes_of"]

_MOST_PHOTOS = 100
_EXAMPLE = 5  # the digit that illustrates each mistake


@dataclass(frozen=True, slots=True)
class DiagnosisResult(Drawn):
    """Result of a diagnosis.

    photos: a diagnosis of each picture that could be diagnosed, in the given order
    data: the diagnosis of the dataset, if one was given
    network: the model, and what is known about its images
    costs: what common mistakes cost it on MNIST's test images
    refused: what is wrong with the other pictures, one line each
    page: the HTML page, if one was requested and a picture could be diagnosed; the same as JSON is written beside it
    kept: the content of that JSON
    """

    photos: tuple[Diagnosis, ...]
    data: SetDiagnosis | None
    network: Network
    costs: Costs
    refused: tuple[str, ...]
    page: Path | None
    kept: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """The outcome in words: for the first picture, or for the dataset."""
        return self.photos[0].sentence if self.photos else "" if self.data is None else self.data.sentence

    def trained_on(self, digit: int) -> NDArray[np.uint8]:
        """Return some of MNIST's training images of a digit, in the form that this model expects, uint8 (N, 28, 28)."""
        from digitlab.diagnosis.mistakes import training_images

        return training_images(self.network, digit)


@checked
def diagnose(
    model: str | Path | Classifier,
    *photos: Path | str | Array,
    data: str | None = None,
    label: Annotated[int | None, Setting(within=Range(0, 9))] = None,
    split: str | None = None,
    images: Annotated[int, Setting(within=Range(1))] = 500,
    out: Path | str | None = None,
    listener: Listener = ignore,
) -> DiagnosisResult:
    """Find out why a model misreads pictures: measure and correct each difference from the data it was trained on.

    >>> from digitlab import load_dataset
    >>> five = load_dataset("mnist").split("test").images[15]
    >>> diagnose("reader", 255 - five, label=5).sentence[:71]
    'Your photo is dark on light; your network has only seen light on dark. '

    Args:
        model: a shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5).
        photos: pictures of one digit each. In Python also arrays: uint8 or bool (H, W), uint8 (H, W, 3) RGB, or floats
            (H, W), which are taken as the network's actual input.
        data: a set of pictures: a folder with or without classes in its names, a file of labelled images, or a
            named dataset.
        label: the digit that the photos show; default: what the shipped reader answers, or else the model with all
            differences corrected.
        split: which part of the set; default: test, or the last part.
        images: maximum number of pictures from the set, drawn at random, but always the same ones.
        out: the HTML page to write; the same as JSON is written beside it.
        listener: called with `Work`, `Counted` and `Note`.

    Raises:
        ModelError: if there is no such model, or it cannot be opened.
        ImageError: if the only picture cannot be read, or does not show one digit.
        ShapeError: for an array of another shape or type.
        DatasetError: if there is no such dataset.
        UsageError: for wrong numbers, or if there is nothing to diagnose.
        StorageError: if the page cannot be written.
    """
    _check(photos, data, out)
    network, costs = _measure(model, listener)
    name, reader = network.classifier.path.stem if network.classifier is model else Path(str(model)).name, _reader()
    diagnoses, refused = _diagnose_photos(network, photos, label, reader, costs, name)
    whole = None
    if data is not None:
        from digitlab.diagnosis.pictures import open_pictures
        from digitlab.diagnosis.whole_set import diagnose_set

        listener(Work(f"opening {data}"))
        whole = diagnose_set(
            network,
            open_pictures(data, split, images),
            reader=reader,
            on_progress=_counting(listener, "looking", "pictures"),
        )
        for text in whole.refused:
            listener(Note(text))
    content = _as_json(name, diagnoses, data, whole, costs, refused)
    nothing = not diagnoses and whole is None
    page = None if out is None or nothing else _write(Path(out), network, name, diagnoses, data, whole, costs, content)
    return DiagnosisResult(diagnoses, whole, network, costs, refused, page, content)


def mistakes_of(model: str | Path | Classifier = "reader") -> tuple[Costs, dict[str, NDArray[np.uint8]]]:
    """Measure what common image mistakes cost a model on MNIST's test images; measured once per model, then cached.

    Returns:
        The costs, and, by mistake name, an example image uint8 (28, 28) of each; "" for none.

    Raises:
        ModelError: if there is no such model, or it cannot be opened.

    >>> costs, _ = mistakes_of("reader")
    >>> costs.of("polarity") < 0.2 < 0.99 < costs.accuracy
    True
    """
    from digitlab.diagnosis.mistakes import examples

    network, costs = _measure(model, ignore)
    return costs, examples(network, costs, _EXAMPLE)


def _measure(model: str | Path | Classifier, listener: Listener) -> tuple[Network, Costs]:
    """Return the network with what is known about its images, part of which only measuring reveals; and the costs."""
    from digitlab.diagnosis import Network, measure_costs

    network = Network.of(_open(model, listener))
    costs = measure_costs(network, _counting(listener, "what usual mistakes cost this model", "mistakes"))
    if costs.inverted or costs.transposed:
        network = network.trained_on(inverted=costs.inverted, transposed=costs.transposed)
    return network, costs


def _open(model: str | Path | Classifier, listener: Listener) -> Classifier:
    from digitlab.network.classifier import Classifier, resolve_model

    if isinstance(model, Classifier):
        return model
    return Classifier(resolve_model(onnx_file(model, listener=listener)))


def _check(photos: tuple[Any, ...], data: str | None, out: str | Path | None) -> None:
    if not photos and data is None:
        raise UsageError("nothing to diagnose; expected a picture of one digit, or data, a set of them")
    if len(photos) > _MOST_PHOTOS:
        raise UsageError(
            f"{len(photos)} pictures given; expected at most {_MOST_PHOTOS}: give their folder as data (--data)"
        )
    if out is not None and Path(out).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"cannot write {Path(out).name!r}; expected a name that ends in .html")


def _diagnose_photos(
    network: Network, photos: tuple[Any, ...], label: int | None, reader: Reader, costs: Costs, model: str
) -> tuple[tuple[Diagnosis, ...], tuple[str, ...]]:
    """Diagnose each picture, and collect the errors of those that cannot be; if there is only one, raise its error."""
    from digitlab.diagnosis import diagnose_photo

    diagnoses, refused = [], []
    for photo in photos:
        try:
            diagnoses.append(diagnose_photo(network, photo, label, reader=reader, costs=costs, model=model))
        except DigitlabError as error:
            if len(photos) == 1:
                raise
            refused.append(str(error))
    return tuple(diagnoses), tuple(refused)


@functools.cache
def _reader() -> Reader:
    """Return the shipped reader, opened once."""
    from digitlab.reading import Reader

    return Reader()


def _counting(listener: Listener, text: str, unit: str) -> Any:
    return lambda done, of: listener(Counted(text, done, of, unit))


def _as_json(
    model: str,
    photos: tuple[Diagnosis, ...],
    data: str | None,
    whole: SetDiagnosis | None,
    costs: Costs,
    refused: tuple[str, ...],
) -> dict[str, Any]:
    content: dict[str, Any] = {"model": model, "photos": [each.as_json() for each in photos], "refused": list(refused)}
    if whole is not None:
        content["data"] = {"name": data, **whole.as_json()}
    return content | {"mnist": costs.as_json()}


def _write(
    out: Path,
    network: Network,
    model: str,
    photos: tuple[Diagnosis, ...],
    data: str | None,
    whole: SetDiagnosis | None,
    costs: Costs,
    content: dict[str, Any],
) -> Path:
    import json

    from digitlab.diagnosis.page import page_of
    from digitlab.storage import write_text

    page = page_of(network, costs, model=model, photos=photos, whole=whole, data=data or "")
    write_text(out.with_suffix(".json"), json.dumps(content, indent=1))
    write_text(out, page)
    return out
