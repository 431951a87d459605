"""`digitlab classify` and `digitlab read`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import say
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.reading_many import NO_OUTPUT, Output, read_many
from digitlab.apps.cli.standard_input import STANDARD_INPUT, on_disk
from digitlab.jobs import answers as jobs
from digitlab.reading.constraints import Constraints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.reading import Reader

__all__ = ["as_onnx", "classify", "read"]


@options_of(jobs.classify_data, leave_out=("data",))
def classify(*images: Path, json: bool = False, **options: Any) -> int:
    """Classify pictures that show one digit each, or the images of a dataset, which needs no labels.

    Exit code 1 if no digit was found in a picture, 2 if one could not be read; the others are still classified. A
    picture that holds several digits is reported on stderr: `digitlab read` reads them all.

    For example:
    digitlab classify seven.jpg
    digitlab classify scans/*.png --json
    digitlab classify test.csv --csv answers.csv
    digitlab classify unlabelled.npz --out labelled.npz --threshold 0.99

    Args:
        images: Pictures (JPEG, PNG, PDF, HEIC …; every page of a PDF or TIFF, or one as scan.pdf#2); - is
            standard input. Or datasets (CSV, npz, npy, .mat, HDF5, IDX, Parquet, TFRecord …).
        json: One JSON object per line: path, digit (or null), confidence, probabilities; note, if the picture shows
            more than one digit; for a dataset also image, its number.
    """
    from digitlab.apps.cli.classifying import classify_datasets, classify_pictures, parts_of, table_of
    from digitlab.apps.cli.outputs import expect_outputs
    from digitlab.errors import UsageError

    _expect_pictures(images, None)
    model, threshold, csv, out = (options.get(name) for name in ("model", "threshold", "table", "out"))
    pictures, datasets = parts_of(images)
    if options.keys() & {"out", "split"} and (pictures or len(datasets) > 1):
        raise UsageError("--out and --split are for a dataset; expected one dataset, and no pictures")
    expect_outputs({"--csv": csv}, images)
    codes = []
    with table_of(csv) as row:
        if pictures:
            codes.append(classify_pictures(pictures, _reader(pictures, model, threshold), row, json=json))
        if datasets:
            settings = {name: value for name, value in options.items() if name != "table"}
            codes.append(classify_datasets(datasets, row, settings, quiet=bool(csv or out), json=json))
    for path in (csv, out):
        if path is not None and not json:
            say(str(path))
    return max(codes)


@options_of(Constraints)
def read(
    *images: Path,
    model: str | None = None,
    threshold: float | None = None,
    draw: Path | None = None,
    output: Output = NO_OUTPUT,
    json: bool = False,
    **constraints: Any,
) -> int:
    """Read all digits of each picture, line by line; ? is a digit that was found but not answered.

    Characters between digits are kept: 12,50 or 10:30. Exit code 1 if no digit was read in a picture, or if the reading
    violates --count, --pattern, --among or --check; 2 if one could not be read. The others are still read. Many
    pictures are read on all cores. A page that is upside down or on its side is rotated, which is reported on stderr.

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
        images: Pictures (JPEG, PNG, PDF, HEIC …; every page of a PDF or TIFF, or one as scan.pdf#2), or folders:
            all pictures in and below them; - is standard input.
        model: A shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5, .tflite …); default:
            the shipped reader.
        threshold: Answer only where the confidence is at least this, 0 to 1.
        draw: Write each picture with boxes and answers into this folder; for one picture, as this .png file.
        output: Where the readings go besides the terminal, and what reads.
        json: One JSON object per line: path, text, lines, digits (digit or null, confidence, box, line), numbers (text,
            confidence, box; with --among or --check also read and fits, for a list also second, margin, nearest), ms;
            note, if there is something to report; fits: false, if the picture does not hold what was asked for; turned:
            the quarter turns, clockwise, if it was rotated to be read.
    """
    from digitlab.archives import ReadingJob

    _expect_pictures(images, threshold)
    job = ReadingJob(as_onnx(model), threshold, Constraints(**constraints))
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
    """Convert a Keras model, or an ONNX file with other conventions, for ONNX Runtime; the result is cached."""
    from digitlab.jobs.named_models import onnx_file

    if model is None:
        return None
    with JobView() as view:
        return onnx_file(model, listener=view)
