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
    found = result.photos[0]
    return Diagnosed(
        model=model.name,
        sentence=found.sentence,
        causes=list(found.causes),
        truth=found.truth,
        known_by=found.known_by,
        shown=as_bytes(found.shown),
        first=_answered(found.first),
        mended=as_bytes(found.mended),
        last=_answered(found.last),
        prepared=None if found.prepared is None else _answered(found.prepared),
        reader=None if found.reader is None else _answered(found.reader),
        trained=[as_bytes(image) for image in result.trained_on(found.truth)],
        differences=[
            Difference(
                name=each.name,  # type: ignore[arg-type]  # one of the words of the schema
                measured=each.measured,
                image=as_bytes(each.image),
                answer=_answered(each.answer),
                alone=_answered(each.alone),
                without=_answered(each.without),
            )
            for each in found.steps
        ],
        lines=list(found.lines),
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
            MistakeCost(name=each.name, words=each.words, accuracy=each.accuracy, example=as_bytes(shown[each.name]))
            for each in costs.mistakes
        ],
    )


def _answered(answer: Answer) -> Answered:
    return Answered(digit=answer.digit, confidence=round(answer.confidence, 6))
