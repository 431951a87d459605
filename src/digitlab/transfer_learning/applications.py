"""Networks of `keras.applications`, pre-trained on photographs, behind layers that adapt our images to their input.

Their weights come from a local file: nothing is downloaded. All preprocessing is part of the graph: the image is
enlarged by an integer factor, its grey becomes three colours, and these are scaled as when that network was trained.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ModelError, UsageError
from digitlab.models.backend import keras
from digitlab.models.layers import output
from digitlab.models.safety import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RANDOM", "application_names", "is_application", "open_application"]

RANDOM = "random"  # instead of a weights file: random initial weights, for trying out

layers = keras.layers

# Preprocessing of pixels 0 … 255, by colour: factors and offsets.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_PREPARED: Mapping[str, tuple[Any, Any]] = {
    "caffe": (1.0, [-103.939, -116.779, -123.68]),  # blue, green, red
    "tf": (1 / 127.5, -1.0),
    "torch": ((1 / (255 * _DEVIATION)).tolist(), (-_MEAN / _DEVIATION).tolist()),
    "none": (1.0, 0.0),  # prepares its images itself
}


@dataclass(frozen=True, slots=True)
class _Application:
    """name: the function of `keras.applications`; prepared: a key of _PREPARED; factor: the images' enlargement."""

    name: str
    prepared: str
    factor: int = 2


_APPLICATIONS = {
    found.name.lower(): found
    for found in (
        _Application("VGG16", "caffe"),
        _Application("VGG19", "caffe"),
        _Application("ResNet50", "caffe"),
        _Application("ResNet50V2", "tf"),
        _Application("MobileNet", "tf"),
        _Application("MobileNetV2", "tf"),
        _Application("DenseNet121", "torch"),
        _Application("Xception", "tf", 3),
        _Application("InceptionV3", "tf", 3),
    )
}


def application_names() -> tuple[str, ...]:
    """Return the names of the supported networks."""
    return tuple(each.name for each in _APPLICATIONS.values())


def is_application(name: str) -> bool:
    """Return whether ``name`` is one of these networks, in any case, and no file or folder has that name."""
    return name.lower() in _APPLICATIONS and not Path(name).exists()


def open_application(name: str, weights: str | Path) -> keras.Model:
    """Build a network from uint8 (N, 28, 28) to (N, 10); its last layer is still untrained.

    Args:
        name: VGG16, MobileNetV2 …, in any case.
        weights: an HDF5 file of weights without the top (…_notop.h5), checked before it is loaded; or "random".

    Raises:
        UsageError: for an unknown name.
        ModelError: for a file that is missing, damaged, or of another network.
    """
    if name.lower() not in _APPLICATIONS:
        similar = difflib.get_close_matches(name.lower(), _APPLICATIONS, n=1)
        hint = f" Did you mean {_APPLICATIONS[similar[0]].name!r}?" if similar else ""
        raise UsageError(f"there is no network {name!r} here; known: {', '.join(application_names())}.{hint}")
    application = _APPLICATIONS[name.lower()]
    side = 28 * application.factor
    constructor = getattr(keras.applications, application.name)
    body = constructor(include_top=False, weights=None, input_shape=(side, side, 3))
    if str(weights) != RANDOM:
        _load(body, Path(weights), application.name)
    images = keras.Input((28, 28), dtype="uint8", name="images")
    scale, offset = _PREPARED[application.prepared]
    pixels = layers.Rescaling(1.0, name="as_they_are")(images)  # integers to float32
    grey = layers.Reshape((28, 28, 1), name="add_channel")(pixels)
    large = layers.UpSampling2D(application.factor, interpolation="bilinear", name="enlarge")(grey)
    colours = layers.Concatenate(name="three_colours")([large] * 3)
    prepared = layers.Rescaling(scale, offset, name="prepare")(colours)
    pooled = layers.GlobalAveragePooling2D(name="average")(body(prepared))
    return keras.Model(images, output()[0](pooled), name=application.name.lower())


def _load(body: keras.Model, path: Path, name: str) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; expected the weights of {name} without its top, …_notop.h5")
    try:
        with open_hdf5(path):
            pass
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    try:
        body.load_weights(path)
    except Exception as error:  # Keras' errors have no narrower common base class
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{path}: not the weights of {name} without its top ({first[:160]})") from error
