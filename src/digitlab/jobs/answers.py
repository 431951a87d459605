"""Classify all images of a dataset, with or without labels: into a table, or as the dataset's labels."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable  # noqa: TC003 - the types of settings are read at run time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from digitlab.errors import DatasetError, UsageError
from digitlab.jobs.events import Counted, ignore
from digitlab.jobs.named_models import predictor
from digitlab.settings import Range, Setting, checked
from digitlab.values import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.datasets import Dataset
    from digitlab.jobs.events import Listener

__all__ = ["Answers", "ClassifiedData", "answer_table", "classify_data"]

COLUMNS = ("path", "image", "digit", "confidence")


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers for a run of consecutive images.

    first: number of the first image, counted from 1
    probabilities: float32 (N, 10)
    sure: bool (N,), whether the confidence reaches the threshold
    """

    first: int
    probabilities: NDArray[np.float32]
    sure: NDArray[np.bool_]

    @property
    def digits(self) -> NDArray[np.uint8]:
        """Most likely digit of each image, uint8 (N,)."""
        likeliest: NDArray[np.uint8] = self.probabilities.argmax(axis=1).astype("uint8")
        return likeliest

    @property
    def confidences(self) -> NDArray[np.float32]:
        """Its probability, float32 (N,)."""
        highest: NDArray[np.float32] = self.probabilities.max(axis=1)
        return highest

    def rows(self) -> Iterator[tuple[int, int | None, float]]:
        """Yield number, digit (None below the threshold) and confidence for each image."""
        columns = zip(self.digits.tolist(), self.confidences.tolist(), self.sure.tolist(), strict=True)
        for number, (digit, confidence, sure) in enumerate(columns, self.first):
            yield number, digit if sure else None, confidence


@dataclass(frozen=True, slots=True)
class ClassifiedData:
    """Result for a dataset.

    images: number of images classified
    counts: number of answers for each digit 0 to 9
    unsure: number of images below the threshold, which get no answer
    labelled, agreeing: number of images with a label in the file, and of those whose label equals the answer
    """

    images: int
    counts: tuple[int, ...]
    unsure: int
    labelled: int
    agreeing: int


@checked
def classify_data(
    data: str,
    model: Annotated[str | Path, Setting(flag="--model")] = "reader",
    *,
    threshold: Annotated[float | None, Setting(within=Range(0, 1))] = None,
    table: Annotated[Path | None, Setting(flag="--csv")] = None,
    split: str | None = None,
    out: str | Path | None = None,
    take: Callable[[Answers], None] = lambda _: None,
    listener: Listener = ignore,
) -> ClassifiedData:
    """Classify each image of a dataset of 28×28 images; labels are not needed.

    Args:
        data: a named dataset, or a file or folder, in which labels may be missing: CSV of 784 columns, npz or .mat with
            images alone, .npy, HDF5 without labels, an images file of IDX, Parquet, TFRecord.
        model: a shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5, .tflite …).
        threshold: answer only if the confidence is at least this; by default, all images of a dataset are answered.
        table: write a table: path, image (its number in the file, from 1), digit (? where it was not answered),
            confidence.
        split: of a dataset with several; default: its test images.
        out: write the images of a dataset with the answers as their labels, in any format, chosen by the name; images
            below the threshold are left out.
        take: called with each batch of answers.
        listener: called with `Work`, `Counted` and `Note`.

    Raises:
        DatasetError: if there is no such data, it is damaged, or a split has to be chosen.
        ModelError: if there is no such model.
        UsageError: for a threshold outside 0 to 1, or a file that would replace the data.
        StorageError: if a file cannot be written.
    """
    from digitlab.datasets import find_dataset
    from digitlab.datasets.formats import dataset_writer
    from digitlab.datasets.formats.checks import loose_labels

    source_path = _data_file(data, table, out)
    with loose_labels(), contextlib.ExitStack() as stack:
        dataset = find_dataset(data)
        chosen = _split_of(dataset, split)
        answer = predictor(model, form=dataset.form, listener=listener)
        sink = None if out is None else stack.enter_context(dataset_writer(out))
        write = None if table is None else stack.enter_context(answer_table(table))
        tally = _Tally()
        source = stack.enter_context(dataset.open(chosen))
        for batch in source.batches():
            probabilities = answer(batch.images)
            answers = Answers(tally.images + 1, probabilities, probabilities.max(axis=1) >= (threshold or 0.0))
            tally.add(answers, batch.labels)
            take(answers)
            if write is not None:
                for row in answers.rows():
                    write(str(source_path), *row)
            if sink is not None:
                sink.write(replace(batch, labels=answers.digits)[answers.sure])
            listener(Counted(f"classifying {data}", tally.images, source.count or tally.images))
        if not tally.images:  # raised here, so that no empty table is left
            raise DatasetError(f"{data}: contains no images; expected images of digits")
    return tally.as_result()


def _data_file(data: str, *outputs: str | Path | None) -> Path:
    """Return the file or folder of the data; refuse output files that would replace it."""
    from digitlab.datasets.formats.polarity import parted_name

    path = parted_name(data)[0]
    for file in (Path(name) for name in outputs if name is not None):
        if file.exists() and path.exists() and file.samefile(path):
            raise UsageError(f"{file} is the data itself; choose another name")
    return path


@dataclass
class _Tally:
    counts: list[int] = field(default_factory=lambda: [0] * 10)
    images: int = 0
    unsure: int = 0
    labelled: int = 0
    agreeing: int = 0

    def add(self, answers: Answers, labels: NDArray[np.uint8]) -> None:
        import numpy as np

        digits, sure = answers.digits, answers.sure
        self.images += len(digits)
        self.unsure += int((~sure).sum())
        counts = np.bincount(digits[sure], minlength=10).tolist()
        self.counts = [before + now for before, now in zip(self.counts, counts, strict=True)]
        self.labelled += int((labels != NONE).sum())
        self.agreeing += int((labels == digits).sum())

    def as_result(self) -> ClassifiedData:
        return ClassifiedData(self.images, tuple(self.counts), self.unsure, self.labelled, self.agreeing)


def _split_of(dataset: Dataset, split: str | None) -> str:
    if split is not None or len(dataset.splits) == 1:
        chosen = split or dataset.splits[0]
        dataset.expect_split(chosen)
        return chosen
    if "test" in dataset.splits:
        return "test"
    raise DatasetError(f"{dataset.name}: choose a split with --split; it has: {', '.join(dataset.splits)}")


@contextlib.contextmanager
def answer_table(path: Path) -> Iterator[Callable[[str, int, int | None, float], None]]:
    """Yield a function that writes rows to a CSV file, which exists once the block ends.

    It takes the name of the file, the number of the image in it (from 1), the digit (None below the threshold), and
    the confidence.

    Raises:
        StorageError: if it cannot be written.
    """
    from digitlab.archives.rows import plain_name
    from digitlab.storage import atomic_path

    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)

        def write(name: str, number: int, digit: int | None, confidence: float) -> None:
            rows.writerow([plain_name(name), number, "?" if digit is None else digit, f"{confidence:.4f}"])

        yield write
