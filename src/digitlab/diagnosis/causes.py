"""Search for the smallest set of differences that must be corrected for the right answer."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    # Returns probabilities (N, 10), a row for each of N sets of differences to be corrected.
    ProbabilitiesOf = Callable[[Sequence[Collection[str]]], NDArray[np.float32]]

__all__ = ["smallest_set", "weightiest"]

_LIKELY = 0.5  # probability of the right answer when its set is corrected
_SURELY = 0.8  # the same if one difference is left as it is, because correcting it does harm
_MOST = 8  # maximum number of differences whose subsets, 256, are all tried; of more, only the weightiest


def smallest_set(names: Sequence[str], target: int, probabilities_of: ProbabilitiesOf) -> tuple[str, ...] | None:
    """Find the differences that explain the error: with them corrected, the answer is ``target``, whatever else is.

    A network is sometimes right by chance about something that it has never seen; a corrected difference is an
    explanation only if the answer stays right when the others are corrected, too. Among sets of equal size, the one
    that makes the target most likely is chosen.

    Returns:
        The set, empty if nothing has to be corrected; None if the answer is wrong with all corrected, and with all but
        one.
    """
    if len(names) > _MOST:
        without = probabilities_of([[each for each in names if each != name] for name in names])[:, target]
        order = sorted(range(len(names)), key=lambda index: (float(without[index]), index))[:_MOST]
        names = [name for index, name in enumerate(names) if index in order]
    sets = [frozenset(each) for size in range(len(names) + 1) for each in itertools.combinations(names, size)]
    shares = probabilities_of(sets)
    likely = {each: float(row[target]) for each, row in zip(sets, shares, strict=True) if row.argmax() == target}
    most = sets[-1]
    if most not in likely:  # correcting one of them may do harm: thickening hairlines thickens noise as well
        fewer = [each for each in likely if len(each) == len(names) - 1 and likely[each] >= _SURELY]
        if not fewer:
            return None
        most = max(fewer, key=lambda each: likely[each])
    enough = min(_LIKELY, 0.9 * likely[most])
    steady = [
        (len(each), -share, each)
        for each, share in likely.items()
        if each <= most and share >= enough and all(larger in likely for larger in sets if each <= larger <= most)
    ]
    best = min(steady, key=lambda each: each[:2])[2] if steady else most
    return tuple(name for name in names if name in best)


def weightiest(
    names: Sequence[str], among: Sequence[str], target: int, probabilities_of: ProbabilitiesOf
) -> str | None:
    """Return the one of ``among`` whose omission makes ``target`` least likely; of equals, the best one alone.

    names: all differences; the others are corrected
    """
    if not among:
        return None
    without = probabilities_of([[each for each in names if each != name] for name in among])[:, target]
    alone = probabilities_of([[name] for name in among])[:, target]
    return min(zip(among, without, alone, strict=True), key=lambda each: (round(float(each[1]), 3), -float(each[2])))[0]
