"""Time and peak memory of one way of `digitlab.bench.dataset_baselines`, in a process of its own.

python -m digitlab.bench.subprocess_cost "build in uint8" 0-1 OUT.h5
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cost", "peak_megabytes", "run_apart"]

_UNFLUSHED = "--unflushed"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, its imports not counted.

    seconds: by the clock; busy: of all processors together
    peak: MB that the process had at most; grown: MB above what it had when it began; both NaN where no one can tell
    """

    seconds: float
    busy: float
    peak: float
    grown: float


def run_apart(way: str, source: str | Path, target: Path, *, on_terminal: bool = False, flush: bool = True) -> Cost:
    """Run a way and remove what it wrote.

    on_terminal: what it prints is read from a terminal, line by line, rather than thrown away
    flush: False leaves the file to the system's cache, as S0's script does; ours waits until it is on the disk
    """
    os.sync()  # nothing of the run before is still on its way to the disk
    command = [sys.executable, "-m", __spec__.name, way, str(source), str(target), *([] if flush else [_UNFLUSHED])]
    try:
        with _screen() if on_terminal else contextlib.nullcontext(subprocess.DEVNULL) as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=True)
    finally:
        target.unlink(missing_ok=True)
    return Cost(**json.loads(done.stderr.splitlines()[-1]))


@contextlib.contextmanager
def _screen() -> Iterator[int]:
    """A terminal that somebody reads as fast as it comes."""
    master, slave = os.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 1 << 16):
                pass

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield slave
    finally:
        os.close(slave)
        reader.join()
        os.close(master)


def peak_megabytes() -> float:
    """The most memory that this process had; `ru_maxrss` would count what its parent had before."""
    try:
        status = Path("/proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        return float("nan")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _main(way: str, source: str, target: str, *options: str) -> None:
    """In the child: run, and say on stderr what it took."""
    import h5py  # noqa: F401  (every way needs it, and some lmdb: not counted)
    import lmdb  # noqa: F401

    from digitlab.bench.dataset_baselines import WAYS
    from digitlab.datasets.formats.datum import datum_class

    datum_class()
    if _UNFLUSHED in options:
        os.fsync = lambda fd: None  # noqa: ARG005
    before = peak_megabytes()
    began, busy = time.perf_counter(), time.process_time()
    WAYS[way](source, target)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    peak = peak_megabytes()
    sys.stderr.write(json.dumps(asdict(Cost(seconds, busy, peak, peak - before))) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
