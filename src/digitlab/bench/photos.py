"""The sets in a folder of labelled pictures, for `digitlab bench read --photos`; the files in a set decide its kind.

Each subfolder is a set: with labels.csv (file,label[,writer]) or dataset.csv (image,label) one digit per picture; with
labels.csv (file,text) one page per picture, lines separated by "|", and with a column `kind` one set per kind, of which
only the digits are compared; with an .npz (X (N, H, W, 3), y (N,), 0 for an empty cell, handwritten (N,)) cells of
forms; named neg_NAME, pictures without a digit; named pages_NAME and without labels, pages without a digit.
An .npz in the folder itself (X (N, H, W) grey, y (N,) digits) is a set of single digits.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError
from digitlab.reading import load_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["PageSet", "Single", "SingleSet", "WrittenPage", "find_sets"]

_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Single:
    """A picture of one digit, or of none (label None)."""

    image: NDArray[np.uint8]
    label: int | None
    writer: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A picture of lines of digits; ``text``: the lines joined by "|", "" without digits."""

    name: str
    image: NDArray[np.uint8]
    text: str


@dataclass(frozen=True, slots=True)
class SingleSet:
    """Pictures of one digit or of none, loaded one by one.

    whole: they are ordinary photos, to be read as pages, too
    """

    name: str
    pictures: Callable[[], Iterator[Single]]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class PageSet:
    """Pages, loaded one by one.

    digits_only: the pages contain other things, so only the digits are compared, in order, ignoring line ends
    """

    name: str
    pages: Callable[[], Iterator[WrittenPage]]
    digits_only: bool = False


def find_sets(folder: Path) -> tuple[list[SingleSet], list[PageSet]]:
    """Find the sets of single pictures and of pages in ``folder``, each sorted by name.

    Raises:
        DatasetError: if there is none.
    """
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder}; expected one with sets of labelled pictures")
    singles: list[SingleSet] = []
    pages: list[PageSet] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            singles += _singles_in(path)
            pages += _pages_in(path)
        elif path.suffix == ".npz":
            singles.append(SingleSet(path.stem, partial(_grey, path)))
    if not singles and not pages:
        raise DatasetError(
            f"{folder}: contains no labelled pictures; expected folders with labels.csv (file,label or file,text), "
            "dataset.csv (image,label), cells as .npz, folders neg_… of pictures and pages_… of pages without a "
            "digit, or .npz files of grey digits"
        )
    return singles, pages


def _singles_in(path: Path) -> list[SingleSet]:
    labels, dataset = path / "labels.csv", path / "dataset.csv"
    sets = []
    if labels.is_file() and "text" not in _columns(labels):
        sets.append(SingleSet(path.name, partial(_labelled, labels, "file"), whole=True))
    elif dataset.is_file():
        sets.append(SingleSet(path.name, partial(_labelled, dataset, "image"), whole=True))
    elif path.name.startswith("neg_"):
        sets.append(SingleSet(path.name, partial(_without_digit, path)))
    for cells in sorted(path.glob("*.npz")):
        sets += [
            SingleSet(f"{path.name}, {kind}", partial(_cells, cells, kind)) for kind in ("by hand", "printed", "empty")
        ]
    return sets


def _pages_in(path: Path) -> list[PageSet]:
    labels = path / "labels.csv"
    if not labels.is_file():
        plain = path.name.startswith("pages_")
        return [PageSet(path.name, partial(_empty_pages, path), digits_only=True)] if plain else []
    columns = _columns(labels)
    if "text" not in columns:
        return []
    if "kind" not in columns:
        return [PageSet(path.name, partial(_pages, path))]
    kinds = sorted({row["kind"] for row in _rows(labels)})
    return [PageSet(f"{path.name} {kind}", partial(_pages, path, kind), digits_only=True) for kind in kinds]


def _columns(table: Path) -> list[str]:
    with table.open(newline="", encoding="utf-8") as rows:
        return next(csv.reader(rows), [])


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as rows:
        yield from csv.DictReader(rows)


def _labelled(table: Path, column: str) -> Iterator[Single]:
    for row in _rows(table):
        yield Single(load_image(table.parent / row[column]), int(row["label"]), row.get("writer"))


def _pages(folder: Path, kind: str | None = None) -> Iterator[WrittenPage]:
    for row in _rows(folder / "labels.csv"):
        if kind is None or row["kind"] == kind:
            yield WrittenPage(row["file"], load_image(folder / row["file"]), row["text"])


def _empty_pages(folder: Path) -> Iterator[WrittenPage]:
    for path in _pictures(folder):
        yield WrittenPage(path.name, load_image(path), "")


def _without_digit(folder: Path) -> Iterator[Single]:
    for path in _pictures(folder):
        yield Single(load_image(path), None)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.*") if path.suffix.lower() in _PICTURES)


def _grey(path: Path) -> Iterator[Single]:
    content: Any = np.load(path, allow_pickle=False)
    for image, label in zip(content["X"], content["y"], strict=True):
        yield Single(image, int(label))


def _cells(path: Path, kind: str) -> Iterator[Single]:
    content: Any = np.load(path, allow_pickle=False)
    by_hand = content["handwritten"] if "handwritten" in content else np.ones(len(content["y"]), np.bool_)
    for image, label, hand in zip(content["X"], content["y"], by_hand, strict=True):
        if kind == ("empty" if not label else "by hand" if hand else "printed"):
            yield Single(image, int(label) or None)
