"""Shared by the endurance scripts: their arguments, their time limit, and the format in which results are kept.

A script of this folder is run as ``python bench/endurance/NAME.py`` with ``--count``, ``--seed``, ``--minutes`` and
``--results``, or all of them by ``python bench/endurance/run.py``. The quick version, in the tests, is the same script
with a small count. A script has this form:

    from results import Row, arguments, finish, time_left

    asked = arguments(__doc__, count=100).parse_args()
    over = time_left(asked.minutes)
    row = Row("kill -9 of plain trainings", "200 endings equal to the unbroken run")
    for number in range(asked.count):
        if over():
            break
        row.add(None if equal else "kill 17, plain, after 2.1 s: other weights")
    sys.exit(finish("kills", [row], asked))

``finish`` prints the table, keeps ``studies-results/endurance/kills.json`` and returns the exit code: 1 when anything
failed.

A figure is worth little without its machine and date: ``keep`` adds both, and the command.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.bench.machine import command_line, described, processor
from digitlab.storage import write_text
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RESULTS", "Row", "arguments", "finish", "keep", "time_left"]

RESULTS = Path(__file__).resolve().parents[2] / "studies-results" / "endurance"
SHOWN = 5  # failures of a row that are printed; the file has all of them


@dataclass
class Row:
    """One row of the table: what was broken, how often, and what failed.

    what: what was broken and how
    target: the requirement, as in the table of docs/endurance.md
    tried: how often
    failures: one line each: what was done (so that it can be repeated) and what was wrong
    skipped: why the row, or a part of it, was not tried on this machine; else ""
    measured: further figures, by name (seconds, megabytes, ...)
    """

    what: str
    target: str
    tried: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: str = ""
    measured: dict[str, Any] = field(default_factory=dict)

    def add(self, failure: str | None) -> None:
        """Count one attempt; ``failure`` is None if it succeeded."""
        self.tried += 1
        if failure is not None:
            self.failures.append(failure)

    @property
    def held(self) -> int:
        return self.tried - len(self.failures)


def arguments(about: str | None, *, count: int) -> argparse.ArgumentParser:
    """Make a parser with the arguments of every script here; a script may add its own.

    count: default number of attempts
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count, help=f"attempts in all (default {count})")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default 0)")
    parser.add_argument("--minutes", type=float, default=0, help="begin nothing new after that; 0: no limit")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for the results")
    return parser


def time_left(minutes: float) -> Callable[[], bool]:
    """Return a function that is true once ``minutes`` have passed; never if 0."""
    end = time.monotonic() + 60 * minutes if minutes > 0 else float("inf")
    return lambda: time.monotonic() > end


def keep(name: str, figures: dict[str, Any], command: str | None = None, *, results: Path = RESULTS) -> Path:
    """Write ``results/NAME.json``, atomically: command, machine, date, and then ``figures``.

    command: as a user types it; by default, the command line of this process
    """
    path = Path(results) / f"{name}.json"
    about = {"command": command or _own_command(), "machine": _machine(), "date": _now()}
    write_text(path, json.dumps({**about, **figures}, indent=1, ensure_ascii=False) + "\n")
    return path


def finish(name: str, rows: Sequence[Row], options: argparse.Namespace) -> int:
    """Print ``rows``, keep them as ``NAME.json``, and return the exit code: 1 if a row has a failure."""
    for row in rows:
        print(f"{row.what}: {row.held} of {row.tried} held" + (f"; skipped: {row.skipped}" if row.skipped else ""))
        for line in row.failures[:SHOWN]:
            print(f"    {line}")
        if len(row.failures) > SHOWN:
            print(f"    and {len(row.failures) - SHOWN} more")
    entries = [{**asdict(row), "held": row.held} for row in rows]
    print(keep(name, {"seed": options.seed, "rows": entries}, results=options.results))
    return int(any(row.failures for row in rows))


def _own_command() -> str:
    """Return this process's command line, without paths of this machine."""
    script = Path(sys.argv[0]).resolve()
    root = Path(__file__).resolve().parents[2]
    named = script.relative_to(root).as_posix() if script.is_relative_to(root) else script.name
    return command_line(named, sys.argv[1:])


def _machine() -> str:
    known = {"digitlab": VERSION, "python": platform.python_version(), platform.system(): platform.release()}
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{described(processor('unknown processor'), known)}; {gigabytes:.0f} GB"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
