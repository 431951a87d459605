"""`digitlab data`: list, describe, show, make and convert datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from digitlab.apps.cli.console import advise, say, say_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.apps.cli.progress_view import ProgressView
    from digitlab.datasets import Dataset, SplitSummary
    from digitlab.values import Digits

app = App("data", help="List, describe, show, make and convert datasets.", help_format="plaintext", help_epilogue="")

__all__ = ["app"]

_COLUMNS = 12
_MOST_ACROSS = 280  # pixels of a photo that is filtered: more are not drawn, and kernels of three see only its grain

PixelType = Literal["float32", "uint8"]


@app.command(name="list")
def list_datasets(*, json: bool = False) -> None:
    """List the datasets that can be named. Files of your own are named by their path.

    For example:
    digitlab data list

    Args:
        json: One JSON object a line.
    """
    from digitlab.datasets import dataset_names, load_dataset

    named = [load_dataset(name) for name in dataset_names()]
    if json:
        for data in named:
            say_json({"name": data.name, "about": data.about, "form": data.form, "splits": data.splits})
        return
    width = max(len(data.name) for data in named)
    for data in named:
        say(f"{data.name:{width}}  {data.about}")
    advise("Beside these: P-T and P-T-test, with P plain and T transformed copies, up to 20 each.")


@app.command
def info(name: str, /, *, split: str | None = None, seed: int = 0, json: bool = False) -> None:
    """Sizes, class counts, mean, deviation and digest of a dataset or of a file of your own.

    Files are read batch by batch, however large. Handmade sets are made into the cache the first time.

    For example:
    digitlab data info mnist
    digitlab data info 1-6 --split train
    digitlab data info scans.h5
    digitlab data info 'scans.h5#as-is'

    Args:
        name: A dataset of `digitlab data list`, or a file or folder of labelled images. A file of dark ink on light is
            inverted wherever it is named; FILE#as-is leaves it as it is, FILE#inverted inverts it anyway.
        split: One split only: train, validation, test, or a file's own.
        seed: Of the handmade and the corrupted sets.
        json: One JSON object a split.
    """
    from dataclasses import asdict

    from digitlab.apps.cli.progress_view import ProgressView
    from digitlab.datasets import find_dataset

    data = find_dataset(name, seed=seed)
    with ProgressView() as view:
        summaries = {each: _summary(data, each, view) for each in ((split,) if split else data.splits)}
    if json:
        for each, summary in summaries.items():
            say_json({"dataset": name, "split": each, **asdict(summary)})
        return
    say(data.about)
    say()
    say(_table_of(summaries))
    for each, summary in summaries.items():
        if summary.dark_ink:
            advise(
                f"{each}: {summary.dark_ink:,} of {summary.images:,} images are dark ink on light; models expect light "
                "ink on dark"
            )


def _summary(data: Dataset, split: str, view: ProgressView) -> SplitSummary:
    from digitlab.datasets import summarise_batches

    view.start(f"{data.name}, {split}")
    with data.open(split) as source:
        return summarise_batches(_telling(source.batches(), source.count, view))


def _telling(batches: Iterator[Digits], count: int | None, view: ProgressView) -> Iterator[Digits]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        view(done, count)


def _table_of(summaries: dict[str, SplitSummary]) -> str:
    return table(
        ["split", "images", *map(str, range(10)), "mean", "deviation", "digest"],
        [
            [split, each.images, *each.counts, f"{each.mean:.2f}", f"{each.deviation:.2f}", each.digest]
            for split, each in summaries.items()
        ],
    )


@app.command
def show(
    *names: str,
    out: Path,
    split: str | None = None,
    count: Annotated[int | None, Parameter(alias="-n")] = None,
    seed: int = 0,
) -> None:
    """Draw the first images of datasets or files with their labels, each set in a block of its own.

    Of a handmade set the first images of every copy are drawn, a copy a row: what stands in one column began as the
    same image of MNIST. Nothing else is made or read.

    For example:
    digitlab data show mnist --out grid.png
    digitlab data show sobel 0-1 1-1 0-6 1-6 --out sets.png
    digitlab data show scans.h5 --out scans.png

    Args:
        names: Datasets of `digitlab data list`, or files or folders of labelled images.
        out: The picture to write; its name's end chooses PNG, SVG or PDF.
        split: train, validation, test, or a file's own; else the first.
        count: How many images of each set (of handmade sets, of each copy), at most 1000; else 60 of a single set, 12
            of several or of copies.
        seed: Of the handmade and the corrupted sets.
    """
    from digitlab.datasets import find_dataset
    from digitlab.errors import UsageError
    from digitlab.reports.figures import save_figure, sets_figure

    if not names:
        raise UsageError("data show: no dataset given; expected one or more, e.g. digitlab data show mnist --out F.png")
    if count is not None and not 1 <= count <= 1000:
        raise UsageError(f"--count is {count}; expected 1 to 1000")
    sets = [find_dataset(name, seed=seed) for name in names]
    single = len(sets) == 1 and sets[0].handmade is None
    count = count or (60 if single else _COLUMNS)
    blocks = [block for data in sets for block in _blocks(data, split or data.splits[0], count)]
    save_figure(sets_figure(blocks, _COLUMNS), out)
    say(str(out))


def _blocks(data: Dataset, split: str, count: int) -> Iterator[tuple[str, NDArray[np.uint8], list[str]]]:
    """One for a set, or for each copy of a handmade one, so that its rows stand below each other."""
    from digitlab.datasets import first_images

    digits = first_images(data, split, count)
    copies = data.handmade.copies if data.handmade else 1
    title = f"{data.name} ({split})" + (f": {copies} copies of each image" if copies > 1 else "")
    each = len(digits) // copies
    for start in range(0, len(digits), max(1, each)):
        part = digits[start : start + each]
        yield title if start == 0 else "", part.images, [str(label) for label in part.labels]


@app.command
def build(
    name: str,
    /,
    *,
    out: Path,
    split: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    dtype: PixelType = "float32",
    json: bool = False,
) -> None:
    """Write a dataset into a file, in any format by its name: .h5, .lmdb, .npz, .csv, IDX, or a folder (NAME/).

    An HDF5 file of one split has data and labels at its root; without --split it has a group for each split.
    Handmade sets are made while they are written, in little memory, and not kept in the cache.

    For example:
    digitlab data build 1-6 --out 1-6.h5
    digitlab data build 0-1 --split train --out 0-1-train.lmdb --seed 7

    Args:
        name: A dataset of `digitlab data list`.
        out: The file to write.
        split: train, validation or test; formats other than HDF5 hold only one.
        seed: Of the handmade and the corrupted sets; the same seed gives the same bytes.
        jobs: Threads; else one per processor. The bytes do not depend on it.
        dtype: Of the pixels in HDF5: float32 as the thesis (Pascual 2017) has it, or uint8, a quarter of the size.
        json: What was written, as one JSON object.
    """
    from digitlab.apps.cli.progress_view import ProgressView
    from digitlab.datasets import build_file, load_dataset

    data = load_dataset(name, seed=seed)
    with ProgressView() as view:
        view.start(f"{name} → {out}")
        sizes = build_file(data, out, view, split=split, jobs=jobs, dtype=dtype)
    if json:
        say_json({"dataset": name, "seed": seed, "out": str(out), "images": sizes})
        return
    advise(", ".join(f"{each}: {images:,} images" for each, images in sizes.items()))
    say(str(out))


@app.command
def convert(
    source: Path, out: Path, /, *, split: str | None = None, dtype: PixelType = "float32", json: bool = False
) -> None:
    """Copy the images of a file into another format, batch by batch; the names tell the formats.

    IDX (raw or .gz), HDF5, LMDB of Caffe, npz, CSV, folders of pictures by class; .mat, .pkl.gz, Parquet and TFRecord
    are read only. Images of other sizes are prepared as the reader does; FILE#resized only makes them 28×28.

    For example:
    digitlab data convert mnist_train_lmdb train.h5
    digitlab data convert mnist.npz --split train train.csv
    digitlab data convert 'scans.npz#inverted' light-ink.npz

    Args:
        source: A file or folder of labelled images, copied as they are; FILE#inverted with 255 − each pixel.
        out: The file to write.
        split: Which one, where the source has several.
        dtype: Of the pixels in HDF5: float32 as the thesis (Pascual 2017) has it, or uint8, a quarter of the size.
        json: What was written, as one JSON object.
    """
    from digitlab.apps.cli.progress_view import ProgressView
    from digitlab.datasets.formats import convert as convert_file

    with ProgressView() as view:
        view.start(f"{source} → {out}")
        images = convert_file(source, out, view, split=split, dtype=dtype)
    if json:
        say_json({"source": str(source), "out": str(out), "images": images})
        return
    advise(f"{images:,} images")
    say(str(out))


@app.command
def check(name: str, /, *, fix: Path | None = None, json: bool = False) -> int:
    """Tell what is wrong with a dataset: polarity, transposition, labels, duplicates, leakage between splits, sizes.

    The shipped reader looks at 2,000 images of each split; duplicates are looked for in all. Labels: those that begin
    at 1, are shifted, in another order, in another row, in another column of a CSV, or missing. Ends with 1 when
    something is wrong and was not mended.

    For example:
    digitlab data check scans.h5
    digitlab data check scans.h5 --fix mended.npz

    Args:
        name: A file or folder of labelled images, or a dataset of `digitlab data list`.
        fix: Write the mended dataset: an .npz without duplicates, and without training images that are in the test
            images. Labels that are missing are the reader's answers.
        json: What was found, as one JSON object.
    """
    from digitlab.apps.cli.job_view import JobView
    from digitlab.jobs import check_data

    with JobView() as view:
        found = check_data(name, fix=fix, listener=view)
    if json:
        say_json({"dataset": name, "splits": found.as_dict(), "out": fix and str(fix), "written": dict(found.written)})
    else:
        for split, each in found.splits.items():
            agreed = f", the reader agrees with {100 * each.verdict.agreement:.1f} %" if each.verdict else ""
            say(f"{split}: {each.images:,} images{agreed}")
            for sentence in each.findings:
                say(f"  {sentence}")
        if fix is not None:
            say(str(fix))
        elif found.findings:
            advise(f"`digitlab data check {name} --fix OUT.npz` writes it mended")
    return 1 if found.findings and fix is None else 0


@app.command(name="from-review")
def from_review(*corrections: Path, out: Path, json: bool = False) -> int:
    """Make a dataset of the digits that were corrected on the page of `digitlab read … --review`.

    Ends with 1 when there is no digit among them. What was called no digit has no label to learn and is left out.

    For example:
    digitlab data from-review corrections.json --out mine.npz
    digitlab transfer runs/2026-…-reader --data mine.npz --head keep

    Args:
        corrections: Files that the page saved; of a digit that occurs twice, the last word counts.
        out: The file to write, in any format by its name: .npz, .h5, .csv, .lmdb, IDX, or a folder (NAME/).
        json: What was written, as one JSON object.
    """
    from digitlab.archives import read_corrections
    from digitlab.datasets.formats import dataset_writer
    from digitlab.errors import UsageError

    if not corrections:
        raise UsageError("no corrections given; expected one or more files that the review page saved")
    found = read_corrections(corrections)
    if found.without_picture:
        advise(f"{found.without_picture} digits have no ink that can be told from its paper; they are left out")
    if not len(found.digits):
        advise(f"no digit is among the corrections ({found.no_digit} were called no digit); nothing is written")
        return 1
    with dataset_writer(out) as sink:
        sink.write(found.digits)
    told = {"images": len(found.digits), "changed": found.changed, "no_digit": found.no_digit}
    if json:
        say_json({"out": str(out), **told})
        return 0
    advise(f"{told['images']:,} digits, {told['changed']:,} of them other than read; {told['no_digit']:,} were none")
    say(str(out))
    return 0


@app.command(name="from-sheets")
def from_sheets(*photos: Path, out: Path, json: bool = False) -> int:
    """Make a dataset of practice sheets (digitlab sheet new --practice): each digit with its label and its writer.

    Ends with 2 when a photo was refused; the others are taken all the same.

    For example:
    digitlab data from-sheets photos/ --out class.npz

    Args:
        photos: Photos of the sheets, or folders of them.
        out: The file, ending in .npz: images, labels, writers.
        json: What was written, as one JSON object.
    """
    from dataclasses import asdict

    from digitlab.apps.cli.job_view import JobView
    from digitlab.errors import UsageError
    from digitlab.jobs.practice import from_sheets as cut_out

    if not photos:
        raise UsageError("no photo given; expected photos of practice sheets, or a folder of them")
    with JobView() as view:
        found = cut_out(photos, out, listener=view)
    if json:
        say_json({"out": str(out), **asdict(found)})
    else:
        counts = ", ".join(f"{name}: {count:,}" for name, count in list(found.writers.items())[:12])
        more = f" and {len(found.writers) - 12:,} more" if len(found.writers) > 12 else ""
        advise(f"{found.images:,} digits of {len(found.writers):,} writers ({counts}{more})")
        say(str(out))
    return 2 if found.refused else 0


@app.command
def filters(image: str, /, *, out: Path) -> None:
    """Draw what the classical filters make of an image, each beside its kernel: lines, edges, spots, smoothing.

    For example:
    digitlab data filters mnist:0 --out filters.png
    digitlab data filters photo.jpg --out filters.png

    Args:
        image: A picture, taken in grey and made smaller where it is large; or mnist:N, test image N of MNIST.
        out: The picture to write; its name's end chooses PNG, SVG or PDF.
    """
    from digitlab.datasets.transforms import BANK, apply_bank
    from digitlab.reports.figures import filters_figure, save_figure

    grey = _grey_image(image)
    save_figure(filters_figure(grey, BANK, apply_bank(grey)), out)
    say(str(out))


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
    from digitlab.errors import UsageError

    test = load_dataset("mnist").split("test")
    number = name.removeprefix("mnist:")
    if not number.isdecimal() or int(number) >= len(test):
        raise UsageError(f"there is no image {name!r}; expected mnist:0 to mnist:{len(test) - 1}")
    return np.asarray(test.images[int(number)])
