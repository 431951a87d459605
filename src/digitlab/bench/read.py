"""How well and how fast pictures are read: every measure of the project's table beside its target, and peers.

Accuracy counts a refusal as wrong, and is told per writer. Single pictures stand in totals only, on purpose: they are
for measuring. All times are of one thread and from array to answer, unless a line says otherwise.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitlab.bench.answering import Ours, PagesResult, SinglesResult, ask_pages, ask_singles
from digitlab.bench.photos import find_sets
from digitlab.bench.read_apart import measure_apart
from digitlab.bench.targets import target_of
from digitlab.reading import Reader, resolve_model, shipped_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from digitlab.bench.answering import Answerer

__all__ = ["Measure", "ReadBench", "measure_reading"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of the table: digitlab's value, its target, and the peers' by name."""

    what: str
    unit: str
    value: float
    count: int | None = None
    peers: dict[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        target = target_of(self.what)
        return None if target is None else target.met(self.value)

    def row(self, peers: Sequence[str]) -> list[str]:
        """Cells: what, how many, our value, the target, whether it is met, the peers' values."""
        target = target_of(self.what)
        return [
            f"{self.what} ({self.unit})" if self.unit else self.what,
            "" if self.count is None else f"{self.count:,}",
            _number(self.value),
            "" if target is None else str(target),
            {None: "", True: "yes", False: "no"}[self.met],
            *(_number(self.peers[name]) if name in self.peers else "" for name in peers),
        ]


@dataclass(frozen=True)
class ReadBench:
    """All that was measured."""

    machine: str
    model: str
    measures: list[Measure]
    writers: dict[str, dict[str, dict[str, tuple[int, int]]]]  # set → who reads → writer → right, of
    pages: dict[str, dict[str, PagesResult]]  # set → who reads → pages
    peers: list[str]
    missing: list[str]
    bad_ms: dict[str, float]

    def header(self) -> list[str]:
        """Of `Measure.row`."""
        return ["", "of", "digitlab", "target", "met", *self.peers]

    def rows(self) -> list[list[str]]:
        """The table."""
        return [each.row(self.peers) for each in self.measures]

    def writer_rows(self) -> list[list[str]]:
        """Set, writer, how many, and the share that each reader read rightly."""
        rows = []
        for name, said in self.writers.items():
            for writer, (_, of) in said["digitlab"].items():
                shares = [said[who][writer][0] / said[who][writer][1] for who in ("digitlab", *self.peers)]
                rows.append([name, writer, str(of), *map(_number, shares)])
        return rows

    def page_rows(self) -> list[list[str]]:
        """Page, pixels, milliseconds, what stands there, and what each reader read."""
        rows = []
        for said in self.pages.values():
            for place, page in enumerate(said["digitlab"].pages):
                read = [said[who].pages[place].read for who in ("digitlab", *self.peers)]
                size = f"{page.size[0]}×{page.size[1]}"
                rows.append([page.name, size, f"{page.milliseconds:.0f}", page.text, *read])
        return rows

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "machine": self.machine,
            "model": self.model,
            "measures": [
                {
                    "what": each.what,
                    "unit": each.unit,
                    "of": each.count,
                    "value": each.value,
                    "target": None if (target := target_of(each.what)) is None else str(target),
                    "met": each.met,
                    "peers": each.peers,
                }
                for each in self.measures
            ],
            "writers": {
                name: {who: {writer: list(counts) for writer, counts in said.items()} for who, said in by_who.items()}
                for name, by_who in self.writers.items()
            },
            "pages": [
                {"page": row[0], "size": row[1], "ms": float(row[2]), "text": row[3],
                 "read": dict(zip(("digitlab", *self.peers), row[4:], strict=True))}
                for row in self.page_rows()
            ],
            "bad_pictures_ms": self.bad_ms,
            "missing": self.missing,
        }  # fmt: skip


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
    every: of the sets of single pictures only each such picture, for all readers
    quick: speeds from few rounds and smaller bad pictures

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
        read = {each.name: {who.name: ask_pages(who, each, tell, rounds=_rounds(who)) for who in everyone}
                for each in pages}  # fmt: skip
    finally:
        cv2.setNumThreads(threads)
    said = {name: results for name, results in said.items() if results["digitlab"].pictures}
    tell("digitlab: speed and memory …")
    speed = measure_apart(model, quick=quick)
    names = [each.name for each in rivals]
    measures = [
        *(_of_singles(name, results) for name, results in said.items()),
        *_refused_digits(said),
        *(measure for name, results in read.items() for measure in _of_pages(name, results)),
        *_digit_times(said),
        *_of_speed(speed),
        _size(model, rivals),
    ]
    writers = {name: {who: result.writers for who, result in results.items()} for name, results in said.items()
               if results["digitlab"].writers}  # fmt: skip
    path = str(resolve_model(model).name if model is None else model)
    return ReadBench(_machine(), path, measures, writers, read, names, list(missing), speed["bad_ms"])


def _rounds(who: Answerer) -> int:
    return 3 if isinstance(who, Ours) else 1  # a peer takes seconds a page: one is enough to tell


def _of_singles(name: str, results: dict[str, SinglesResult]) -> Measure:
    ours = results["digitlab"]
    negative = ours.negative

    def value(result: SinglesResult) -> float:
        share = result.refused_share if negative else result.accuracy
        return share if share is not None else float("nan")

    peers = {who: value(result) for who, result in results.items() if who != "digitlab"}
    return Measure(name, "refused" if negative else "accuracy", value(ours), ours.pictures, peers)


def _refused_digits(said: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """What the refusal of strangers costs: digits by hand that got no answer."""
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
    return [Measure("real digits refused", "share", shares.pop("digitlab"), counted["digitlab"][1], shares)]


def _of_pages(name: str, results: dict[str, PagesResult]) -> list[Measure]:
    ours, count = results["digitlab"], len(results["digitlab"].pages)

    def line(what: str, unit: str, value: Callable[[PagesResult], float]) -> Measure:
        theirs = {who: value(result) for who, result in results.items() if who != "digitlab"}
        return Measure(f"{name}: {what}", unit, value(ours), count, theirs)

    return [
        line("character error", "", lambda result: result.character_error),
        line("exact pages", "share", lambda result: result.exact / len(result.pages)),
        line("a page", "ms", lambda result: statistics.median(each.milliseconds for each in result.pages)),
    ]


def _digit_times(said: dict[str, dict[str, SinglesResult]]) -> list[Measure]:
    """Whole pictures of one digit, as they come from the camera."""
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
        Measure("digits in batches on two cores", "1/s", speed["digits_per_second"]),
        Measure("slowest bad picture", "ms", max(speed["bad_ms"].values())),
        Measure("peak memory with a picture of 12 megapixels", "MB", speed["idle_mb"]),
        Measure("peak memory with all bad pictures", "MB", speed["peak_mb"]),
    ]


def _size(model: str | None, rivals: Sequence[Answerer]) -> Measure:
    files = [resolve_model(name) for name in (shipped_models() if model is None else (model,))]
    folder = {path.parent for path in files} if model is None else set()
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    for place in folder:  # what ships beside them counts too
        megabytes = sum(path.stat().st_size for path in place.iterdir() if path.is_file()) / 1e6
    theirs = {each.name: each.megabytes for each in rivals if hasattr(each, "megabytes")}
    return Measure("shipped models" if model is None else "the model", "MB", megabytes, None, theirs)


def _machine() -> str:
    import os
    import platform

    import onnxruntime

    versions = f"Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}"
    return f"{_processor()}, {os.cpu_count()} cores; {versions}"


def _processor() -> str:
    import platform
    from pathlib import Path

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _number(value: float) -> str:
    if value != value:  # NaN: not measured
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 2 else f"{value:.3f}"
