"""Overhead of a Ray cluster on this machine: per page, and per cell of a study, with 1, 2, 4 workers.

    python bench/ray_overhead.py --out studies-results/ray-overhead.json              # about four minutes
    python bench/ray_overhead.py --workers 1 2 4 --pages 640 --cells 8 --seconds 10

Pages: drawn (bench/pages.py), read by N processes of this machine, then by N actors of Ray Data. Cells: jobs that keep
a core busy for --seconds of CPU time, given to N worker processes, then to N of Ray's actors, by the scheduler of
studies. The time until the first answer is reported separately. The overhead is the extra time with Ray, as a share of
the work. Worker counts above the number of cores are left out. Exit code 1 where an overhead exceeds 5 %.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.archives import ReadingJob, find_pictures, read_pictures
from digitlab.archives.processes import all_cores
from digitlab.bench.busy_work import BusyJob
from digitlab.bench.machine import command_line, processor
from digitlab.scheduling.dispatch import dispatch
from digitlab.scheduling.local import LocalPool
from digitlab.stopping import StopRequest
from digitlab.storage import write_text
from reading_many import copies, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.scheduling.protocol import Done, Pool

_WORK, _MOST = "digitlab.bench.busy_work", 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pages", type=int, default=640)
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        pages = copies(draw(Path(folder) / "drawn"), Path(folder) / "pages", options.pages)
        for workers in (each for each in options.workers if each <= all_cores()):
            for unit, measured in (
                ("page", (read_here(pages, workers), read_there(pages, workers))),
                ("cell", (cells_here(options, workers), cells_there(options, workers))),
            ):
                row = compared(unit, workers, options.pages if unit == "page" else options.cells, *measured)
                rows.append(row)
                print(
                    f"{workers} workers: {1000 * row['each']:.1f} ms a {unit} more than without Ray, "
                    f"{100 * row['share']:.1f} % of the work; until the first answer {row['start_here']:.1f} s "
                    f"without, {row['start_there']:.1f} s with Ray",
                    flush=True,
                )
    if options.out:
        content = {
            "command": command_line("bench/ray_overhead.py", sys.argv[1:]),
            "date": date.today().isoformat(),
            "machine": f"{processor('unknown')}, {os.cpu_count()} cores",
            "load_before": os.getloadavg()[0],
            "rows": rows,
        }
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return int(any(row["share"] > _MOST for row in rows))


def compared(unit: str, workers: int, count: int, without_ray: list[float], with_ray: list[float]) -> dict[str, Any]:
    """Compare with and without Ray. without_ray, with_ray: seconds from the start at which each answer came."""
    work, longer = without_ray[-1] - without_ray[0], with_ray[-1] - with_ray[0]
    return {
        "what": unit, "workers": workers, "count": count, "work": work, "start_here": without_ray[0],
        "start_there": with_ray[0], "each": (longer - work) / count, "share": longer / work - 1,
    }  # fmt: skip


def read_here(pages: Path, workers: int) -> list[float]:
    return _times(read_pictures(find_pictures([pages]), ReadingJob(), jobs=workers))


def read_there(pages: Path, workers: int) -> list[float]:
    from digitlab.archives.on_ray import read_on_ray

    with cores_of_ray(workers):
        return _times(read_on_ray(find_pictures([pages]), ReadingJob()))


def _times(answers: Iterator[Any]) -> list[float]:
    start = time.monotonic()
    return [time.monotonic() - start for _ in answers]


def cells_here(options: argparse.Namespace, workers: int) -> list[float]:
    with LocalPool(_WORK, workers) as pool:
        return _done(pool, options)


def cells_there(options: argparse.Namespace, workers: int) -> list[float]:
    from digitlab.scheduling.on_ray import RayPool

    with cores_of_ray(workers), RayPool(_WORK) as pool:
        return _done(pool, options)


def _done(pool: Pool, options: argparse.Namespace) -> list[float]:
    """Return when each cell was done; the first entry is when the first one could begin."""
    jobs, start, times, took = (
        [BusyJob(number, options.seconds) for number in range(options.cells)],
        time.monotonic(),
        [],
        [],
    )

    def keep(_: BusyJob, done: Done) -> None:
        times.append(time.monotonic() - start)
        took.append(float(done.result["seconds"]))

    dispatch(jobs, pool, keep, lambda _: None, StopRequest())
    return [times[0] - took[0], *times]


@contextlib.contextmanager
def cores_of_ray(workers: int) -> Iterator[None]:
    """Limit a cluster that is started inside to this many processors."""
    import ray

    init = ray.init
    ray.init = functools.partial(init, num_cpus=workers)
    try:
        yield
    finally:
        ray.init = init


if __name__ == "__main__":
    sys.exit(main())
