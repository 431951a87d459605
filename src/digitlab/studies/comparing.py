"""Comparisons: test a statement about one or two cells on their repeats, with one-sided p-values.

A statement is tested after the study's own number of seeds and after each additional seed, at the significance level
from `digitlab.studies.sequential`. All cells are evaluated on the same images, as in the sources: a difference is one
between recipes on these images, and nothing is claimed about other test images (Bouthillier et al., Accounting for
Variance in Machine Learning Benchmarks, 2021, discuss both).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from digitlab.errors import UsageError, counted
from digitlab.studies.measures import MEASURES, expect_measures
from digitlab.studies.sequential import level, needed
from digitlab.studies.wording import of_deviation, of_difference, of_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from digitlab.evaluation.seeds import MeansDifference
    from digitlab.studies.cells import Measured
    from digitlab.studies.sequential import Judging
    from digitlab.studies.wording import Wording

__all__ = [
    "TOO_FEW",
    "Comparison",
    "Finding",
    "Verdict",
    "beyond",
    "deviation_against",
    "difference",
    "mean_against",
    "of_pairs",
    "sign_of",
    "title_of",
    "together",
]

Verdict = Literal["holds", "does not hold", "the same", "not shown"]


class Finding(NamedTuple):
    """A verdict, the numbers behind it (``evidence``), and the decisive number in plain words."""

    verdict: Verdict
    evidence: str
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The test of one statement about one or two cells.

    holds, fails: p-values of the statement's negation, and of the statement itself
    alike: p-value of "they differ by a relevant amount"; 1 where there is no equivalence margin
    plain, unsure: the result in plain words, for where it is decided and for where it is not
    level: the significance level for these p-values
    evidence: the numbers as text
    keys: of the cells compared; repeats: the smallest number that one of them has
    needed: repeats that will probably decide it, possibly more than the study allows; infinite where none will
    """

    holds: float
    fails: float
    level: float
    evidence: str
    keys: tuple[Hashable, ...] = ()
    repeats: int = 0
    needed: float = math.inf
    alike: float = 1.0
    plain: str = ""
    unsure: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict of this comparison alone."""
        return together([self]).verdict


# With two repeats, the number needed can be estimated.
TOO_FEW = Comparison(
    1.0, 1.0, 0.0, "fewer than two repeats have a number", needed=2.0, unsure="it was not measured often enough"
)


def together(comparisons: Sequence[Comparison]) -> Finding:
    """Combine comparisons into one statement: it holds if all of them hold, and does not hold if one of them does not.

    Any one of them can refute it, so the level of "does not hold" is divided by their number (Bonferroni). The evidence
    is that of the comparisons that do not hold, if there are any.
    """
    if not comparisons:
        return Finding("not shown", "there is nothing to compare")
    count = len(comparisons)
    holding = [each for each in comparisons if each.holds <= each.level]
    failed = [each for each in comparisons if each.fails * count <= each.level]
    same = [each for each in comparisons if each.holds > each.level and each.alike <= each.level]
    undecided = [each for each in comparisons if each not in holding and each not in same]
    summary = f" ({len(holding)} of {count} comparisons hold)" if count > 1 else ""
    if failed:
        return Finding("does not hold", _joined(failed) + summary, min(failed, key=lambda each: each.fails).plain)
    if len(holding) == count:
        closest = max(holding, key=lambda each: each.holds)
        return Finding("holds", _joined(comparisons), closest.plain + _of_all(count))
    if not undecided:
        return Finding("the same", _joined(same) + summary, same[0].plain)
    closest = max(undecided, key=lambda each: each.holds)
    return Finding("not shown", _joined(undecided) + summary, closest.unsure + _of_all(len(undecided), "open "))


def _of_all(count: int, which: str = "") -> str:
    return f"; of {count} {which}comparisons this is the closest" if count > 1 else ""


def _joined(comparisons: Sequence[Comparison]) -> str:
    different = list(dict.fromkeys(each.evidence for each in comparisons))
    return "; ".join(different[:3]) + ("; …" if len(different) > 3 else "")


def difference(
    measured: Measured,
    measure: str,
    one: Hashable,
    other: Hashable,
    *,
    by: float = 0.0,
    within: float | None = None,
    alike: float | None = None,
) -> Comparison:
    """Test whether ``one`` is better than ``other`` by more than ``by``; or whether they differ by at most ``within``.

    alike: the largest difference that counts as the same; None: the study's own
    """
    from digitlab.evaluation.intervals import Interval
    from digitlab.evaluation.seeds import MeansDifference, differ, differ_in_pairs

    sides = [measured.values(key, measure) for key in (one, other)]
    judging = measured.judging
    values = [list(side.values()) for side in sides]
    if measured.exact and all(values):
        gap = values[0][0] - values[1][0]
        estimate = MeansDifference(gap, Interval(gap, gap), float(gap == 0.0))
    elif judging.paired:
        common = sorted(sides[0].keys() & sides[1].keys())
        if len(common) < 2:
            return replace(TOO_FEW, keys=(one, other))
        estimate = differ_in_pairs(*([side[repeat] for repeat in common] for side in sides))
        values = [[float(repeat) for repeat in common]] * 2  # only their number is used below
    else:
        if min(map(len, values)) < 2:
            return replace(TOO_FEW, keys=(one, other))
        estimate = differ(*values)
    wording = of_difference(measure, measured.label(one), measured.label(other), estimate)
    count = min(map(len, values))
    if within is not None:
        return _within(estimate, within, wording, (one, other), count, judging)
    sign = sign_of(measure)
    alike = judging.alike.get(measure) if alike is None else alike
    return beyond(estimate, sign, by, wording, (one, other), count, judging, alike)


def mean_against(
    measured: Measured,
    measure: str,
    key: Hashable,
    bound: float,
    *,
    within: float | None = None,
    scale: Callable[[float], float] = lambda value: value,
    describe: Callable[[MeansDifference], Wording],
) -> Comparison:
    """Test whether the mean of a cell is better than ``bound``; or whether it is at most ``within`` away from it.

    scale: transforms the values and the bound, e.g. to logarithms; values that become NaN are left out
    describe: puts the difference from the bound into words
    """
    from digitlab.evaluation.intervals import Interval
    from digitlab.evaluation.seeds import MeansDifference, differ_in_pairs

    values = [each for each in map(scale, measured.values(key, measure).values()) if math.isfinite(each)]
    if measured.exact and values:
        gap = values[0] - scale(bound)
        estimate = MeansDifference(gap, Interval(gap, gap), float(gap == 0.0))
    elif len(values) < 2:
        return replace(TOO_FEW, keys=(key,))
    else:
        estimate = differ_in_pairs(values, [scale(bound)] * len(values))
    if within is not None:
        return _within(estimate, within, describe(estimate), (key,), len(values), measured.judging)
    return beyond(estimate, sign_of(measure), 0.0, describe(estimate), (key,), len(values), measured.judging, None)


def beyond(
    estimate: MeansDifference,
    sign: int,
    by: float,
    wording: Wording,
    keys: tuple[Hashable, ...],
    count: int,
    judging: Judging,
    alike: float | None,
) -> Comparison:
    """Test whether the difference, times ``sign``, is above ``by``.

    alike: the largest difference that counts as none; None: equivalence is not tested
    """
    holds, fails = estimate.above(by), estimate.below(by)
    if sign < 0:
        holds, fails = estimate.below(-by), estimate.above(-by)
    distances = [abs(sign * estimate.difference - by)]
    same = 1.0
    if alike is not None and by == 0.0:
        same = max(estimate.above(-alike), estimate.below(alike))
        distances.append(alike - abs(estimate.difference))
    return _comparison(estimate, wording, keys, count, judging, distances, holds=holds, fails=fails, alike=same)


def _within(
    estimate: MeansDifference, within: float, wording: Wording, keys: tuple[Hashable, ...], count: int, judging: Judging
) -> Comparison:
    """Test whether the difference lies between -within and within, by two one-sided tests (Schuirmann 1987)."""
    holds = max(estimate.above(-within), estimate.below(within))
    fails = min(estimate.above(within), estimate.below(-within))
    if estimate.error == 0.0:  # no variance: a value on the bound counts as within it
        holds, fails = (0.0, 1.0) if abs(estimate.difference) <= within * (1 + 1e-9) else (1.0, 0.0)
    distances = [abs(within - abs(estimate.difference))]
    return _comparison(estimate, wording, keys, count, judging, distances, holds=holds, fails=fails)


def _comparison(
    estimate: MeansDifference,
    wording: Wording,
    keys: tuple[Hashable, ...],
    count: int,
    judging: Judging,
    distances: Sequence[float],
    *,
    holds: float,
    fails: float,
    alike: float = 1.0,
) -> Comparison:
    first, most = judging.first, judging.most
    deviation = estimate.error * math.sqrt(count)
    soonest = min(needed(each, deviation, count, first, most) for each in distances)
    alpha = level(count, first, most)
    return Comparison(holds, fails, alpha, wording.evidence, keys, count, soonest, alike, wording.plain, wording.unsure)


def sign_of(measure: str) -> int:
    """Return 1 where higher is better, -1 where lower is better."""
    better = MEASURES[measure].better
    if better == "neither":
        raise UsageError(f"of {MEASURES[measure].title} neither more nor less is better; compare another measure")
    return 1 if better == "more" else -1


def title_of(measure: str) -> str:
    """The heading of the measure's column in tables."""
    expect_measures([measure])
    return MEASURES[measure].title


def deviation_against(measured: Measured, measure: str, key: Hashable, bound: float) -> Comparison:
    """Test whether the standard deviation over the repeats is below ``bound`` (chi-squared test)."""
    from scipy.stats import chi2

    values = list(measured.values(key, measure).values())
    if len(values) < 2:
        return replace(TOO_FEW, keys=(key,))
    deviation, freedom = statistics.stdev(values), len(values) - 1
    low, high = (deviation * math.sqrt(freedom / chi2.ppf(share, freedom)) for share in (0.975, 0.025))
    square = freedom * (deviation / bound) ** 2
    judging, wording = measured.judging, of_deviation(deviation, low, high, bound)
    return Comparison(
        float(chi2.cdf(square, freedom)),
        float(chi2.sf(square, freedom)),
        level(len(values), judging.first, judging.most),
        wording.evidence,
        (key,),
        len(values),
        _needed_for_deviation(deviation, bound, len(values), judging),
        plain=wording.plain,
        unsure=wording.unsure,
    )


def _needed_for_deviation(deviation: float, bound: float, repeats: int, judging: Judging) -> float:
    """Like `digitlab.studies.sequential.needed`: the log of n values' standard deviation has error 1 / sqrt(2 n)."""
    if deviation == 0.0:
        return float(repeats + 1)
    distance = abs(math.log(deviation / bound))
    return needed(distance, math.sqrt(0.5), repeats, judging.first, judging.most)


def of_pairs(
    measured: Measured, measure: str, name: str, better: Hashable, than: Hashable, margin: float
) -> Comparison:
    """Test whether one value of a setting beats another, averaged over all pairs of cells that differ in it alone.

    Values that are lists count as tuples, as in the keys of cells.

    Raises:
        UsageError: when the setting does not vary.
    """
    from digitlab.evaluation.seeds import differ_in_pairs

    better, than = _hashable(better), _hashable(than)
    rest: dict[tuple[tuple[str, Hashable], ...], dict[Hashable, Hashable]] = {}
    for cell in measured.cells:
        changes = {each: _hashable(value) for each, value in cell.changes.items()}
        if name not in changes:
            raise UsageError(f"{name!r} does not vary; expected one of {', '.join(changes)}")
        value = changes.pop(name)
        rest.setdefault(tuple(changes.items()), {})[value] = cell.key
    differences, keys, counts = [], [], []
    for keys_by_value in rest.values():
        if not {better, than} <= keys_by_value.keys():
            continue  # a quick run leaves cells out
        one, other = (measured.values(keys_by_value[value], measure) for value in (better, than))
        common = sorted(one.keys() & other.keys())
        differences += [one[repeat] - other[repeat] for repeat in common]
        keys += [keys_by_value[better], keys_by_value[than]]
        counts += [len(common)] * bool(common)
    if len(differences) < 2:
        return replace(TOO_FEW, evidence=f"{counted(len(differences), 'pair')} measured", keys=tuple(keys))
    estimate = differ_in_pairs(differences, [0.0] * len(differences))
    wording = of_effect(measure, estimate, pairs=len(differences))
    return beyond(estimate, sign_of(measure), -margin, wording, tuple(keys), min(counts), measured.judging, None)


def _hashable(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value
