"""Datasets: their statistics, pictures of them, and files in other formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the types of settings are read at run time
from typing import TYPE_CHECKING, Annotated

from digitlab.errors import UsageError
from digitlab.jobs.events import Counted, ignore
from digitlab.settings import Range, Setting, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.archives import Corrections
    from digitlab.datasets import Dataset, SplitSummary
    from digitlab.jobs.data_check import DataCheck
    from digitlab.jobs.events import Listener
    from digitlab.values import Digits

    Block = tuple[str, NDArray[np.uint8], list[str]]

__all__ = [
    "DatasetFacts", "build_dataset", "check_data", "convert_dataset", "dataset_from_review", "describe_dataset",
    "draw_dataset", "draw_filters",
]  # fmt: skip

_COLUMNS = 12
_MOST_ACROSS = 280  # pixels of a photo that is filtered: more are not drawn, and kernels of three see only its grain
_PIXELS = ("float32", "uint8")

PixelType = Annotated[str, Setting(choices=_PIXELS)]


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What a dataset is about, and the statistics of its splits."""

    about: str
    splits: Mapping[str, SplitSummary]


def describe_dataset(
    name: str, *, split: str | None = None, seed: int = 0, listener: Listener = ignore
) -> DatasetFacts:
    """Sizes, class counts, mean, deviation and digest of a dataset or of a file of your own.

    Files are read batch by batch, however large. Handmade sets are made into the cache the first time.

    Args:
        name: a dataset of `digitlab data list`, or a file or folder of labelled images. A file of dark ink on light is
            inverted wherever it is named; FILE#as-is leaves it as it is, FILE#inverted inverts it anyway.
        split: one split only: train, validation, test, or a file's own.
        seed: seed of the handmade and the corrupted sets.
        listener: told of `Counted`.

    Raises:
        DatasetError: when there is no such set or split, or a record cannot be used.
    """
    from digitlab.datasets import find_dataset, summarise_batches

    data, found = find_dataset(name, seed=seed), {}
    for each in (split,) if split else data.splits:
        tell = _counting(f"{data.name}, {each}", listener)
        with data.open(each) as source:
            found[each] = summarise_batches(_told(source.batches(), source.count, tell))
    return DatasetFacts(data.about, found)


def _told(batches: Iterator[Digits], count: int | None, tell: Callable[[int, int | None], None]) -> Iterator[Digits]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        tell(done, count)


@checked
def draw_dataset(
    *names: str,
    out: Path,
    split: str | None = None,
    count: Annotated[int | None, Setting(spellings=("-n",), within=Range(1, 1000))] = None,
    seed: int = 0,
) -> Path:
    """Draw the first images of datasets or files with their labels, each set in a block of its own.

    Of a handmade set the first images of every copy are drawn, a copy a row: what stands in one column began as the
    same image of MNIST. Nothing else is made or read.

    Args:
        names: datasets of `digitlab data list`, or files or folders of labelled images.
        out: the picture to write; its extension (.png, .svg, .pdf) determines the format.
        split: train, validation, test, or a file's own; else the first.
        count: how many images of each set (of handmade sets, of each copy); else 60 of a single set, 12 of several or
            of copies.
        seed: seed of the handmade and the corrupted sets.

    Raises:
        UsageError: for no name, or another ending.
        DatasetError: when there is no such set or split, or one of these images is damaged.
        StorageError: when the picture cannot be written.
    """
    from digitlab.datasets import find_dataset
    from digitlab.reports.figures import save_figure, sets_figure

    if not names:
        raise UsageError("data show: no dataset given; expected one or more, e.g. digitlab data show mnist --out F.png")
    sets = [find_dataset(name, seed=seed) for name in names]
    single = len(sets) == 1 and sets[0].handmade is None
    shown = count or (60 if single else _COLUMNS)
    blocks = [block for data in sets for block in _blocks(data, split or data.splits[0], shown)]
    save_figure(sets_figure(blocks, _COLUMNS), out)
    return out


def _blocks(data: Dataset, split: str, count: int) -> Iterator[Block]:
    """One for a set, or for each copy of a handmade one, so that its rows stand below each other."""
    from digitlab.datasets import first_images

    digits = first_images(data, split, count)
    copies = data.handmade.copies if data.handmade else 1
    title = f"{data.name} ({split})" + (f": {copies} copies of each image" if copies > 1 else "")
    each = len(digits) // copies
    for start in range(0, len(digits), max(1, each)):
        part = digits[start : start + each]
        yield title if start == 0 else "", part.images, [str(label) for label in part.labels]


@checked
def build_dataset(
    name: str,
    *,
    out: Path,
    split: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    dtype: PixelType = "float32",
    listener: Listener = ignore,
) -> dict[str, int]:
    """Write a dataset into a file, in the format of its extension; returns the number of images by split.

    Args:
        name: a dataset of `digitlab data list`.
        out: the file to write.
        split: train, validation or test; formats other than HDF5 hold only one.
        seed: seed of the handmade and the corrupted sets; the same seed gives the same bytes.
        jobs: number of threads; default: one per processor. The bytes do not depend on it.
        dtype: pixel type in HDF5: float32 as in the thesis (Pascual 2017), or uint8, a quarter of the size.
        listener: told of `Counted`.

    Raises:
        DatasetError: when there is no such set or split.
        UsageError: when the name has no known format, or one for a single split only.
        StorageError: when it cannot be written. After any error there is no file.
    """
    from digitlab.datasets import build_file, load_dataset

    tell = _counting(f"{name} → {out}", listener)
    return build_file(load_dataset(name, seed=seed), out, tell, split=split, jobs=jobs, dtype=dtype)  # type: ignore[arg-type]


@checked
def convert_dataset(
    source: str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    dtype: PixelType = "float32",
    listener: Listener = ignore,
) -> int:
    """Copy the images of a file into another format, batch by batch; returns their number.

    Args:
        source: a file or folder of labelled images, copied as they are; FILE#inverted with 255 − each pixel.
        out: the file to write.
        split: which split, if the source has several.
        dtype: pixel type in HDF5: float32 as in the thesis (Pascual 2017), or uint8, a quarter of the size.
        listener: told of `Counted`.

    Raises:
        DatasetError: when the source cannot be used; it names file and record.
        UsageError: when both are the same, or the target's name has no known format.
        StorageError: when the target cannot be written. After any error there is no target.
    """
    from digitlab.datasets.formats import convert

    return convert(source, out, _counting(f"{source} → {out}", listener), split=split, dtype=dtype)  # type: ignore[arg-type]


def _counting(text: str, listener: Listener) -> Callable[[int, int | None], None]:
    listener(Counted(text, 0, None))
    return lambda done, total: listener(Counted(text, done, total))


def check_data(data: str, *, fix: Path | None = None, listener: Listener = ignore) -> DataCheck:
    """Find what is wrong with a dataset, and write it repaired.

    Looked for: dark ink on light, transposed images, labels that begin at 1, are shifted, in another order, another
    column or another row; labels that are missing; images of other sizes; equal images within a split, with different
    labels, and across splits, there also nearly equal ones.

    Args:
        data: a file or folder of labelled images, or a dataset of `digitlab data list`.
        fix: write the repaired dataset: an .npz without duplicates, and without training images that are in the test
            images. Labels that are missing are the reader's answers.
        listener: told of `Work`, `Counted` and `Note`.

    Raises:
        DatasetError: when it cannot be read, or holds no digit that the reader would know.
        UsageError: when ``fix`` does not end in .npz, or is the file itself.
        StorageError: when it cannot be written.
    """
    from digitlab.jobs.data_check import checked_data

    return checked_data(data, fix, listener)


def dataset_from_review(*corrections: Path, out: Path) -> Corrections:
    """Make a dataset from the digits that were corrected on the page of `digitlab read … --review`.

    What was called no digit has no label to learn and is left out; without any digit nothing is written.

    Args:
        corrections: files that the page saved; if a digit occurs twice, the last correction counts.
        out: the file to write, in the format of its extension: .npz, .h5, .csv, .lmdb, IDX, or a folder (NAME/).

    Raises:
        UsageError: for no file, or another ending.
        DatasetError: when a file is not what the page saves.
        StorageError: when it cannot be written.
    """
    from digitlab.archives import read_corrections
    from digitlab.datasets.formats import dataset_writer

    if not corrections:
        raise UsageError("no corrections given; expected one or more files that the review page saved")
    found = read_corrections(corrections)
    if len(found.digits):
        with dataset_writer(out) as sink:
            sink.write(found.digits)
    return found


def draw_filters(image: str, *, out: Path) -> Path:
    """Draw what the classical filters make of an image, each beside its kernel: lines, edges, spots, smoothing.

    Args:
        image: a picture, converted to grey and scaled down if it is large; or mnist:N, test image N of MNIST.
        out: the picture to write; its extension (.png, .svg, .pdf) determines the format.

    Raises:
        UsageError: for a number that MNIST does not have, or another ending.
        ImageError: when the picture cannot be read.
        StorageError: when it cannot be written.
    """
    from digitlab.datasets.transforms import BANK, apply_bank
    from digitlab.reports.figures import filters_figure, save_figure

    grey = _grey_image(image)
    save_figure(filters_figure(grey, BANK, apply_bank(grey)), out)
    return out


def _grey_image(name: str) -> NDArray[np.uint8]:
    """Uint8 (H, W) of a picture file or of "mnist:N"."""
    import cv2
    import numpy as np

    from digitlab.reading import load_image

    if name.startswith("mnist:"):
        return _mnist_image(name)
    grey = cv2.cvtColor(load_image(name), cv2.COLOR_RGB2GRAY)
    scale = _MOST_ACROSS / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _mnist_image(name: str) -> NDArray[np.uint8]:
    import numpy as np

    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    number = name.removeprefix("mnist:")
    if not number.isdecimal() or int(number) >= len(test):
        raise UsageError(f"there is no image {name!r}; expected mnist:0 to mnist:{len(test) - 1}")
    return np.asarray(test.images[int(number)])
