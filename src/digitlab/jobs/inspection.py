"""Look inside a model: its layers, filters and feature maps; its response to a digit, and to a whole dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import DatasetError, ImageError, UsageError
from digitlab.jobs.events import Work, ignore, loading
from digitlab.jobs.named_models import FORMS, converter, keras_file, note
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.datasets import Dataset
    from digitlab.inspection.look import Album
    from digitlab.jobs.events import Listener

__all__ = ["Inspection", "inspect"]

_NETWORK, _DIGIT = "looking at layers, filters and maps", "looking at the digit"
_CHECKED = 1000  # images among which a map must respond somewhere, or it counts as dead


@dataclass(frozen=True, slots=True)
class Inspection:
    """Results of an inspection, and the folder with its pictures.

    kept: the content of `inspection.json`
    """

    folder: Path
    pictures: tuple[str, ...]
    kept: Mapping[str, Any]


@checked
def inspect(
    model: str | Path,
    out: Annotated[Path | str, Setting(flag="--out")],
    *,
    image: Path | str | None = None,
    digit: str | None = None,
    why: Annotated[int | None, Setting(within=Range(0, 9))] = None,
    unless: Annotated[int | None, Setting(flag="--not", within=Range(0, 9))] = None,
    layer: str | None = None,
    data: str = "mnist",
    form: Annotated[str | None, Setting(choices=FORMS)] = None,
    explore: bool = False,
    images: Annotated[int, Setting(within=Range(100, 6000))] = 3000,
    listener: Listener = ignore,
) -> Inspection:
    """Look inside a model: layers, filters, dead maps; for a digit, its activations, attributions, counterfactuals.

    Args:
        model: a run folder, a shipped name, or a model file of any framework (.keras, .h5, .onnx, .tflite …).
        out: the folder to write into.
        image: a picture of one digit, brought to 28×28 as `digitlab classify` does.
        digit: instead of a picture, an image of a dataset: NAME:N, the test image N, counted from 0.
        why: the class whose logit is attributed; default: the predicted one.
        unless: the class that it is contrasted with; default: the second most probable one.
        layer: draw only the filters and maps of this layer, all of them; Grad-CAM uses it.
        data: the dataset on whose first 1,000 test images maps are checked for being dead.
        form: the form of images that the model was trained on, if its file does not say; default: grey.
        explore: write explorer.html as well, an interactive page: an embedding of the test images (t-SNE, PCA of the
            activations), the confusion matrix, an error's nearest training images, prototypes and outliers.
        images: number of images in the embedding; the errors first.
        listener: called with `Work` and `Note`.

    Raises:
        ModelError: if there is no such model, or its layers cannot be analysed.
        UsageError: for options that exclude each other, a layer or an image that does not exist, wrong numbers.
        ImageError: if the picture cannot be read, or shows nothing. StorageError: if the folder cannot be written.
    """
    _check(image, digit, why, unless)
    path = keras_file(model, form=form, listener=listener)
    shown, shown_form = _shown(image, digit)
    listener(loading())
    from digitlab.inspection.look import look_at_digit, look_at_network, open_album
    from digitlab.models import card_of, open_model

    network = open_model(path, on_note=note(listener))
    card = card_of(network, path)
    model_form = form or card.form
    sample, convert = _sample(data, model_form), converter(shown_form, model_form)
    step = _steps(images if explore else None, listener, digit=shown is not None)
    album = open_album(network, Path(out), layer=layer, on_note=note(listener), step=step)
    step(_NETWORK, None)
    kept = {"model": str(model), "name": card.name, "form": model_form, **look_at_network(album, sample)}
    if shown is not None:
        step(_DIGIT, None)
        kept |= {"image": digit or str(image), **look_at_digit(album, shown, why=why, unless=unless, see=convert)}
    if explore:
        kept["explorer"] = _explore(album, data, model_form, images)
    kept["pictures"] = album.pictures
    album.write(kept)
    return Inspection(album.folder, tuple(album.pictures), kept)


def _check(image: str | Path | None, digit: str | None, why: int | None, unless: int | None) -> None:
    """Refuse invalid arguments before anything is loaded or written."""
    if image is not None and digit is not None:
        raise UsageError("inspect: image and digit were both given; expected one of them")
    named = [name for name, value in (("why", why), ("unless (--not)", unless)) if value is not None]
    if named and image is None and digit is None:
        raise UsageError(f"inspect: {named[0]} needs an image; give image (a file), or digit, e.g. mnist:17")
    if why is not None and why == unless:
        raise UsageError(f"inspect: why and unless (--not) are both {why}; expected two different digits")


def _steps(explored: int | None, listener: Listener, *, digit: bool) -> Callable[[str, float | None], None]:
    """Return a function that announces a piece of work and those after it; ``explored``: images in the page."""
    from digitlab.inspection.look import STEPS

    later = () if explored is None else (each.format(images=explored) for each in STEPS)
    plan = [_NETWORK, *([_DIGIT] if digit else []), *later]

    def step(text: str, expected: float | None) -> None:
        then = plan[plan.index(text) + 1 :] if text in plan else ()
        listener(Work(text, expected, tuple(then)))

    return step


def _shown(image: str | Path | None, digit: str | None) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the digit to look at, uint8 (28, 28), and its form; None if none was named."""
    from digitlab.reading import digit_image

    if digit is not None:
        return _dataset_image(digit)
    if image is None:
        return None, "grey"  # no image, so either form would do
    glyph = digit_image(image)
    if glyph is None:
        raise ImageError(f"{image}: there is no ink in it; expected a picture of one digit")
    return glyph, "grey"


def _dataset_image(digit: str) -> tuple[NDArray[np.uint8], str]:
    from digitlab.datasets import find_dataset, first_images

    name, _, number = digit.rpartition(":")
    if not name or not number.isdecimal():
        raise UsageError(f"digit is {digit!r}; expected NAME:N, the test image N of a dataset, e.g. mnist:17")
    dataset = find_dataset(name)
    images = first_images(dataset, _evaluated(dataset), int(number) + 1).images
    if len(images) <= int(number):
        raise UsageError(f"there is no image {digit!r}; expected {name}:0 to {name}:{len(images) - 1}")
    return images[int(number)], dataset.form


def _evaluated(dataset: Dataset) -> str:
    """Return the split that a network was not trained on, if there is one."""
    return "test" if "test" in dataset.splits else dataset.splits[-1]


def _sample(data: str, model_form: str) -> NDArray[np.uint8]:
    """Return the images in which dead maps are looked for, uint8 (N, 28, 28), in the form that the model takes."""
    from digitlab.datasets import find_dataset, first_images

    dataset = find_dataset(data)
    images = first_images(dataset, _evaluated(dataset), _CHECKED).images[:_CHECKED]
    if not len(images):
        raise DatasetError(f"{data} contains no images; expected digits to show to the network")
    return converter(dataset.form, model_form)(images)


def _explore(album: Album, data: str, model_form: str, images: int) -> dict[str, Any]:
    """Write the page about a dataset; return its content, for JSON."""
    from digitlab.datasets import find_dataset
    from digitlab.inspection.look import Part, look_at_set
    from digitlab.values import Digits

    dataset = find_dataset(data)
    convert = converter(dataset.form, model_form)

    def part(split: str) -> Part:
        digits = dataset.split(split)
        return Part(split, Digits(convert(digits.images), digits.labels))

    shown = _evaluated(dataset)
    learned = part("train") if shown != "train" and "train" in dataset.splits else None
    return look_at_set(album, part(shown), learned, data=data, images=images)
