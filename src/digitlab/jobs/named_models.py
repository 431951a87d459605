"""A model by any kind of name: as a function from images to probabilities, or as the file that Keras opens."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import ModelError, UsageError
from digitlab.jobs.events import Note, Work, loading
from digitlab.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.jobs.events import Listener
    from digitlab.network.classifier import Classifier

    Images = NDArray[np.uint8]
    Predictor = Callable[[Images], NDArray[np.float32]]

__all__ = ["FORMS", "converter", "keras_file", "load_model", "note", "onnx_file", "predictor"]

FORMS = ("grey", "sobel")  # forms of images on which a model may have been trained
_KERAS_FILES = (".keras", ".h5", ".hdf5")


def load_model(model: str | Path = "reader", *, listener: Listener = lambda _: None) -> Classifier:
    """Load a trained network, ready to predict: ``load_model("reader").probabilities(images)``.

    model: a shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5, .json, .tflite, a
        SavedModel folder), which is converted once and cached

    Raises:
        ModelError: if there is no such model, or it cannot be opened.

    >>> load_model().card.form
    'grey'
    """
    from digitlab.network.classifier import Classifier, resolve_model

    return Classifier(resolve_model(onnx_file(model, listener=listener)))


def onnx_file(model: str | Path, *, listener: Listener) -> str | Path:
    """Convert a model of Keras or of another framework for ONNX Runtime, once, and cache the result.

    Anything else is returned unchanged.

    Raises:
        ModelError: if it cannot be opened, or recognises no digits with any input convention.
    """
    from digitlab.network.classifier import is_foreign, kept_onnx

    path = Path(model)
    if not is_foreign(path):
        return model
    if (cached := kept_onnx(path)) is not None:
        return cached  # without loading the network library, which would take longer than all the rest
    if path.suffix.lower() != ".onnx":
        listener(loading())
    from digitlab.models.conventions import own_onnx

    listener(Work("converting the model for ONNX Runtime, once"))
    return own_onnx(path, on_note=note(listener))


def predictor(model: str | Path, *, form: str, listener: Listener) -> Predictor:
    """Return the model as a function from images of this form, uint8 (N, 28, 28), to probabilities, float32 (N, 10).

    ONNX Runtime runs it where possible, which avoids loading the network library. An ONNX file always takes grey
    images: the graph of a network trained on Sobel images computes them itself. Therefore, images that are already
    Sobel images are given to its Keras file, which takes them as they are.

    Raises:
        ModelError: if there is no such model, or only its ONNX file, which would apply Sobel a second time.
    """
    path = Path(model)
    if path.suffix.lower() in _KERAS_FILES and path.is_file():
        return _by_keras(path if form == "sobel" else keras_file(path, listener=listener), form, listener)
    classifier = load_model(model)
    if form == "sobel" and classifier.card is not None and classifier.card.form == "sobel":
        if not path.is_dir():
            raise ModelError(
                f"{model}: makes Sobel images itself, but these are Sobel images already; give its run folder"
            )
        from digitlab.runs import Run

        return _by_keras(Run.open(path).keras, form, listener)
    return classifier.probabilities


def _by_keras(path: Path, form: str, listener: Listener) -> Predictor:
    listener(loading())
    from digitlab.models import on_grey_images, open_model, predict_probabilities, read_card

    model = open_model(path, on_note=note(listener))
    card = read_card(path) if path.suffix.lower() == ".keras" else None  # files of old Keras have none
    if form == "grey" and card is not None:
        model = on_grey_images(model, card)
    return functools.partial(predict_probabilities, model)


def keras_file(model: str | Path, *, form: str | None = None, listener: Listener = lambda _: None) -> Path:
    """Return the run folder or Keras file that is meant; another framework's model as our Keras file, in the cache.

    form: "sobel" for a Keras file that takes Sobel images; no input convention is searched for it

    Raises:
        ModelError: if there is no such model, or it cannot be translated to Keras layers.
    """
    from digitlab.network.classifier import is_foreign, shipped_keras, shipped_models

    path = Path(model)
    if str(model) in shipped_models():
        shipped = shipped_keras(str(model))
        if shipped is None:
            raise ModelError(
                f"{model}: is shipped as an ONNX file only, which has no layers to look at; expected a run folder, "
                f"e.g. that of `digitlab train {model}`"
            )
        return shipped
    foreign = is_foreign(path) or (path.suffix.lower() == ".onnx" and path.is_file())
    if not foreign and not path.is_dir():
        if (kind := kind_of(path)) is not None:
            raise ModelError(f"{path}: is {kind.what}; {kind.as_model}")
        expected = "expected a run folder, or a file ending in .keras, .h5, .onnx or .tflite"
        if path.is_file():
            raise ModelError(f"{path}: is not a known kind of model file; {expected}")
        if path.suffix:
            raise ModelError(f"{path}: there is no such model file; {expected}")
        raise ModelError(f"there is no model {str(model)!r}; {expected}")
    if not foreign or (form == "sobel" and path.suffix.lower() in _KERAS_FILES):
        return path
    listener(loading())
    from digitlab.models import read_card
    from digitlab.models.conventions import own_keras

    if path.suffix.lower() == ".keras" and read_card(path) is not None:
        return path
    listener(Work("converting the model, once"))
    return own_keras(path, on_note=note(listener))


def converter(form: str, model_form: str) -> Callable[[Images], Images]:
    """Return a function that converts images of one form, "grey" or "sobel", to the form that a Keras model takes.

    Raises:
        UsageError: for Sobel images and a model that takes grey ones.
    """
    from digitlab.datasets.transforms import sobel_images

    if form == model_form:
        return lambda images: images
    if model_form == "grey":
        raise UsageError("these are Sobel images, but the model takes grey ones; choose another digit or data")
    return sobel_images


def note(listener: Listener) -> Callable[[str], None]:
    """Return a function that sends the listener a sentence as a `Note`."""
    return lambda text: listener(Note(text))
