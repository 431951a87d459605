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
    on_progress: Callable[[str], None],
    *,
    model: str | None = None,
    peers: Sequence[Answerer] = (),
    missing: Sequence[str] = (),
    every: int = 1,
    quick: bool = False,
) -> ReadBench:
    """Measure the reader, and ``peers`` on the same pictures.

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
        readers: list[Answerer] = [Ours(reader), *peers]
        single_results = {
            item.name: {each.name: ask_singles(each, item, on_progress, every=every) for each in readers}
            for item in singles
        }
        page_results = {
            item.name: {each.name: ask_pages(each, item, on_progress, rounds=_rounds(each, quick)) for each in readers}
            for item in pages
        }
    finally:
        cv2.setNumThreads(threads)
    single_results = {name: results for name, results in single_results.items() if results["digitlab"].pictures}
    whole = [item.name for item in singles if item.whole and item.name in single_results]
    on_progress("digitlab: speed and memory …")
    speed = measure_apart(model, quick=quick)
    names = [peer.name for peer in peers]
    measures = [
        *(_of_singles(name, results) for name, results in single_results.items()),
        *(_through_read(name, single_results[name]["digitlab"]) for name in whole),
        *_refused_digits(single_results),
        *_on_paper(reader, on_progress, 100 if quick else 2000),
        *(measure for name, results in page_results.items() for measure in _of_pages(name, results)),
        *_digit_times(single_results),
        *_of_speed(speed),
        _size(model, peers),
    ]
    writers = {
        name: {reader_name: result.writers for reader_name, result in results.items()}
        for name, results in single_results.items()
        if results["digitlab"].writers
    }
    path = str(resolve_model(model).name if model is None else model)
    return ReadBench(reading_machine(), path, measures, writers, page_results, names, list(missing), speed["bad_ms"])


def _rounds(answerer: Answerer, quick: bool) -> int:
    return 3 if isinstance(answerer, Ours) and not quick else 1  # a peer takes seconds per page: one round is enough


def _of_singles(name: str, results: dict[str, SinglesResult]) -> Measure:
    ours = results["digitlab"]
    negative = ours.negative

    def value(result: SinglesResult) -> float:
        share = result.refused_share if negative else result.accuracy
        return share if share is not None else float("nan")

    peers = {peer: value(result) for peer, result in results.items() if peer != "digitlab"}
    interval = wilson(ours.refused if negative else ours.right, ours.pictures)
    return Measure(name, "refused" if negative else "accuracy", value(ours), ours.pictures, peers, interval)


def _through_read(name: str, ours: SinglesResult) -> Measure:
    """Compute the share of pictures whose page reading is exactly the digit."""
    share, interval = ours.read_right / ours.pictures, wilson(ours.read_right, ours.pictures)
    return Measure(f"{name}, through read", "exact", share, ours.pictures, interval=interval)


def _refused_digits(results_by_set: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """Compute the cost of out-of-distribution rejection: the share of handwritten digits that were refused."""
    counted: dict[str, list[int]] = {}
    for name, results in results_by_set.items():
        for reader, result in results.items():
            if not result.negative and not name.endswith(", printed"):
                counts = counted.setdefault(reader, [0, 0])
                counts[0] += result.refused
                counts[1] += result.pictures
    if not counted:
        return []
    shares = {reader: refused / of for reader, (refused, of) in counted.items()}
    ours, of = counted["digitlab"]
    return [Measure("real digits refused", "share", shares.pop("digitlab"), of, shares, wilson(ours, of))]


def _on_paper(reader: Reader, on_progress: Callable[[str], None], count: int) -> list[Measure]:
    """Read MNIST's first test images, each as dark ink on a white page."""
    on_progress("digitlab: MNIST's test images on white pages …")
    pages = list(digits_on_pages(count))
    right = sum(reader.classify(page).digit == label for page, label in pages)
    share, interval = right / len(pages), wilson(right, len(pages))
    return [Measure("MNIST's test images on white pages", "accuracy", share, len(pages), interval=interval)]


def _of_pages(name: str, results: dict[str, PagesResult]) -> list[Measure]:
    ours, count = results["digitlab"], len(results["digitlab"].pages)

    def line(
        measure: str, unit: str, value: Callable[[PagesResult], float], interval: tuple[float, float] | None = None
    ) -> Measure:
        peers = {reader: value(result) for reader, result in results.items() if reader != "digitlab"}
        return Measure(f"{name}: {measure}", unit, value(ours), count, peers, interval)

    if ours.blank:
        claimed, without = ours.claimed(), ours.claimed().count(0)
        lines = [
            line("digits claimed", "a page", lambda result: statistics.mean(result.claimed()),
                 ratio_interval([(digits, 1) for digits in claimed])),
            line("pages without any", "share", lambda result: result.claimed().count(0) / count,
                 wilson(without, count)),
        ]  # fmt: skip
    else:
        lines = [
            line("character error", "", lambda result: result.character_error, ratio_interval(ours.edits())),
            line("exact pages", "share", lambda result: result.exact / count, wilson(ours.exact, count)),
        ]
    times = line("a page", "ms", lambda result: statistics.median(page.milliseconds for page in result.pages))
    return [*lines, times]


def _digit_times(results_by_set: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """Collect the times for unprocessed photos of one digit."""
    lines = []
    for name in ("photo_single",):
        if name in results_by_set:
            times = {reader: result.typical_ms or float("nan") for reader, result in results_by_set[name].items()}
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


def _size(model: str | None, peers: Sequence[Answerer]) -> Measure:
    files = [resolve_model(name) for name in (shipped_models() if model is None else (model,))]
    folder = {path.parent for path in files} if model is None else set()
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    for directory in folder:  # including the files shipped beside them
        megabytes = sum(path.stat().st_size for path in directory.iterdir() if path.is_file()) / 1e6
    peer_sizes = {peer.name: peer.megabytes for peer in peers if hasattr(peer, "megabytes")}
    return Measure("shipped models" if model is None else "the model", "MB", megabytes, None, peer_sizes)


def reading_machine() -> str:
    """Describe the processor, cores and the versions that reading depends on, on one line."""
    import platform

    import onnxruntime

    name = processor(platform.processor() or platform.machine() or "unknown processor")
    return described(name, {"Python": platform.python_version(), "onnxruntime": onnxruntime.__version__})
