"""All errors that a user can meet, as one class hierarchy.

    DigitlabError                 any error raised by digitlab itself; its message is complete and meant to be shown
    ├── UsageError                an invalid option or argument
    ├── InputError                an external input that cannot be used
    │   ├── ImageError            a picture: missing, unreadable, truncated, too large
    │   ├── DatasetError          a dataset or a file of one
    │   ├── ModelError            a model: unknown name, foreign file, wrong input or output shape
    │   ├── RecipeError           a recipe or configuration file
    │   ├── RunError              a run folder: missing or incomplete
    │   └── SourceError           a video or camera
    │       └── WrongSourceError  one that no further attempt can open: its address or password is wrong
    ├── ShapeError                an array of the wrong shape or type for the function (also a ValueError)
    ├── StorageError              a disk that is full, a folder that cannot be written
    ├── DivergedError             a training whose loss has become NaN
    ├── ClusterError              a Ray cluster that does not answer, or has no workers left
    └── MissingExtraError         an optional part of digitlab that is not installed

A message says what was given, what was expected and what to do. The command line prints it on one line and exits with
``exit_code``; it never shows a traceback for one of these.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from digitlab.extras import EXTRAS, extra_of_module, install_command

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ClusterError", "DatasetError", "DigitlabError", "DivergedError", "ImageError", "InputError", "MissingExtraError",
    "ModelError", "RecipeError", "RunError", "ShapeError", "SourceError", "StorageError", "UsageError",
    "WrongSourceError", "counted", "first_line", "naming_the_extra",
]  # fmt: skip


class DigitlabError(Exception):
    """Base class of all errors; ``exit_code`` is the exit status of the command line.

    >>> try:
    ...     raise DatasetError("labels[3] is 12; expected 0 to 9")
    ... except DigitlabError as error:
    ...     print(error)
    labels[3] is 12; expected 0 to 9
    """

    exit_code = 2


class UsageError(DigitlabError):
    """An invalid option or argument."""


class InputError(DigitlabError):
    """An external input that cannot be used."""


class ImageError(InputError):
    """A picture that is missing, unreadable, truncated or too large."""


class DatasetError(InputError):
    """A dataset, or a file of one, that is unknown or damaged."""


class ModelError(InputError):
    """A model that is unknown, damaged, or does not map ``(N, 28, 28)`` images to ``(N, 10)`` probabilities."""


class RecipeError(InputError):
    """A recipe or configuration file with unknown keys or values of the wrong kind."""


class RunError(InputError):
    """A run folder that is missing or lacks a file."""


class SourceError(InputError):
    """A video or camera that cannot be opened or read."""


class WrongSourceError(SourceError):
    """A camera that no further attempt can open: its address is invalid or leads elsewhere, or password is wrong."""


class ShapeError(DigitlabError, ValueError):
    """An array of the wrong shape or type for the function.

    >>> str(ShapeError("images", expected="(N, 28, 28)", received=(28, 28)))
    'images: expected (N, 28, 28), received (28, 28)'
    """

    def __init__(self, name: str, *, expected: str, received: object) -> None:
        super().__init__(f"{name}: expected {expected}, received {received}")


class StorageError(DigitlabError):
    """A disk that is full or a folder that cannot be written."""


class DivergedError(DigitlabError):
    """A training whose loss has become NaN: every weight is lost, and no further step can bring one back."""


class ClusterError(DigitlabError):
    """A Ray cluster that does not answer, or has no workers left."""


class MissingExtraError(DigitlabError):
    """An optional part of digitlab that is not installed.

    ``lacking`` is the first half of the message, without the install command, which names a folder of this machine.

    >>> MissingExtraError("train", needed_for="training").lacking
    'training needs the extra "train"'
    """

    def __init__(self, extra: str, *, needed_for: str) -> None:
        self.lacking = f'{needed_for} needs the extra "{extra}"'
        note = EXTRAS[extra].note
        super().__init__(f"{self.lacking}; add it with: {install_command(extra)}" + (f" ({note})" if note else ""))


@contextmanager
def naming_the_extra(needed_for: str) -> Iterator[None]:
    """Name the extra to install, if a library of one is missing.

    Raises:
        MissingExtraError: instead of Python's own error.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        extra = extra_of_module(error.name or "")
        if extra is None:
            raise
        raise MissingExtraError(extra, needed_for=needed_for) from error


def first_line(error: object, most: int = 200) -> str:
    """Return the first non-empty line of a library's error, cut to ``most`` characters; its type name if there is none.

    >>> first_line(ValueError("  bad shape"))
    'bad shape'
    >>> first_line(KeyError())
    'KeyError'
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:most]


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, as messages and tables say it; ``many``: the plural, by default with an s.

    >>> counted(1, "column"), counted(1200, "image"), counted(0, "box", "boxes")
    ('1 column', '1,200 images', '0 boxes')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
