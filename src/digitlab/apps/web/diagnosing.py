"""Why a model misreads a picture, and what usual mistakes with images cost it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab.apps.web.looking import as_bytes
from digitlab.apps.web.network_schemas import Answered, Diagnosed, Difference, MistakeCost, ModelMistakes
from digitlab.jobs.diagnosis import diagnose as find_out
from digitlab.jobs.diagnosis import mistakes_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.apps.web.models import Served
    from digitlab.diagnosis import Answer

__all__ = ["diagnose", "mistakes"]


def diagnose(model: Served, picture: NDArray[np.uint8], label: int | None) -> Diagnosed:
    """Run `jobs.diagnose` on one picture, uint8 (H, W, 3).

    Raises:
        ImageError: when it does not show one digit.
        ModelError: when the network cannot run.
    """
    start = time.perf_counter()
    result = find_out(model.reader.classifier, picture, label=label)
    photo = result.photos[0]
    return Diagnosed(
        model=model.name,
        sentence=photo.sentence,
        causes=list(photo.causes),
        truth=photo.truth,
        known_by=photo.known_by,
        shown=as_bytes(photo.shown),
        first=_answered(photo.first),
        mended=as_bytes(photo.mended),
        last=_answered(photo.last),
        prepared=None if photo.prepared is None else _answered(photo.prepared),
        reader=None if photo.reader is None else _answered(photo.reader),
        trained=[as_bytes(image) for image in result.trained_on(photo.truth)],
        differences=[
            Difference(
                name=step.name,  # type: ignore[arg-type]  # one of the words of the schema
                measured=step.measured,
                image=as_bytes(step.image),
                answer=_answered(step.answer),
                alone=_answered(step.alone),
                without=_answered(step.without),
            )
            for step in photo.steps
        ],
        lines=list(photo.lines),
        ms=round((time.perf_counter() - start) * 1000.0, 2),
    )


def mistakes(model: Served) -> ModelMistakes:
    """Return what `jobs.mistakes_of` finds; it is measured once per model, which takes a second or more."""
    costs, shown = mistakes_of(model.reader.classifier)
    return ModelMistakes(
        model=model.name,
        images=costs.images,
        accuracy=costs.accuracy,
        example=as_bytes(shown[""]),
        mistakes=[
            MistakeCost(
                name=mistake.name, words=mistake.words, accuracy=mistake.accuracy, example=as_bytes(shown[mistake.name])
            )
            for mistake in costs.mistakes
        ],
    )


def _answered(answer: Answer) -> Answered:
    return Answered(digit=answer.digit, confidence=round(answer.confidence, 6))
