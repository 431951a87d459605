"""Remove a worker, and then a whole node, from Ray while it runs a study, an archive and a stack of sheets.

    python bench/endurance/ray_loss.py                       # six losses, ten minutes on two free cores
    python bench/endurance/ray_loss.py --only archive

The cluster is Ray's own for tests: a head and one more node on this machine, two cores each. A worker is killed with
SIGKILL; a node is removed without notice. Nothing may be lost in the end: a study retries lost cells by itself; for
readings of pictures that were lost with their worker, the same command is run again, which must read only those.
The numbers must equal those of this machine without Ray, bit for bit.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from killing import ended, start_new, wait_until
from results import Row, arguments, finish, time_left
from subjects import SUBJECTS, prepare
from wholeness import half_files, leftovers

if TYPE_CHECKING:
    from killing import Child
    from subjects import Subject

JOBS = {"study": "study", "archive": "archive-folder", "sheets": "sheets"}
LOSSES = ("worker", "node")
AGAIN = 3  # how often the same command may be repeated


def workers() -> list[int]:
    """List the Ray processes that are busy at the moment, recognised by their names."""
    pids = []
    for entry in Path("/proc").iterdir():
        try:
            name = (entry / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:  # not a process, or one that has ended
            continue
        if name.startswith("ray::") and "IDLE" not in name and "Agent" not in name:
            pids.append(int(entry.name))
    return sorted(pids)


def take_away(what: str, cluster: Any, node: Any) -> str:
    """Kill a worker or remove the node; return what was lost."""
    if what == "node":
        cluster.remove_node(node, allow_graceful=False)
        return "a node"
    at_work = workers()
    if not at_work:
        return ""
    os.kill(at_work[-1], signal.SIGKILL)
    return f"worker {at_work[-1]}"


def words_on(subject: Subject, folder: Path, address: str) -> list[str]:
    words = [word for word in subject.start(folder) if word not in ("--jobs", "--workers", "1", "2")]
    return [*words, "--engine", "ray", "--address", address]


def without_ray(subject: Subject, folder: Path) -> dict[str, str]:
    """Run the command on this machine without Ray, and return its results.

    Raises:
        RuntimeError: if it fails.
    """
    folder.mkdir()
    child = start_new(subject.start(folder), folder, folder / ".log")
    if not ended(child) or child.code != 0:
        raise RuntimeError(f"{subject.name}: it ended with {child.code}: {child.log_text()}")
    return subject.ending(folder)


def lost(
    subject: Subject, folder: Path, what: str, expected: dict[str, str], row: Row, draw: random.Random
) -> str | None:
    """Run one job on two nodes, lose a worker or node, and repeat the same command until it is done."""
    from ray.cluster_utils import Cluster

    folder.mkdir()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=2)
        words = words_on(subject, folder, cluster.address)
        child = start_new(words, folder, folder / ".log")
        if not wait_until(child, lambda: bool(workers()), 300):
            return f"nobody was at work after five minutes: {child.log_text()}"
        time.sleep(draw.uniform(0, 3))
        loss = take_away(what, cluster, node)
        if not loss or child.poll() is not None:
            row.skipped = "it was done before anything could be lost"
        return _to_the_end(subject, folder, child, words, row, expected)
    finally:
        cluster.shutdown()


def _to_the_end(
    subject: Subject, folder: Path, child: Child, words: list[str], row: Row, expected: dict[str, str]
) -> str | None:
    runs = 1
    while True:
        if not ended(child):
            return "it did not end within a quarter of an hour"
        if child.code == 0:
            break
        if runs > AGAIN:
            return f"the same command ended {runs} times with {child.code}: {child.log_text()}"
        runs += 1
        child = start_new(words, folder, folder / ".log")
    row.measured["commands"] = runs
    ending = subject.ending(folder)
    wrong = [f"{name} differs" for name, value in expected.items() if ending.get(name) != value]
    wrong += [f"{name} was left over" for name in leftovers(folder) if name != ".log"]
    return "; ".join([*wrong, *half_files(folder)]) or None


def main() -> int:
    parser = arguments(__doc__, count=1)
    parser.add_argument(
        "--only", nargs="+", choices=list(JOBS), default=list(JOBS), metavar="JOB", help=", ".join(JOBS)
    )
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    over, rows, draw = time_left(options.minutes), [], random.Random(options.seed)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="digitlab-loss-") as name:
        home = Path(name)
        subjects = [SUBJECTS[JOBS[each]] for each in options.only]
        prepare(home, subjects)
        for subject in subjects:
            expected: dict[str, str] = {}
            for what in LOSSES:
                row = Row(
                    f"Ray: a {what} lost in: {subject.name}", "cells lost 0, only the lost run twice, same numbers"
                )
                rows.append(row)
                if over() or importlib.util.find_spec("ray") is None:
                    row.skipped = "no time was left" if over() else "ray is not installed"
                    continue
                expected = expected or without_ray(subject, home / f"{subject.name}-alone")
                for number in range(options.count):
                    start = time.monotonic()
                    row.add(lost(subject, home / f"{subject.name}-{what}-{number}", what, expected, row, draw))
                    row.measured["seconds"] = round(time.monotonic() - start)
                print(f"{row.what}: {row.failures or 'held'} {row.measured} {row.skipped}", flush=True)
    return finish("ray_loss", rows, options)


if __name__ == "__main__":
    sys.exit(main())
