"""`digitlab compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation.answers import Answers
    from digitlab.evaluation.comparison import Placed, Ranking, Spread
    from digitlab.values import Digits

    Members = dict[str, list[Answers]]
    Doubts = dict[str, dict[str, float]]
    Block = tuple[str, NDArray[np.uint8], list[str]]

__all__ = ["compare"]

_ALL_PAIRS = 6  # of four; of more, each is compared in words with the best and with the one before it
_MOST_DRAWN = 36  # images of a kind: three rows of twelve
_LONGEST_NAME = 40


def compare(*runs: Path, each: bool = False, out: Path | None = None, json: bool = False) -> int:
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
        runs: Two or more run folders, their evaluations/NAME, or npz files of probabilities and labels.
        each: Compare every run by itself, also those that differ in the seed alone.
        out: A folder for pictures: the images that the best and another classify differently, with both predictions.
        json: Everything as one JSON object.
    """
    from digitlab.errors import UsageError
    from digitlab.evaluation.answers import by_recipe, expect_same_images, group_names, printable, read_answers
    from digitlab.evaluation.comparison import Contestant, rank

    if len(runs) < 2:
        raise UsageError(f"compare: {len(runs)} run given; expected two or more, e.g. digitlab compare runs/A runs/B")
    twice = next((path for at, path in enumerate(runs) if path.resolve() in [one.resolve() for one in runs[:at]]), None)
    if twice is not None:
        raise UsageError(f"compare: {twice} is given twice; expected different runs")
    answers = [read_answers(path) for path in runs]
    expect_same_images(answers)
    recipes = by_recipe(answers)
    groups = [[one] for one in answers] if each or len(recipes) == 1 else [_distinct(recipe) for recipe in recipes]
    names, labels = group_names(groups), answers[0].labels
    contestants = [
        Contestant(name, tuple(one.probabilities for one in group)) for name, group in zip(names, groups, strict=True)
    ]
    with Waiting() as step:
        step(f"comparing {len(contestants)} models")
        ranking = rank(contestants, labels)
    doubts = {contestant.name: _doubts(contestant.answers, labels) for contestant in contestants}
    members = dict(zip(names, groups, strict=True))
    if not json:
        _show(ranking, members, doubts)
    with Waiting() as step:
        step("drawing where they differ")
        pictures = [] if out is None else _draw(ranking, members, out)
    if json:
        say_json({**_as_json(ranking, members, doubts), "pictures": [printable(path) for path in pictures]})
    for path in [] if json else pictures:
        say(printable(path))
    return 0


def _distinct(recipe: Sequence[Answers]) -> list[Answers]:
    from digitlab.evaluation.answers import distinct

    kept, copies = distinct(recipe)
    for one, twin in copies:
        advise(f"{one.name} has the same predictions as {twin.name}, to the last bit: counted once")
    return kept


def _doubts(answers: Sequence[NDArray[np.floating]], labels: NDArray[np.integer]) -> dict[str, float]:
    """Mean accuracies on MNIST's test labels as they are, corrected, and without the doubtful; empty for others."""
    import numpy as np

    from digitlab.evaluation.doubtful import accuracies

    found = [accuracies(each, labels) or {} for each in answers]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def _as_json(ranking: Ranking, members: Members, doubts: Doubts) -> dict[str, Any]:
    from dataclasses import asdict

    from digitlab.evaluation.answers import printable

    one = next(iter(members.values()))[0]
    return {
        "images": len(one.labels),
        "data": one.data,
        "split": one.split,
        "ranking": [
            {
                "name": placed.name,
                "places": placed.places,
                "runs": [printable(each.path) for each in members[placed.name]],
                "seeds": [each.seed for each in members[placed.name]],
                "accuracy": placed.accuracy.mean,
                "accuracy_deviation": placed.accuracy.deviation,
                "accuracy_interval": placed.accuracy_interval,
                "accuracies": placed.accuracy.values,
                "loss": placed.loss.mean,
                "loss_deviation": placed.loss.deviation,
                "losses": placed.loss.values,
                **({"doubtful": doubts[placed.name]} if doubts[placed.name] else {}),
            }
            for placed in ranking.placed
        ],
        "differences": [each.as_dict() for each in ranking.differences],
        **({"one_recipe": asdict(spread)} if (spread := _over_one_recipe(members)) else {}),
    }


def _show(ranking: Ranking, members: Members, doubts: Doubts) -> None:
    from digitlab.evaluation.comparison import in_words

    say(next(iter(members.values()))[0].images)
    say()
    say(_table_of(ranking.placed, doubts))
    say()
    best, before = ranking.placed[0].name, [placed.name for placed in ranking.placed]
    for difference in ranking.differences:
        near = before.index(difference.second) - before.index(difference.first) == 1
        if len(ranking.differences) > _ALL_PAIRS and not near and difference.first != best:
            continue
        say(in_words(difference))
        if (pair := difference.paired) is not None and len(pair.differing):
            low, high = difference.loss_interval
            say(
                f"  correct: both {pair.both:,}, only the first {pair.only_first:,}, only the second "
                f"{pair.only_second:,}, neither {pair.neither:,}; log loss {_signed(difference.loss)}, 95 % CI "
                f"{_signed(low)} to {_signed(high)}"
            )
    if (spread := _over_one_recipe(members)) is not None:
        low, high = spread.interval or (0.0, 0.0)
        known = f", 95 % CI of the mean {100 * low:.2f} to {100 * high:.2f}" if spread.spreads else ""
        say(
            f"{len(spread.values)} seeds of one recipe: accuracy {100 * spread.mean:.2f} %, standard deviation "
            f"{100 * (spread.deviation or 0):.2f}{known}"
        )
    elif all(len(group) == 1 for group in members.values()):
        advise("This holds for these trained networks. To compare their recipes, give runs with several seeds of each.")


def _over_one_recipe(members: Members) -> Spread | None:
    """The accuracy over all runs, where they differ in the seed alone."""
    from digitlab.evaluation.answers import by_recipe
    from digitlab.evaluation.comparison import over_seeds
    from digitlab.evaluation.metrics import accuracy_of

    networks = [each for group in members.values() for each in group]
    if len(by_recipe(networks)) > 1:
        return None
    return over_seeds([accuracy_of(each.probabilities, each.labels) for each in networks], shares=True)


def _table_of(placed: Sequence[Placed], doubts: Doubts) -> str:
    several = any(len(each.accuracy.values) > 1 for each in placed)
    doubtful = bool(doubts[placed[0].name])
    header = ["", "rank", *(["seeds"] if several else []), "accuracy %", *(["std. dev."] if several else [])]
    header += ["95 % CI", "log loss", *(["corrected %", "without doubtful %"] if doubtful else [])]
    rows = []
    for each in placed:
        low, high = each.accuracy_interval
        best, worst = each.places
        deviation = "" if each.accuracy.deviation is None else f"{100 * each.accuracy.deviation:.2f}"
        row: list[object] = [each.name, str(best) if best == worst else f"{best}–{worst}"]
        row += [len(each.accuracy.values)] if several else []
        row += [f"{100 * each.accuracy.mean:.2f}", *([deviation] if several else [])]
        row += [f"{100 * low:.2f} to {100 * high:.2f}", f"{each.loss.mean:.4f}"]
        if doubtful:
            row += [f"{100 * doubts[each.name][f'accuracy_{kind}']:.2f}" for kind in ("corrected", "without")]
        rows.append(row)
    return table(header, rows)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _draw(ranking: Ranking, members: Members, out: Path) -> list[Path]:
    """The best against each of the others, a picture each; of several seeds the first."""
    from digitlab.errors import DigitlabError
    from digitlab.reports.disputes import images_of
    from digitlab.reports.figures import save_figure, sets_figure

    best, *others = [members[placed.name][0] for placed in ranking.placed]
    try:
        digits = images_of(best)
    except DigitlabError as error:
        advise(f"no pictures drawn: the images cannot be found: {error}")
        return []
    pictures = []
    for place, other in enumerate(others, start=2):
        if blocks := list(_blocks(best, other, digits)):
            pictures.append(out / f"1-and-{place}.png")
            save_figure(sets_figure(blocks, 12), pictures[-1])
    return pictures


def _blocks(first: Answers, second: Answers, digits: Digits) -> Iterator[Block]:
    """The images with different answers, by who is right."""
    from digitlab.evaluation.paired import disagreements

    answers = first.probabilities.argmax(axis=1), second.probabilities.argmax(axis=1)
    titles = {
        "only_first": f"only {_short(first.name)} is correct",
        "only_second": f"only {_short(second.name)} is correct",
        "neither": "both are wrong, with different predictions (label: the first's, the second's)",
    }
    for kind, rows in disagreements(first.probabilities, second.probabilities, digits.labels).items():
        shown = rows[:_MOST_DRAWN]
        if len(shown):
            captions = [_caption(kind, digits.labels[row], answers[0][row], answers[1][row]) for row in shown]
            count = f"{len(rows)}" if len(shown) == len(rows) else f"{len(shown)} of {len(rows):,}"
            yield f"{titles[kind]}: {count}", digits.images[shown], captions


def _caption(kind: str, label: int, first: int, second: int) -> str:
    if kind == "neither":
        return f"{label}: {first}, {second}"
    return f"{label}, not {second if kind == 'only_first' else first}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
