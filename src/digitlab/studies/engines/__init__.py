"""Where jobs are done: processes on this machine, or a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from digitlab.studies.dispatch import Pool

__all__ = ["ENGINES", "make_pool"]

ENGINES = ("local", "ray")


def make_pool(engine: str = "local", *, workers: int | None = None, address: str | None = None) -> Pool:
    """The workers of an engine, none of them started yet.

    workers: processes of the local engine; None: as many as help
    address: of a running Ray cluster, "auto" for the one on this machine; None: one is started here

    Raises:
        UsageError: for an unknown engine, or settings of the other one.
        MissingExtraError: where Ray is not installed.
    """
    if engine == "local":
        from digitlab.studies.engines.local import LocalPool

        if address is not None:
            raise UsageError("--address is of a Ray cluster; expected --engine ray beside it")
        return LocalPool(workers)
    if engine == "ray":
        from digitlab.studies.engines.on_ray import RayPool

        if workers is not None:
            raise UsageError("the processors of a Ray cluster decide how many jobs run at once; expected no --workers")
        return RayPool(address)
    raise UsageError(f"there is no engine {engine!r}; known: {', '.join(ENGINES)}")
