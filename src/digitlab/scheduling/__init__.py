"""Distributes jobs to workers: processes on this machine, or a Ray cluster.

A job is plain data with an identity, and a module of the caller does it (`protocol.Job`, `protocol.Work`); this package
knows nothing about a job's content. `dispatch` decides what is retried and when to stop, an engine (`local`, `on_ray`)
manages the workers, and `worker` is the code that runs in each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.scheduling.protocol import Pool

__all__ = ["ENGINES", "make_pool"]

ENGINES = ("local", "ray")


def make_pool(
    work: str,
    engine: str = "local",
    *,
    workers: int | None = None,
    address: str | None = None,
    background: bool = False,
) -> Pool:
    """Create the worker pool of an engine; no worker is started yet.

    work: dotted name of the module that does the jobs, see `protocol.Work`
    workers: number of processes of the local engine; None: `local.usual_workers`
    background: processes of the local engine have the lowest priority, and one core each
    address: HOST:PORT of a running Ray cluster's head, "auto" for the one on this machine; None: one is started here

    Raises:
        UsageError: for an unknown engine, or settings that belong to the other one.
        MissingExtraError: when Ray is not installed.
    """
    if engine == "local":
        from digitlab.scheduling.local import LocalPool

        if address is not None:
            raise UsageError("--address is for a Ray cluster; add --engine ray")
        return LocalPool(work, workers, background=background)
    if engine == "ray":
        from digitlab.scheduling.on_ray import RayPool

        if workers is not None:
            raise UsageError("--engine ray uses all processors of the cluster; leave out --workers")
        if background:
            raise UsageError("--background is for processes on this machine; leave it out with --engine ray")
        return RayPool(work, address)
    raise UsageError(f"there is no engine {engine!r}; known: {', '.join(ENGINES)}")
