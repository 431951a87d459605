"""The machine on which a speed was measured: description, memory and CPU time; and the command that measured it."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Watch", "command_line", "describe_machine", "described", "memory_megabytes", "peak_megabytes", "processor",
]  # fmt: skip


def command_line(script: str, words: Sequence[str]) -> str:
    """Format the command of a measurement for its result file, without paths of this machine.

    A path inside the working folder becomes relative to it; of any other absolute path, and of one that leads out by
    "..", only the last part is kept. An option's value may follow "=".

    script: path of the script in the checkout; words: its arguments, as in `sys.argv[1:]`
    """
    return shlex.join(["python", script, *(_without_folders(word) for word in words)])


def _without_folders(word: str) -> str:
    before, equals, after = word.partition("=")
    if equals and not Path(word).is_absolute():
        return f"{before}={_without_folders(after)}"
    path = Path(word)
    if not path.is_absolute() and ".." not in path.parts:
        return word
    here, there = Path.cwd(), path.resolve()
    return there.relative_to(here).as_posix() if there.is_relative_to(here) else there.name


def describe_machine() -> str:
    """Describe the processor, cores and the versions that training depends on, on one line."""
    from digitlab.training.experiment import environment

    facts = environment(seed=0)
    return described(facts["processor"], facts["versions"])


def described(processor_name: str, versions: Mapping[str, str]) -> str:
    """Format processor, cores and versions on one line."""
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{processor_name}, {os.cpu_count()} cores; {listed}"


def processor(unknown: str) -> str:
    """Return the processor's name; ``unknown`` where the system does not report it."""
    try:
        facts = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
    except OSError:
        return unknown
    return next(
        (line.split(":", 1)[1].strip() for line in facts.splitlines() if line.startswith("model name")), unknown
    )


def peak_megabytes() -> float:
    """Return the peak memory of this process (MiB); `ru_maxrss` would include its parent's before the fork."""
    try:
        status = Path("/proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        return float("nan")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def memory_megabytes(process: int | str = "self") -> float:
    """Return the current resident memory of a process (MB).

    Raises:
        OSError: where the system does not report it.
    """
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Watch:
    """A stopwatch that starts when it is created; calling it returns seconds and the mean number of busy cores."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def __call__(self) -> tuple[float, float]:
        """Return the seconds so far, and the CPU seconds per second."""
        seconds = time.perf_counter() - self._began
        return seconds, (time.process_time() - self._worked) / seconds
