"""`digitlab data`: list, describe, show, make and convert datasets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
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

    named = [load_dataset(name) for name in dataset_names()]
    if json:
        for data in named:
            say_json({"name": data.name, "about": data.about, "form": data.form, "splits": data.splits})
        return 0
    width = max(len(data.name) for data in named)
    for data in named:
        say(f"{data.name:{width}}  {data.about}")
    advise("Beside these: P-T and P-T-test, with P plain and T transformed copies, up to 20 each.")
    return 0


@app.command
@options_of(jobs.describe_dataset)
def info(*, json: bool = False, **given: Any) -> int:
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
        found = jobs.describe_dataset(**given, listener=view)
    if json:
        for each, summary in found.splits.items():
            say_json({"dataset": given["name"], "split": each, **asdict(summary)})
        return 0
    say(found.about)
    say()
    say(_table_of(found.splits))
    for each, summary in found.splits.items():
        if summary.dark_ink:
            advise(
                f"{each}: {summary.dark_ink:,} of {summary.images:,} images are dark ink on light; models expect light "
                "ink on dark"
            )
    return 0


def _table_of(summaries: Mapping[str, SplitSummary]) -> str:
    return table(
        ["split", "images", *map(str, range(10)), "mean", "deviation", "digest"],
        [
            [split, each.images, *each.counts, f"{each.mean:.2f}", f"{each.deviation:.2f}", each.digest]
            for split, each in summaries.items()
        ],
    )


@app.command
@options_of(jobs.draw_dataset)
def show(*names: str, **given: Any) -> int:
    """Draw the first images of datasets or files with their labels, each set in a block of its own.

    For a handmade set the first images of every copy are drawn, one copy per row: what stands in one column began as
    the same image of MNIST. Nothing else is made or read.

    For example:
    digitlab data show mnist --out grid.png
    digitlab data show sobel 0-1 1-1 0-6 1-6 --out sets.png
    digitlab data show scans.h5 --out scans.png
    """
    say(str(jobs.draw_dataset(*names, **given)))
    return 0


@app.command
@options_of(jobs.build_dataset)
def build(*, json: bool = False, **given: Any) -> int:
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
        sizes = jobs.build_dataset(**given, listener=view)
    if json:
        say_json({"dataset": given["name"], "seed": given.get("seed", 0), "out": str(given["out"]), "images": sizes})
        return 0
    advise(", ".join(f"{each}: {images:,} images" for each, images in sizes.items()))
    say(str(given["out"]))
    return 0


@app.command
@options_of(jobs.convert_dataset)
def convert(*, json: bool = False, **given: Any) -> int:
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
        images = jobs.convert_dataset(**given, listener=view)
    if json:
        say_json({"source": str(given["source"]), "out": str(given["out"]), "images": images})
        return 0
    advise(f"{images:,} images")
    say(str(given["out"]))
    return 0


@app.command
@options_of(jobs.check_data)
def check(*, json: bool = False, **given: Any) -> int:
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
    name: str = given["data"]
    fix: Path | None = given.get("fix")
    with JobView() as view:
        found = jobs.check_data(**given, listener=view)
    if json:
        say_json({"dataset": name, "splits": found.as_dict(), "out": fix and str(fix), "written": dict(found.written)})
    else:
        for split, each in found.splits.items():
            verdict = each.verdict
            agreed = f", the reader {verdict.of_the_reader(verdict.agreement)}" if verdict else ""
            say(f"{split}: {each.images:,} images{agreed}")
            for sentence in each.findings:
                say(f"  {sentence}")
        if fix is not None:
            say(str(fix))
        elif found.findings:
            advise(f"`digitlab data check {name} --fix OUT.npz` writes it repaired")
    return 1 if found.findings and fix is None else 0


@app.command(name="from-review")
@options_of(jobs.dataset_from_review)
def from_review(*corrections: Path, json: bool = False, **given: Any) -> int:
    """Make a dataset from the digits that were corrected on the page of `digitlab read … --review`.

    Exit code 1 if no digit is among them. Pictures that were marked as no digit have no label and are left out.

    For example:
    digitlab data from-review corrections.json --out mine.npz
    digitlab transfer runs/2026-…-reader --data mine.npz --head keep

    Args:
        json: What was written, as one JSON object.
    """
    found = jobs.dataset_from_review(*corrections, **given)
    if found.without_picture:
        advise(f"{found.without_picture} digits have no ink that can be told from its paper; they are left out")
    if not len(found.digits):
        advise(f"no digit is among the corrections ({found.no_digit} were called no digit); nothing is written")
        return 1
    told = {"images": len(found.digits), "changed": found.changed, "no_digit": found.no_digit}
    if json:
        say_json({"out": str(given["out"]), **told})
        return 0
    advise(f"{told['images']:,} digits, {told['changed']:,} of them other than read; {told['no_digit']:,} were none")
    say(str(given["out"]))
    return 0


@app.command(name="from-sheets")
@options_of(practice.from_sheets)
def from_sheets(*photos: Path, json: bool = False, **given: Any) -> int:
    """Make a dataset from practice sheets (digitlab sheet new --practice): each digit with its label and its writer.

    Exit code 2 when a photo was refused; the others are still used.

    For example:
    digitlab data from-sheets photos/ --out class.npz

    Args:
        json: What was written, as one JSON object.
    """
    out: Path = given["out"]
    with JobView() as view:
        found = practice.from_sheets(*photos, **given, listener=view)
    if json:
        say_json({"out": str(out), **asdict(found)})
    else:
        counts = ", ".join(f"{name}: {count:,}" for name, count in list(found.writers.items())[:12])
        more = f" and {len(found.writers) - 12:,} more" if len(found.writers) > 12 else ""
        advise(f"{found.images:,} digits of {len(found.writers):,} writers ({counts}{more})")
        say(str(out))
    return 2 if found.refused else 0


@app.command
@options_of(jobs.draw_filters)
def filters(**given: Any) -> int:
    """Draw what the classical filters make of an image, each beside its kernel: lines, edges, spots, smoothing.

    For example:
    digitlab data filters mnist:0 --out filters.png
    digitlab data filters photo.jpg --out filters.png
    """
    say(str(jobs.draw_filters(**given)))
    return 0
