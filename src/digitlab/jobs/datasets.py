"""Datasets: their statistics, pictures of them, and files in other formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from digitlab.errors import DatasetError, UsageError
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
_MOST_ACROSS = 280  # pixels of a filtered photo's longer side: in larger ones, kernels of three see only noise
_PIXELS = ("float32", "uint8")

PixelType = Annotated[str, Setting(choices=_PIXELS)]


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """Description of a dataset, and the statistics of its splits."""

    about: str
    splits: Mapping[str, SplitSummary]


def describe_dataset(
    name: str, *, split: str | None = None, seed: int = 0, listener: Listener = ignore
) -> DatasetFacts:
    """Compute sizes, class counts, mean, deviation and digest of a dataset or of a file of your own.

    Files are read batch by batch, however large. Handmade datasets are generated into the cache the first time.

    Args:
        name: a dataset in `digitlab data list`, or a file or folder of labelled images. A file of dark ink on light is
            inverted wherever it is named; FILE#as-is leaves it as it is, FILE#inverted inverts it unconditionally.
        split: only this split: train, validation, test, or a file's own.
        seed: seed of the handmade and the corrupted datasets.
        listener: called with `Counted`.

    Raises:
        DatasetError: if there is no such dataset or split, or a record cannot be used.
    """
    from digitlab.datasets import find_dataset, summarise_batches

    data, summaries = find_dataset(name, seed=seed), {}
    for part in (split,) if split else data.splits:
        on_progress = _counting(f"{data.name}, {part}", listener)
        with data.open(part) as source:
            summaries[part] = summarise_batches(_reporting(source.batches(), source.count, on_progress))
    return DatasetFacts(data.about, summaries)


def _reporting(
    batches: Iterator[Digits], count: int | None, on_progress: Callable[[int, int | None], None]
) -> Iterator[Digits]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        on_progress(done, count)


@checked
def draw_dataset(
    *names: str,
    out: Path,
    split: str | None = None,
    count: Annotated[int | None, Setting(spellings=("-n",), within=Range(1, 1000))] = None,
    seed: int = 0,
) -> Path:
    """Draw the first images of datasets or files with their labels, each dataset in a separate block.

    For a handmade dataset, the first images of every copy are drawn, one copy per row: all images in a column began as
    the same image of MNIST. Nothing else is generated or read.

    Args:
        names: datasets from `digitlab data list`, or files or folders of labelled images.
        out: the picture to write; its extension (.png, .svg, .pdf) determines the format.
        split: train, validation, test, or a file's own; default: the first.
        count: number of images from each dataset (for handmade ones, from each copy); default: 60 for a single dataset,
            12 for several or for copies.
        seed: seed of the handmade and the corrupted datasets.

    Raises:
        UsageError: for no name, or another extension.
        DatasetError: if there is no such dataset or split, or one of these images is damaged.
        StorageError: if the picture cannot be written.
    """
    from digitlab.datasets import find_dataset
    from digitlab.reports.figures import save_figure, sets_figure

    if not names:
        raise UsageError("data show: no dataset given; expected one or more, e.g. digitlab data show mnist --out F.png")
    sets = [find_dataset(name, seed=seed) for name in names]
    single = len(sets) == 1 and sets[0].handmade is None
    shown = count or (60 if single else _COLUMNS)
    blocks = [block for data in sets for block in _blocks(data, split or data.splits[0], shown)]
    if not blocks:
        raise DatasetError(f"{', '.join(names)}: there is no image to draw")
    save_figure(sets_figure(blocks, _COLUMNS), out)
    return out


def _blocks(data: Dataset, split: str, count: int) -> Iterator[Block]:
    """Yield one block for a dataset, or one for each copy of a handmade one, so that its rows are below each other."""
    from digitlab.datasets import first_images

    digits = first_images(data, split, count)
    copies = data.handmade.copies if data.handmade else 1
    title = f"{data.name} ({split})" + (f": {copies} copies of each image" if copies > 1 else "")
    per_copy = len(digits) // copies
    for start in range(0, len(digits), max(1, per_copy)):
        part = digits[start : start + per_copy]
        yield title if start == 0 else "", part.images, [str(label) for label in part.labels]


@checked
def build_dataset(
    name: str,
    *,
    out: str | Path,
    split: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    dtype: PixelType = "float32",
    listener: Listener = ignore,
) -> dict[str, int]:
    """Write a dataset to a file, in the format of its extension; return the number of images in each split.

    Args:
        name: a dataset from `digitlab data list`.
        out: the file to write, or a folder of pictures by class (NAME/).
        split: train, validation or test; formats other than HDF5 hold only one.
        seed: seed of the handmade and the corrupted datasets; the same seed gives the same bytes.
        jobs: number of threads; default: one per CPU core. The bytes do not depend on it.
        dtype: pixel type in HDF5: float32 as in the thesis (Pascual 2017), or uint8, a quarter of the size.
        listener: called with `Counted`.

    Raises:
        DatasetError: if there is no such dataset or split.
        UsageError: if the name has no known format, or one for a single split only.
        StorageError: if it cannot be written. After any error there is no file.
    """
    from digitlab.datasets import build_file, load_dataset

    on_progress = _counting(f"{name} → {out}", listener)
    try:
        dataset = load_dataset(name, seed=seed)
    except DatasetError as error:
        if Path(name).exists():
            raise DatasetError(f"{name} is a file or folder; `digitlab data convert` copies those") from error
        raise
    return build_file(dataset, out, on_progress, split=split, jobs=jobs, dtype=dtype)  # type: ignore[arg-type]


@checked
def convert_dataset(
    source: str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    dtype: PixelType = "float32",
    listener: Listener = ignore,
) -> int:
    """Copy the images of a file into another format, batch by batch; return their number.

    Args:
        source: a file or folder of labelled images, copied as they are; FILE#inverted: with 255 − each pixel.
        out: the file to write.
        split: the split to copy, if the source has several.
        dtype: pixel type in HDF5: float32 as in the thesis (Pascual 2017), or uint8, a quarter of the size.
        listener: called with `Counted`.

    Raises:
        DatasetError: if the source cannot be used; the message names file and record.
        UsageError: for a dataset's name, if both are the same, or if the target's name has no known format.
        StorageError: if the target cannot be written. After any error there is no target.
    """
    from digitlab.datasets import dataset_names
    from digitlab.datasets.formats import convert

    if str(source) in dataset_names() and not Path(source).exists():
        raise UsageError(f"{source} is a dataset's name; expected a file. `digitlab data build {source}` writes one")
    return convert(source, out, _counting(f"{source} → {out}", listener), split=split, dtype=dtype)  # type: ignore[arg-type]


def _counting(text: str, listener: Listener) -> Callable[[int, int | None], None]:
    listener(Counted(text, 0, None))
    return lambda done, total: listener(Counted(text, done, total))


def check_data(data: str, *, fix: Path | None = None, listener: Listener = ignore) -> DataCheck:
    """Find faults of a dataset, and write a repaired copy.

    It checks for dark ink on light; transposed images; labels that begin at 1, are shifted, permuted, or in another
    column or row; missing labels; images of other sizes; identical images within a split, with different labels, and
    across splits, there also nearly identical ones.

    Args:
        data: a file or folder of labelled images, or a dataset from `digitlab data list`.
        fix: write the repaired dataset: an .npz without duplicates, and without training images that are also test
            images. Missing labels are replaced by the reader's answers.
        listener: called with `Work`, `Counted` and `Note`.

    Raises:
        DatasetError: if it cannot be read, or holds no digit that the reader recognises.
        UsageError: if ``fix`` does not end in .npz, or is the file itself.
        StorageError: if it cannot be written.
    """
    from digitlab.jobs.data_check import checked_data

    return checked_data(data, fix, listener)


def dataset_from_review(*corrections: Path, out: str | Path) -> Corrections:
    """Make a dataset from the digits that were corrected on the page of `digitlab read … --review`.

    Images marked as no digit have no label and are left out; if no digit remains, nothing is written.

    Args:
        corrections: files saved by the page; if a digit occurs twice, the last correction counts.
        out: the file to write, in the format of its extension: .npz, .h5, .csv, .lmdb, IDX, or a folder (NAME/).

    Raises:
        UsageError: for no file, or another extension.
        DatasetError: if a file was not saved by the page.
        StorageError: if it cannot be written.
    """
    from digitlab.archives import read_corrections
    from digitlab.datasets.formats import dataset_writer

    if not corrections:
        raise UsageError("no corrections given; expected one or more files that the review page saved")
    corrected = read_corrections(corrections)
    if len(corrected.digits):
        with dataset_writer(out) as sink:
            sink.write(corrected.digits)
    return corrected


def draw_filters(image: str, *, out: Path) -> Path:
    """Draw the outputs of the classical filters for an image, each beside its kernel: lines, edges, spots, smoothing.

    Args:
        image: a picture, converted to grey and scaled down if it is large; or mnist:N, test image N of MNIST.
        out: the picture to write; its extension (.png, .svg, .pdf) determines the format.

    Raises:
        UsageError: for a number that MNIST does not have, or another extension.
        ImageError: if the picture cannot be read.
        StorageError: if it cannot be written.
    """
    from digitlab.datasets.transforms import BANK, apply_bank
    from digitlab.reports.figures import filters_figure, save_figure

    grey = _grey_image(image)
    save_figure(filters_figure(grey, BANK, apply_bank(grey)), out)
    return out


def _grey_image(name: str) -> NDArray[np.uint8]:
    """Load a picture file or "mnist:N" as uint8 (H, W)."""
    import cv2
    import numpy as np

    from digitlab.reading import load_image
    from digitlab.reading.ink import shrink

    if name.startswith("mnist:"):
        return _mnist_image(name)
    return shrink(np.asarray(cv2.cvtColor(load_image(name), cv2.COLOR_RGB2GRAY), np.uint8), _MOST_ACROSS)


def _mnist_image(name: str) -> NDArray[np.uint8]:
    import numpy as np

    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    number = name.removeprefix("mnist:")
    if not number.isdecimal() or int(number) >= len(test):
        raise UsageError(f"there is no image {name!r}; expected mnist:0 to mnist:{len(test) - 1}")
    return np.asarray(test.images[int(number)])
