"""A worker process of the local engine: a job a line on stdin, answers as lines on what was stdout.

    python -m digitlab.studies.worker

It ends when stdin is closed, in the middle of a job as well: whoever started it is gone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from digitlab.studies.work.stopping import Stopping

__all__: list[str] = []


def main() -> None:
    """Do jobs until stdin is closed."""
    answers = _own_stdout()

    def say(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    from digitlab.errors import DigitlabError

    try:
        from digitlab.datasets import find_dataset
        from digitlab.studies.job import Job
        from digitlab.studies.work import check_job
        from digitlab.studies.work.run_job import attempt
        from digitlab.studies.work.stopping import Stopping
        from digitlab.training.experiment import environment

        found = environment(0)
        del found["seed"]  # the cell has its own
    except DigitlabError as error:
        say(refused=str(error))
        return
    stop = Stopping()
    orders = _orders(stop)
    say(ready=found)
    while True:
        order = orders.get()
        if "check" in order:
            try:
                for job in order["check"]:
                    check_job(Job(**job))
                say(checked=True)
            except DigitlabError as error:
                say(refused=str(error))
        elif "job" in order:
            job = Job(**order["job"])
            stop.begin(job.digest)
            answer = attempt(job, find_dataset, lambda told: say(progress=told), stop, keep_state=True)
            stop.end()
            say(**answer)


def _own_stdout() -> TextIO:
    """Answers go where stdout went; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _orders(stop: Stopping) -> queue.Queue[dict[str, Any]]:
    """Orders as they come, read by a thread, for "stop" and the end must be heard while a job is done."""
    orders: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if "stop" in order:
                stop()
            elif "cut" in order:
                stop.cut(order["cut"])
            else:
                orders.put(order)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return orders


if __name__ == "__main__":
    main()
