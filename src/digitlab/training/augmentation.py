"""Augmentations by name: plain images in, this epoch's images out, the generator given."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
    Transform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

__all__ = ["AUGMENTATIONS", "Augmentation", "augmentation"]

AUGMENTATIONS = ("none", "affine", "realtime", "handwriting", "cutout")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What happens to the images of an epoch.

    vary: makes training images from plain ones; None: they stay as they are
    settle: what an image that is not varied (validation, test) needs to be of the same kind; None: nothing
    """

    vary: Augment | None = None
    settle: Transform | None = None


def augmentation(name: str) -> Augmentation:
    """The augmentation of this name, or those of several names joined by "+", one after the other.

    "affine": S1 §3.2.12, shear .1°, width shift .02, rotation 8°, zoom .08. "realtime": S0 §4.1.3's first alternative,
    zoom .2, rotation 20°, shifts .2, then the Sobel image. "handwriting": ours, as hands, pens and cameras vary.
    "cutout": a square of 8×8 hidden.

    Raises:
        UsageError: for an unknown name, or one that stands there twice.
    """
    names = name.split("+")
    twice = next((part for part in names if names.count(part) > 1), None)
    if twice is not None:
        raise UsageError(f"the augmentation {name!r} names {twice!r} twice; expected each once")
    parts = [_single(part) for part in names]
    return parts[0] if len(parts) == 1 else Augmentation(_varying(parts), _settling(parts))


def _single(name: str) -> Augmentation:
    from digitlab.datasets import transforms

    known = {
        "none": Augmentation(),
        "affine": Augmentation(transforms.augment_affine),
        "realtime": Augmentation(transforms.realtime_images, settle=transforms.sobel_images),
        "handwriting": Augmentation(transforms.vary_handwriting),
        "cutout": Augmentation(transforms.cut_out),
    }
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"there is no augmentation {name!r}; known: {', '.join(AUGMENTATIONS)}, or some joined by +.{hint}"
    )


def _varying(parts: Sequence[Augmentation]) -> Augment | None:
    steps = [part.vary for part in parts if part.vary is not None]

    def vary(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        # A generator each: what one step draws for row i must not depend on how many rows the step before it had.
        for step, own in zip(steps, rng.spawn(len(steps)), strict=True):
            images = step(images, own)
        return images

    return vary if steps else None


def _settling(parts: Sequence[Augmentation]) -> Transform | None:
    steps = [part.settle for part in parts if part.settle is not None]

    def settle(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for step in steps:
            images = step(images)
        return images

    return settle if steps else None
