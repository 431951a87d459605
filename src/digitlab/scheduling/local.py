"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TextIO, cast

from digitlab.errors import UsageError
from digitlab.scheduling.protocol import Done, Failed, Lost, Progressed, Stopped
from digitlab.scheduling.worker import find_work

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from digitlab.scheduling.protocol import Job, Message

__all__ = ["LocalPool", "usual_workers"]

_MEMORY = 2 << 30  # bytes that a worker may need with its data


def usual_workers() -> int:
    """Return the default number of concurrent jobs on this machine: one per processor, and per 2 GB of memory."""
    return max(1, min(os.cpu_count() or 1, _memory() // _MEMORY))


def _memory() -> int:
    """Return this machine's memory in bytes; if unknown, more than any machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def _cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class LocalPool:
    """Processes that are started when they are needed; one that has ended is replaced.

    work: dotted name of the module that does the jobs, see `protocol.Work`
    workers: maximum number of processes; None: `usual_workers`
    background: see `worker.run_in_background`; each process on a core of its own, as far as there are enough
    """

    def __init__(self, work: str, workers: int | None = None, *, background: bool = False) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"--workers is {workers}; expected 1 or more")
        self._work = work
        self._count = workers or usual_workers()
        self._background = background
        self._workers: list[_Worker] = []
        self._answers: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Pool.check`; the first worker does it."""
        if not jobs:
            return
        worker = self._start()
        worker.send(check=[job.as_dict() for job in jobs])
        while True:
            sender, answer = self._answers.get()
            if answer is None:
                raise UsageError(f"the worker process ended before it was ready: {sender.exit_reason()}")
            if "refused" in answer:
                raise UsageError(answer["refused"])
            if "checked" in answer:
                return
            sender.handle(answer)

    @property
    def idle(self) -> int:
        """See `Pool.idle`."""
        return self._count - sum(worker.job is not None for worker in self._workers)

    def give(self, job: Job) -> None:
        """See `Pool.give`."""
        worker = next((each for each in self._workers if each.job is None), None) or self._start()
        worker.job = job
        worker.send(job=job.as_dict(), digest=job.digest)

    def wait(self, seconds: float) -> Sequence[Message]:
        """See `Pool.wait`."""
        try:
            worker, answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            return []
        return list(self._messages(worker, answer))

    def stop(self) -> None:
        """See `Pool.stop`."""
        for worker in self._workers:
            worker.send(stop=True)

    def cut(self, job: Job) -> None:
        """See `Pool.cut`."""
        for worker in self._workers:
            if worker.job is not None and worker.job.digest == job.digest:
                worker.send(cut=job.digest)

    def _start(self) -> _Worker:
        worker = _Worker(self._work, self._answers, self._core() if self._background else None)
        self._workers.append(worker)
        return worker

    def _core(self) -> int:
        """The core with the fewest workers; the last of them, as Linux gives most interrupts to the first."""
        taken = Counter(worker.core for worker in self._workers)
        return min(reversed(_cores()), key=lambda core: taken[core])

    def _messages(self, worker: _Worker, answer: Mapping[str, Any] | None) -> Iterator[Message]:
        if answer is None:
            self._workers.remove(worker)
            reason = worker.exit_reason()
            worker.end()
            if worker.job is not None:
                yield Lost(worker.job, f"its process ended ({reason})")
            return
        worker.handle(answer)
        if worker.job is None:
            return
        message = _message(worker.job, answer, worker.environment)
        if message is None:
            return
        if not isinstance(message, Progressed):
            worker.job = None
        yield message


def _message(job: Job, answer: Mapping[str, Any], environment: Mapping[str, Any]) -> Message | None:
    match answer:
        case {"progress": progress}:
            return Progressed(job, progress)
        case {"result": result}:
            return Done(job, result, environment, "this machine")
        case {"failure": reason} | {"refused": reason}:
            return Failed(job, reason)
        case {"stopped": True}:
            return Stopped(job)
    return None


class _Worker:
    """A process, its job, and the thread that reads its answers; core: see `worker.run_in_background`."""

    def __init__(
        self, work: str, answers: queue.Queue[tuple[_Worker, dict[str, Any] | None]], core: int | None
    ) -> None:
        self.core = core
        self.job: Job | None = None
        self.environment: Mapping[str, Any] = {}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        # Own session: Ctrl-C must reach only the dispatcher, which asks the workers to stop.
        # -P: import nothing from the current folder, where a file may be called as a module is.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "digitlab.scheduling.worker", work, *([] if core is None else [str(core)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env={**os.environ, **find_work(work).VARIABLES},
            start_new_session=True,
        )
        self._stdin, self._stdout = cast("TextIO", self._process.stdin), cast("TextIO", self._process.stdout)
        self._answers = answers
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in self._stdout:
            if line.endswith("\n"):  # else it was killed while it wrote
                self._answers.put((self, json.loads(line)))
        self._process.wait()
        self._answers.put((self, None))

    def send(self, **order: Any) -> None:
        """Send an order; `wait` notices if the worker is gone."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(order) + "\n")
            self._stdin.flush()

    def handle(self, answer: Mapping[str, Any]) -> None:
        """Store the environment that its results depend on, which is its first answer."""
        if "ready" in answer:
            self.environment = answer["ready"]

    def exit_reason(self) -> str:
        """Describe why it ended: exit code or signal, and the last line that it wrote to stderr."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        code = self._process.poll()
        status = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{status}: {lines[-1][:300]}" if lines else status

    def end(self) -> None:
        """Kill the process if it is still running, and close its streams."""
        if self._process.poll() is None:
            self._process.kill()
        self._listener.join()
        for stream in (self._stdin, self._stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
