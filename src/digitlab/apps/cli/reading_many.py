"""`digitlab read` for folders and many pictures: on all cores or a cluster, into files, with a page for review."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, complain, one_line, say, say_json
from digitlab.apps.cli.options import whole_number
from digitlab.apps.cli.standard_input import called
from digitlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digitlab.apps.cli.progress_view import ProgressView
    from digitlab.archives import Answer, Doubts, Picture, ReadingJob, Results
    from digitlab.reading import Reader
    from digitlab.values import Reading

__all__ = ["NO_OUTPUT", "Output", "read_many", "say_reading"]

_HANDFUL = 8  # pictures; up to this many are read before a bar would be noticed
_COMPLAINTS = 20  # at most this many lines about bad pictures

Row = dict[str, Any]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where readings go besides the terminal, and what reads.

    Attributes:
        csv: Write a table, one digit per row: path, line, position, digit (? if it was not answered), confidence, x0,
            y0, x1, y1.
        review: Write a page (HTML) of the least certain digits, on which they are corrected by typing; `digitlab data
            from-review` makes a dataset of what it saves. A file, or a folder for review.html.
        most: Digits on that page, 1 to 1000.
        out: Keep the readings in FILE.jsonl or FILE.parquet, or as Parquet files in a folder (any other name). After a
            kill, the same command reads only what is missing. With --one-to-one, OUT.read.jsonl beside it keeps the
            readings without the list: another list needs no picture again.
        jobs: Number of processes; default: one per core.
        engine: local: this machine; ray: a cluster, with Ray Data, into a folder.
        address: Head of a running Ray cluster, HOST:PORT, or auto; default: a cluster is started here.
    """

    csv: Path | None = None
    review: Path | None = None
    most: Annotated[int, Parameter(converter=whole_number)] = 100
    out: Path | None = None
    jobs: Annotated[int | None, Parameter(converter=whole_number)] = None
    engine: Literal["local", "ray"] = "local"
    address: str | None = None

    @property
    def written(self) -> list[Path]:
        """All files that are written; they may lie in a folder that is read."""
        results = [self.out, self.out.with_name(self.out.name + ".read.jsonl")] if self.out else []
        parts = [path.with_name(path.name + ".parts") for path in results] + results[1:]
        return [path for path in (self.csv, self.out, *parts, self.review) if path]

    @property
    def page(self) -> Path | None:
        """The file of the page for review."""
        if self.review is None or self.review.suffix.lower() in (".html", ".htm"):
            return self.review
        return self.review / "review.html"

    @property
    def files(self) -> dict[str, Path | None]:
        """The files that are written, by option: all but a folder of results."""
        is_file = self.out is not None and self.out.suffix.lower() in (".jsonl", ".parquet")
        return {"--csv": self.csv, "--review": self.page, "--out": self.out if is_file else None}

    def expect_no_files(self) -> None:
        """Refuse outputs that open the pictures again, which is impossible for standard input.

        Raises:
            UsageError: for such an output.
        """
        from digitlab.errors import UsageError

        if self.out is not None or self.review is not None:
            raise UsageError("--out and --review open the pictures again later; expected files, not standard input (-)")


NO_OUTPUT = Output()


def read_many(
    images: Sequence[Path], job: ReadingJob, *, output: Output = NO_OUTPUT, draw: Path | None = None, json: bool = False
) -> int:
    """Read all pictures; return the exit code of `digitlab read`."""
    from digitlab.apps.cli.outputs import expect_outputs
    from digitlab.archives import Doubts, find_pictures, read_pictures
    from digitlab.picture_files.pages import file_of

    _check(output)
    listed = find_pictures(images, draw=draw, leave_out=output.written, on_note=advise)
    expect_outputs(output.files, (file_of(picture.path) for picture in listed))
    pictures = [replace(picture, called=called(picture.path)) for picture in listed]
    reader = job.reader(threads=output.jobs or 0)  # a model that cannot be loaded is reported now, and once
    doubts = Doubts(output.most, reader.threshold) if output.review is not None else None
    if output.out is None:
        answers = read_pictures(pictures, job, jobs=output.jobs, reader=reader)
        if job.constraints.one_to_one:
            answers = _one_to_one(answers, job, len(pictures))
        # One-to-one assignments all come at the end; `_one_to_one` has a bar of its own for the reading before.
        with_bar = len(pictures) > _HANDFUL and not sys.stdout.isatty() and not job.constraints.one_to_one
        tally = _read_to_terminal(pictures, answers, output, doubts, json=json, with_bar=with_bar)
    else:
        tally = _read_into_results(pictures, job, reader, output, doubts)
    if output.page is not None and doubts is not None:
        _write_page(output.page, doubts, pictures)
    if tally.bad and tally.pictures > 1:
        advise(f"{tally.bad:,} of {counted(tally.pictures, 'picture')} could not be read")
    if output.out is not None:
        if json:
            say_json({"out": str(output.out), **tally.as_dict()})
        else:
            say(str(output.out))
    return 2 if tally.bad else int(tally.empty > 0 or tally.unfit > 0)


def _one_to_one(answers: Iterator[Answer[Reading]], job: ReadingJob, count: int) -> Iterator[Answer[Reading]]:
    """Collect all answers, then yield each with its own entry of the list."""
    from digitlab.errors import DigitlabError, ImageError
    from digitlab.reading.numbers import assigned

    collected = []
    with _closing(answers) as open_answers, _view(count if count > _HANDFUL else 0) as view:
        for answer in open_answers:
            collected.append(answer)
            if count > _HANDFUL:
                view(len(collected), count)
    readings = assigned(
        [answer.reading or ImageError(str(answer.error)) for answer in collected], job.constraints.among or ()
    )
    for answer, reading in zip(collected, readings, strict=True):
        yield answer if isinstance(reading, DigitlabError) else replace(answer, reading=reading)


def _check(output: Output) -> None:
    from digitlab.archives.processes import expect_processes
    from digitlab.errors import UsageError

    expect_processes(output.jobs)
    if output.engine == "ray" and output.out is None:
        raise UsageError("--engine ray stores its readings in a folder; add --out FOLDER")
    if output.engine == "ray" and output.jobs is not None:
        raise UsageError("--engine ray uses all processors of the cluster; leave out --jobs")
    if output.engine == "local" and output.address is not None:
        raise UsageError("--address is for a Ray cluster; add --engine ray")


@dataclass
class _Tally:
    """Counts of what was read, and of what was not."""

    pictures: int = 0
    read_now: int = 0
    digits: int = 0
    empty: int = 0
    unfit: int = 0
    bad: int = 0
    complaints: int = 0

    def complain(self, error: str) -> None:
        """Report what is wrong with a picture; only for the first ones, since the results have them all."""
        self.complaints += 1
        if self.complaints <= _COMPLAINTS:
            complain(error)
        elif self.complaints == _COMPLAINTS + 1:
            advise("… and more; the column error of the results has all of them")

    def see(self, row: Row) -> None:
        self.pictures += 1
        self.digits += sum(each["digit"] is not None for each in row["digits"])
        self.bad += row["error"] is not None
        self.empty += row["error"] is None and all(each["digit"] is None for each in row["digits"])
        self.unfit += not row["fits"]

    def as_dict(self) -> dict[str, int]:
        return {
            "pictures": self.pictures,
            "read_now": self.read_now,
            "digits": self.digits,
            "without_digits": self.empty,
            "not_as_asked": self.unfit,
            "not_readable": self.bad,
        }


def _read_to_terminal(
    pictures: list[Picture],
    answers: Iterator[Answer[Reading]],
    output: Output,
    doubts: Doubts | None,
    *,
    json: bool,
    with_bar: bool,
) -> _Tally:
    """Print answers as they come, in the order of the pictures. ``with_bar``: with a bar (a terminal needs none)."""
    from digitlab.archives import row_of

    tally, single = _Tally(), len(pictures) == 1
    with contextlib.ExitStack() as stack:
        process = _takers(stack, output, doubts, tally)
        answers = stack.enter_context(_closing(answers))
        view = stack.enter_context(_view(len(pictures))) if with_bar else None
        for done, answer in enumerate(answers, 1):
            _say_answer(answer, single=single, json=json)
            process(row_of(answer, made_by=""))
            tally.read_now += 1
            if view is not None:
                view(done, len(pictures))
    return tally


def _read_into_results(
    pictures: list[Picture], job: ReadingJob, reader: Reader, output: Output, doubts: Doubts | None
) -> _Tally:
    """Read missing pictures into files; then pass all rows, new and old, to the CSV table and the review page."""
    from digitlab.archives import Results, row_of

    assert output.out is not None  # noqa: S101 - for the type checker
    tally, made_by = _Tally(), job.digest(reader)
    with Results(output.out, made_by, folder=output.engine == "ray" or None) as results:
        if job.constraints.one_to_one:
            _assign(results, pictures, job, reader, output, tally)
        else:
            _read_missing(results, pictures, job, lambda answer: row_of(answer, made_by), output, tally)
        undrawn = _without_drawing(pictures)
        with contextlib.ExitStack() as stack:
            process = _takers(stack, output, doubts, tally)
            for row in results:
                process(row)
                if row["path"] in undrawn:
                    _draw_again(undrawn[row["path"]], row)
    if tally.pictures < len(pictures):
        advise(
            f"{counted(len(pictures) - tally.pictures, 'picture was', 'pictures were')} "
            f"not answered; run the same command to try them again"
        )
        tally.bad += len(pictures) - tally.pictures
        tally.pictures = len(pictures)
    return tally


def _without_drawing(pictures: Sequence[Picture]) -> dict[str, Picture]:
    """Return the pictures, by name, that were read by an earlier command without being drawn."""
    return {each.name: each for each in pictures if each.drawing is not None and not Path(each.drawing).exists()}


def _draw_again(picture: Picture, row: Row) -> None:
    from digitlab.archives.job import draw_row
    from digitlab.errors import ImageError

    if row["error"] is None:
        try:
            draw_row(picture, row)
        except ImageError as error:
            complain(str(error))


def _read_missing(
    results: Results,
    pictures: list[Picture],
    job: ReadingJob,
    row_of: Callable[[Answer[Reading]], Row],
    output: Output,
    tally: _Tally,
) -> None:
    """Read the pictures that have no row yet."""
    missing = results.missing(pictures)
    if len(missing) < len(pictures):
        advise(
            f"{len(pictures) - len(missing):,} of {counted(len(pictures), 'picture is', 'pictures are')} read already"
        )
    with _closing(_answers(missing, job, output)) as answers, _view(len(missing)) as view:
        for answer in answers:
            results.add(row_of(answer))
            if answer.error is not None:
                tally.complain(answer.error)
            tally.read_now += 1
            view(tally.read_now, len(missing))
    results.finish(pictures)


def _assign(
    results: Results, pictures: list[Picture], job: ReadingJob, reader: Reader, output: Output, tally: _Tally
) -> None:
    """Read all pictures into a file beside the results; then write each picture's entry of the list to the results."""
    from digitlab.archives import Results
    from digitlab.archives.one_to_one import assigned_rows, read_beside, whole_row, without_list

    plain = without_list(job)
    path, made_by = read_beside(results.out), plain.digest(reader)
    if not path.exists():
        results.missing(pictures)  # refuses results that are there already and were made by something else
    with Results(path, made_by, name=f"{path}, beside --out {results.out}") as readings:
        _read_missing(readings, pictures, plain, lambda answer: whole_row(answer, made_by), output, tally)
        results.renew(assigned_rows(readings, job.constraints, reader.threshold, job.digest(reader)))


def _answers(pictures: list[Picture], job: ReadingJob, output: Output) -> Iterator[Answer[Reading]]:
    if not pictures:
        return iter(())
    if output.engine == "ray":
        from digitlab.archives.on_ray import read_on_ray

        advise("starting Ray …" if output.address is None else f"connecting to the cluster at {output.address} …")
        return read_on_ray(pictures, job, address=output.address)
    from digitlab.archives import read_pictures

    return read_pictures(pictures, job, jobs=output.jobs)


@contextlib.contextmanager
def _closing(answers: Iterator[Answer[Reading]]) -> Iterator[Iterator[Answer[Reading]]]:
    """Yield the same answers, and close their generator at the end, also after Ctrl-C or an error here."""
    try:
        yield answers
    finally:
        if isinstance(answers, Generator):
            answers.close()


def _takers(stack: contextlib.ExitStack, output: Output, doubts: Doubts | None, tally: _Tally) -> Callable[[Row], None]:
    from digitlab.archives import csv_file

    consumers: list[Callable[[Row], None]] = [tally.see]
    if doubts is not None:
        consumers.append(doubts.see)
    if output.csv is not None:
        consumers.append(stack.enter_context(csv_file(output.csv)))

    def process(row: Row) -> None:
        for consume in consumers:
            consume(row)

    return process


@contextlib.contextmanager
def _view(count: int) -> Iterator[ProgressView]:
    from digitlab.apps.cli.progress_view import ProgressView

    with ProgressView() as view:
        if count:
            view.start(f"reading {counted(count, 'picture')}")
        yield view


def _say_answer(answer: Answer[Reading], *, single: bool, json: bool) -> None:
    if answer.reading is None:
        complain(str(answer.error))
        if json:
            say_json({"path": answer.name, "error": answer.error})
    elif json:
        say_json({"path": answer.name, **answer.reading.as_dict()})
    else:
        say_reading(answer.name, answer.reading, single=single)


def _write_page(page: Path, doubts: Doubts, pictures: Sequence[Picture]) -> None:
    from digitlab.archives import write_review

    paths = {picture.name: picture.path for picture in pictures}  # a name that is not UTF-8 is written otherwise
    least = doubts.least_certain()
    with _view(0) as view:
        view.start("cutting out the least certain digits")
        written = write_review(least, page, seen=doubts.seen, on_progress=view, paths=paths)
    if written < len(least):
        left_out = len(least) - written
        said = counted(left_out, "digit is", "digits are")
        advise(f"{said} not on the page, because the pictures can no longer be opened")
    advise(f"look at {page}")


def say_reading(path: str, reading: Reading, *, single: bool) -> None:
    """Print what was read from a picture; its name only if it is not the only one."""
    if reading.note is not None:
        advise(f"{one_line(path)}: {reading.note}")
    if single:
        say("\n".join(reading.written) or "no digits found")
    else:
        say(f"{one_line(path)}: {' | '.join(reading.written) or 'no digits found'}")
