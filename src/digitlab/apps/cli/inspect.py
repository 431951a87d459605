"""`digitlab inspect`: look inside a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import KERAS_FILES, advise, say, say_json
from digitlab.apps.cli.inspection_view import tell
from digitlab.apps.cli.waiting import Waiting, loading
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.inspection.look import Album

__all__ = ["inspect", "keras_file", "seeing"]

_NETWORK, _DIGIT = "looking at layers, filters and maps", "looking at the digit"
_CHECKED = 1000  # images in which a map must answer somewhere, or is called dead


def inspect(
    model: str,
    /,
    *,
    out: Path,
    image: Path | None = None,
    digit: str | None = None,
    why: int | None = None,
    unless: Annotated[int | None, Parameter(name="--not")] = None,
    layer: str | None = None,
    data: str = "mnist",
    form: Literal["grey", "sobel"] | None = None,
    explore: bool = False,
    images: int = 3000,
    json: bool = False,
) -> int:
    """Look inside a model: layers, filters, dead maps; for a digit, its activations, attribution maps, counterfactuals.

    Writes a diagram, pictures of the filters and inspection.json into the folder; for a digit also every layer's
    activation maps, attribution maps (saliency, integrated gradients, Grad-CAM, occlusion) with a sanity check, and the
    smallest changes of the image that change the prediction.

    For example:
    digitlab inspect runs/2026-…-thesis-2conv --out inside
    digitlab inspect runs/2026-…-thesis-2conv --digit mnist:17 --out inside
    digitlab inspect runs/2026-…-thesis-2conv --data mnist --explore --out inside
    digitlab inspect 2017.h5 --form sobel --image four.jpg --why 4 --not 9 --out inside

    Args:
        model: A run folder, a .keras file, or an .h5 file of an old Keras.
        out: The folder to write into.
        image: A picture of one digit, brought to 28×28 as `digitlab classify` does.
        digit: Instead of a picture, an image of a dataset: NAME:N, the test image N, counted from 0.
        why: The class whose logit is attributed; default: the predicted one.
        unless: The class that it is contrasted with; default: the next probable one.
        layer: Draw the filters and maps of this layer only, all of them; Grad-CAM uses it.
        data: The dataset on whose first 1,000 test images maps are checked for being dead.
        form: What the model was trained on, where its file does not say; default: grey.
        explore: Write explorer.html too, one page about all of --data to click through: an embedding of the test images
            (t-SNE, PCA of the activations), the confusion matrix, an error's nearest training images, prototypes and
            outliers.
        images: Number of images in the embedding, 100 to 6000; the errors first.
        json: The results as one JSON object.
    """
    from digitlab.reports.explorer import expect_so_many

    _check_options(image, digit, why, unless)
    expect_so_many(images)
    path = keras_file(model)
    shown, shown_form = _shown(image, digit)
    with loading():
        from digitlab.inspection.look import STEPS, look_at_digit, look_at_network, open_album
        from digitlab.models import card_of, open_model

    network = open_model(path, tell=advise)
    card = card_of(network, path)
    takes = form or card.form
    sample, see = _sample(data, takes), seeing(shown_form, takes)
    plan = [*([_DIGIT] if shown is not None else []), *(each.format(images=images) for each in STEPS if explore)]
    with Waiting([_NETWORK, *plan]) as step:
        album = open_album(network, out, layer=layer, tell=advise, step=step)
        step(_NETWORK)
        told: dict[str, Any] = {"model": model, "name": card.name, "form": takes, **look_at_network(album, sample)}
        if shown is not None:
            step(_DIGIT)
            told |= {"image": digit or str(image), **look_at_digit(album, shown, why=why, unless=unless, see=see)}
        if explore:
            told["explorer"] = _explore(album, data, takes, images)
    told["pictures"] = album.pictures
    album.write(told)
    if json:
        say_json(told)
    else:
        tell(told)
        advise(f"{len(album.pictures)} pictures and inspection.json")
        say(str(out))
    return 0


def _check_options(image: Path | None, digit: str | None, why: int | None, unless: int | None) -> None:
    """Refuse what cannot be right before anything is loaded or written."""
    if image is not None and digit is not None:
        raise UsageError("inspect: --image and --digit were both given; expected one of them")
    asked = [(name, each) for name, each in (("--why", why), ("--not", unless)) if each is not None]
    for name, each in asked:
        if not 0 <= each <= 9:
            raise UsageError(f"inspect: {name} is {each}; expected a digit, 0 to 9")
    if asked and image is None and digit is None:
        raise UsageError("inspect: --why and --not ask about an image; expected --image FILE or --digit mnist:17 too")
    if why is not None and why == unless:
        raise UsageError(f"inspect: --why and --not are both {why}; expected two different digits")


def keras_file(model: str) -> Path:
    """The run folder or Keras file that is meant; nothing else has layers that can be followed."""
    from digitlab.errors import ModelError
    from digitlab.reading import shipped_keras, shipped_models

    path = Path(model)
    if model in shipped_models():
        shipped = shipped_keras(model)
        if shipped is None:
            raise ModelError(
                f"{model}: is shipped as an ONNX file only, which has no layers to look at; expected a run folder, "
                f"e.g. that of `digitlab train {model}`"
            )
        path = shipped
    elif path.suffix.lower() == ".onnx":
        raise ModelError(
            f"{path}: an ONNX file has no layers to look at; "
            "expected the run folder or the .keras file that it was exported from"
        )
    elif not path.is_dir() and path.suffix.lower() not in KERAS_FILES:
        raise ModelError(f"there is no model {model!r}; expected a run folder, or a file ending in .keras or .h5")
    return path


def _shown(image: Path | None, digit: str | None) -> tuple[NDArray[np.uint8] | None, str]:
    """The digit to look at, uint8 (28, 28), and its form; None where none was named."""
    from digitlab.errors import ImageError
    from digitlab.reading import digit_image

    if digit is not None:
        return _of_dataset(digit)
    if image is None:
        return None, "grey"  # nothing, of either form
    found = digit_image(image)
    if found is None:
        raise ImageError(f"{image}: there is no ink in it; expected a picture of one digit")
    return found, "grey"


def _of_dataset(digit: str) -> tuple[NDArray[np.uint8], str]:
    from digitlab.datasets import find_dataset, first_images

    name, _, number = digit.rpartition(":")
    if not name or not number.isdecimal():
        raise UsageError(f"--digit is {digit!r}; expected NAME:N, the test image N of a dataset, e.g. mnist:17")
    dataset = find_dataset(name)
    split = "test" if "test" in dataset.splits else dataset.splits[-1]
    images = first_images(dataset, split, int(number) + 1).images
    if len(images) <= int(number):
        raise UsageError(f"there is no image {digit!r}; expected {name}:0 to {name}:{len(images) - 1}")
    return images[int(number)], dataset.form


def _sample(data: str, takes: str) -> NDArray[np.uint8]:
    """The images in which dead maps are looked for, uint8 (N, 28, 28), as the model takes them."""
    from digitlab.datasets import find_dataset, first_images

    dataset = find_dataset(data)
    split = "test" if "test" in dataset.splits else dataset.splits[-1]
    return seeing(dataset.form, takes)(first_images(dataset, split, _CHECKED).images[:_CHECKED])


def _explore(album: Album, data: str, takes: str, images: int) -> dict[str, Any]:
    """Write the page about a set; what it shows, for JSON."""
    from digitlab.datasets import find_dataset
    from digitlab.inspection.look import Part, look_at_set
    from digitlab.values import Digits

    dataset = find_dataset(data)
    see = seeing(dataset.form, takes)

    def part(split: str) -> Part:
        digits = dataset.split(split)
        return Part(split, Digits(see(digits.images), digits.labels))

    shown = "test" if "test" in dataset.splits else dataset.splits[-1]
    learned = part("train") if shown != "train" and "train" in dataset.splits else None
    return look_at_set(album, part(shown), learned, data=data, images=images)


def seeing(given: str, takes: str) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """What makes images that a model takes out of images of a form."""
    from digitlab.datasets.transforms import sobel_images

    if given == takes:
        return lambda images: images
    if takes == "grey":
        raise UsageError("these are Sobel images, and the model takes grey ones; expected another --digit or --data")
    return sobel_images
