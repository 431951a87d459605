"""Read an archive that outgrows one machine: Ray Data, one actor per core of every node.

Nodes read the pictures themselves, so all of them must see the folder under the same path. Answers come back to the
calling process, which stores them: with one writer, a kill leaves nothing half-written, and the files are the same as
on one machine. One writer keeps up with a few thousand cores that read pages.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.archives.pictures import Picture
from digitlab.cluster import ray_session
from digitlab.errors import ClusterError, MissingExtraError
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.archives.job import Answer, PictureJob

__all__ = ["read_on_ray"]

_TOGETHER = 64  # most pictures in a block, which is repeated when a node is lost


def read_on_ray(pictures: Sequence[Picture], job: PictureJob, *, address: str | None = None) -> Iterator[Answer[Any]]:
    """Read all pictures on a cluster; answers come as they are ready, and none for a picture that crashed an actor.

    address: HOST:PORT of a cluster's head, "auto" for the one on this machine; None starts one here

    Raises:
        MissingExtraError: without Ray, or without what Ray Data needs.
        ClusterError: when no cluster answers, or its nodes cannot read.
    """
    for package in ("ray", "pyarrow", "pandas"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("ray", needed_for="--engine ray")
    with ray_session(address), _quiet():
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.enable_operator_progress_bars = False
        context.print_on_execution_start = False
        context.max_errored_blocks = -1  # a picture that crashes its actor costs its block; the same command retries it
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        blocks = min(len(pictures), max(2 * cores, -(-len(pictures) // _TOGETHER)))
        data = ray.data.from_items([_sent(picture) for picture in pictures], override_num_blocks=blocks)
        answers = data.map_batches(
            _Readings,
            fn_constructor_args=(pickle.dumps(job.on_nodes()), VERSION),
            batch_size=None,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=cores),
        )
        try:
            for batch in answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
                for pickled in batch["answer"]:
                    yield pickle.loads(pickled.as_py())  # noqa: S301 - from our own actors; Ray itself speaks pickle
        except ray.exceptions.RayError as error:
            raise ClusterError(
                f"reading on the cluster failed ({_last_line(error)}); run the command again to continue"
            ) from error


def _sent(picture: Picture) -> dict[str, str]:
    drawing = "" if picture.drawing is None else str(Path(picture.drawing).resolve())
    return {"name": picture.path, "path": str(Path(picture.path).resolve()), "drawing": drawing}


class _Readings:
    """An actor: one reader, one core."""

    def __init__(self, job: bytes, version: str) -> None:
        import cv2

        if version != VERSION:
            raise ClusterError(
                f"a node of the cluster has digitlab {VERSION}, this machine has {version}; install the same version "
                "on both"
            )
        cv2.setNumThreads(1)
        loaded: PictureJob = pickle.loads(job)  # noqa: S301 - from the process that started this one
        self._answer = loaded.answering()

    def __call__(self, batch: dict[str, NDArray[np.object_]]) -> dict[str, list[bytes]]:
        answers = []
        for name, path, drawing in zip(batch["name"], batch["path"], batch["drawing"], strict=True):
            answer = self._answer(Picture(str(path), str(drawing) or None))
            given_name = Picture(str(name)).name
            error = answer.error and answer.error.replace(answer.name, given_name)
            answers.append(pickle.dumps(replace(answer, name=given_name, error=error)))
        return {"answer": answers}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Ray Data, which logs each step of its plan to stderr, where our progress is."""
    log = logging.getLogger("ray.data")
    before, log.disabled = log.disabled, True
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.disabled = before
        log.setLevel(level)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
