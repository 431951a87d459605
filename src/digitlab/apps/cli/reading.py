"""`digitlab classify` and `digitlab read`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.reading_many import NO_OUTPUT, Output, read_many
from digitlab.apps.cli.standard_input import STANDARD_INPUT, called, on_disk
from digitlab.reading.constraints import Constraints

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.reading import Reader
    from digitlab.values import Prediction

__all__ = ["as_onnx", "classify", "read"]


def classify(*images: Path, model: str | None = None, threshold: float | None = None, json: bool = False) -> int:
    """Say which digit each picture shows, one digit a picture.

    Ends with 1 when a picture got no digit, with 2 when one could not be read; the others are answered all the same.
    That a picture holds several digits is said on stderr: `digitlab read` reads them all.

    For example:
    digitlab classify seven.jpg
    digitlab classify scans/*.png --json

    Args:
        images: Pictures (JPEG, PNG, PDF, HEIC …; of a PDF or TIFF each page, or scan.pdf#2 alone); - is standard
            input.
        model: A shipped name, a run folder or a file (.onnx, .keras, .h5); else the shipped reader.
        threshold: Answer only where the confidence is at least this, 0 to 1.
        json: One JSON object a line: path, digit (or null), confidence, probabilities; note, where one digit is not all
            that the picture shows.
    """
    from digitlab.picture_files.pages import page_names

    reader = _reader(images, model, threshold)

    def answer(path: str) -> bool:
        found, name = reader.classify(path), called(path)
        if found.note is not None and not json:
            advise(f"{name}: {found.note.replace('`read`', '`digitlab read`')}")
        if json:
            say_json(_classified(name, found))
        elif found.digit is None:
            say(f"{name}: no digit" + (f" (best guess {_best(found)})" if found.confidence else ""))
        else:
            say(f"{name}: {found.digit}  ({100 * found.confidence:.1f} %)")
        return found.digit is not None

    with on_disk(images) as files:
        return _each([page for path in files for page in page_names(path)], answer, json=json)


@options_of(Constraints)
def read(
    *images: Path,
    model: str | None = None,
    threshold: float | None = None,
    draw: Path | None = None,
    output: Output = NO_OUTPUT,
    json: bool = False,
    **known: Any,
) -> int:
    """Read all digits of each picture, line by line; ? is a digit that was found but not answered.

    Signs that stand between digits are kept: 12,50 or 10:30. Ends with 1 when no digit was read in a picture, or not
    what --count, --pattern, --among or --check ask for; with 2 when one could not be read. The others are read all the
    same. Many pictures are read on all cores. A page that lies upside down or on its side is turned, which is said on
    stderr.

    For example:
    digitlab read note.jpg
    digitlab read pages/*.jpg --draw boxes/
    digitlab read form.jpg --pattern '####-##'
    digitlab read sudoku.jpg --grid 9x9
    digitlab read pages/*.jpg --among class.csv:number --one-to-one
    digitlab read form.jpg --check luhn
    digitlab read scans/ --csv digits.csv --review doubtful.html
    digitlab read archive/ --out readings.parquet

    Args:
        images: Pictures (JPEG, PNG, PDF, HEIC …; of a PDF or TIFF each page, or scan.pdf#2 alone), or folders: all
            pictures in and below them; - is standard input.
        model: A shipped name, a run folder or a file (.onnx, .keras, .h5); else the shipped reader.
        threshold: Answer only where the confidence is at least this, 0 to 1.
        draw: Write each picture with boxes and answers into this folder; of one picture, as this .png file.
        output: Where the readings go beside the terminal, and who reads.
        json: One JSON object a line: path, text, lines, digits (digit or null, confidence, box, line), numbers (text,
            confidence, box; with --among or --check read and fits, of a list second and margin), ms; where there is
            something to say, note; where the picture does not hold what was asked for, fits: false; where it was
            turned to be read, turned: the quarter turns, clockwise.
        known: What is known of every picture.
    """
    from digitlab.archives import ReadingJob

    _expect_pictures(images, threshold)
    job = ReadingJob(as_onnx(model), threshold, Constraints(**known))
    if STANDARD_INPUT in images:
        output.expect_no_files()
    with on_disk(images) as files:
        return read_many(files, job, output=output, draw=draw, json=json)


def _reader(images: Sequence[Path], model: str | None, threshold: float | None) -> Reader:
    from digitlab.reading import Reader

    _expect_pictures(images, threshold)
    runnable = as_onnx(model)
    return Reader(runnable) if threshold is None else Reader(runnable, threshold=threshold)


def _expect_pictures(images: Sequence[Path], threshold: float | None) -> None:
    from digitlab.errors import UsageError

    if not images:
        raise UsageError("no picture given; expected one or more, e.g. digitlab read photo.jpg")
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"--threshold is {threshold:g}; expected 0 to 1")


def as_onnx(model: str | None) -> str | Path | None:
    """A model of Keras, written for ONNX Runtime once and kept; an ONNX file of other conventions likewise."""
    from digitlab.jobs.named_models import onnx_file

    if model is None:
        return None
    with JobView() as view:
        return onnx_file(model, listener=view)


def _each(images: Sequence[str], answer: Callable[[str], bool], *, json: bool) -> int:
    """Answer every picture; a bad one is complained of and does not stop the others."""
    from digitlab.errors import InputError

    refused = bad = 0
    for path in images:
        try:
            refused += not answer(path)
        except InputError as error:
            bad += 1
            said = str(error).replace(path, called(path))
            complain(said)
            if json:
                say_json({"path": called(path), "error": said})
    if bad and len(images) > 1:
        advise(f"{bad} of {len(images)} pictures could not be read")
    return 2 if bad else int(refused > 0)


def _classified(path: str, found: Prediction) -> dict[str, Any]:
    return {
        "path": path,
        "digit": found.digit,
        "confidence": round(found.confidence, 4),
        "probabilities": [round(share, 6) for share in found.probabilities],
        **({} if found.note is None else {"note": found.note}),
    }


def _best(found: Prediction) -> str:
    digit = max(range(10), key=found.probabilities.__getitem__)
    return f"{digit}, {100 * found.confidence:.0f} %"
