"""How well and how fast pictures are read:  python bench/read.py --photos DIR [--model M]

Accuracy counts a refusal as wrong; for the sets without digits only the share refused is told. Single digits in totals
only, on purpose: these pictures are for measuring. Times are of one thread, from array to answer.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab import load_dataset
from digitlab.reading import Reader, load_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Labelled = tuple[Any, int | None]  # an array, and its digit (None: no digit)


def labelled(folder: Path, table: str, column: str = "file") -> Iterator[Labelled]:
    with (folder / table).open(newline="") as rows:
        for row in csv.DictReader(rows):
            yield load_image(folder / row[column]), int(row["label"])


def without_digit(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.glob("*.*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            yield load_image(path), None


def cells(path: Path, handwritten: bool) -> Iterator[Labelled]:
    content = np.load(path)
    for image, label, by_hand in zip(content["X"], content["y"], content["handwritten"], strict=True):
        if label and by_hand == handwritten:
            yield image, int(label)


def empty_cells(path: Path) -> Iterator[Labelled]:
    content = np.load(path)
    for image, label in zip(content["X"], content["y"], strict=True):
        if not label:
            yield image, None


def mnist(count: int, invert: bool) -> Iterator[Labelled]:
    test = load_dataset("mnist").split("test")
    for image, label in zip(test.images[:count], test.labels[:count], strict=True):
        yield 255 - image if invert else image, int(label)


def measure(reader: Reader, name: str, pictures: Iterable[Labelled]) -> None:
    times, right, refused, asked = [], 0, 0, []
    for image, label in pictures:
        start = time.perf_counter()
        digit = reader.classify(image).digit
        times.append((time.perf_counter() - start) * 1000)
        asked.append(label)
        right += digit is not None and digit == label
        refused += digit is None
    if not asked:
        print(f"{name:24} -")
        return
    accuracy = "     -" if asked[0] is None else f"{right / len(asked):6.4f}"
    print(
        f"{name:24}{len(asked):6}{accuracy:>10}{refused / len(asked):10.4f}{statistics.median(times):9.2f}", flush=True
    )


def edits(one: str, other: str) -> int:
    """The Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def measure_pages(reader: Reader, folder: Path) -> None:
    errors = characters = exact = 0
    times = []
    with (folder / "labels.csv").open(newline="") as rows:
        pages = list(csv.DictReader(rows))
    for page in pages:
        image = load_image(folder / page["file"])
        times.append(min(reader.read(image).milliseconds for _ in range(3)))
        reading = reader.read(image)
        expected, read = page["text"], "|".join(reading.lines)
        errors += edits(expected, read)
        characters += len(expected)
        exact += expected == read
        print(
            f"  {page['file']:28}{image.shape[1]:5}x{image.shape[0]:<5} {times[-1]:6.1f} ms  {expected}\n{'':51}{read}"
        )
    rate, middle = errors / characters, statistics.median(times)
    print(f"photo_multi: character error {rate:.4f}, exact {exact} of {len(pages)}, ms median {middle:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    photos, reader = options.photos, Reader(options.model, threads=options.threads)
    print(f"{'set':24}{'n':>6}{'accuracy':>10}{'refused':>10}{'ms':>9}")
    measure(reader, "mnist black on white", mnist(500, invert=True))
    measure(reader, "mnist as it is", mnist(500, invert=False))
    for name in ("photo_single", "drawn_misc"):
        measure(reader, name, labelled(photos / name, "labels.csv"))
        measure(
            reader, f"{name} inverted", ((255 - image, label) for image, label in labelled(photos / name, "labels.csv"))
        )
    measure(reader, "drawn_hwd1000", labelled(photos / "drawn_hwd1000", "dataset.csv", "image"))
    grid = photos / "photo_sudoku_cells" / "cells.npz"
    measure(reader, "sudoku cells by hand", cells(grid, handwritten=True))
    measure(reader, "sudoku cells printed", cells(grid, handwritten=False))
    measure(reader, "sudoku cells empty", empty_cells(grid))
    measure(reader, "neg_blank", without_digit(photos / "neg_blank"))
    measure(reader, "neg_operators", without_digit(photos / "neg_operators"))
    measure_pages(reader, photos / "photo_multi")


if __name__ == "__main__":
    main()
