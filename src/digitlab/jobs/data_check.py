"""Check a dataset: the shipped reader examines a sample of it, and all of it is searched for duplicates."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError, DigitlabError, UsageError, counted
from digitlab.jobs.events import Counted, Note, Work
from digitlab.values import NONE, Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from digitlab.datasets import Dataset
    from digitlab.datasets.examining import Sample, Verdict
    from digitlab.datasets.formats import ImageSource
    from digitlab.jobs.events import Listener

__all__ = ["DataCheck", "SplitCheck", "checked_data", "note_what_is_wrong"]

_SAMPLE_SIZE, _QUICK_SAMPLE_SIZE = 2000, 256  # images in each split that the reader examines
_COMPARED = 1000  # images in a split for which near duplicates are searched for in the first one
_RIGHT_COLUMN = 0.1  # by how much another column must agree better than the one taken as the label


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """Findings in a split.

    images: number of all images in it
    verdict: the reader's, on a sample; None for Sobel images
    findings: a sentence for each fault
    """

    images: int
    verdict: Verdict | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Findings in a dataset, by split; and numbers of images written, by split."""

    splits: Mapping[str, SplitCheck]
    written: Mapping[str, int]

    @property
    def findings(self) -> int:
        """Number of faults."""
        return sum(len(each.findings) for each in self.splits.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            split: {
                "images": each.images,
                "agreement": each.verdict and each.verdict.agreement,
                "agreement_mended": each.verdict and each.verdict.best,
                "findings": list(each.findings),
            }
            for split, each in self.splits.items()
        }


def checked_data(data: str, fix: Path | None, listener: Listener) -> DataCheck:
    """See `digitlab.jobs.check_data`."""
    from digitlab.datasets.formats.checks import loose_labels
    from digitlab.datasets.formats.npz import write_npz_splits
    from digitlab.datasets.formats.polarity import parted_name

    if fix is not None and fix.suffix.lower() != ".npz":
        raise UsageError(f"--fix {fix}: expected a name that ends in .npz")
    if fix is not None and fix.resolve() == parted_name(data)[0].resolve():
        raise UsageError(f"--fix {fix} would replace the file that is checked; choose another name")
    with loose_labels():
        check = _Check(_dataset_as_is(data), data, listener)
        splits = check.examine_splits()
        written: Mapping[str, int] = {}
        if fix is not None:
            listener(Work(f"writing {fix}"))
            written = write_npz_splits(fix, {split: check.repaired(split) for split in splits})
    return DataCheck(splits, written)


def note_what_is_wrong(data: str, dataset: Dataset, split: str, listener: Listener) -> None:
    """Examine a user's own file quickly: send one `Note` with what the reader finds wrong, none if it agrees.

    Errors are left to the code that reads the file.
    """
    if not dataset.openers or dataset.form != "grey" or split not in dataset.openers:
        return
    with warnings.catch_warnings(), contextlib.suppress(DigitlabError):
        warnings.simplefilter("ignore")  # they are issued when the file is read
        with dataset.open(split) as source:
            sample = _sample(_some_batches(source), _QUICK_SAMPLE_SIZE)
        from digitlab.datasets.examining import examine

        verdict = examine(_reader(listener), sample)
        if len(sample.images) < _QUICK_SAMPLE_SIZE // 4:  # too few for a reliable verdict
            return
        if verdict.no_digits:
            listener(
                Note(f"{data}: the reader agrees with {100 * verdict.agreement:.0f} % of its labels; are these digits?")
            )
        elif sentences := list(verdict.sentences()):
            listener(Note(f"{data}: {'; '.join(sentences)}. `digitlab data check {data} --fix OUT.npz` repairs it"))


def _some_batches(source: ImageSource) -> Iterator[Digits]:
    """Yield some images from all over a file that allows random access; from others, the first batch."""
    from digitlab.datasets.formats import RowSource

    if isinstance(source, RowSource):
        for part in range(8):
            start = len(source) * part // 8
            yield source.read(start, start + _QUICK_SAMPLE_SIZE // 8)
        return
    yield from (batch for batch, _ in zip(source.batches(), range(1), strict=False))


def _dataset_as_is(data: str) -> Dataset:
    """Find the dataset; a file is opened as it is, because its polarity is what is examined."""
    from digitlab.datasets import find_dataset
    from digitlab.datasets.catalogue import load_dataset
    from digitlab.datasets.formats.polarity import AS_IS, parted_name

    try:
        return load_dataset(data)
    except DatasetError:
        path, polarity = parted_name(data)
        return find_dataset(data if polarity or not path.exists() else f"{data}#{AS_IS}")


def _reader(listener: Listener) -> Callable[[NDArray[np.uint8]], NDArray[np.floating]]:
    from digitlab.jobs.named_models import predictor

    return predictor("reader", form="grey", listener=listener)


def _sample(batches: Iterator[Digits], size: int) -> Sample:
    from digitlab.datasets.examining import Sample

    sample = Sample(size, np.random.default_rng(0))
    for batch in batches:
        if len(batch):
            sample.add(batch)
    return sample


def _some_sizes(sizes: Mapping[tuple[int, int], int]) -> str:
    by_count = sorted(sizes, key=lambda size: -sizes[size])
    return ", ".join(f"{width}×{height}" for height, width in by_count[:3]) + (", …" if len(by_count) > 3 else "")


class _Check:
    """A dataset under examination; keeps only the fingerprint and label of each image."""

    def __init__(self, dataset: Dataset, name: str, listener: Listener) -> None:
        self._dataset, self._name, self._listener = dataset, name, listener
        self._prints: dict[str, NDArray[np.uint64]] = {}
        self._labels: dict[str, NDArray[np.uint8]] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._column: Any = None
        self._answer = _reader(listener)

    def examine_splits(self) -> dict[str, SplitCheck]:
        results = {}
        column = self._other_column()
        for split in self._dataset.splits:
            sample, sizes = self._pass(split)
            if not len(self._labels[split]):
                raise DatasetError(f"{self._where(split)} contains no images; expected labelled digits")
            verdict = self._examined(sample, split)
            sentences = [*column, *self._other_sizes(sizes), *self._unlabelled(split, verdict)]
            sentences += verdict.sentences() if verdict else ()
            sentences += [*self._duplicates(split), *self._leakage(split, sample)]
            results[split] = SplitCheck(len(self._labels[split]), verdict, tuple(sentences))
        return results

    def _where(self, split: str) -> str:
        return self._name if len(self._dataset.splits) == 1 else f"{self._name} ({split})"

    def _open(self, split: str) -> ImageSource:
        if self._column is not None:
            from digitlab.datasets.formats.csv_lines import CsvSource
            from digitlab.datasets.formats.polarity import parted_name

            return CsvSource(parted_name(self._name)[0], self._column)
        return self._dataset.open(split)

    def _pass(self, split: str) -> tuple[Sample, Mapping[tuple[int, int], int]]:
        """Read all images once: return a sample, and store each image's fingerprint and label."""
        from digitlab.datasets.examining import fingerprints

        prints, labels = [np.empty(0, np.uint64)], [np.empty(0, np.uint8)]

        def passed_on(source: ImageSource) -> Iterator[Digits]:
            done = 0
            for batch in source.batches():
                prints.append(fingerprints(batch.images))
                labels.append(batch.labels)
                done += len(batch)
                self._listener(Counted(f"looking at {split}", done, source.count))
                yield batch

        with warnings.catch_warnings(), self._open(split) as source:
            warnings.filterwarnings("ignore", message=".*are prepared as the reader prepares a photo")
            sample = _sample(passed_on(source), _SAMPLE_SIZE)
            sizes = dict(getattr(source, "sizes", {}))
        self._prints[split], self._labels[split] = np.concatenate(prints), np.concatenate(labels)
        return sample, sizes

    def _examined(self, sample: Sample, split: str) -> Verdict | None:
        from digitlab.datasets.examining import examine

        if self._dataset.form != "grey":
            return None
        self._listener(Work("asking the reader"))
        verdict = examine(self._answer, sample)
        if verdict.no_digits:
            raise DatasetError(
                f"{self._where(split)}: the reader agrees with {100 * verdict.agreement:.0f} % of its labels, and with "
                f"{100 * verdict.best:.0f} % at most in any way that was tried; expected handwritten digits"
            )
        self._verdicts[split] = verdict
        return verdict

    @staticmethod
    def _other_sizes(sizes: Mapping[tuple[int, int], int]) -> Iterator[str]:
        other = sum(count for size, count in sizes.items() if size != (28, 28))
        if other:
            images = counted(other, "image is", "images are")
            yield f"{images} not of 28×28 but of {_some_sizes(sizes)}; prepared as the reader does"

    def _unlabelled(self, split: str, verdict: Verdict | None) -> Iterator[str]:
        without = self._labels[split] == NONE
        if without.all():
            yield "there are no labels; --fix gives them the reader's answers"
        elif without.any() and (verdict is None or verdict.changes.labels[NONE] == NONE):
            count = f"{np.count_nonzero(without):,} of {len(without):,} images"
            yield f"{count} have no label, or one that is not a digit (10 or −1); --fix leaves them out"

    def _other_column(self) -> list[str]:
        """Report if the label of a CSV is in another column than its layout says; that column is used from then on."""
        from digitlab.datasets.formats.csv_columns import label_choices
        from digitlab.datasets.formats.polarity import parted_name

        path, _ = parted_name(self._name)
        if path.suffix.lower() != ".csv" or not path.is_file():
            return []
        choices = label_choices(path)
        if not choices:
            return []
        shares = [self._agreement(choice.images, choice.labels) for choice in choices]
        best = int(np.argmax(shares))
        default = self._default_agreement()
        if shares[best] < default + _RIGHT_COLUMN or shares[best] < 0.5:
            return []
        self._column = choices[best].columns
        comparison = f"the reader agrees with {100 * shares[best]:.1f} %, with {100 * default:.1f} % of the usual one"
        return [f"the label is the column {choices[best].name} ({comparison})"]

    def _agreement(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
        views = (images, 255 - images)
        return max(float(np.mean(self._answer(view).argmax(axis=1) == labels)) for view in views)

    def _default_agreement(self) -> float:
        """Return the agreement with the labels that the file normally yields; 0 if there are none."""
        with contextlib.suppress(DatasetError), self._dataset.open(self._dataset.splits[0]) as source:
            first = next(iter(source.batches()), None)
            if first is not None and len(first):
                return self._agreement(first.images, first.labels)
        return 0.0

    def _duplicates(self, split: str) -> Iterator[str]:
        prints, labels = self._prints[split], self._labels[split]
        different = len(np.unique(prints))
        if different < len(prints):
            duplicates = counted(len(prints) - different, "image is a duplicate", "images are duplicates")
            yield f"{duplicates} of others in {split}"
        contradictory = len(np.unique(np.stack([prints, labels.astype(np.uint64)], axis=1), axis=0)) - different
        if contradictory:
            yield f"{contradictory:,} of these have another label than the image that they duplicate"

    def _leakage(self, split: str, sample: Sample) -> Iterator[str]:
        first = self._dataset.splits[0]
        if split == first:
            return
        same = int(np.isin(self._prints[split], self._prints[first]).sum())
        if same:
            yield f"leakage: {same:,} of its images are in {first} as well"
        from digitlab.datasets.examining import fingerprints, nearly_the_same

        sample_images = sample.images[:_COMPARED]
        sample_images = sample_images[~np.isin(fingerprints(sample_images), self._prints[first])]
        self._listener(Work(f"looking for images of {split} in {first}"))
        with self._open(first) as source:
            near = nearly_the_same(sample_images, source.batches())
        if near:
            yield f"leakage: {near:,} of {len(sample_images):,} images examined are nearly the same as one of {first}"

    def repaired(self, split: str) -> Iterator[Digits]:
        """Yield the images to be written: corrected, labelled, without duplicates, and not in another split."""
        from digitlab.datasets.examining import fingerprints

        verdict = self._verdicts.get(split)
        changes = verdict.changes if verdict else None
        offset = changes.moved if changes else 0
        unlabelled = bool((self._labels[split] == NONE).all())
        elsewhere = np.unique(np.concatenate(list(self._prints_elsewhere(split))))
        _, firsts = np.unique(self._prints[split], return_index=True)
        row = 0
        with self._open(split) as source:
            for batch in source.batches():
                rows = np.arange(row, row + len(batch))
                keep = np.isin(rows, firsts) & ~np.isin(fingerprints(batch.images), elsewhere)
                labels = self._labels[split][np.clip(rows + offset, 0, len(self._labels[split]) - 1)]
                keep &= (rows + offset >= 0) & (rows + offset < len(self._labels[split]))
                digits = Digits(batch.images, labels)
                digits = changes.apply(digits) if changes else digits
                if unlabelled:
                    digits = replace(digits, labels=self._answer(digits.images).argmax(axis=1).astype(np.uint8))
                keep &= digits.labels != NONE
                row += len(batch)
                yield digits[keep]

    def _prints_elsewhere(self, split: str) -> Iterator[NDArray[np.uint64]]:
        """For the first split, used for training, yield the other splits' images, to be left out; those stay whole."""
        yield np.empty(0, np.uint64)
        if split == self._dataset.splits[0]:
            yield from (prints for other, prints in self._prints.items() if other != split)
