"""`digitlab data`: list, describe and show datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from digitlab.apps.cli.console import advise, say, say_json, table

app = App("data", help="List, describe and show datasets.", help_format="plaintext", help_epilogue="")

__all__ = ["app"]


@app.command(name="list")
def list_datasets(*, json: bool = False) -> None:
    """List the datasets that can be named.

    For example:
    digitlab data list

    Args:
        json: One JSON object a line.
    """
    from digitlab.datasets import dataset_names

    for name in dataset_names():
        if json:
            say_json({"name": name})
        else:
            say(name)


@app.command
def info(name: str, /, *, json: bool = False) -> None:
    """Sizes, class counts, mean, deviation and digest of a dataset.

    For example:
    digitlab data info mnist

    Args:
        name: A dataset of `digitlab data list`.
        json: One JSON object a split.
    """
    from dataclasses import asdict

    from digitlab.datasets import load_dataset, summarise

    data = load_dataset(name)
    summaries = {split: summarise(data.split(split)) for split in data.splits}
    if json:
        for split, summary in summaries.items():
            say_json({"dataset": name, "split": split, **asdict(summary)})
        return
    say(data.about)
    say()
    say(
        table(
            ["split", "images", *map(str, range(10)), "mean", "deviation", "digest"],
            [
                [split, each.images, *each.counts, f"{each.mean:.2f}", f"{each.deviation:.2f}", each.digest]
                for split, each in summaries.items()
            ],
        )
    )


@app.command
def show(
    name: str,
    /,
    *,
    out: Path,
    split: str = "train",
    count: Annotated[int, Parameter(alias="-n")] = 60,
) -> None:
    """Draw the first images of a dataset with their labels.

    For example:
    digitlab data show mnist --out grid.png

    Args:
        name: A dataset of `digitlab data list`.
        out: The picture to write; its name's end chooses PNG, SVG or PDF.
        split: train, validation or test.
        count: How many images, at most 1000.
    """
    from digitlab.datasets import load_dataset
    from digitlab.errors import UsageError
    from digitlab.reports.figures import save_digits

    if not 1 <= count <= 1000:
        raise UsageError(f"--count is {count}; expected 1 to 1000")
    digits = load_dataset(name).split(split)[:count]
    save_digits(out, digits.images, [str(label) for label in digits.labels])
    advise(f"the first {len(digits)} images of {name} ({split}):")
    say(str(out))
