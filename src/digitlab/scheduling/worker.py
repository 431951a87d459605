"""The code that does the jobs, in a process of the local engine or in an actor of a Ray cluster.

    python -m digitlab.scheduling.worker MODULE [CORE]

starts a worker process for the jobs of MODULE (`protocol.Work`); with CORE, in the background (`run_in_background`). It
reads one order per line from stdin, and writes its answers as lines to the original stdout. It ends when stdin is
closed, even in the middle of a job: the process that started it is then gone.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO, cast

from digitlab.errors import DigitlabError
from digitlab.stopping import Interrupted, StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from digitlab.scheduling.protocol import Inputs, Report, Work

__all__ = ["Worker", "attempt", "find_work", "own_stdout", "run_in_background"]


def find_work(module: str) -> Work:
    """Import the module of this dotted name."""
    return cast("Work", importlib.import_module(module))


class Worker:
    """Does one job at a time; `stop` and `cut` may be called from other threads."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.stop = StopRequest()
        # By digest: of the current job, and of one that is about to begin.
        self._stop_requests: dict[str, StopRequest] = {}

    def refusal(self, jobs: Sequence[dict[str, Any]]) -> str | None:
        """Return why one of these jobs cannot be done, or None."""
        try:
            for job in jobs:
                self._work.check(job)
        except DigitlabError as error:
            return str(error)
        return None

    def do(
        self, job: dict[str, Any], digest: str, *, inputs: Inputs, report: Report, keep_state: bool
    ) -> dict[str, Any]:
        """Do a job: see `attempt`, and `Work.do` for the arguments."""
        stop = self._request(digest)
        try:
            return attempt(lambda: self._work.do(job, inputs=inputs, report=report, stop=stop, keep_state=keep_state))
        finally:
            self._stop_requests.clear()

    def cut(self, digest: str) -> None:
        """Stop this job only; it may be over, or not have begun yet."""
        self._request(digest)()

    def _request(self, digest: str) -> StopRequest:
        return self._stop_requests.setdefault(digest, StopRequest(within=self.stop))


def attempt(do: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Run a job and return its outcome, whatever goes wrong: {"result": …}, {"failure": a line}, {"stopped": True}."""
    try:
        result = do()
        json.dumps(result, allow_nan=False)  # do not send what cannot be stored as JSON
    except Interrupted:
        return {"stopped": True}
    except DigitlabError as error:
        return {"failure": str(error)}
    except MemoryError:
        return {"failure": "there was not enough memory"}
    except Exception as error:  # noqa: BLE001 - one job must not end the others, whatever it meets
        return {"failure": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
    return {"result": result}


_LOWEST = 19  # of the priorities that `os.nice` gives


def run_in_background(core: int) -> None:
    """Give this process the lowest priority, and bind it to one core; threads that it starts later inherit both.

    core: its number in `os.sched_getaffinity`; ignored where the system cannot bind processes (macOS, Windows)
    """
    if hasattr(os, "nice"):  # all but Windows
        os.nice(_LOWEST)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def main() -> None:
    """Process orders until stdin is closed."""
    answers = own_stdout()
    if sys.argv[2:]:
        run_in_background(int(sys.argv[2]))

    def send(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def report(progress: Mapping[str, Any]) -> None:
        send(progress=progress)

    try:
        work = find_work(sys.argv[1])
        environment = work.environment()
    except DigitlabError as error:
        send(refused=str(error))
        return
    worker = Worker(work)
    orders = _orders(worker)
    send(ready=environment)
    while True:
        match orders.get():
            case {"check": jobs}:
                refusal = worker.refusal(jobs)
                send(**({"checked": True} if refusal is None else {"refused": refusal}))
            case {"job": job, "digest": digest}:
                send(**worker.do(job, digest, inputs={}, report=report, keep_state=True))


def own_stdout() -> TextIO:
    """Return the original stdout, for answers; redirect what libraries print to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _orders(worker: Worker) -> queue.Queue[dict[str, Any]]:
    """Read orders in a thread, because "stop" and the end of stdin must be noticed while a job is running."""
    orders: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            match json.loads(line):
                case {"stop": _}:
                    worker.stop()
                case {"cut": digest}:
                    worker.cut(digest)
                case order:
                    orders.put(order)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return orders


if __name__ == "__main__":
    main()
