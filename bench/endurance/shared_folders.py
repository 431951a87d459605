"""Two processes at once on one cache, run folder, archive, search or study: refused or shared, never mixed up.

    python bench/endurance/shared_folders.py                 # ten minutes on two free cores
    python bench/endurance/shared_folders.py --only cache archive

A second process that is refused ends with exit code 2 and reports that another one is there; the first must finish as
if it had been alone. Where both may work, both must succeed, with the same results as one alone.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from killing import ended, start, wait_until
from results import Row, arguments, finish, time_left
from subjects import SUBJECTS, prepare, warm
from wholeness import half_files, leftovers

if TYPE_CHECKING:
    from subjects import Subject

CACHE, TOGETHER = "cache", 4  # processes on one cache
OTHERS = ("plain", "folds", "archive", "archive-folder", "sheets", "search", "study")
SHARED = {"study"}
SHAPE = (40, 784)


def _fill(arrays: dict[str, np.ndarray]) -> None:
    for row in range(SHAPE[0]):
        arrays["images"][row] = row
        time.sleep(0.0002)


def _use(start: float) -> int:
    """Be one of several processes that want the same arrays at the same moment: return 0 if it got them."""
    from digitlab.datasets.cache import cached_arrays

    time.sleep(max(0.0, start - time.monotonic()))
    array = cached_arrays("shared", {"images": SHAPE}, _fill)["images"]
    return int(array.shape != SHAPE or not (array == np.arange(SHAPE[0])[:, None]).all())


def on_one_cache(home: Path, draw: random.Random) -> str | None:
    """Make the same arrays in several processes at once; in half of the cases, a damaged file is already there."""
    os.environ["DIGITLAB_CACHE"] = str(home)
    if draw.random() < 0.5:
        (home / "shared").mkdir()
        (home / "shared" / "images.npy").write_bytes(b"damaged")
    start, pids = time.monotonic() + 0.05, []
    for _ in range(TOGETHER):
        wait = draw.uniform(0, 0.02)
        pid = os.fork()
        if pid == 0:
            code = 9
            try:
                code = _use(start + wait)
            except Exception as error:  # noqa: BLE001 - told below
                (home / f".said-{os.getpid()}").write_text(f"{type(error).__name__}: {error}")
            finally:
                os._exit(code)
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    errors = [path.read_text()[:200] for path in home.glob(".said-*")]
    if any(codes):
        return f"{sum(code != 0 for code in codes)} of {TOGETHER} failed: {'; '.join(errors) or 'wrong numbers'}"
    leftovers = [path.name for path in home.glob(".unfinished-*")]
    return f"left over: {', '.join(leftovers)}" if leftovers else None


def two_of(subject: Subject, folder: Path, expected: dict[str, str]) -> str | None:
    """Start a second process where the first is at work."""
    folder.mkdir()
    first = start(subject.start(folder), folder, folder / ".first", subject.before)
    if not wait_until(first, lambda: subject.begun(folder)):
        return f"the first ended before it began to write: {first.log_text()}"
    second = start(subject.again(folder), folder, folder / ".second", subject.before)
    over = ended(second) and ended(first)
    if not over or first.code != 0:
        return f"the first ended with {first.code}: {first.log_text()}"
    output = (folder / ".second").read_text("utf-8", errors="replace")
    if subject.name in SHARED:
        if second.code != 0:
            return f"the second ended with {second.code}: {second.log_text()}"
    elif second.code != 2 or "another process" not in output:
        return f"the second was not refused, but ended with {second.code}: {second.log_text()}"
    ending = subject.ending(folder)
    wrong = [f"{name} differs" for name, value in expected.items() if ending.get(name) != value]
    wrong += [f"{name} was left over" for name in leftovers(folder) if name not in (".first", ".second")]
    return "; ".join([*wrong, *half_files(folder)]) or None


def alone(subject: Subject, folder: Path) -> dict[str, str]:
    """Run the command with no other process there, and return its results.

    Raises:
        RuntimeError: if it fails by itself.
    """
    folder.mkdir()
    child = start(subject.start(folder), folder, folder / ".log", subject.before)
    if not ended(child) or child.code != 0:
        raise RuntimeError(f"{subject.name}: alone, it ended with {child.code}: {child.log_text()}")
    return subject.ending(folder)


def main() -> int:
    parser = arguments(__doc__, count=100)
    names = [CACHE, *OTHERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="WHAT", help=", ".join(names))
    parser.add_argument("--times", type=int, default=1, help="how often each but the cache, which is --count times")
    options = parser.parse_args()
    over, draw = time_left(options.minutes), random.Random(options.seed)  # noqa: S311
    chosen = [SUBJECTS[name] for name in OTHERS if name in options.only]
    rows = []
    with tempfile.TemporaryDirectory(prefix="digitlab-shared-") as name:
        home = Path(name)
        if CACHE in options.only:
            row = Row(f"{TOGETHER} processes on one cache", "each gets whole arrays")
            for number in range(options.count):
                if over():
                    break
                (folder := home / f"cache-{number}").mkdir()
                row.add(on_one_cache(folder, draw))
            rows.append(row)
        prepare(home, chosen)
        warm(chosen)
        for subject in chosen:
            row = Row(f"two processes on one {subject.name}", "refused or shared, never mixed", skipped=subject.missing)
            rows.append(row)
            if subject.missing or over():
                row.skipped = subject.missing or "no time was left"
                continue
            expected = alone(subject, home / f"{subject.name}-alone")
            for number in range(options.times):
                row.add(two_of(subject, home / f"{subject.name}-{number}", expected))
            print(f"{row.what}: {row.failures or 'held'}", flush=True)
    return finish("shared_folders", rows, options)


if __name__ == "__main__":
    sys.exit(main())
