"""Augmentations by name: functions from plain images and a random generator to an epoch's training images."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.training.in_graph import InGraph

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
    Transform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

__all__ = ["AUGMENTATIONS", "Augmentation", "augmentation"]

AUGMENTATIONS = ("none", "affine", "pose", "elastic", "realtime", "handwriting", "cutout")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How the images of an epoch are transformed.

    vary: augments plain images for training; None: they are used unchanged
    to_network_input: converts images that are not augmented (validation, test) to the form that the network is trained
        on; None: they already have it
    in_graph: the same as ``vary`` as part of a compiled graph; None: not available
    """

    vary: Augment | None = None
    to_network_input: Transform | None = None
    in_graph: InGraph | None = None


def augmentation(name: str) -> Augmentation:
    """Return the augmentation of this name, or of several names joined by "+", applied one after the other.

    "affine": S1 §3.2.12, shear .1°, width shift .02, rotation 8°, zoom .08. "pose": wider, rotation and shear 10°,
    shifts .1, zoom .15. "elastic": elastic deformation. "realtime": S0 §4.1.3's first alternative, zoom .2, rotation
    20°, shifts .2, then the Sobel image. "handwriting": ours, imitates how hands, pens and cameras vary. "cutout": an
    8×8 square is hidden.

    Raises:
        UsageError: for an unknown name, or a name that occurs twice.
    """
    names = name.split("+")
    duplicate = next((part for part in names if names.count(part) > 1), None)
    if duplicate is not None:
        raise UsageError(f"the augmentation {name!r} names {duplicate!r} twice; expected each once")
    parts = [_single(part) for part in names]
    return parts[0] if len(parts) == 1 else Augmentation(_varying(parts), _preparing(parts), _in_graph(parts))


def _single(name: str) -> Augmentation:
    from digitlab.datasets import transforms
    from digitlab.datasets.transforms.affine import POSE, REALTIME, S1_RANGES
    from digitlab.training.in_graph import chained, cutting_out, making_sobel, moving

    realtime = chained([moving(REALTIME, "constant"), making_sobel()], spawning=False)
    available = {
        "none": Augmentation(),
        "affine": Augmentation(transforms.augment_affine, in_graph=moving(S1_RANGES, "nearest")),
        "pose": Augmentation(transforms.vary_pose, in_graph=moving(POSE, "constant")),
        "elastic": Augmentation(transforms.deform),
        "realtime": Augmentation(transforms.realtime_images, transforms.sobel_images, realtime),
        "handwriting": Augmentation(transforms.vary_handwriting),
        "cutout": Augmentation(transforms.cut_out, in_graph=cutting_out()),
    }
    if name in available:
        return available[name]
    similar = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    raise UsageError(
        f"there is no augmentation {name!r}; known: {', '.join(AUGMENTATIONS)}, or some joined by +.{hint}"
    )


def _varying(parts: Sequence[Augmentation]) -> Augment | None:
    steps = [part.vary for part in parts if part.vary is not None]

    def vary(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        # One generator per step: what it draws for row i must not depend on how many rows the previous step had.
        for step, generator in zip(steps, rng.spawn(len(steps)), strict=True):
            images = step(images, generator)
        return images

    return vary if steps else None


def _in_graph(parts: Sequence[Augmentation]) -> InGraph | None:
    from digitlab.training.in_graph import chained

    varying = [part for part in parts if part.vary is not None]
    steps = [part.in_graph for part in varying if part.in_graph is not None]
    return chained(steps) if steps and len(steps) == len(varying) else None


def _preparing(parts: Sequence[Augmentation]) -> Transform | None:
    steps = [part.to_network_input for part in parts if part.to_network_input is not None]

    def to_network_input(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for step in steps:
            images = step(images)
        return images

    return to_network_input if steps else None
