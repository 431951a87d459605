"""`digitlab inspect`: look inside a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.inspection_view import tell
from digitlab.apps.cli.job_view import JobView

__all__ = ["inspect"]


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
        model: A run folder, a shipped name, or a model file of anybody (.keras, .h5, .onnx, .tflite …).
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
    from digitlab.jobs import inspect as inspect_model

    with JobView() as view:
        found = inspect_model(
            model, out, image=image, digit=digit, why=why, unless=unless, layer=layer, data=data, form=form,
            explore=explore, images=images, listener=view,
        )  # fmt: skip
    if json:
        say_json(found.kept)
    else:
        tell(found.kept)
        advise(f"{len(found.pictures)} pictures and inspection.json")
        say(str(out))
    return 0
