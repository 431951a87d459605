"""Compare runs on the same test images: which is better, and is the difference significant?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError, UsageError
from digitlab.jobs.events import Note, Work, ignore
from digitlab.shown import Drawn, Tabular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation.answers import Answers
    from digitlab.evaluation.comparison import Placed, Ranking
    from digitlab.evaluation.seeds import Spread
    from digitlab.jobs.events import Listener
    from digitlab.values import Digits

    Members = Mapping[str, Sequence[Answers]]
    Block = tuple[str, NDArray[np.uint8], list[str]]

__all__ = ["Comparison", "compare"]

_MOST_DRAWN = 36  # images per kind: three rows of twelve
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Comparison(Drawn, Tabular):
    """A ranking, and the runs that it ranks.

    members: the runs of each contestant in the ranking, one per seed
    doubts: for each contestant, mean accuracies on MNIST's test labels as they are, corrected, and without the
        doubtful ones; empty for other datasets
    one_recipe: accuracy over all runs, copies counted once, if they differ only in the seed; else None
    pictures: files that were drawn
    """

    ranking: Ranking
    members: Members
    doubts: Mapping[str, Mapping[str, float]]
    one_recipe: Spread | None
    pictures: tuple[Path, ...] = ()

    @property
    def images(self) -> str:
        """Description of the images compared."""
        return next(iter(self.members.values()))[0].images

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        from digitlab.evaluation.answers import printable

        one = next(iter(self.members.values()))[0]
        return {
            "images": len(one.labels),
            "data": one.data,
            "split": one.split,
            "ranking": [self._placed(placed) for placed in self.ranking.placed],
            "differences": [each.as_dict() for each in self.ranking.differences],
            **({"one_recipe": asdict(self.one_recipe)} if self.one_recipe is not None else {}),
            "pictures": [printable(path) for path in self.pictures],
        }

    def _placed(self, placed: Placed) -> dict[str, Any]:
        from digitlab.evaluation.answers import printable

        runs, doubts = self.members[placed.name], self.doubts[placed.name]
        return {
            "name": placed.name,
            "places": placed.places,
            "runs": [printable(each.path) for each in runs],
            "seeds": [each.seed for each in runs],
            "accuracy": placed.accuracy.mean,
            "accuracy_deviation": placed.accuracy.deviation,
            "accuracy_interval": placed.accuracy_interval,
            "accuracies": placed.accuracy.values,
            "loss": placed.loss.mean,
            "loss_deviation": placed.loss.deviation,
            "losses": placed.loss.values,
            **({"doubtful": dict(doubts)} if doubts else {}),
        }


def compare(*runs: str | Path, each: bool = False, out: Path | None = None, listener: Listener = ignore) -> Comparison:
    """Compare two or more runs on the same test images.

    Runs that differ only in the seed are grouped as one recipe, and recipes are compared by the means over their seeds
    (Welch's t test). Single runs are compared image by image (McNemar's exact test). The p-values of multiple
    comparisons are corrected (Holm).

    Args:
        runs: two or more run folders, their evaluations/NAME, or npz files of probabilities and labels.
        each: compare every run separately, even those that differ only in the seed.
        out: a folder for pictures: the images that the best and another classify differently, with both predictions.
        listener: called with `Work` and `Note`.

    Raises:
        UsageError: for fewer than two runs, or one that is given twice.
        RunError: if one is missing, damaged or not finished yet.
        DatasetError: if they were not tested on the same images.
        StorageError: if a picture cannot be written.
    """
    from digitlab.evaluation.answers import by_recipe, expect_same_images, group_names, read_answers
    from digitlab.evaluation.comparison import Contestant, over_seeds, rank
    from digitlab.evaluation.metrics import accuracy_of

    paths = [Path(run) for run in runs]
    _check(paths)
    answers = [read_answers(path) for path in paths]
    expect_same_images(answers)
    recipes = by_recipe(answers)
    separately = each or len(recipes) == 1
    groups = [[one] for one in answers] if separately else [_distinct(recipe, listener) for recipe in recipes]
    names, labels = group_names(groups), answers[0].labels
    contestants = [
        Contestant(name, tuple(one.probabilities for one in group)) for name, group in zip(names, groups, strict=True)
    ]
    listener(Work(f"comparing {len(contestants)} models"))
    ranking = rank(contestants, labels)
    members = dict(zip(names, groups, strict=True))
    one_recipe = None
    if len(recipes) == 1 and len(seeds := _distinct(answers, listener)) > 1:
        one_recipe = over_seeds([accuracy_of(one.probabilities, one.labels) for one in seeds], shares=True)
    pictures: list[Path] = []
    if out is not None:
        listener(Work("drawing where they differ"))
        pictures = _draw(ranking, members, out, listener)
    doubts = {contestant.name: _doubts(contestant.answers, labels) for contestant in contestants}
    return Comparison(ranking, members, doubts, one_recipe, tuple(pictures))


def _check(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        raise UsageError(f"compare: expected two or more runs, {len(paths)} given, e.g. digitlab compare runs/A runs/B")
    resolved = [path.resolve() for path in paths]
    duplicate = next((path for index, path in enumerate(paths) if resolved[index] in resolved[:index]), None)
    if duplicate is not None:
        raise UsageError(f"compare: {duplicate} is given twice; expected different runs")


def _distinct(recipe: Sequence[Answers], listener: Listener) -> list[Answers]:
    from digitlab.evaluation.answers import distinct

    runs, copies = distinct(recipe)
    for copy, original in copies:
        listener(Note(f"{copy.name} has the same predictions as {original.name}, to the last bit: counted once"))
    return runs


def _doubts(answers: Sequence[NDArray[np.floating]], labels: NDArray[np.integer]) -> dict[str, float]:
    import numpy as np

    from digitlab.evaluation.doubtful import accuracies

    by_run = [accuracies(each, labels) or {} for each in answers]
    return {name: float(np.mean([each[name] for each in by_run])) for name in by_run[0]}


def _draw(ranking: Ranking, members: Members, out: Path, listener: Listener) -> list[Path]:
    """Draw the best run against each of the others, one picture each; with several seeds, the first."""
    from digitlab.reports.comparison_page import images_of
    from digitlab.reports.figures import save_figure, sets_figure

    best, *others = [members[placed.name][0] for placed in ranking.placed]
    try:
        digits = images_of(best)
    except DigitlabError as error:
        listener(Note(f"no pictures drawn: the images cannot be found: {error}"))
        return []
    pictures = []
    for rank, other in enumerate(others, start=2):
        if blocks := list(_blocks(best, other, digits)):
            pictures.append(out / f"1-and-{rank}.png")
            save_figure(sets_figure(blocks, 12), pictures[-1])
    return pictures


def _blocks(first: Answers, second: Answers, digits: Digits) -> Iterator[Block]:
    """Yield the images with different predictions, grouped by which run is right."""
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
