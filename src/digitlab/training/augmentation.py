"""Augmentations by name: plain images in, this epoch's images out, the generator given."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
    Transform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

__all__ = ["AUGMENTATIONS", "Augmentation", "augmentation"]

AUGMENTATIONS = ("none", "affine", "realtime", "handwriting")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What happens to the images of an epoch.

    vary: makes training images from plain ones; None: they stay as they are
    settle: what an image that is not varied (validation, test) needs to be of the same kind; None: nothing
    """

    vary: Augment | None = None
    settle: Transform | None = None


def augmentation(name: str) -> Augmentation:
    """The augmentation of this name.

    "affine": S1 §3.2.12, shear .1°, width shift .02, rotation 8°, zoom .08. "realtime": S0 §4.1.3's first alternative,
    zoom .2, rotation 20°, shifts .2, then the Sobel image. "handwriting": ours, as hands, pens and cameras vary.

    Raises:
        UsageError: for an unknown name.
    """
    from digitlab.datasets import transforms

    known = {
        "none": Augmentation(),
        "affine": Augmentation(transforms.augment_affine),
        "realtime": Augmentation(transforms.realtime_images, settle=transforms.sobel_images),
        "handwriting": Augmentation(transforms.vary_handwriting),
    }
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"there is no augmentation {name!r}; known: {', '.join(AUGMENTATIONS)}.{hint}")
