"""Datasets from Python: `check_data`, `convert_dataset`, `classify_data`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from digitlab import jobs
from digitlab.api.following import described_by, following
from digitlab.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.jobs import ClassifiedData, DataCheck
    from digitlab.jobs.answers import Answers
    from digitlab.jobs.events import Listener

__all__ = ["check_data", "classify_data", "convert_dataset"]


@described_by(jobs.check_data)
def check_data(
    data: str, *, fix: str | Path | None = None, progress: bool | None = None, listener: Listener | None = None
) -> DataCheck:
    """Find faults of a dataset: polarity, transposed images, shifted labels, duplicates; and write a corrected copy.

    As `digitlab data check`.

    >>> check_data("few.npz").findings
    0
    """
    with following("check_data", progress, listener) as heard:
        return jobs.check_data(data, fix=None if fix is None else Path(fix), listener=heard)


@described_by(jobs.convert_dataset)
def convert_dataset(
    source: str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    dtype: Literal["float32", "uint8"] = "float32",
    progress: bool | None = None,
    listener: Listener | None = None,
) -> int:
    """Copy the images of a file into another format, batch by batch; return their number.

    As `digitlab data convert`.

    >>> convert_dataset("few.npz", "few.csv", split="test")
    100
    """
    with following("convert_dataset", progress, listener) as heard:
        return jobs.convert_dataset(source, out, split=split, dtype=dtype, listener=heard)


@described_by(jobs.classify_data)
def classify_data(
    data: str | Path,
    model: Run | str | Path = "reader",
    *,
    threshold: float | None = None,
    table: str | Path | None = None,
    split: str | None = None,
    out: str | Path | None = None,
    take: Callable[[Answers], None] = lambda _: None,
    progress: bool | None = None,
    listener: Listener | None = None,
) -> ClassifiedData:
    """Classify each image of a dataset of 28×28 images; labels are not needed.

    As `digitlab classify` of a dataset.

    Args:
        model: a shipped name, a run or its folder, or a model file of any framework (.onnx, .keras, .h5, .tflite …).
        table: write a table (``--csv``): path, image (its number in the file, from 1), digit (? where it was not
            answered), confidence.

    >>> found = classify_data("few.npz", split="test", table="answers.csv")
    >>> found.images, found.agreeing >= 97, sum(found.counts)
    (100, True, 100)
    """
    with following("classify_data", progress, listener) as heard:
        return jobs.classify_data(
            str(data), model.path if isinstance(model, Run) else model, threshold=threshold,
            table=None if table is None else Path(table), split=split, out=out, take=take, listener=heard,
        )  # fmt: skip
