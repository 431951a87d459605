"""Read the pictures on one machine: one process per core, each with a reader of one thread; answers come in order.

Not threads: a decoder that crashes would take all of them down, and parts of a reading hold Python's global lock.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from digitlab.archives.job import Answer, stamp_of
from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digitlab.archives.job import PictureJob
    from digitlab.archives.pictures import Picture
    from digitlab.reading import Reader

__all__ = ["all_cores", "end_with_parent", "expect_processes", "read_pictures"]

_TOGETHER = 8  # pictures handed to a process at once: reading a page takes hundreds of times as long as that
_AHEAD = 3  # such chunks per process that wait or are being read

Chunk = tuple["Picture", ...]


def all_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def read_pictures(
    pictures: Sequence[Picture], job: PictureJob, *, jobs: int | None = None, reader: Reader | None = None
) -> Iterator[Answer[Any]]:
    """Read all pictures; the answers come in their order, while the next ones are being read.

    A picture that kills its process (a decoder that crashes, memory that runs out) becomes an answer with an error.

    jobs: number of processes; None: one per core, and only this one for a few pictures
    reader: of the job, for use in this process; None: one is made

    Raises:
        UsageError: for fewer than one process.
        ModelError: for a model that cannot be loaded.
        StorageError: when a drawing cannot be written.
    """
    expect_processes(jobs)
    count = jobs or min(all_cores(), -(-len(pictures) // _TOGETHER))
    if count <= 1:
        return map(job.answering(jobs or 0, reader), pictures)
    return _Processes(job, count).answers(pictures)


def expect_processes(jobs: int | None) -> None:
    """Check a number of processes; None stands for one per core.

    Raises:
        UsageError: for fewer than one.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; expected 1 or more")


class _Processes:
    def __init__(self, job: PictureJob, count: int) -> None:
        self._job, self._count = job, count

    def answers(self, pictures: Sequence[Picture]) -> Iterator[Answer[Any]]:
        chunks = iter([tuple(pictures[start : start + _TOGETHER]) for start in range(0, len(pictures), _TOGETHER)])
        pending: deque[tuple[Chunk, Future[list[Answer[Any]]]]] = deque()
        pool = self._start(self._count)
        try:
            while True:
                for chunk in itertools.islice(chunks, self._count * _AHEAD - len(pending)):
                    pending.append((chunk, _submit(pool, chunk)))
                if not pending:
                    return
                chunk, future = pending.popleft()
                try:
                    answers = future.result()
                except BrokenProcessPool:  # one of the pending pictures killed its process, and with it all others
                    pool.shutdown(cancel_futures=True)
                    answers = [self._alone(picture) for picture in chunk]
                    pool = self._start(self._count)
                    pending = deque((waiting, _resubmit(pool, waiting, unfinished)) for waiting, unfinished in pending)
                yield from answers
        finally:
            pool.shutdown(cancel_futures=True)

    def _start(self, count: int) -> ProcessPoolExecutor:
        # Spawn, not fork: a forked process would inherit locks that ONNX Runtime's threads may hold.
        return ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self._job,)
        )

    def _alone(self, picture: Picture) -> Answer[Any]:
        """Read one picture in a process of its own, which may crash."""
        with self._start(1) as pool:
            try:
                return _submit(pool, (picture,)).result()[0]
            except BrokenProcessPool:
                reason = f"{picture.name}: reading it crashed the process (it is damaged, or too large for memory)"
                return Answer(picture.name, None, reason, stamp_of(picture.path))


def _submit(pool: ProcessPoolExecutor, chunk: Chunk) -> Future[list[Answer[Any]]]:
    try:
        return pool.submit(_read, chunk)
    except BrokenProcessPool as error:  # broken meanwhile: reported when its turn comes
        failed: Future[list[Answer[Any]]] = Future()
        failed.set_exception(error)
        return failed


def _resubmit(pool: ProcessPoolExecutor, chunk: Chunk, future: Future[list[Answer[Any]]]) -> Future[list[Answer[Any]]]:
    done = future.done() and not future.cancelled() and future.exception() is None
    return future if done else _submit(pool, chunk)


# What follows runs in the worker processes.

_worker: Callable[[Picture], Answer[Any]] | None = None


def _begin(job: PictureJob) -> None:
    global _worker  # noqa: PLW0603 - a process reads for one job
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process, which ends this one
    end_with_parent()
    cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parent process has already warned about the model
        _worker = job.answering()


def end_with_parent() -> None:
    """End this process when the one that started it ends: a killed parent cannot notify it."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(chunk: Chunk) -> list[Answer[Any]]:
    assert _worker is not None  # noqa: S101 - the initializer has run
    return [_worker(picture) for picture in chunk]
