"""A command in a separate process that is killed with SIGKILL at a random moment, and what it leaves behind.

The process is forked from one that has imported everything: it runs the same code as the command in a terminal, without
the seconds that importing Keras takes each time. Its workers are started as usual.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Child", "ended", "family", "start", "start_new", "wait_until"]

_MARK = "DIGITLAB_ENDURANCE"  # an environment variable of a command and everything that it starts
_LOOK = 0.01  # seconds between two checks of a process


@dataclass
class Child:
    """A running command. mark: of it and all of its descendants; log: file with its output."""

    pid: int
    mark: str
    log: Path
    began: float = field(default_factory=time.monotonic)
    code: int | None = None
    process: subprocess.Popen[bytes] | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def kill(self) -> None:
        """Send SIGKILL, and wait until the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def log_text(self) -> str:
        """Return the last line that it printed."""
        lines = [line for line in self.log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "nothing"


def start(arguments: Sequence[str], folder: Path, log: Path, prepare: Callable[[], None] = lambda: None) -> Child:
    """Run ``digitlab WORDS`` in ``folder``, in a forked process.

    prepare: called first in that process
    """
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Child(pid, mark, log)
    code = 70
    try:
        os.environ[_MARK] = mark
        os.setsid()
        os.chdir(folder)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        prepare()
        from digitlab.apps.cli import run

        code = run(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - a forked process must not continue with its parent's code
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def start_new(arguments: Sequence[str], folder: Path, log: Path) -> Child:
    """Run it in a new Python instead, writing archive parts often: a process that has used Ray cannot be forked."""
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from subjects import often; often(); "
        "from digitlab.apps.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            cwd=folder, stdout=file, stderr=file, start_new_session=True, env={**os.environ, _MARK: mark},
        )  # fmt: skip
    child = Child(process.pid, mark, log)
    child.process = process
    return child


def wait_until(child: Child, true: Callable[[], bool], limit: float = 600) -> bool:
    """Wait until something is true; False when the command ended first, or after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not true():
        if child.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    return True


def ended(child: Child, limit: float = 900) -> bool:
    """Wait for the command to end; after ``limit`` seconds, kill it and return False."""
    if wait_until(child, lambda: child.poll() is not None, limit) or child.code is not None:
        return True
    child.kill()
    return False


def family(mark: str) -> list[int]:
    """List the processes that carry the mark: the command (if it was not forked) and everything that it started."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"{_MARK}={mark}\0".encode() in (entry / "environ").read_bytes() + b"\0":
                    pids.append(int(entry.name))
    return pids
