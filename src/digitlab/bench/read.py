"""Accuracy and speed of reading: each measure in the project's table with its target, next to the peers'.

Accuracy counts a refusal as an error, and is given per writer. Single pictures appear only in totals, on purpose: they
are for measuring. All times are for one thread, from array to reading, unless stated otherwise. Intervals are 95 %:
Wilson's for shares, otherwise a bootstrap over the pages; they cover the choice of pictures, not of writers.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from digitlab.bench.answering import Ours, PagesResult, SinglesResult, ask_pages, ask_singles, ratio_interval
from digitlab.bench.machine import described, processor
from digitlab.bench.made_pages import digits_on_pages
from digitlab.bench.photos import find_sets
from digitlab.bench.read_apart import measure_apart
from digitlab.bench.read_table import Measure, ReadBench
from digitlab.evaluation.intervals import wilson
from digitlab.reading import Reader, resolve_model, shipped_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from digitlab.bench.answering import Answerer

__all__ = ["measure_reading", "reading_machine"]


def measure_reading(
    photos: Path | None,
    tell: Callable[[str], None],
    *,
    model: str | None = None,
    rivals: Sequence[Answerer] = (),
    missing: Sequence[str] = (),
    every: int = 1,
    quick: bool = False,
) -> ReadBench:
    """Measure the reader, and ``rivals`` on the same pictures.

    photos: labelled pictures, see `digitlab.bench.photos`; None: speed, size and memory only
    every: of the sets of single pictures, use only every ``every``-th picture, for all readers
    quick: measure speeds in few rounds, with smaller pathological pictures

    Raises:
        DatasetError: for a folder without labelled pictures.
        ModelError: for an unknown model.
    """
    import cv2

    reader = Reader(model, threads=1)
    singles, pages = find_sets(photos) if photos is not None else ([], [])
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        everyone: list[Answerer] = [Ours(reader), *rivals]
        said = {
            each.name: {who.name: ask_singles(who, each, tell, every=every) for who in everyone} for each in singles
        }
        read = {each.name: {who.name: ask_pages(who, each, tell, rounds=_rounds(who, quick)) for who in everyone}
                for each in pages}  # fmt: skip
    finally:
        cv2.setNumThreads(threads)
    said = {name: results for name, results in said.items() if results["digitlab"].pictures}
    whole = [each.name for each in singles if each.whole and each.name in said]
    tell("digitlab: speed and memory …")
    speed = measure_apart(model, quick=quick)
    names = [each.name for each in rivals]
    measures = [
        *(_of_singles(name, results) for name, results in said.items()),
        *(_through_read(name, said[name]["digitlab"]) for name in whole),
        *_refused_digits(said),
        *_on_paper(reader, tell, 100 if quick else 2000),
        *(measure for name, results in read.items() for measure in _of_pages(name, results)),
        *_digit_times(said),
        *_of_speed(speed),
        _size(model, rivals),
    ]
    writers = {name: {who: result.writers for who, result in results.items()} for name, results in said.items()
               if results["digitlab"].writers}  # fmt: skip
    path = str(resolve_model(model).name if model is None else model)
    return ReadBench(reading_machine(), path, measures, writers, read, names, list(missing), speed["bad_ms"])


def _rounds(who: Answerer, quick: bool) -> int:
    return 3 if isinstance(who, Ours) and not quick else 1  # a peer takes seconds per page: one round is enough


def _of_singles(name: str, results: dict[str, SinglesResult]) -> Measure:
    ours = results["digitlab"]
    negative = ours.negative

    def value(result: SinglesResult) -> float:
        share = result.refused_share if negative else result.accuracy
        return share if share is not None else float("nan")

    peers = {who: value(result) for who, result in results.items() if who != "digitlab"}
    interval = wilson(ours.refused if negative else ours.right, ours.pictures)
    return Measure(name, "refused" if negative else "accuracy", value(ours), ours.pictures, peers, interval)


def _through_read(name: str, ours: SinglesResult) -> Measure:
    """Compute the share of pictures whose page reading is exactly the digit."""
    share, interval = ours.read_right / ours.pictures, wilson(ours.read_right, ours.pictures)
    return Measure(f"{name}, through read", "exact", share, ours.pictures, interval=interval)


def _refused_digits(said: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """Compute the cost of out-of-distribution rejection: the share of handwritten digits that were refused."""
    counted: dict[str, list[int]] = {}
    for name, results in said.items():
        for who, result in results.items():
            if not result.negative and not name.endswith(", printed"):
                counts = counted.setdefault(who, [0, 0])
                counts[0] += result.refused
                counts[1] += result.pictures
    if not counted:
        return []
    shares = {who: refused / of for who, (refused, of) in counted.items()}
    ours, of = counted["digitlab"]
    return [Measure("real digits refused", "share", shares.pop("digitlab"), of, shares, wilson(ours, of))]


def _on_paper(reader: Reader, tell: Callable[[str], None], count: int) -> list[Measure]:
    """Read MNIST's first test images, each as dark ink on a white page."""
    tell("digitlab: MNIST's test images on white pages …")
    pages = list(digits_on_pages(count))
    right = sum(reader.classify(page).digit == label for page, label in pages)
    share, interval = right / len(pages), wilson(right, len(pages))
    return [Measure("MNIST's test images on white pages", "accuracy", share, len(pages), interval=interval)]


def _of_pages(name: str, results: dict[str, PagesResult]) -> list[Measure]:
    ours, count = results["digitlab"], len(results["digitlab"].pages)

    def line(
        what: str, unit: str, value: Callable[[PagesResult], float], interval: tuple[float, float] | None = None
    ) -> Measure:
        theirs = {who: value(result) for who, result in results.items() if who != "digitlab"}
        return Measure(f"{name}: {what}", unit, value(ours), count, theirs, interval)

    if ours.blank:
        claimed, without = ours.claimed(), ours.claimed().count(0)
        lines = [
            line("digits claimed", "a page", lambda result: statistics.mean(result.claimed()),
                 ratio_interval([(each, 1) for each in claimed])),
            line("pages without any", "share", lambda result: result.claimed().count(0) / count,
                 wilson(without, count)),
        ]  # fmt: skip
    else:
        lines = [
            line("character error", "", lambda result: result.character_error, ratio_interval(ours.edits())),
            line("exact pages", "share", lambda result: result.exact / count, wilson(ours.exact, count)),
        ]
    times = line("a page", "ms", lambda result: statistics.median(each.milliseconds for each in result.pages))
    return [*lines, times]


def _digit_times(said: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """Collect the times for unprocessed photos of one digit."""
    lines = []
    for name in ("photo_single",):
        if name in said:
            times = {who: result.typical_ms or float("nan") for who, result in said[name].items()}
            lines.append(Measure(f"a picture of {name}", "ms", times.pop("digitlab"), None, times))
    return lines


def _of_speed(speed: dict[str, Any]) -> list[Measure]:
    return [
        Measure("page of 1.5 megapixels", "ms", speed["page_ms"]),
        Measure("page of 12 megapixels", "ms", speed["large_page_ms"]),
        Measure("one cropped digit of 64×64 by the Python API", "ms", speed["digit_ms"]),
        Measure("start: one photo by `digitlab read`, cold", "ms", speed["cold_ms"]),
        Measure("digits in batches on two cores", "1/s", speed["digits_per_second"]),
        Measure("slowest bad picture", "ms", max(speed["bad_ms"].values())),
        Measure("peak memory with a picture of 12 megapixels", "MB", speed["idle_mb"]),
        Measure("peak memory with all bad pictures", "MB", speed["peak_mb"]),
    ]


def _size(model: str | None, rivals: Sequence[Answerer]) -> Measure:
    files = [resolve_model(name) for name in (shipped_models() if model is None else (model,))]
    folder = {path.parent for path in files} if model is None else set()
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    for place in folder:  # including the files shipped beside them
        megabytes = sum(path.stat().st_size for path in place.iterdir() if path.is_file()) / 1e6
    theirs = {each.name: each.megabytes for each in rivals if hasattr(each, "megabytes")}
    return Measure("shipped models" if model is None else "the model", "MB", megabytes, None, theirs)


def reading_machine() -> str:
    """Describe the processor, cores and the versions that reading depends on, on one line."""
    import platform

    import onnxruntime

    name = processor(platform.processor() or platform.machine() or "unknown processor")
    return described(name, {"Python": platform.python_version(), "onnxruntime": onnxruntime.__version__})
