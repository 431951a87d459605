"""A class's own digits: from practice sheets to labelled images with their writers, and whether a network reads them.

"Does it read *you* better?" has a fair answer only for a writer that the network has not learned from: so each writer
is left out once, the network is trained further on all others, and then reads that writer (leave-one-writer-out).
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import DatasetError, ImageError, UsageError
from digitlab.jobs.events import Counted, Note, ignore
from digitlab.storage import atomic_path
from digitlab.values import Digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlab.evaluation.intervals import Interval
    from digitlab.jobs.events import Listener

__all__ = [
    "ByWriter", "PracticeSet", "WriterScore", "by_writer", "from_sheets", "practice_file", "read_digits_by_writer",
    "write_digits_by_writer",
]  # fmt: skip

_FEWEST = 2  # minimum number of writers, of whom one is left out


def practice_file() -> Path:
    """Return the path of the practice sheet's form, which ships with the package."""
    return Path(str(resources.files("digitlab.sheets"))) / "practice.toml"


@dataclass(frozen=True, slots=True)
class PracticeSet:
    """The digits cut out of practice sheets.

    writers: number of images per code; unreadable: sheets whose code was not read; refused: number of photos refused
    """

    images: int
    writers: dict[str, int]
    unreadable: int
    refused: int


def from_sheets(*photos: Path, out: Path, listener: Listener = ignore) -> PracticeSet:
    """Cut the digits out of photos of practice sheets into a dataset: an .npz with ``images``, ``labels``, ``writers``.

    A writer is identified by the code on the sheet; if it cannot be read, by the photo's name.

    Args:
        photos: photos of the sheets, or folders of them.
        out: the .npz file to write: images, labels, writers.
        listener: called with `Counted` and `Note`.

    Raises:
        UsageError: for no photo, or another extension.
        ImageError: for a folder without pictures.
        DatasetError: if no sheet was read.
        StorageError: if it cannot be written.
    """
    import numpy as np

    from digitlab.archives import find_pictures
    from digitlab.reading import Reader
    from digitlab.sheets import SheetReader, lay_out, read_form
    from digitlab.sheets.values import known_of, value_of

    if not photos:
        raise UsageError("no photo given; expected photos of practice sheets, or a folder of them")
    if out.suffix.lower() != ".npz":
        raise UsageError(f"--out {out}: expected a name ending in .npz")
    layout = lay_out(read_form(practice_file()))
    reader = Reader()
    sheets = SheetReader(layout, reader)
    code = layout.placed[0].field
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    writers: list[str] = []
    unreadable = refused = 0
    pictures = find_pictures(photos, leave_out=[out], on_note=lambda text: listener(Note(text)))
    for done, picture in enumerate(pictures, 1):
        try:
            reading, glyphs = sheets.read(picture.path), sheets.glyphs(picture.path)
        except ImageError as error:
            refused += 1
            listener(Note(str(error)))
            continue
        code_read = value_of(code, reading.fields[0], known_of(code), reader.threshold)
        has_code = code_read.state == "answered"
        unreadable += not has_code
        if not has_code:
            value = code_read.value or "empty"
            listener(Note(f"{picture.name}: code not read ({value}); the file name is used as the writer"))
        for name, row in glyphs.items():
            written = [glyph for glyph in row if glyph is not None and name != code.name]
            images += written
            labels += [int(name.split(".")[1])] * len(written) if written else []
            writers += [code_read.value if has_code else Path(picture.path).stem] * len(written)
        listener(Counted("cutting out digits", done, len(pictures), "sheets"))
    if not images:
        raise DatasetError("no practice sheet was read; expected photos of sheets of `digitlab sheet new --practice`")
    write_digits_by_writer(out, Digits(np.array(images, np.uint8), np.array(labels, np.uint8)), np.array(writers))
    return PracticeSet(len(images), dict(sorted(collections.Counter(writers).items())), unreadable, refused)


def write_digits_by_writer(out: Path, digits: Digits, writers: NDArray[np.str_]) -> None:
    """Write digits and each one's writer's name (N,), in the format of `read_digits_by_writer` and `by_writer`.

    Raises:
        StorageError: if it cannot be written.
    """
    import numpy as np

    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.savez(file, images=digits.images, labels=digits.labels, writers=writers)


@dataclass(frozen=True, slots=True)
class WriterScore:
    """Score of one writer: correct images, by the network as it is, and after further training on the other writers.

    interval, interval_after: Wilson's, 95 %; right_after: None if nothing was trained
    """

    writer: str
    images: int
    right: int
    interval: Interval
    right_after: int | None = None
    interval_after: Interval | None = None


@dataclass(frozen=True, slots=True)
class ByWriter:
    """Scores of all writers; probability: p-value of McNemar's exact test that both networks are equally good."""

    scores: tuple[WriterScore, ...]
    probability: float | None = None


def by_writer(
    dataset: Path,
    *,
    model: str | Path = "reader",
    leave_one_out: bool = False,
    runs: Path = Path("runs"),
    seed: int = 0,
    listener: Listener = ignore,
) -> ByWriter:
    """Measure a network's accuracy by writer; with ``leave_one_out``, also after it has learned from the others.

    Args:
        dataset: a file written by `digitlab data from-sheets`.
        model: a shipped name, a run folder or a file.
        leave_one_out: train once without each writer.
        runs: the folder where those runs are kept.
        seed: for the trainings.
        listener: called with `Work` and `Counted`.

    Raises:
        DatasetError: for a file without writers.
        ModelError: for a model that cannot be used.
        UsageError: for fewer than two writers, if one is to be left out.
    """
    import numpy as np

    from digitlab.evaluation.intervals import wilson
    from digitlab.jobs.named_models import onnx_file
    from digitlab.network.classifier import Classifier, resolve_model

    digits, writers = read_digits_by_writer(dataset)
    names = sorted(set(writers.tolist()))
    if leave_one_out and len(names) < _FEWEST:
        raise UsageError(
            f"{dataset}: has {len(names)} writer; expected {_FEWEST} or more, since one at a time is left out"
        )
    before = Classifier(resolve_model(onnx_file(str(model), listener=listener)))
    right = before.probabilities(digits.images).argmax(axis=1) == digits.labels
    after = np.zeros(len(digits), np.bool_)
    scores = []
    for name in names:
        is_writer = writers == name
        count, correct = int(is_writer.sum()), int(right[is_writer].sum())
        if not leave_one_out:
            scores.append(WriterScore(name, count, correct, wilson(correct, count)))
            continue
        listener(Counted("learning from all others", len(scores), len(names), "writers", name))
        own, others = digits[is_writer], digits[~is_writer]
        after[is_writer] = _predict_after_training(model, others, own, name, runs, seed) == own.labels
        again = int(after[is_writer].sum())
        scores.append(WriterScore(name, count, correct, wilson(correct, count), again, wilson(again, count)))
    return ByWriter(tuple(scores), _mcnemar(right, after) if leave_one_out else None)


def read_digits_by_writer(dataset: Path) -> tuple[Digits, NDArray[np.str_]]:
    """Read digits and each one's writer's name, (N,), from an .npz.

    Raises:
        DatasetError: for a file without them.
    """
    import numpy as np

    from digitlab.npy_files import DAMAGE

    if not dataset.is_file():
        raise DatasetError(f"there is no file {dataset}; expected one of `digitlab data from-sheets`")
    try:
        # Opened here, because np.load does not close a file that turns out not to be a zip archive.
        with dataset.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            digits = Digits(archive["images"], archive["labels"])
            writers = np.asarray(archive["writers"])
    except (OSError, *DAMAGE) as error:
        raise DatasetError(
            f"{dataset}: contains no digits with writers ({str(error)[:80]}); expected one of `digitlab data "
            "from-sheets`"
        ) from error
    if writers.dtype.kind != "U" or writers.shape != digits.labels.shape:
        raise DatasetError(f"{dataset}: has no writer for each image; expected what `digitlab data from-sheets` wrote")
    return digits, writers


def _predict_after_training(
    model: str | Path, others: Digits, own: Digits, name: str, runs: Path, seed: int
) -> NDArray[np.int64]:
    """Predict a writer's digits after further training on the others' digits, keeping the network's last layer."""
    import tempfile

    import numpy as np

    from digitlab.jobs.trainings import transfer
    from digitlab.network.classifier import Classifier, resolve_model
    from digitlab.transfer_learning import Transfer

    with tempfile.TemporaryDirectory() as folder:
        train, test = Path(folder) / "others.npz", Path(folder) / "own.npz"
        for path, digits in ((train, others), (test, own)):
            np.savez(path, images=digits.images, labels=digits.labels)
        settings = Transfer(head="keep", seed=seed)
        transferred = transfer(
            model, settings, data=str(train), test=str(test), name=f"without-{_folder_name(name)}", runs=runs
        )
    network = Classifier(resolve_model(transferred.run.path))
    return np.asarray(network.probabilities(own.images).argmax(axis=1), np.int64)


def _folder_name(name: str) -> str:
    """Turn a writer's name into a part of a folder's name: nicknames may hold anything.

    >>> _folder_name("4711"), _folder_name("../../Ana <b>")
    ('4711', '------Ana--b-')
    """
    return "".join(letter if letter.isalnum() else "-" for letter in name[:40])


def _mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """Return the two-sided p-value of McNemar's exact test (1947)."""
    from scipy.stats import binomtest

    lost, gained = int((before & ~after).sum()), int((~before & after).sum())
    return 1.0 if lost + gained == 0 else float(binomtest(gained, lost + gained).pvalue)
