"""Content for the guided tour: S2's filters on a photo, and a gallery of digits to try."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.apps.web import schemas
from digitlab.apps.web.looking import as_bytes
from digitlab.apps.web.schemas import (
    FilterBank,
    FilterResult,
    Gallery,
    GallerySet,
    LabelledGlyphs,
    LearningDigits,
    Lessons,
)
from digitlab.reading.ink import shrink
from digitlab.static_page.gallery import deflated, gallery_sets, measured_images, trained_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitlab.lessons import Lesson

__all__ = ["filter_bank", "gallery", "learning_digits", "lessons"]

_MOST_SIDE = 320  # pixels: eleven results of this size are a few hundred kilobytes


def filter_bank(picture: NDArray[np.uint8]) -> FilterBank:
    """Apply every filter of S2's bank to a picture, uint8 (H, W, 3), made grey and small."""
    from digitlab.datasets.transforms.filter_bank import BANK, apply_bank

    small = shrink(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8), _MOST_SIDE)
    results = []
    for name, values in apply_bank(small).items():
        low, high = float(values.min()), float(values.max())
        levels = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
        kernel = [[round(float(value), 4) for value in row] for row in BANK[name]]
        results.append(
            FilterResult(name=name, kernel=kernel, low=low, high=high, png=_png(np.rint(levels).astype(np.uint8)))
        )
    return FilterBank(width=small.shape[1], height=small.shape[0], grey=_png(small), results=results)


@functools.cache
def gallery() -> Gallery:
    """Return two of each test digit, the same rotated, shifted, noisy and thinned, and images that are no digits."""
    return Gallery(
        sets=[
            GallerySet(
                name=gallery_set.name,
                count=len(gallery_set.images),
                labels=list(gallery_set.labels),
                data=as_bytes(gallery_set.images),
            )
            for gallery_set in gallery_sets()
        ]
    )


@functools.cache
def learning_digits() -> LearningDigits:
    """Return 2,000 of MNIST's training images and 500 of its test images."""
    train, test = (
        LabelledGlyphs(labels=labels.tolist(), data=base64.b64encode(deflated(images)).decode("ascii"), packed=True)
        for images, labels in (trained_images(), measured_images())
    )
    return LearningDigits(train=train, test=test)


def lessons(offered: Sequence[Lesson]) -> Lessons:
    """Convert lessons to the message for the page."""
    return Lessons(lessons=[schemas.Lesson.model_validate(lesson.as_dict()) for lesson in offered])


def _png(grey: NDArray[np.uint8]) -> str:
    return base64.b64encode(cv2.imencode(".png", grey)[1].tobytes()).decode("ascii")
