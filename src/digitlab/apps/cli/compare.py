"""`digitlab compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.jobs import comparison as jobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.evaluation.comparison import Placed
    from digitlab.jobs.comparison import Comparison

__all__ = ["compare"]

_ALL_PAIRS = 6  # those of four runs; of more, only pairs with the best or of neighbours in the ranking are put in words


@options_of(jobs.compare)
def compare(*runs: str, json: bool = False, **options: Any) -> int:
    """Compare two or more runs on the same test images: which is better, and is the difference significant?

    Runs that differ in the seed alone are taken together, as one recipe, and recipes are compared by the means over
    their seeds (Welch's t test). Single runs are compared image by image (McNemar's exact test). Where many are
    compared, the p-values are corrected for multiple comparisons (Holm).

    For example:
    digitlab compare runs/2026-…-thesis-2conv runs/2026-…-thesis-4conv
    digitlab compare runs/*-fast runs/*-slides-cnn
    digitlab compare runs/2026-…-0-1 runs/2026-…-sobel --out differences
    digitlab compare runs/*/evaluations/mnist-c-fog --json

    Args:
        json: Everything as one JSON object.
    """
    from digitlab.evaluation.answers import printable

    with JobView() as view:
        comparison = jobs.compare(*runs, **options, listener=view)
    if json:
        say_json(comparison.as_dict())
        return 0
    _show(comparison)
    for path in comparison.pictures:
        say(printable(path))
    return 0


def _show(comparison: Comparison) -> None:
    from digitlab.evaluation.comparison import in_words

    ranking = comparison.ranking
    say(comparison.images)
    say()
    say(_table_of(ranking.placed, comparison.doubts))
    say()
    best, names = ranking.placed[0].name, [placed.name for placed in ranking.placed]
    for difference in ranking.differences:
        adjacent = names.index(difference.second) - names.index(difference.first) == 1
        if len(ranking.differences) > _ALL_PAIRS and not adjacent and difference.first != best:
            continue
        say(in_words(difference))
        if (pair := difference.paired) is not None and len(pair.differing):
            low, high = difference.loss_interval
            say(
                f"  correct: both {pair.both:,}, only the first {pair.only_first:,}, only the second "
                f"{pair.only_second:,}, neither {pair.neither:,}; log loss {_signed(difference.loss)}, 95 % CI "
                f"{_signed(low)} to {_signed(high)}"
            )
    if (spread := comparison.one_recipe) is not None:
        low, high = spread.interval or (0.0, 0.0)
        interval = f", 95 % CI of the mean {100 * low:.2f} to {100 * high:.2f}" if spread.spreads else ""
        say(
            f"{len(spread.values)} seeds of one recipe: accuracy {100 * spread.mean:.2f} %, standard deviation "
            f"{100 * (spread.deviation or 0):.2f}{interval}"
        )
    elif all(len(group) == 1 for group in comparison.members.values()):
        advise("This holds for these trained networks. To compare their recipes, give runs with several seeds of each.")


def _table_of(placed: Sequence[Placed], doubts: Mapping[str, Mapping[str, float]]) -> str:
    several = any(len(entry.accuracy.values) > 1 for entry in placed)
    doubtful = bool(doubts[placed[0].name])
    header = ["", "rank", *(["seeds"] if several else []), "accuracy %", *(["std. dev."] if several else [])]
    header += ["95 % CI", "log loss", *(["corrected %", "without doubtful %"] if doubtful else [])]
    rows = []
    for entry in placed:
        low, high = entry.accuracy_interval
        best, worst = entry.places
        deviation = "" if entry.accuracy.deviation is None else f"{100 * entry.accuracy.deviation:.2f}"
        row: list[object] = [entry.name, str(best) if best == worst else f"{best}–{worst}"]
        row += [len(entry.accuracy.values)] if several else []
        row += [f"{100 * entry.accuracy.mean:.2f}", *([deviation] if several else [])]
        row += [f"{100 * low:.2f} to {100 * high:.2f}", f"{entry.loss.mean:.4f}"]
        if doubtful:
            row += [f"{100 * doubts[entry.name][f'accuracy_{kind}']:.2f}" for kind in ("corrected", "without")]
        rows.append(row)
    return table(header, rows)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
