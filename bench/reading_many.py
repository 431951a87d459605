"""Pages/s and memory of `digitlab read FOLDER` by the number of pages: is time linear, is memory flat?

    python bench/reading_many.py --out studies-results/reading-many.json            # 100 and 1,000 pages: two minutes
    python bench/reading_many.py --pages 100 1000 10000 --out studies-results/reading-many.json

100 pages are drawn (`digitlab.examples.pages`, MNIST's test digits, every kind of paper in turn); 1,000 are the same
pages ten times, under other names. Each size is a separate command, its output discarded; sizes up to 1,000 are run
three times, and the median counts. The startup time, measured with one page, is subtracted. Memory is that of the
command and its child processes together, shared memory counted once (PSS): the maximum of 10 samples per second.
Exit code 1 if pages/s differ by more than 10 %, or memory by more than 20 MB, from those of the first size.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import cv2

from digitlab.bench.machine import command_line, processor
from digitlab.datasets import load_dataset
from digitlab.examples.pages import KINDS
from digitlab.storage import write_text
from pages import drawn_pages

_DRAWN = 100
_AGAIN = 3  # rounds for sizes up to 1,000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--jobs", type=int, help="processes; default: one per core")
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(Path(folder) / "drawn")
        start = median_of(copies(drawn, Path(folder) / "one", 1), 1, options)[0]
        print(f"to begin, with one page: {start:.1f} s", flush=True)
        for count in options.pages:
            seconds, memory, rounds = median_of(copies(drawn, Path(folder) / str(count), count), count, options)
            speed = count / (seconds - start)
            rows.append({"pages": count, "seconds": seconds, "pages_per_second": speed, "megabytes": memory,
                         "rounds": rounds})  # fmt: skip
            print(f"{count:6,} pages: {seconds:.1f} s, {speed:.1f} pages/s, {memory:.0f} MB", flush=True)
    first, *rest = rows
    linear = all(abs(each["pages_per_second"] / first["pages_per_second"] - 1) <= 0.1 for each in rest)
    flat = all(abs(each["megabytes"] - first["megabytes"]) <= 20 for each in rest)
    print(f"time is {'' if linear else 'not '}linear within 10 %, memory {'' if flat else 'not '}flat within 20 MB")
    if options.out:
        content: dict[str, Any] = {
            "command": command_line("bench/reading_many.py", sys.argv[1:]),
            "date": date.today().isoformat(),
            "machine": f"{processor('unknown')}, {os.cpu_count()} cores",
            "load_before": os.getloadavg()[0],
            "start": start, "linear": linear, "flat": flat, "rows": rows,
        }  # fmt: skip
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return 0 if linear and flat else 1


def median_of(pages: Path, count: int, options: argparse.Namespace) -> tuple[float, float, list[tuple[float, float]]]:
    """Return the medians of seconds and MB over some rounds; and the rounds."""
    rounds = [read(pages, options.jobs, options.engine) for _ in range(_AGAIN if count <= 1000 else 1)]
    seconds, memory = (statistics.median(each[index] for each in rounds) for index in (0, 1))
    return seconds, memory, rounds


def draw(folder: Path) -> list[Path]:
    """Draw the pages as JPEG files."""
    folder.mkdir()
    digits, kinds, paths = load_dataset("mnist").split("test"), list(KINDS), []
    for number in range(_DRAWN):
        (page,) = drawn_pages(kinds[number % len(kinds)], 1, digits, seed=number)
        paths.append(folder / f"{number:03}.jpg")
        cv2.imwrite(str(paths[-1]), cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR))
    return paths


def copies(drawn: list[Path], folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}.jpg").hardlink_to(drawn[number % len(drawn)])
    return folder


def read(pages: Path, jobs: int | None, engine: str) -> tuple[float, float]:
    """Read the pages; return the seconds and the maximum of MB."""
    arguments = ["--jobs", str(jobs)] if jobs else []
    with tempfile.TemporaryDirectory() as folder:
        if engine == "ray":
            arguments = ["--engine", "ray", "--out", str(Path(folder) / "readings")]
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "digitlab", "read", str(pages), "--json", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        most = 0.0
        while process.poll() is None:
            most = max(most, megabytes_of(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - start
    if process.returncode not in (0, 1):  # 1: a page without a digit
        sys.exit(f"digitlab read ended with code {process.returncode}")
    return seconds, most


def megabytes_of(root: int) -> float:
    """Return the PSS of a process and all of its descendants, MB."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(map(_pss, family))


def _pss(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


if __name__ == "__main__":
    sys.exit(main())
