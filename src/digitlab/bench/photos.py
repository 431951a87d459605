"""A folder of labelled pictures, as `digitlab bench read --photos` takes it: its sets, told by what lies in them.

Of each folder in it: with labels.csv (file,label[,writer]) or dataset.csv (image,label) a digit a picture; with
labels.csv (file,text) a page a picture, its lines parted by "|"; with an .npz (X (N, H, W, 3), y (N,), 0 for an empty
cell, handwritten (N,)) cells of forms; called neg_NAME, pictures without a digit.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
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
    """A picture of lines of digits; ``text`` with "|" between the lines."""

    name: str
    image: NDArray[np.uint8]
    text: str


@dataclass(frozen=True, slots=True)
class SingleSet:
    """Pictures of one digit or of none, each opened when it is asked for."""

    name: str
    pictures: Callable[[], Iterator[Single]]


@dataclass(frozen=True, slots=True)
class PageSet:
    """Pages, each opened when it is asked for."""

    name: str
    pages: Callable[[], Iterator[WrittenPage]]


def find_sets(folder: Path) -> tuple[list[SingleSet], list[PageSet]]:
    """The sets of single pictures and those of pages in ``folder``, sorted by name.

    Raises:
        DatasetError: when there is none.
    """
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder}; expected one with sets of labelled pictures")
    singles: list[SingleSet] = []
    pages: list[PageSet] = []
    for path in sorted(each for each in folder.iterdir() if each.is_dir()):
        labels, dataset = path / "labels.csv", path / "dataset.csv"
        if labels.is_file() and "text" in _columns(labels):
            pages.append(PageSet(path.name, lambda path=path: _pages(path)))  # type: ignore[misc]
        elif labels.is_file():
            singles.append(SingleSet(path.name, lambda path=path: _labelled(path / "labels.csv", "file")))  # type: ignore[misc]
        elif dataset.is_file():
            singles.append(SingleSet(path.name, lambda path=path: _labelled(path / "dataset.csv", "image")))  # type: ignore[misc]
        elif path.name.startswith("neg_"):
            singles.append(SingleSet(path.name, lambda path=path: _without_digit(path)))  # type: ignore[misc]
        for cells in sorted(path.glob("*.npz")):
            singles += _cells(path.name, cells)
    if not singles and not pages:
        raise DatasetError(
            f"{folder}: holds no labelled pictures; expected folders with labels.csv (file,label or file,text), "
            "dataset.csv (image,label), cells as .npz, or folders neg_… of pictures without a digit"
        )
    return singles, pages


def _columns(table: Path) -> list[str]:
    with table.open(newline="", encoding="utf-8") as rows:
        return next(csv.reader(rows), [])


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as rows:
        yield from csv.DictReader(rows)


def _labelled(table: Path, column: str) -> Iterator[Single]:
    for row in _rows(table):
        yield Single(load_image(table.parent / row[column]), int(row["label"]), row.get("writer"))


def _pages(folder: Path) -> Iterator[WrittenPage]:
    for row in _rows(folder / "labels.csv"):
        yield WrittenPage(row["file"], load_image(folder / row["file"]), row["text"])


def _without_digit(folder: Path) -> Iterator[Single]:
    for path in sorted(folder.rglob("*.*")):
        if path.suffix.lower() in _PICTURES:
            yield Single(load_image(path), None)


def _cells(name: str, path: Path) -> list[SingleSet]:
    def chosen(which: str) -> Iterator[Single]:
        content: Any = np.load(path, allow_pickle=False)
        by_hand = content["handwritten"] if "handwritten" in content else np.ones(len(content["y"]), np.bool_)
        for image, label, hand in zip(content["X"], content["y"], by_hand, strict=True):
            if which == ("empty" if not label else "by hand" if hand else "printed"):
                yield Single(image, int(label) or None)

    kinds = ("by hand", "printed", "empty")
    return [SingleSet(f"{name}, {kind}", lambda kind=kind: chosen(kind)) for kind in kinds]  # type: ignore[misc]
