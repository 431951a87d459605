"""Results of comparisons as text: numbers with intervals for experts, plain words for everyone else.

Shares of images are given as counts out of 10,000, the size of MNIST's test set: natural frequencies are understood
where percentages of percentages are not (Gigerenzer, Hoffrage, Psychological Review 102, 1995).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from digitlab.studies.measures import MEASURES

if TYPE_CHECKING:
    from digitlab.evaluation.seeds import MeansDifference

__all__ = [
    "Said", "of_bound", "of_deviation", "of_difference", "of_effect", "of_published", "of_published_rate",
]  # fmt: skip

_IMAGES = 10_000

# Measures that are shares of correctly classified images, each with a suffix that says which images.
_WHICH = {
    "accuracy": "",
    "training_accuracy": ", of the training images",
    "first_accuracy": ", after the first epoch",
    "mean_training_accuracy": ", of the training images, in the mean of all epochs",
    "mean_watched_accuracy": ", in the mean of all epochs",
}


class Said(NamedTuple):
    """A comparison as text.

    evidence: the numbers with their interval
    plain: the same in plain words, if decided; unsure: if not decided, with the whole range of the interval
    """

    evidence: str
    plain: str
    unsure: str


def of_difference(measure: str, one: str, other: str, found: MeansDifference) -> Said:
    """Describe the difference of two cells.

    >>> from digitlab.evaluation.intervals import Interval
    >>> from digitlab.evaluation.seeds import MeansDifference
    >>> of_difference("accuracy", "max", "average", MeansDifference(-0.0025, Interval(-0.0048, 0.0001), 0.05)).unsure
    '“max” classifies from 48 fewer to 1 more of 10,000 images correctly than “average”'
    """
    evidence = f"{one} against {other}: {MEASURES[measure].difference(found.difference, *found.interval)}"
    if measure in _WHICH:
        plain, unsure = (
            f"“{one}” classifies {amount} of {_IMAGES:,} images correctly than “{other}”{_WHICH[measure]}"
            for amount in _amounts(measure, found)
        )
    else:
        title = MEASURES[measure].title
        plain, unsure = (f"{title}: {amount} for “{one}” than for “{other}”" for amount in _amounts(measure, found))
    return Said(evidence, plain, unsure)


def of_effect(measure: str, found: MeansDifference, *, pairs: int = 0) -> Said:
    """Describe the effect of a change, averaged over several cells; pairs: the number of pairs averaged over."""
    evidence = MEASURES[measure].difference(found.difference, *found.interval) + (f" in {pairs} pairs" if pairs else "")
    mean = f", in the mean of {pairs} pairs" if pairs else ""
    if measure in _WHICH:
        plain, unsure = (
            f"{amount} of {_IMAGES:,} images are classified correctly{_WHICH[measure]}{mean}"
            for amount in _amounts(measure, found)
        )
    else:
        plain, unsure = (f"{MEASURES[measure].title}: {amount}{mean}" for amount in _amounts(measure, found))
    return Said(evidence, plain, unsure)


def of_bound(measure: str, label: str, bound: float, found: MeansDifference) -> Said:
    """Describe a cell's mean relative to a bound; ``found`` is their difference."""
    ends = [bound + each for each in (found.difference, *found.interval)]
    if MEASURES[measure].better == "more":  # all measures where more is better are shares
        ends = [min(max(each, 0.0), 1.0) for each in ends]
    mean, low, high = map(MEASURES[measure].format, ends)
    evidence = f"{label}: {mean} ({low} to {high})"
    asked = f"; {_level(measure, bound)} or {MEASURES[measure].better} are asked for"
    said, lowest, highest = (_level(measure, each) for each in ends)
    if measure in _WHICH:
        words = f"of {_IMAGES:,} images correctly{_WHICH[measure]}"
        return Said(
            evidence, f"“{label}” classifies {said} {words}{asked}",
            f"“{label}” classifies {said} {words}, and in the mean of many trainings {lowest} to {highest}{asked}",
        )  # fmt: skip
    title = MEASURES[measure].title
    unsure = f"{title} of “{label}”: {said}, and in the mean of many trainings {lowest} to {highest}{asked}"
    return Said(evidence, f"{title} of “{label}”: {said}{asked}", unsure)


def of_published(measure: str, label: str, printed: float, within: float, found: MeansDifference) -> Said:
    """Describe a cell's mean relative to the published number; ``found`` is their difference."""
    evidence = f"{label}: {MEASURES[measure].difference(found.difference, *found.interval)}, published {printed:,}"
    said, published = _level(measure, printed + found.difference), _level(measure, printed)
    allowed = f" ({_level(measure, within)} more or less count as the same)" if within else ""
    if measure in _WHICH:
        words = f"“{label}” classifies {said} of {_IMAGES:,} images correctly{_WHICH[measure]}"
    else:
        words = f"{MEASURES[measure].title} of “{label}”: {said}"
    low, high = (_level(measure, printed + end) for end in found.interval)
    rest = f"; published: {published}{allowed}"
    return Said(evidence, words + rest, f"{words}, and in the mean of many trainings {low} to {high}{rest}")


def of_published_rate(measure: str, label: str, printed: float, within: float, found: MeansDifference) -> Said:
    """Like `of_published`, for values compared by their ratio; ``found`` is the difference of their logarithms."""
    show = MEASURES[measure].format
    mean = show(printed * 10**found.difference)
    allowed = f" (up to {within:g} times count as the same)"
    words = f"{MEASURES[measure].title} of “{label}”: {mean}; published: {show(printed)}{allowed}"
    return Said(f"{label}: {mean}, published {show(printed)}", words, words)


def of_deviation(deviation: float, low: float, high: float, bound: float) -> Said:
    """Describe the standard deviation over the repeats relative to a bound."""
    words = f"the repeats lie {deviation:.4f} around their mean (standard deviation)"
    unsure = f"{words}, between {low:.4f} and {high:.4f} with more of them"
    asked = f"; at most {bound:g} is asked for"
    return Said(f"{deviation:.4f} ({low:.4f} to {high:.4f})", words + asked, unsure + asked)


def _level(measure: str, value: float) -> str:
    """Format a value; a share as the number of images."""
    return f"{round(_IMAGES * value):,}" if measure in _WHICH else MEASURES[measure].format(value)


def _amounts(measure: str, found: MeansDifference) -> tuple[str, str]:
    """Format a difference and the range of its interval: "25 fewer", "from 48 fewer to 1 more"."""
    less, more = ("fewer", "more") if measure in _WHICH else ("lower", "higher")

    def amount(value: float, *, word: bool = True) -> str:
        return _level(measure, abs(value)) + (f" {more if value >= 0 else less}" if word else "")

    low, high = found.interval
    if low < 0.0 <= high:
        return amount(found.difference), f"from {amount(low)} to {amount(high)}"
    nearer, farther = sorted((low, high), key=abs)
    return amount(found.difference), f"{amount(nearer, word=False)} to {amount(farther)}"
