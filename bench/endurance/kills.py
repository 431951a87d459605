"""Kill commands with SIGKILL at random moments, run them again until they are done, and compare the results.

    python bench/endurance/kills.py                                   # 200 kills, two hours on two free cores
    python bench/endurance/kills.py --count 20 --only plain folds
    python bench/endurance/kills.py --minutes 5 --only archive

Trainings (plain, augmented, with distractors, with early stopping, an ensemble, folds), a search, a study, sheets and
archives, on this machine and on Ray. Where a command has workers, one of them is killed instead in a third of the
cases: then the command itself must finish as if nothing had happened. Two results are equal when the weights are, bit
for bit, and the history, the answers, and the metrics without their times; for archives and sheets, every row and the
table. After each kill every file under a final name must be whole; at the end no temporary file or process may remain.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from killing import ended, family, start, wait_until
from results import Row, arguments, finish, time_left
from subjects import SUBJECTS, prepare, warm
from wholeness import half_files, leftovers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subjects import Subject

TARGET = "every ending equal to the unbroken run, no half file, nothing left over"
TWICE = 0.25  # share of the commands that are killed twice
WORKERS = 1 / 3  # share of the kills that hit a worker, where there are any
ANYWHERE = 0.15  # share of the kills drawn from the whole time, startup included; the others come once there are files


@dataclass
class Unbroken:
    """The undisturbed run: what must be equal, and its seconds in total and since its first file."""

    ending: dict[str, str]
    seconds: float
    since_files: float


@dataclass
class Attempt:
    """One command from its first start to its end, with its kills and problems."""

    kills: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def unbroken(subject: Subject, folder: Path) -> Unbroken:
    """Run the command undisturbed.

    Raises:
        RuntimeError: if it fails by itself.
    """
    child = start(subject.start(folder), folder, folder / ".log", subject.before)
    wait_until(child, lambda: subject.begun(folder))
    begun = time.monotonic()
    if not ended(child) or child.code != 0:
        raise RuntimeError(f"{subject.name}: undisturbed, it ended with {child.code}: {child.log_text()}")
    now = time.monotonic()
    return Unbroken(subject.ending(folder), now - child.began, now - begun)


def broken(subject: Subject, folder: Path, expected: Unbroken, draw: random.Random) -> Attempt:
    """Start the command, kill it once or twice, run it to its end, and compare."""
    attempt, words = Attempt(), subject.start(folder)
    for _ in range(2 if draw.random() < TWICE else 1):
        early = draw.random() < ANYWHERE
        wait = draw.uniform(0, expected.seconds if early else expected.since_files)
        child = start(words, folder, folder / ".log", subject.before)
        if not early:
            wait_until(child, lambda: subject.begun(folder))
        time.sleep(wait)
        workers = [pid for pid in family(child.mark) if pid != child.pid] if draw.random() < WORKERS else []
        if child.poll() is not None:
            break
        if workers and subject.kills_workers:
            _kill_one(draw.choice(sorted(workers)))
            attempt.kills.append(f"a worker after {wait:.2f} s")
            if not ended(child):
                attempt.problems.append("it did not end within a quarter of an hour after its worker was killed")
            break
        child.kill()
        attempt.kills.append(f"{wait:.2f} s after " + ("the start" if early else "its first file"))
        attempt.problems += half_files(folder)
        attempt.problems += _still_there(child.mark, subject.alive)
        words = subject.again(folder)
    _finish(subject, folder, attempt)
    if not attempt.problems:
        ending = subject.ending(folder)
        attempt.problems += [f"{name} differs" for name, value in expected.ending.items() if ending.get(name) != value]
        attempt.problems += [f"{name} was left over" for name in leftovers(folder) if name != ".log"]
    return attempt


def _finish(subject: Subject, folder: Path, attempt: Attempt) -> None:
    words = subject.again(folder)
    if words:
        last = start(words, folder, folder / ".log", subject.before)
        if not ended(last) or last.code != 0:
            attempt.problems.append(f"the command that should go on ended with {last.code}: {last.log_text()}")
    attempt.problems += half_files(folder)


def _kill_one(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _still_there(mark: str, limit: float) -> list[str]:
    """List the processes that a killed command had started and that have not ended by themselves; kill them."""
    end = time.monotonic() + limit
    while (remaining := family(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    names = []
    for pid in remaining:
        try:
            names.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80])
            os.kill(pid, signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue
    return [f"a process was still there {limit:.0f} s after the kill: {name}" for name in names]


def order(subjects: Sequence[Subject], count: int) -> list[Subject]:
    """Choose which subject is killed when: in turn, and expensive ones less often."""
    chosen: list[Subject] = []
    number = 0
    while len(chosen) < count:
        chosen += [each for each in subjects if number % each.every == 0]
        number += 1
    return chosen[:count]


def main() -> int:
    parser = arguments(__doc__, count=200)
    parser.add_argument("--only", nargs="+", choices=sorted(SUBJECTS), default=sorted(SUBJECTS), metavar="SUBJECT",
                        help=f"of {', '.join(sorted(SUBJECTS))}")  # fmt: skip
    options = parser.parse_args()
    over, draw = time_left(options.minutes), random.Random(options.seed)  # noqa: S311
    chosen = [each for name, each in SUBJECTS.items() if name in options.only]
    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="digitlab-kills-") as name:
        home = Path(name)
        prepare(home, chosen)
        warm(chosen)
        expected: dict[str, Unbroken] = {}
        for number, subject in enumerate(order(chosen, options.count)):
            if over():
                break
            row = rows.setdefault(subject.name, Row(f"kill -9: {subject.name}", TARGET, measured={"kills": 0}))
            if subject.missing:
                row.skipped = subject.missing
                continue
            if subject.name not in expected:
                folder = _new(home / f"{subject.name}-unbroken")
                expected[subject.name] = unbroken(subject, folder)
                row.measured["unbroken_seconds"] = round(expected[subject.name].seconds, 1)
            folder = _new(home / f"{subject.name}-{number}")
            attempt = broken(subject, folder, expected[subject.name], draw)
            moments = " and ".join(attempt.kills) or "too late"
            summary = "; ".join(attempt.problems)
            print(f"{number:>3} {subject.name:<16} {moments}: {summary or 'the same ending'}", flush=True)
            if attempt.kills:
                row.measured["kills"] += len(attempt.kills)
                row.add(f"attempt {number}, killed {moments}: {summary}" if summary else None)
            shutil.rmtree(folder, ignore_errors=True)
    return finish("kills", list(rows.values()), options)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
