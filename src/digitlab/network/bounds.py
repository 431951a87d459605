"""Limits on the resources that an untrusted network may use while it runs: memory, and the time of its first run.

The file size says little about either: a few shared weights can be multiplied thousands of times.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from typing import TYPE_CHECKING

import onnxruntime

from digitlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bound_memory", "time_limit"]

_MOST_MEMORY = 4 << 30  # bytes of working memory for all networks of a process; the widest needs 1.5 MB per image
_LONGEST_FIRST_RUN = 2.0  # seconds for two or three images; the largest network here takes 0.02


@functools.cache
def bound_memory() -> None:
    """Limit ONNX Runtime's memory, for all sessions of this process that use its shared allocator."""
    memory_info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory_info, onnxruntime.OrtArenaCfg(_MOST_MEMORY, -1, -1, -1))


@contextlib.contextmanager
def time_limit(prefix: str = "", seconds: float = _LONGEST_FIRST_RUN) -> Iterator[onnxruntime.RunOptions]:
    """Yield run options that terminate a run after ``seconds``, at the next operator.

    For the first run of an untested network; ``prefix`` starts the error message. The process's CPU time counts: on a
    busy machine, more wall-clock time may pass.

    Raises:
        ModelError: when the run was terminated.
    """
    options, done, start = onnxruntime.RunOptions(), threading.Event(), time.process_time()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            wait = max(0.1, start + seconds - time.process_time())
            if time.process_time() - start >= seconds:
                options.terminate = True
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield options
    except ModelError as error:
        if not options.terminate:
            raise
        message = f"{prefix}takes more than {seconds:.0f} s for a few images; expected a network for 28 × 28 pixels"
        raise ModelError(message) from error
    finally:
        done.set()
