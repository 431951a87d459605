"""Effects in multi-factor designs, and the gain of a change per training time.

An effect is the difference of the means of two groups of cells; an interaction is a difference of two effects. Each is
a weighted sum of means of independent cells, so its error is Welch's for more than two samples
(`digitlab.evaluation.seeds.combined`; Montgomery, Design and Analysis of Experiments, 2017, chapter 5, for the design).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.studies.comparing import TOO_FEW, Comparison, beyond, sign_of, title_of
from digitlab.studies.conclusions import Conclusion
from digitlab.studies.wording import Wording, of_effect

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from digitlab.evaluation.seeds import MeansDifference
    from digitlab.studies.cells import Measured

__all__ = ["Effect", "gain_per_second", "main_effect", "outweighs", "pays_more", "size_of"]


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a change: the mean of the cells ``to`` minus that of the cells ``frm``."""

    frm: tuple[Hashable, ...]
    to: tuple[Hashable, ...]

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """The keys of all its cells, each once."""
        return tuple(dict.fromkeys((*self.frm, *self.to)))

    def weights(self, scale: float = 1.0) -> dict[Hashable, float]:
        """The weight of each cell's mean in the effect, times ``scale``."""
        result = dict.fromkeys(self.keys, 0.0)
        for group, sign in ((self.to, scale), (self.frm, -scale)):
            for key in group:
                result[key] += sign / len(group)
        return result


def main_effect(measure: str, effect: Effect, *, by: float = 0.0, alike: float | None = None, text: str) -> Conclusion:
    """State that the change improves this measure on average, by more than ``by``.

    alike: the largest effect that counts as no difference; None: the study's own
    """

    def compare(measured: Measured) -> list[Comparison]:
        return [_weighted(measured, measure, effect.weights(), by, alike)]

    return Conclusion(text, effect.keys, compare)


def outweighs(measure: str, effect: Effect, other: Effect, *, by: float = 0.0, text: str) -> Conclusion:
    """State that ``effect`` improves this measure more than ``other`` does, by more than ``by``.

    This is an interaction if both are the same change under different conditions.
    """

    def compare(measured: Measured) -> list[Comparison]:
        weights = effect.weights()
        for key, weight in other.weights(-1.0).items():
            weights[key] = weights.get(key, 0.0) + weight
        return [_weighted(measured, measure, weights, by, None)]

    return Conclusion(text, tuple(dict.fromkeys((*effect.keys, *other.keys))), compare)


def size_of(measured: Measured, measure: str, effect: Effect) -> MeansDifference | None:
    """Estimate an effect, with its 95 % interval; None with too few repeats."""
    return _sum_of(measured, measure, effect.weights())


def _sum_of(measured: Measured, measure: str, weights: Mapping[Hashable, float]) -> MeansDifference | None:
    from digitlab.evaluation.seeds import combined

    samples = [
        [weight * value for value in measured.values(key, measure).values()]
        for key, weight in weights.items()
        if weight
    ]
    return combined(samples) if samples and min(map(len, samples)) >= 2 else None


def _weighted(
    measured: Measured, measure: str, weights: Mapping[Hashable, float], by: float, alike: float | None
) -> Comparison:
    used = tuple(key for key, weight in weights.items() if weight)
    estimate = _sum_of(measured, measure, weights)
    if estimate is None:
        return replace(TOO_FEW, keys=used)
    wording = of_effect(measure, estimate)
    count = min(len(measured.values(key, measure)) for key in used)
    alike = measured.judging.alike.get(measure) if alike is None else alike
    return beyond(estimate, sign_of(measure), by, wording, used, count, measured.judging, alike)


# The gain of a change per training time


def pays_more(measure: str, key: Hashable, *, than: Hashable, without: Hashable, text: str) -> Conclusion:
    """State that ``key`` improves this measure more per second of training than ``than`` does.

    without: the baseline cell of both; the time is that of a whole training, in processor seconds
    """
    title_of(measure)

    def compare(measured: Measured) -> list[Comparison]:
        cells = (key, than, without)
        estimate = _difference_of_rates(measured, measure, *cells)
        if estimate is None:
            return [replace(TOO_FEW, keys=cells)]
        rates = [gain_per_second(measured, measure, each, without) for each in (key, than)]
        shown = [per_minute(rate) for rate in rates if rate is not None]
        evidence = f"{measured.label(key)}: {shown[0]}; {measured.label(than)}: {shown[1]}"
        count = min(len(measured.values(each, name)) for each in cells for name in (measure, "epoch_seconds"))
        wording = Wording(evidence, evidence, evidence)
        return [beyond(estimate, sign_of(measure), 0.0, wording, cells, count, measured.judging, None)]

    return Conclusion(text, (key, than, without), compare)


def per_minute(rate: MeansDifference) -> str:
    """Format a gain of accuracy per second as points per minute."""
    middle, low, high = (
        f"{6000 * each:+.2f}".replace("-", "−") for each in (rate.difference, rate.interval.low, rate.interval.high)
    )
    return f"{middle} points per minute ({low} to {high})"


def gain_per_second(measured: Measured, measure: str, key: Hashable, without: Hashable) -> MeansDifference | None:
    """The gain of ``key`` over ``without``, divided by the processor seconds of its whole training.

    The ratio's error is that of its linear approximation (delta method), which keeps gain and time of a repeat paired;
    the time varies by a few per cent only, so this is accurate enough. None with too few repeats.
    """
    from digitlab.evaluation.seeds import combined

    samples = _rate_samples(measured, measure, key, without)
    return None if samples is None else combined(list(samples.values()))


def _difference_of_rates(
    measured: Measured, measure: str, key: Hashable, than: Hashable, without: Hashable
) -> MeansDifference | None:
    from digitlab.evaluation.seeds import combined

    one, other = (_rate_samples(measured, measure, each, without) for each in (key, than))
    if one is None or other is None:
        return None
    shared = [first - second for first, second in zip(one[without], other[without], strict=True)]
    return combined([one[key], [-value for value in other[than]], shared])


def _rate_samples(
    measured: Measured, measure: str, key: Hashable, without: Hashable
) -> dict[Hashable, list[float]] | None:
    """By cell, samples whose means add up to the gain per second, and that have the same variance as it."""
    base = list(measured.values(without, measure).values())
    seconds, gained = whole_seconds(measured, key), measured.values(key, measure)
    common = sorted(seconds.keys() & gained.keys())
    if len(base) < 2 or len(common) < 2:
        return None
    time = statistics.fmean(seconds[repeat] for repeat in common)
    gain = statistics.fmean(gained[repeat] for repeat in common) - statistics.fmean(base)
    linearised = [gained[repeat] / time - gain / time**2 * (seconds[repeat] - time) for repeat in common]
    return {key: linearised, without: [-value / time for value in base]}


def whole_seconds(measured: Measured, key: Hashable) -> dict[int, float]:
    """Processor seconds of a whole training, by repeat."""
    epochs = measured.values(key, "epochs")
    return {
        repeat: each * epochs[repeat]
        for repeat, each in measured.values(key, "epoch_seconds").items()
        if repeat in epochs
    }
