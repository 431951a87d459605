"""Check a file's numbers and convert them to `Digits`; error messages name the record."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import DatasetError
from digitlab.values import NONE, Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

__all__ = [
    "REST", "as_digits", "as_labels", "as_pixels", "expect_a_split", "expect_image_shape", "expect_numbers",
    "expect_same_length", "in_split_order", "labels_are_loose", "listed", "loose_labels", "no_bomb", "no_labels",
    "other_labels",
]  # fmt: skip

# Deflate compresses zeros by up to 1030:1, digits by 5:1; blank test sets are small.
_BOMB_RATIO = 100
_BOMB_BYTES = 64 << 20
REST = "all"  # the split of images that belong to no named one, where others do
_LOOSE = ContextVar("_LOOSE", default=False)


def listed(names: Iterable[str]) -> str:
    """Format names from an untrusted file for a message: the first ten, shortened, control characters replaced.

    >>> listed(["images", "label" + chr(27)])
    'images, label�'
    """
    few = [str(name)[:60] for _, name in zip(range(10), names, strict=False)]
    return ", ".join("".join(letter if letter.isprintable() else "�" for letter in name) for name in few)


@contextlib.contextmanager
def loose_labels() -> Iterator[None]:
    """Relax label checks, to examine labels or ignore them: 10 is accepted, unlabelled images get 10, `NONE`."""
    token = _LOOSE.set(True)
    try:
        yield
    finally:
        _LOOSE.reset(token)


def labels_are_loose() -> bool:
    """Return whether `loose_labels` is in effect."""
    return _LOOSE.get()


def no_labels(rows: int) -> NDArray[np.uint8]:
    """Create the labels of unlabelled images: uint8 (rows,), all `NONE`."""
    return np.full(rows, NONE, np.uint8)


def expect_numbers(path: Path, name: str, dtype: np.dtype[Any]) -> None:
    """Reject any dtype but integers and floats.

    Raises:
        DatasetError: for strings, objects, records, complex numbers.
    """
    if dtype.hasobject:
        raise DatasetError(
            f"{path}: {name} contains Python objects (a pickle), which are never loaded; expected numbers"
        )
    if dtype.kind not in "uif":
        raise DatasetError(f"{path}: {name} is of type {dtype}; expected numbers")


def expect_image_shape(path: Path, name: str, shape: tuple[int, ...]) -> None:
    """Accept the three usual shapes of 28×28 images.

    Raises:
        DatasetError: for any other shape.
    """
    if shape[1:] not in ((28, 28), (28, 28, 1), (784,)):
        expected = "(N, 28, 28), (N, 28, 28, 1) or (N, 784)"
        raise DatasetError(f"{path}: {name} has the shape {shape}; expected {expected}")


def expect_same_length(
    path: Path, images: str, shape: tuple[int, ...], labels: str, label_shape: tuple[int, ...]
) -> None:
    """Require one label per image.

    Raises:
        DatasetError: if the labels are not a vector, or are not as many as the images.
    """
    if label_shape != shape[:1]:
        hint: dict[tuple[int, ...], str] = {
            (shape[0], 10): f"; for one-hot labels, take {labels}.argmax(axis=1)", (shape[0], 1): "; ravel() it",
        }  # fmt: skip
        raise DatasetError(
            f"{path}: {labels} has the shape {label_shape}; expected ({shape[0]},), one for each row of {images}"
            + hint.get(label_shape, "")
        )


def no_bomb(path: Path, what: str, *, stored: int, unpacked: int) -> None:
    """Reject decompression bombs before anything is unpacked.

    Raises:
        DatasetError: for more than 64 MiB from less than 1 % of that.
    """
    if unpacked > _BOMB_BYTES and unpacked > _BOMB_RATIO * stored:
        raise DatasetError(
            f"{path}: {what} would unpack {stored:,} bytes into {unpacked:,}; "
            f"expected at most {_BOMB_RATIO} times as many (digits compress about 5:1)"
        )


def as_pixels(values: NDArray[Any], path: Path, name: Callable[[int], str]) -> NDArray[np.uint8]:
    """Convert numbers (N, …), 784 per row, to uint8 (N, 28, 28); ``name`` maps a row to its name in messages.

    Raises:
        DatasetError: for the first value that is not a whole number from 0 to 255.
    """
    if values.dtype == np.uint8:
        return values.reshape(-1, 28, 28)
    with np.errstate(invalid="ignore"):
        pixels = values.astype(np.uint8)
    wrong = pixels != values  # also where values are NaN
    if wrong.any():
        raise DatasetError(_wrong_pixel(values.reshape(-1, 784), wrong.reshape(-1, 784), path, name))
    return pixels.reshape(-1, 28, 28)


def _wrong_pixel(values: NDArray[Any], wrong: NDArray[np.bool_], path: Path, name: Callable[[int], str]) -> str:
    row = int(wrong.any(axis=1).argmax())
    value = values[row, int(wrong[row].argmax())]
    message = f"{path}: {name(row)} contains {value}; expected whole numbers 0 to 255"
    if values.dtype.kind == "f" and values[row].min() >= 0 and values[row].max() <= 1:
        message += ". The image lies between 0 and 1: multiply by 255, round, and save it again"
    return message


def as_labels(
    values: NDArray[Any], path: Path, name: Callable[[int], str], others: Callable[[], str] | None = None
) -> NDArray[np.uint8]:
    """Convert numbers (N,) to uint8 labels; ``others`` gives the error a sentence on the whole file, where cheap.

    Raises:
        DatasetError: for the first label that is not a whole number from 0 to 9.
    """
    if labels_are_loose() and values.dtype.kind in "if":
        values = np.where(values == -1, NONE, values)  # Hugging Face's label for unlabelled images
    with np.errstate(invalid="ignore"):
        labels = values.astype(np.uint8)
    wrong = (labels != values) | (labels > (NONE if labels_are_loose() else 9))
    if wrong.any():
        row = int(wrong.argmax())
        more = f". {others()}" if others else ""
        if values[row] == NONE:
            more += f". `digitlab data check {path}` tells whether they begin at 1"
        if values[row] == -1:
            more += f". −1 means no label: `digitlab data check {path} --fix OUT.npz` leaves these images out"
        raise DatasetError(f"{path}: {name(row)} is {values[row]}; expected 0 to 9{more}")
    return labels


def other_labels(blocks: Iterable[NDArray[Any]]) -> str:
    """Return a sentence that counts the labels of a whole file that are not 0 to 9."""
    wrong = total = 0
    for labels in blocks:
        total += len(labels)
        wrong += int(np.count_nonzero(~((labels >= 0) & (labels <= 9) & (labels == np.floor(labels)))))
    return f"Rows with other labels: {wrong:,} of {total:,}"


def in_split_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort the names of splits, the usual ones first.

    >>> in_split_order(["dev", "test", "train"])
    ('train', 'test', 'dev')
    """
    order = {"train": 0, "validation": 1, "test": 2}
    return tuple(sorted(names, key=lambda name: (order.get(name, 3), name)))


def expect_a_split(path: Path, splits: tuple[str, ...], split: str | None) -> None:
    """Require ``split`` to be one of the file's splits, or None for a file without splits.

    Raises:
        DatasetError: if it is not; the message lists the existing splits.
    """
    if splits and split is None:
        raise DatasetError(f"{path}: choose a split; it has: {', '.join(splits)}")
    if split is not None and split not in splits:
        known = f"it has: {', '.join(splits)}" if splits else "it has no splits"
        raise DatasetError(f"{path}: there is no split {split!r}; {known}")


def as_digits(images: NDArray[Any], labels: NDArray[Any], path: Path, name: Callable[[int], str]) -> Digits:
    """Convert images and labels of formats that store both in one record (errors: "label of NAME", "NAME holds …").

    Raises:
        DatasetError: for the first unusable record.
    """
    checked = as_labels(labels, path, lambda row: f"label of {name(row)}")
    return Digits(as_pixels(images, path, name), checked)
