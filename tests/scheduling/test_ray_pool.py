"""Ray's pool without a cluster: what becomes of the jobs of a node that cannot work."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from digitlab.scheduling.on_ray import RayPool, _Actor
from digitlab.scheduling.protocol import Job, Lost, Noted

pytest.importorskip("ray")


def test_the_job_of_a_node_that_is_left_out_is_lost_and_its_late_result_is_not_heard() -> None:
    pool = RayPool("digitlab.studies.work")
    killed: list[Any] = []
    gone = type("RayActorError", (Exception,), {})
    results: dict[Any, Any] = {"hello": gone("no package"), "job": {"result": 1}}

    def get(answer: str) -> Any:
        if isinstance(results[answer], Exception):
            raise results[answer]
        return results[answer]

    errors = SimpleNamespace(ActorUnavailableError=KeyError, RayActorError=gone, RayError=gone)
    pool._ray = cast("Any", SimpleNamespace(
        kill=killed.append, get=get, exceptions=errors, nodes=lambda: [{"NodeID": "n", "Alive": True}],
        wait=lambda answers, timeout: (answers, []),  # noqa: ARG005 - Ray's signature
    ))  # fmt: skip
    job = cast("Job", SimpleNamespace(digest="d"))
    pool._last_update = time.monotonic()
    pool._actors = [
        _Actor("n", "box", "starting", "hello"),
        _Actor("n", "box", "busy", "job", environment={}, job=job),
    ]
    messages = pool.wait(0)
    assert [type(each) for each in messages] == [Lost, Noted]
    assert cast("Lost", messages[0]).job is job
    assert not pool._actors
    assert killed == ["starting", "busy"]
