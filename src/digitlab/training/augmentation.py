"""Augmentations by name: plain images in, this epoch's images out, the generator given."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

__all__ = ["AUGMENTATIONS", "augmentation"]

AUGMENTATIONS = ("none", "handwriting")


def augmentation(name: str) -> Augment | None:
    """The function of this name, or None for "none".

    Raises:
        UsageError: for an unknown name.
    """
    if name == "none":
        return None
    if name == "handwriting":
        from digitlab.datasets.transforms import vary_handwriting

        return vary_handwriting
    near = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"there is no augmentation {name!r}; known: {', '.join(AUGMENTATIONS)}.{hint}")
