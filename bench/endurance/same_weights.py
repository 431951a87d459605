"""Train with the same seed again and again: in new processes, on one core and on two, also beside other work.

    python bench/endurance/same_weights.py                   # 20 trainings, five minutes on two free cores

The promise: the same seed on the same machine with the same number of cores gives the same weights, bit for bit,
whatever else is running. Whether one core gives the same as two is also measured, but not promised: sums over a batch
are added up in a different order.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from killing import ended, start
from results import Row, arguments, finish, time_left
from subjects import SUBJECTS, prepare, warm
from wholeness import weights_of

TRAINING = ["train", "--data", "../small.npz", "--epochs", "2", "--architecture", "conv-family", "--option",
            "filters=[16,32]", "--batch-size", "32", "--augmentation", "affine", "--runs", "runs"]  # fmt: skip


def cores() -> list[int]:
    """Return the first two cores that this process may use; fewer where there are fewer."""
    return sorted(os.sched_getaffinity(0))[:2]


def on(count: int) -> None:
    """Restrict this process to ``count`` cores; libraries loaded later start as many threads."""
    os.sched_setaffinity(0, cores()[:count])


def other_work() -> int:
    """Start a process that keeps the last of the cores busy; return its process id."""
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, cores()[-1:])
        while os.getppid() != 1:
            sum(range(100_000))
        os._exit(0)
    return pid


def trained(folder: Path, count: int, *, loaded: bool) -> str:
    """Run one training, and return the digest of its weights.

    Raises:
        RuntimeError: if it fails.
    """
    folder.mkdir()
    busy = other_work() if loaded else None
    try:
        child = start(TRAINING, folder, folder / ".log", functools.partial(on, count))
        if not ended(child) or child.code != 0:
            raise RuntimeError(f"the training ended with {child.code}: {child.log_text()}")
    finally:
        if busy is not None:
            os.kill(busy, 9)
            os.waitpid(busy, 0)
    return weights_of(next((folder / "runs").iterdir()) / "model.keras")


def main() -> int:
    options = arguments(__doc__, count=20).parse_args()
    over = time_left(options.minutes)
    same = Row("same seed, same number of cores: same weights", "20 of 20, also beside other work")
    digests: dict[int, Counter[str]] = {1: Counter(), 2: Counter()}
    with tempfile.TemporaryDirectory(prefix="digitlab-weights-") as name:
        home = Path(name)
        prepare(home, [SUBJECTS["plain"]])
        warm([SUBJECTS["plain"]])
        for number in range(options.count):
            if over():
                break
            count, loaded = 1 + number % len(cores()), number // 2 % 2 == 1
            weights = trained(home / f"training-{number}", count, loaded=loaded)
            first = next(iter(digests[count]), weights)
            digests[count][weights] += 1
            description = f"training {number}, {count} cores{', beside other work' if loaded else ''}: {weights}"
            same.add(None if weights == first else f"{description}, the first was {first}")
            print(description, flush=True)
    same.measured = {f"on {count} cores": dict(seen) for count, seen in digests.items()}
    same.measured["one core as two"] = set(digests[1]) == set(digests[2]) if all(digests.values()) else None
    return finish("same_weights", [same], options)


if __name__ == "__main__":
    sys.exit(main())
