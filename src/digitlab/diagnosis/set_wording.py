"""The outcome for a set of pictures in a few sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.diagnosis.mending import DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["SetDifference", "causes_in_words", "set_sentence"]

_NAMED = 3  # maximum number of causes and of differences that are named
_MATTERS = 0.02  # gain in accuracy from which the preparation is called the reason


@dataclass(frozen=True, slots=True)
class SetDifference:
    """One difference over all pictures; accuracies are over all of them, 0…1.

    name: one of `DIFFERENCES`
    images: how many pictures have it
    measured: what was measured of the first one, in words
    until: accuracy if this and those before it are corrected
    alone: accuracy if only this is corrected
    without: accuracy if all others are corrected
    """

    name: str
    images: int
    measured: str
    until: float
    alone: float
    without: float


def causes_in_words(causes: tuple[str, ...] | None) -> str:
    """Say what has to be corrected, in a few words.

    >>> causes_in_words(("polarity", "crop")), causes_in_words(None)
    ('polarity and crop', "the network's own errors")
    """
    if causes is None:
        return "the network's own errors"
    names = [DIFFERENCES[name] for name in causes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def set_sentence(
    images: int,
    as_given: float,
    mended: float,
    reader: float | None,
    differences: Sequence[SetDifference],
    explained: Sequence[tuple[tuple[str, ...] | None, int]],
) -> str:
    """Say what is wrong with the pictures, and what correcting it does; without labels ``reader`` is None.

    Accuracies are fractions of the pictures, 0…1.
    """
    right, all_right = round(as_given * images), round(mended * images)
    does = "has {} right" if reader is not None else "agrees with the shipped reader on {}"
    text = f"As given, your network {does.format(f'{right} of {images} pictures')}"
    wrong = images - right
    own = dict(explained).get(None, 0)
    errs = f" {own} of the {wrong} errors {'is' if own == 1 else 'are'} the network's own." if own else ""
    errs += f" The shipped reader has {round(reader * images)} right." if reader is not None else ""
    if not differences:
        return f"{text}; they are prepared as MNIST's are.{errs}"
    often = sorted(differences, key=lambda each: -each.images)
    parts_named = [f"{DIFFERENCES[each.name]} ({_shown(each)})" for each in often[:_NAMED]]
    parts_named += [f"{len(often) - _NAMED} more"] if len(often) > _NAMED else []
    differ = f" They differ from MNIST's in {', '.join(parts_named)}."
    if mended - as_given < _MATTERS:
        text += f", and with all that differs corrected, {all_right}: their preparation is not the reason."
        return text + differ + errs
    text += f"; correctly prepared, {all_right}."
    causes = [(each, count) for each, count in explained if each is not None][:_NAMED]
    parts = [f"{causes_in_words(each)} ({count})" for each, count in causes]
    return f"{text} What has to be corrected for it: {'; '.join(parts)}.{differ}{errs}"


def _shown(difference: SetDifference) -> str:
    return f"{difference.images}: {difference.measured}" if difference.name == "polarity" else str(difference.images)
