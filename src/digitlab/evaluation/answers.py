"""Predictions to compare: read from run folders, checked to be for the same images, grouped by recipe."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, DigitlabError, RunError, counted
from digitlab.evaluation.checks import checked
from digitlab.evaluation.reading_files import read_labels, read_probabilities
from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Answers", "by_recipe", "distinct", "expect_same_images", "group_names", "printable", "read_answers"]

_STAMP = re.compile(r"^\d{4}-\d\d-\d\d-\d{6}-")  # the start of a run folder's name
_NOT_THE_RECIPE = ("seed", "name", "watch")  # settings without effect on the weights, and the seed
_MOST_BYTES = 10_000_000  # limit for the stored pictures; fifty have 39,200 bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """One network's predictions for a set of images.

    name: its run folder's name, printable
    probabilities: (N, 10), float32 as ours are, or float64
    labels: int64 (N,)
    pictures: the stored images, those of the most confident errors, uint8 (28, 28) by row
    data, split: which images they are, if recorded
    settings: those of its training, without the seed; empty if unknown
    """

    name: str
    path: Path
    probabilities: NDArray[np.floating]
    labels: NDArray[np.int64]
    pictures: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    data: str | None = None
    split: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> str:
        """A description of the images."""
        named = f" ({self.data}, {self.split})" if self.data else ""
        return f"{counted(len(self.labels), 'image')}{named}"


def read_answers(path: Path) -> Answers:
    """Read predictions from a run folder, one of its evaluations, or an npz of ``probabilities`` and ``labels``.

    Raises:
        RunError: when it is missing, damaged or unfinished.
        DatasetError: when it does not hold probabilities and labels.
    """
    path = Path(path)
    parent = Run(path.parent)
    if path.is_file() and not (path == parent.predictions and parent.metrics.is_file()):
        return Answers(printable(path.name), path, *_read(path))
    run = parent if path.is_file() else Run.open(path)
    if not run.predictions.is_file():
        raise RunError(f"{printable(path)}: {_missing_message(run, printable(path))}")
    about = run.read_json(run.metrics) if run.metrics.is_file() else {}
    network_run = _network_run(run)
    settings = _settings(network_run)
    settings.pop("tta", None)  # test-time augmentation is recorded with each evaluation
    seed = settings.pop("seed", None)
    copies = about.get("tta", 1)
    if copies != 1 and settings:
        settings["tta"] = copies
    return Answers(
        printable(network_run.path.name + (f" (mean of {copies} copies)" if copies != 1 else "")),
        path,
        *_read(run.predictions),
        data=_text(about.get("data")),
        split=_text(about.get("split")),
        seed=seed if isinstance(seed, int) else None,
        settings={name: value for name, value in settings.items() if name not in _NOT_THE_RECIPE},
    )


def _missing_message(run: Run, name: str) -> str:
    if any(file.is_file() for file in (run.metrics, run.keras, run.onnx)):
        return f"lacks predictions.npz; run `digitlab evaluate {name}` to make it"
    return f"has no predictions yet: its training has not finished; continue it with `digitlab train --resume {name}`"


def _network_run(run: Run) -> Run:
    """Return the run whose network was evaluated: evaluations on other data are inside it, RUN/evaluations/NAME."""
    inner = Run(run.path.resolve())
    outer = Run(inner.path.parent.parent)
    is_nested = inner.path.parent.name == "evaluations" and (outer.config.is_file() or outer.onnx.is_file())
    return outer if is_nested else inner


def _read(path: Path) -> tuple[NDArray[np.floating], NDArray[np.int64], dict[int, NDArray[np.uint8]]]:
    probabilities, labels = read_probabilities(path), read_labels(path, named=True)
    try:
        checked(probabilities, labels)
    except DigitlabError as error:
        raise DatasetError(f"{printable(path)}: {error}") from error
    return probabilities, labels, _read_pictures(path)


def _read_pictures(path: Path) -> dict[int, NDArray[np.uint8]]:
    """Read the stored pictures; empty if they are not usable: they only serve to detect different images."""
    if path.suffix.lower() != ".npz":
        return {}
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        sizes = {info.filename: info.file_size for info in stored.zip.infolist()}
        if not all(0 < sizes.get(f"{name}.npy", 0) <= _MOST_BYTES for name in ("mistakes", "mistaken_images")):
            return {}
        try:
            rows, images = stored["mistakes"], stored["mistaken_images"]
        except (ValueError, OSError, EOFError, zipfile.BadZipFile):
            return {}
    valid = rows.dtype.kind in "iu" and images.dtype == np.uint8 and images.shape == (*rows.shape, 28, 28)
    return dict(zip(rows.tolist(), images, strict=True)) if valid and rows.ndim == 1 else {}


def _settings(run: Run) -> dict[str, Any]:
    try:
        settings = run.read_config()
    except ValueError as error:
        raise RunError(f"{printable(run.config)}: cannot be read ({error})") from error
    if isinstance(command := settings.get("command"), str):  # of a transfer
        settings["command"] = _without_seed(command)
    return settings


def _without_seed(command: str) -> str:
    """Leave the seed out of the command that a transfer records.

    >>> _without_seed("digitlab transfer runs/base --data mine.npz --seed 3 --head keep")
    'digitlab transfer runs/base --data mine.npz --head keep'
    """
    try:
        words = shlex.split(command)
    except ValueError:  # edited by hand
        return command
    if "--seed" in words:
        index = words.index("--seed")
        del words[index : index + 2]
    return shlex.join(words)


def _text(value: object) -> str | None:
    return printable(value) if isinstance(value, str) else None


def printable(text: object) -> str:
    """Make a name safe to print: control characters become �."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(text))


def expect_same_images(answers: Sequence[Answers]) -> None:
    """Reject predictions for different images: different labels, stored pictures or dataset.

    Raises:
        RunError: naming the first two that differ, and how.
    """
    first = answers[0]
    for other in answers[1:]:
        difference = _difference_between(first, other)
        if difference:
            raise RunError(
                f"{printable(first.path)} and {printable(other.path)} are not for the same images: {difference}. "
                "Evaluate both on the same (digitlab evaluate RUN --data NAME) and compare the resulting folders"
            )


def _difference_between(first: Answers, other: Answers) -> str:
    if len(first.labels) != len(other.labels):
        return f"{first.images} here, {other.images} there"
    differing = np.flatnonzero(first.labels != other.labels)
    if len(differing):
        return f"{len(differing):,} of {len(first.labels):,} labels differ, the first in row {differing[0]}"
    shared = sorted(first.pictures.keys() & other.pictures.keys())
    for row in shared:
        if not np.array_equal(first.pictures[row], other.pictures[row]):
            return (
                f"the labels agree, but the pictures in row {row} differ ({_data_name(first)} and {_data_name(other)})"
            )
    named = all(each.data is not None for each in (first, other))
    if named and not shared and (first.data, first.split) != (other.data, other.split):
        return f"{first.images} here, {other.images} there"
    return ""


def _data_name(answers: Answers) -> str:
    return answers.data or "unnamed images"


def by_recipe(answers: Sequence[Answers]) -> list[list[Answers]]:
    """Group runs that differ only in the seed, in the given order; a run without settings is a group of its own."""
    groups: dict[str, list[Answers]] = {}
    for index, run in enumerate(answers):
        key = json.dumps(run.settings, sort_keys=True, default=str) if run.settings else str(index)
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def distinct(recipe: Sequence[Answers]) -> tuple[list[Answers], list[tuple[Answers, Answers]]]:
    """Separate the independent runs from the duplicates; return each duplicate with its original.

    A run that was copied, or repeated with the same seed, has identical predictions, and is not another sample of its
    recipe.
    """
    originals: list[Answers] = []
    copies = []
    for run in recipe:
        original = next((other for other in originals if np.array_equal(run.probabilities, other.probabilities)), None)
        if original is None:
            originals.append(run)
        else:
            copies.append((run, original))
    return originals, copies


def group_names(groups: Sequence[Sequence[Answers]]) -> list[str]:
    """Make a unique name for each group: that of its folders, with the settings that distinguish groups of equal name.

    A single run gets its folder's name, or its path if another has the same name.
    """
    base_names = [_STAMP.sub("", group[0].name) if len(group) > 1 else group[0].name for group in groups]
    names = []
    for name, group in zip(base_names, groups, strict=True):
        namesakes = [other for other_name, other in zip(base_names, groups, strict=True) if other_name == name]
        if len(namesakes) == 1:
            names.append(name)
        elif len(group) > 1:
            names.append(f"{name} ({_distinguishing_settings(group[0], [other[0] for other in namesakes])})")
        else:
            names.append(printable(group[0].path))
    return [name if names.count(name) == 1 else f"{name} [{number}]" for number, name in enumerate(names, start=1)]


def _distinguishing_settings(run: Answers, namesakes: Sequence[Answers]) -> str:
    keys = sorted({key for each in namesakes for key in each.settings})
    differing = [key for key in keys if len({str(each.settings.get(key)) for each in namesakes}) > 1]
    return printable(", ".join(f"{key} {run.settings.get(key)}" for key in differing))
