"""Conclusions of a study as statements that measurements can refute: "holds", "does not hold", or "not shown".

A difference is judged by its 95 % confidence interval over seeds (Welch's, `digitlab.evaluation.seeds`): a statement
holds when the whole interval agrees with it, does not hold when the whole interval contradicts it, and is not shown
otherwise. One seed alone shows nothing.
"""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from digitlab.errors import UsageError
from digitlab.studies.measures import MEASURES, expect_measures

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from digitlab.studies.cells import Measured

__all__ = [
    "Conclusion", "Finding", "above", "at_least", "best", "factor", "improves", "in_published_order", "reproduces",
    "same", "steady",
]  # fmt: skip

Verdict = Literal["holds", "does not hold", "not shown"]


class Finding(NamedTuple):
    """A verdict and the numbers behind it."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One statement: ``text`` in words, and ``keys``, the cells that it refers to."""

    text: str
    keys: tuple[Hashable, ...]
    check: Callable[[Measured], Finding]

    def said_of(self, measured: Measured) -> str:
        """The statement with the cells' labels in place of {0}, {1} and so on."""
        said = self.text
        for place, key in enumerate(self.keys):
            said = said.replace(f"{{{place}}}", measured.label(key))
        return said


def improves(measure: str, *, frm: Hashable, to: Hashable, by: float = 0.0, text: str = "") -> Conclusion:
    """``to`` is better than ``frm`` in this measure, by more than ``by``."""
    more = f" by more than {by:g}" if by else ""
    said = text or f"{_title(measure)}: {{{1}}} is better than {{{0}}}{more}"
    return _stated(said, (frm, to), lambda measured: _better(measured, measure, to, frm, by))


def at_least(measure: str, *, better: Hashable, than: Hashable, margin: float, text: str = "") -> Conclusion:
    """``better`` is not worse than ``than`` by more than ``margin``."""
    said = text or f"{_title(measure)}: {{{0}}} is at least as good as {{{1}}}{_within(margin)}"
    return _stated(said, (better, than), lambda measured: _better(measured, measure, better, than, -margin))


def best(measure: str, key: Hashable, *, margin: float, text: str = "") -> Conclusion:
    """No cell is better than this one by more than ``margin``."""
    said = text or f"{_title(measure)}: {{{0}}} is the best{_within(margin)}"

    def check(measured: Measured) -> Finding:
        others = [cell.key for cell in measured.cells if cell.key != key]
        return _all([_better(measured, measure, key, other, -margin) for other in others])

    return _stated(said, (key,), check)


def same(measure: str, *, within: float, keys: Sequence[Hashable] = (), text: str = "") -> Conclusion:
    """No two of these cells (of all, if none are named) differ by more than ``within``."""
    said = text or f"{_title(measure)}: the same for all, within {within:g}"

    def check(measured: Measured) -> Finding:
        pairs = itertools.combinations(keys or [cell.key for cell in measured.cells], 2)
        return _all([_as_good(measured, measure, *pair, within) for pair in pairs])

    return _stated(said, tuple(keys), check)


def above(measure: str, key: Hashable, bound: float, *, text: str = "") -> Conclusion:
    """The mean of this measure is at least ``bound`` (or at most, where less is better)."""
    less = MEASURES[measure].better == "less"
    said = text or f"{_title(measure)} of {{{0}}}: at {'most' if less else 'least'} {bound:g}"

    def check(measured: Measured) -> Finding:
        interval = _mean_interval(measured, key, measure)
        if interval is None:
            return _TOO_FEW
        low, high = sorted(_sign(measure) * (end - bound) for end in interval[1:])
        return Finding(_verdict(low, high), f"{measured.label(key)}: {_spoken(measure, interval)}")

    return _stated(said, (key,), check)


def reproduces(
    measure: str, *, within: float, keys: Sequence[Hashable] = (), ratio: bool = False, text: str = ""
) -> Conclusion:
    """The mean of each of these cells (of all with a published number) is the published one, within ``within``.

    ratio: within a factor instead; the mean is then that of the logarithms
    """
    named = f" ({', '.join(f'{{{place}}}' for place in range(len(keys)))})" if keys else ""
    limit = f"within a factor of {within:g}" if ratio else f"within {within:g}" if within else "exactly"
    said = text or f"{_title(measure)} as published, {limit}{named}"

    def check(measured: Measured) -> Finding:
        asked = keys or [key for key, printed in measured.published.items() if measure in printed.numbers]
        return _all([(_near_ratio if ratio else _near)(measured, measure, key, within) for key in asked])

    return _stated(said, tuple(keys), check)


def in_published_order(measure: str, *, ties: float, text: str = "") -> Conclusion:
    """Cells whose published numbers differ by more than ``ties`` stand in that order."""
    said = text or f"{_title(measure)}: cells that are published more than {ties:g} apart stand in the published order"

    def check(measured: Measured) -> Finding:
        printed = {key: each.numbers[measure] for key, each in measured.published.items() if measure in each.numbers}
        pairs = [
            (one, other) if _sign(measure) * (printed[one] - printed[other]) > 0 else (other, one)
            for one, other in itertools.combinations(printed, 2)
            if abs(printed[one] - printed[other]) > ties
        ]
        return _all([_better(measured, measure, *pair, 0.0) for pair in pairs])

    return _stated(said, (), check)


def factor(
    measure: str, name: str, *, better: Hashable, than: Hashable, margin: float = 0.0, text: str = ""
) -> Conclusion:
    """In a study of all combinations: ``better`` beats ``than``, everything else alike, in the mean of all such pairs.

    margin: ``better`` may be worse by this much
    """
    said = text or f"{_title(measure)}, everything else alike: {name} {better} is better than {than}{_within(margin)}"

    def check(measured: Measured) -> Finding:
        from digitlab.evaluation.seeds import over_seeds

        differences = _alike(measured, measure, name, better, than)
        if len(differences) < 2:
            return Finding("not shown", f"{len(differences)} pairs measured")
        spread = over_seeds(differences)
        low, high = spread.interval or (spread.mean, spread.mean)
        ends = sorted(_sign(measure) * end for end in (low, high))
        shown = MEASURES[measure].difference(spread.mean, low, high)
        return Finding(_verdict(ends[0] + margin, ends[1] + margin), f"{shown} in {len(differences)} pairs")

    return _stated(said, (), check)


def steady(measure: str, key: Hashable, within: float, *, text: str = "") -> Conclusion:
    """The standard deviation over the repeats is at most ``within``, by its 95 % interval (chi square)."""
    said = text or f"{_title(measure)} of {{0}}: standard deviation at most {within:g}"

    def check(measured: Measured) -> Finding:
        from scipy.stats import chi2

        values = list(measured.values(key, measure).values())
        if len(values) < 2:
            return _TOO_FEW
        deviation, freedom = statistics.stdev(values), len(values) - 1
        low, high = (deviation * math.sqrt(freedom / chi2.ppf(share, freedom)) for share in (0.975, 0.025))
        return Finding(_verdict(within - high, within - low), f"{deviation:.4f} ({low:.4f} to {high:.4f})")

    return _stated(said, (key,), check)


def _stated(text: str, keys: tuple[Hashable, ...], check: Callable[[Measured], Finding]) -> Conclusion:
    return Conclusion(text, keys, check)


def _title(measure: str) -> str:
    expect_measures([measure])
    return MEASURES[measure].title


def _sign(measure: str) -> int:
    """1 where higher is better, -1 where lower is."""
    better = MEASURES[measure].better
    if better == "neither":
        raise UsageError(f"of {MEASURES[measure].title} neither more nor less is better; compare another measure")
    return 1 if better == "more" else -1


def _verdict(low: float, high: float) -> Verdict:
    """The verdict on the statement that the number with this interval is above 0."""
    return "holds" if low > 0 else "does not hold" if high < 0 else "not shown"


def _better(measured: Measured, measure: str, key: Hashable, than: Hashable, by: float) -> Finding:
    """Whether ``key`` is better than ``than`` by more than ``by``."""
    found = _difference(measured, measure, key, than)
    if found is None:
        return _TOO_FEW
    _, low, high = found
    ends = sorted(_sign(measure) * end for end in (low, high))
    return Finding(_verdict(ends[0] - by, ends[1] - by), _against(measured, measure, key, than, found))


def _within(margin: float) -> str:
    return f", within {margin:g}" if margin else ""


def _as_good(measured: Measured, measure: str, one: Hashable, other: Hashable, within: float) -> Finding:
    found = _difference(measured, measure, one, other)
    if found is None:
        return _TOO_FEW
    return Finding(_inside(*found[1:], within), _against(measured, measure, one, other, found))


def _near(measured: Measured, measure: str, key: Hashable, within: float) -> Finding:
    interval = _mean_interval(measured, key, measure)
    if interval is None or key not in measured.published:
        return _TOO_FEW
    printed = measured.published[key].numbers[measure]
    mean, low, high = interval
    shown = MEASURES[measure].difference(mean - printed, low - printed, high - printed)
    return Finding(
        _inside(low - printed, high - printed, within), f"{measured.label(key)}: {shown}, published {printed:,}"
    )


def _near_ratio(measured: Measured, measure: str, key: Hashable, within: float) -> Finding:
    from digitlab.evaluation.seeds import over_seeds

    values = [math.log10(value) for value in measured.values(key, measure).values() if value > 0]
    if len(values) < 2 or key not in measured.published:
        return _TOO_FEW
    printed = measured.published[key].numbers[measure]
    spread = over_seeds(values)
    low, high = (end - math.log10(printed) for end in spread.interval or (spread.mean, spread.mean))
    show = MEASURES[measure].format
    evidence = f"{measured.label(key)}: {show(10**spread.mean)}, published {show(printed)}"
    return Finding(_inside(low, high, math.log10(within)), evidence)


def _inside(low: float, high: float, within: float) -> Verdict:
    if -within <= low and high <= within:
        return "holds"
    return "does not hold" if low > within or high < -within else "not shown"


def _difference(measured: Measured, measure: str, one: Hashable, other: Hashable) -> tuple[float, float, float] | None:
    from digitlab.evaluation.seeds import differ

    sides = [list(measured.values(key, measure).values()) for key in (one, other)]
    if measured.exact and all(sides):
        return (sides[0][0] - sides[1][0],) * 3
    if min(map(len, sides)) < 2:
        return None
    found = differ(*sides)
    return found.difference, found.interval.low, found.interval.high


def _mean_interval(measured: Measured, key: Hashable, measure: str) -> tuple[float, float, float] | None:
    from digitlab.evaluation.seeds import over_seeds

    values = list(measured.values(key, measure).values())
    if measured.exact and values:
        return (values[0],) * 3
    if len(values) < 2:
        return None
    # All measures of which more is better are shares.
    spread = over_seeds(values, shares=MEASURES[measure].better == "more")
    return (spread.mean, *(spread.interval or (spread.mean, spread.mean)))


def _alike(measured: Measured, measure: str, name: str, better: Hashable, than: Hashable) -> list[float]:
    """Differences between cells that differ only in ``name``, for every pair and repeat."""
    rest: dict[tuple[tuple[str, Hashable], ...], dict[Hashable, Hashable]] = {}
    for cell in measured.cells:
        others = tuple((each, value) for each, value in cell.changes.items() if each != name)
        rest.setdefault(others, {})[cell.changes[name]] = cell.key
    found = []
    for keys in rest.values():
        if not {better, than} <= keys.keys():
            continue  # a quick run leaves cells out
        one, other = (measured.values(keys[value], measure) for value in (better, than))
        found += [one[repeat] - other[repeat] for repeat in one.keys() & other.keys()]
    return found


_TOO_FEW = Finding("not shown", "fewer than two repeats have a number")


def _spoken(measure: str, interval: tuple[float, float, float]) -> str:
    mean, low, high = map(MEASURES[measure].format, interval)
    return f"{mean} ({low} to {high})"


def _against(
    measured: Measured, measure: str, one: Hashable, other: Hashable, found: tuple[float, float, float]
) -> str:
    return f"{measured.label(one)} against {measured.label(other)}: {MEASURES[measure].difference(*found)}"


def _all(findings: Sequence[Finding]) -> Finding:
    """All of them as one finding: it holds if each does, and the evidence is of those that do not, if there are any."""
    if not findings:
        return Finding("not shown", "there is nothing to compare")
    for verdict in ("does not hold", "not shown"):
        against = [finding.evidence for finding in findings if finding.verdict == verdict]
        if against:
            held = sum(finding.verdict == "holds" for finding in findings)
            so_far = f" ({held} of {len(findings)} comparisons hold)" if len(findings) > 1 else ""
            return Finding(verdict, _joined(against) + so_far)
    return Finding("holds", _joined([finding.evidence for finding in findings]))


def _joined(evidence: Sequence[str]) -> str:
    different = list(dict.fromkeys(evidence))
    return "; ".join(different[:3]) + ("; …" if len(different) > 3 else "")
