"""`digitlab data`: list, describe, show, make and convert datasets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import datasets as jobs
from digitlab.jobs import practice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.datasets import SplitSummary

app = App("data", help="List, describe, show, make and convert datasets.", help_format="plaintext", help_epilogue="")

__all__ = ["app"]


@app.command(name="list")
@options_of()
def list_datasets(*, json: bool = False) -> int:
    """List the datasets that can be named. Files of your own are named by their path.

    For example:
    digitlab data list

    Args:
        json: One JSON object per line.
    """
    from digitlab.datasets import dataset_names, load_dataset

    datasets = [load_dataset(name) for name in dataset_names()]
    if json:
        for data in datasets:
            say_json({"name": data.name, "about": data.about, "form": data.form, "splits": data.splits})
        return 0
    width = max(len(data.name) for data in datasets)
    for data in datasets:
        say(f"{data.name:{width}}  {data.about}")
    advise("Also: P-T and P-T-test, with P plain and T transformed copies, up to 20 each.")
    return 0


@app.command
@options_of(jobs.describe_dataset)
def info(*, json: bool = False, **options: Any) -> int:
    """Sizes, class counts, mean, deviation and digest of a dataset or of a file of your own.

    Files are read batch by batch, however large. Handmade sets are built and cached the first time.

    For example:
    digitlab data info mnist
    digitlab data info 1-6 --split train
    digitlab data info scans.h5
    digitlab data info 'scans.h5#as-is'

    Args:
        json: One JSON object per split.
    """
    with JobView() as view:
        result = jobs.describe_dataset(**options, listener=view)
    if json:
        for split, summary in result.splits.items():
            say_json({"dataset": options["name"], "split": split, **asdict(summary)})
        return 0
    say(result.about)
    say()
    say(_table_of(result.splits))
    for split, summary in result.splits.items():
        if summary.dark_ink:
            advise(
                f"{split}: {summary.dark_ink:,} of {counted(summary.images, 'image is', 'images are')} "
                f"dark ink on light; models expect "
                "light ink on dark"
            )
    return 0


def _table_of(summaries: Mapping[str, SplitSummary]) -> str:
    return table(
        ["split", "images", *map(str, range(10)), "mean", "deviation", "digest"],
        [
            [split, summary.images, *summary.counts, f"{summary.mean:.2f}", f"{summary.deviation:.2f}", summary.digest]
            for split, summary in summaries.items()
        ],
    )


@app.command
@options_of(jobs.draw_dataset)
def show(*names: str, **options: Any) -> int:
    """Draw the first images of datasets or files with their labels, each set in a block of its own.

    For a handmade set the first images of every copy are drawn, one copy per row: what stands in one column began as
    the same image of MNIST. Nothing else is made or read.

    For example:
    digitlab data show mnist --out grid.png
    digitlab data show sobel 0-1 1-1 0-6 1-6 --out sets.png
    digitlab data show scans.h5 --out scans.png
    """
    say(str(jobs.draw_dataset(*names, **options)))
    return 0


@app.command
@options_of(jobs.build_dataset)
def build(*, json: bool = False, **options: Any) -> int:
    """Write a dataset into a file, in the format of its extension: .h5, .lmdb, .npz, .csv, IDX, or a folder (NAME/).

    An HDF5 file of one split has data and labels at its root; without --split it has a group for each split.
    Handmade sets are generated while they are written, with little memory, and are not cached.

    For example:
    digitlab data build 1-6 --out 1-6.h5
    digitlab data build 0-1 --split train --out 0-1-train.lmdb --seed 7

    Args:
        json: What was written, as one JSON object.
    """
    with JobView() as view:
        sizes = jobs.build_dataset(**options, listener=view)
    if json:
        say_json(
            {"dataset": options["name"], "seed": options.get("seed", 0), "out": str(options["out"]), "images": sizes}
        )
        return 0
    advise(", ".join(f"{split}: {counted(images, 'image')}" for split, images in sizes.items()))
    say(str(options["out"]))
    return 0


@app.command
@options_of(jobs.convert_dataset)
def convert(*, json: bool = False, **options: Any) -> int:
    """Copy the images of a file into another format, batch by batch; the extensions determine the formats.

    IDX (raw or .gz), HDF5, LMDB of Caffe, npz, CSV, folders of pictures by class; .mat, .pkl.gz, Parquet and TFRecord
    are read only. Images of other sizes are prepared as the reader does; FILE#resized only makes them 28×28.

    For example:
    digitlab data convert mnist_train_lmdb train.h5
    digitlab data convert mnist.npz --split train train.csv
    digitlab data convert 'scans.npz#inverted' light-ink.npz

    Args:
        json: What was written, as one JSON object.
    """
    with JobView() as view:
        images = jobs.convert_dataset(**options, listener=view)
    if json:
        say_json({"source": str(options["source"]), "out": str(options["out"]), "images": images})
        return 0
    advise(counted(images, "image"))
    say(str(options["out"]))
    return 0


@app.command
@options_of(jobs.check_data)
def check(*, json: bool = False, **options: Any) -> int:
    """Find what is wrong with a dataset: polarity, transposition, labels, duplicates, leakage between splits, sizes.

    The shipped reader looks at 2,000 images of each split; duplicates are looked for in all. Labels are checked for
    starting at 1, being shifted, permuted, in another row or CSV column, or missing. Exit code 1 if something is wrong
    and was not repaired.

    For example:
    digitlab data check scans.h5
    digitlab data check scans.h5 --fix mended.npz

    Args:
        json: What was found, as one JSON object.
    """
    name: str = options["data"]
    fix: Path | None = options.get("fix")
    with JobView() as view:
        report = jobs.check_data(**options, listener=view)
    if json:
        say_json(
            {"dataset": name, "splits": report.as_dict(), "out": fix and str(fix), "written": dict(report.written)}
        )
    else:
        for split, result in report.splits.items():
            verdict = result.verdict
            agreed = f", the reader {verdict.of_the_reader(verdict.agreement)}" if verdict else ""
            say(f"{split}: {counted(result.images, 'image')}{agreed}")
            for sentence in result.findings:
                say(f"  {sentence}")
        if fix is not None:
            say(str(fix))
        elif report.findings:
            advise(f"`digitlab data check {name} --fix OUT.npz` writes a repaired copy")
    return 1 if report.findings and fix is None else 0


@app.command(name="from-review")
@options_of(jobs.dataset_from_review)
def from_review(*corrections: Path, json: bool = False, **options: Any) -> int:
    """Make a dataset from the digits that were corrected on the page of `digitlab read … --review`.

    Exit code 1 if no digit is among them. Pictures that were marked as no digit have no label and are left out.

    For example:
    digitlab data from-review corrections.json --out mine.npz
    digitlab transfer runs/2026-…-reader --data mine.npz --head keep

    Args:
        json: What was written, as one JSON object.
    """
    result = jobs.dataset_from_review(*corrections, **options)
    if result.without_picture:
        advise(
            f"{counted(result.without_picture, 'digit has', 'digits have')} "
            f"no ink that can be distinguished from the paper; left out"
        )
    if not len(result.digits):
        advise(f"the corrections contain no digit ({result.no_digit} are marked as no digit); nothing is written")
        return 1
    counts = {"images": len(result.digits), "changed": result.changed, "no_digit": result.no_digit}
    if json:
        say_json({"out": str(options["out"]), **counts})
        return 0
    advise(
        f"{counted(counts['images'], 'digit')}, "
        f"{counts['changed']:,} of them other than read; {counts['no_digit']:,} were none"
    )
    say(str(options["out"]))
    return 0


@app.command(name="from-sheets")
@options_of(practice.from_sheets)
def from_sheets(*photos: Path, json: bool = False, **options: Any) -> int:
    """Make a dataset from practice sheets (digitlab sheet new --practice): each digit with its label and its writer.

    Exit code 2 when a photo was refused; the others are still used.

    For example:
    digitlab data from-sheets photos/ --out class.npz

    Args:
        json: What was written, as one JSON object.
    """
    out: Path = options["out"]
    with JobView() as view:
        result = practice.from_sheets(*photos, **options, listener=view)
    if json:
        say_json({"out": str(out), **asdict(result)})
    else:
        counts = ", ".join(f"{name}: {count:,}" for name, count in list(result.writers.items())[:12])
        more = f" and {len(result.writers) - 12:,} more" if len(result.writers) > 12 else ""
        advise(f"{counted(result.images, 'digit')} of {counted(len(result.writers), 'writer')} ({counts}{more})")
        say(str(out))
    return 2 if result.refused else 0


@app.command
@options_of(jobs.draw_filters)
def filters(**options: Any) -> int:
    """Draw what the classical filters make of an image, each beside its kernel: lines, edges, spots, smoothing.

    For example:
    digitlab data filters mnist:0 --out filters.png
    digitlab data filters photo.jpg --out filters.png
    """
    say(str(jobs.draw_filters(**options)))
    return 0
