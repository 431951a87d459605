"""Conclusions of a study as statements that measurements can refute: "holds", "does not hold", or "not shown".

A statement holds when the repeats refute its negation, and does not hold when they refute the statement itself: at the
level of a 95 % interval for the study's own number of repeats, at stricter levels for repeats that are added until it
is decided (`digitlab.studies.sequential`). Where neither is the case, but two cells are shown to differ by less than is
relevant (`Study.alike`), they are "the same": a separate verdict, by two one-sided tests. One seed alone shows nothing.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.studies.comparing import (
    Comparison,
    Finding,
    deviation_against,
    difference,
    mean_against,
    of_pairs,
    sign_of,
    title_of,
    together,
)
from digitlab.studies.measures import MEASURES
from digitlab.studies.wording import of_bound, of_published, of_published_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from digitlab.evaluation.seeds import MeansDifference
    from digitlab.studies.cells import Measured
    from digitlab.studies.wording import Wording

__all__ = [
    "Conclusion",
    "above",
    "at_least",
    "best",
    "factor",
    "improves",
    "in_published_order",
    "reproduces",
    "same",
    "steady",
]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One statement: its ``text``, the ``keys`` of the cells that it refers to, and the comparisons that test it."""

    text: str
    keys: tuple[Hashable, ...]
    compare: Callable[[Measured], Sequence[Comparison]]

    def check(self, measured: Measured) -> Finding:
        """Return the verdict and the numbers behind it."""
        return together(self.compare(measured))

    def statement(self, measured: Measured) -> str:
        """The statement, with {0}, {1} and so on replaced by the cells' labels."""
        statement = self.text
        for index, key in enumerate(self.keys):
            statement = statement.replace(f"{{{index}}}", measured.label(key))
        return statement


def improves(
    measure: str, *, frm: Hashable, to: Hashable, by: float = 0.0, alike: float | None = None, text: str = ""
) -> Conclusion:
    """State that ``to`` is better than ``frm`` in this measure, by more than ``by``.

    alike: the largest difference that counts as the same, where it is not the study's own
    """
    more = f" by more than {by:g}" if by else ""
    statement = text or f"{title_of(measure)}: {{{1}}} is better than {{{0}}}{more}"

    def compare(measured: Measured) -> list[Comparison]:
        return [difference(measured, measure, to, frm, by=by, alike=alike)]

    return Conclusion(statement, (frm, to), compare)


def at_least(measure: str, *, better: Hashable, than: Hashable, margin: float, text: str = "") -> Conclusion:
    """State that ``better`` is not worse than ``than`` by more than ``margin``."""
    statement = text or f"{title_of(measure)}: {{{0}}} is at least as good as {{{1}}}{_within(margin)}"

    def compare(measured: Measured) -> list[Comparison]:
        return [difference(measured, measure, better, than, by=-margin)]

    return Conclusion(statement, (better, than), compare)


def best(measure: str, key: Hashable, *, margin: float, text: str = "") -> Conclusion:
    """State that no cell is better than this one by more than ``margin``."""
    statement = text or f"{title_of(measure)}: {{{0}}} is the best{_within(margin)}"

    def compare(measured: Measured) -> list[Comparison]:
        others = [cell.key for cell in measured.cells if cell.key != key]
        return [difference(measured, measure, key, other, by=-margin) for other in others]

    return Conclusion(statement, (key,), compare)


def same(measure: str, *, within: float, keys: Sequence[Hashable] = (), text: str = "") -> Conclusion:
    """State that no two of these cells (of all cells, if none are named) differ by more than ``within``."""
    statement = text or f"{title_of(measure)}: the same for all, within {within:g}"

    def compare(measured: Measured) -> list[Comparison]:
        pairs = itertools.combinations(keys or [cell.key for cell in measured.cells], 2)
        return [difference(measured, measure, *pair, within=within) for pair in pairs]

    return Conclusion(statement, tuple(keys), compare)


def above(measure: str, key: Hashable, bound: float, *, text: str = "") -> Conclusion:
    """State that the mean of this measure is at least ``bound`` (or at most, where less is better)."""
    less = MEASURES[measure].better == "less"
    statement = text or f"{title_of(measure)} of {{{0}}}: at {'most' if less else 'least'} {bound:g}"

    def compare(measured: Measured) -> list[Comparison]:
        def describe(estimate: MeansDifference) -> Wording:
            return of_bound(measure, measured.label(key), bound, estimate)

        return [mean_against(measured, measure, key, bound, describe=describe)]

    return Conclusion(statement, (key,), compare)


def reproduces(
    measure: str, *, within: float, keys: Sequence[Hashable] = (), ratio: bool = False, text: str = ""
) -> Conclusion:
    """State that the mean of each of these cells (default: all that are published) is as published, within ``within``.

    ratio: ``within`` is a factor instead of a difference; the mean is then that of the logarithms
    """
    named = f" ({', '.join(f'{{{index}}}' for index in range(len(keys)))})" if keys else ""
    limit = f"within a factor of {within:g}" if ratio else f"within {within:g}" if within else "exactly"
    statement = text or f"{title_of(measure)} as published, {limit}{named}"

    def compare(measured: Measured) -> list[Comparison]:
        published = {key: each.numbers[measure] for key, each in measured.published.items() if measure in each.numbers}
        compare_one = _near_ratio if ratio else _near
        compared = [key for key in keys or published if key in published]
        return [compare_one(measured, measure, key, published[key], within) for key in compared]

    return Conclusion(statement, tuple(keys), compare)


def in_published_order(measure: str, *, ties: float, text: str = "") -> Conclusion:
    """State that cells whose published values differ by more than ``ties`` are in the published order."""
    statement = (
        text or f"{title_of(measure)}: cells that are published more than {ties:g} apart stand in the published order"
    )

    def compare(measured: Measured) -> list[Comparison]:
        published = {key: each.numbers[measure] for key, each in measured.published.items() if measure in each.numbers}
        pairs = [
            (one, other) if sign_of(measure) * (published[one] - published[other]) > 0 else (other, one)
            for one, other in itertools.combinations(published, 2)
            if abs(published[one] - published[other]) > ties
        ]
        return [difference(measured, measure, *pair) for pair in pairs]

    return Conclusion(statement, (), compare)


def factor(
    measure: str, name: str, *, better: Hashable, than: Hashable, margin: float = 0.0, text: str = ""
) -> Conclusion:
    """State that ``better`` beats ``than``, in a study of all combinations, averaged over all otherwise equal pairs.

    margin: how much worse ``better`` may be
    """
    named = name.replace("_", " ")
    statement = (
        text or f"{title_of(measure)}, everything else alike: {named} {better} is better than {than}{_within(margin)}"
    )
    return Conclusion(statement, (), lambda measured: [of_pairs(measured, measure, name, better, than, margin)])


def steady(measure: str, key: Hashable, within: float, *, text: str = "") -> Conclusion:
    """State that the standard deviation over the repeats is at most ``within``, by its 95 % interval (chi-squared)."""
    statement = text or f"{title_of(measure)} of {{0}}: standard deviation at most {within:g}"
    return Conclusion(statement, (key,), lambda measured: [deviation_against(measured, measure, key, within)])


def _within(margin: float) -> str:
    return f", within {margin:g}" if margin else ""


def _near(measured: Measured, measure: str, key: Hashable, published: float, within: float) -> Comparison:
    def describe(estimate: MeansDifference) -> Wording:
        return of_published(measure, measured.label(key), published, within, estimate)

    return mean_against(measured, measure, key, published, within=within, describe=describe)


def _near_ratio(measured: Measured, measure: str, key: Hashable, published: float, within: float) -> Comparison:
    def describe(estimate: MeansDifference) -> Wording:
        return of_published_rate(measure, measured.label(key), published, within, estimate)

    def scale(value: float) -> float:
        return math.log10(value) if value > 0 else math.nan

    return mean_against(measured, measure, key, published, within=math.log10(within), scale=scale, describe=describe)
