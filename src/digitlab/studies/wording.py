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
    "Wording", "of_bound", "of_deviation", "of_difference", "of_effect", "of_published", "of_published_rate",
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


class Wording(NamedTuple):
    """A comparison as text.

    evidence: the numbers with their interval
    plain: the same in plain words, if decided; unsure: if not decided, with the whole range of the interval
    """

    evidence: str
    plain: str
    unsure: str


def of_difference(measure: str, one: str, other: str, estimate: MeansDifference) -> Wording:
    """Describe the difference of two cells.

    >>> from digitlab.evaluation.intervals import Interval
    >>> from digitlab.evaluation.seeds import MeansDifference
    >>> of_difference("accuracy", "max", "average", MeansDifference(-0.0025, Interval(-0.0048, 0.0001), 0.05)).unsure
    '“max” classifies from 48 fewer to 1 more of 10,000 images correctly than “average”'
    """
    evidence = f"{one} against {other}: {MEASURES[measure].difference(estimate.difference, *estimate.interval)}"
    if measure in _WHICH:
        plain, unsure = (
            f"“{one}” classifies {amount} of {_IMAGES:,} images correctly than “{other}”{_WHICH[measure]}"
            for amount in _amounts(measure, estimate)
        )
    else:
        title = MEASURES[measure].title
        plain, unsure = (f"{title}: {amount} for “{one}” than for “{other}”" for amount in _amounts(measure, estimate))
    return Wording(evidence, plain, unsure)


def of_effect(measure: str, estimate: MeansDifference, *, pairs: int = 0) -> Wording:
    """Describe the effect of a change, averaged over several cells; pairs: the number of pairs averaged over."""
    size = MEASURES[measure].difference(estimate.difference, *estimate.interval)
    evidence = f"{size} in {pairs} pairs" if pairs else size
    mean = f", in the mean of {pairs} pairs" if pairs else ""
    if measure in _WHICH:
        plain, unsure = (
            f"{amount} of {_IMAGES:,} images are classified correctly{_WHICH[measure]}{mean}"
            for amount in _amounts(measure, estimate)
        )
    else:
        plain, unsure = (f"{MEASURES[measure].title}: {amount}{mean}" for amount in _amounts(measure, estimate))
    return Wording(evidence, plain, unsure)


def of_bound(measure: str, label: str, bound: float, estimate: MeansDifference) -> Wording:
    """Describe a cell's mean relative to a bound; ``estimate`` is their difference."""
    ends = [bound + each for each in (estimate.difference, *estimate.interval)]
    if MEASURES[measure].better == "more":  # all measures where more is better are shares
        ends = [min(max(each, 0.0), 1.0) for each in ends]
    mean, low, high = map(MEASURES[measure].format, ends)
    evidence = f"{label}: {mean} ({low} to {high})"
    requirement = f"; {_level(measure, bound)} or {MEASURES[measure].better} are asked for"
    level, lowest, highest = (_level(measure, each) for each in ends)
    range_ = f"and in the mean of many trainings {lowest} to {highest}"
    if measure in _WHICH:
        words = f"of {_IMAGES:,} images correctly{_WHICH[measure]}"
        return Wording(
            evidence,
            f"“{label}” classifies {level} {words}{requirement}",
            f"“{label}” classifies {level} {words}, {range_}{requirement}",
        )
    title = MEASURES[measure].title
    unsure = f"{title} of “{label}”: {level}, {range_}{requirement}"
    return Wording(evidence, f"{title} of “{label}”: {level}{requirement}", unsure)


def of_published(measure: str, label: str, printed: float, within: float, estimate: MeansDifference) -> Wording:
    """Describe a cell's mean relative to the published number; ``estimate`` is their difference."""
    size = MEASURES[measure].difference(estimate.difference, *estimate.interval)
    evidence = f"{label}: {size}, published {printed:,}"
    level, published = _level(measure, printed + estimate.difference), _level(measure, printed)
    allowed = f" ({_level(measure, within)} more or less count as the same)" if within else ""
    if measure in _WHICH:
        words = f"“{label}” classifies {level} of {_IMAGES:,} images correctly{_WHICH[measure]}"
    else:
        words = f"{MEASURES[measure].title} of “{label}”: {level}"
    low, high = (_level(measure, printed + end) for end in estimate.interval)
    rest = f"; published: {published}{allowed}"
    return Wording(evidence, words + rest, f"{words}, and in the mean of many trainings {low} to {high}{rest}")


def of_published_rate(measure: str, label: str, printed: float, within: float, estimate: MeansDifference) -> Wording:
    """Like `of_published`, for values compared by their ratio; ``estimate`` is the difference of their logarithms."""
    show = MEASURES[measure].format
    mean = show(printed * 10**estimate.difference)
    allowed = f" (up to {within:g} times count as the same)"
    words = f"{MEASURES[measure].title} of “{label}”: {mean}; published: {show(printed)}{allowed}"
    return Wording(f"{label}: {mean}, published {show(printed)}", words, words)


def of_deviation(deviation: float, low: float, high: float, bound: float) -> Wording:
    """Describe the standard deviation over the repeats relative to a bound."""
    words = f"the repeats lie {deviation:.4f} around their mean (standard deviation)"
    unsure = f"{words}, between {low:.4f} and {high:.4f} with more of them"
    requirement = f"; at most {bound:g} is asked for"
    return Wording(f"{deviation:.4f} ({low:.4f} to {high:.4f})", words + requirement, unsure + requirement)


def _level(measure: str, value: float) -> str:
    """Format a value; a share as the number of images."""
    return f"{round(_IMAGES * value):,}" if measure in _WHICH else MEASURES[measure].format(value)


def _amounts(measure: str, estimate: MeansDifference) -> tuple[str, str]:
    """Format a difference and the range of its interval: "25 fewer", "from 48 fewer to 1 more"."""
    less, more = ("fewer", "more") if measure in _WHICH else ("lower", "higher")

    def amount(value: float, *, word: bool = True) -> str:
        return _level(measure, abs(value)) + (f" {more if value >= 0 else less}" if word else "")

    low, high = estimate.interval
    if low < 0.0 <= high:
        return amount(estimate.difference), f"from {amount(low)} to {amount(high)}"
    nearer, farther = sorted((low, high), key=abs)
    return amount(estimate.difference), f"{amount(nearer, word=False)} to {amount(farther)}"
