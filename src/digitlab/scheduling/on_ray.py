"""Workers on a Ray cluster: one actor per processor of every node.

The inputs of jobs (`protocol.Work.inputs`) are in Ray's object store: each node gets them once, and its actors share
them. A node that joins gets work; the running jobs of a lost node are done again by the others.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from digitlab import privacy
from digitlab.cluster import ray_session
from digitlab.errors import ClusterError, DigitlabError, MissingExtraError, UsageError, first_line
from digitlab.scheduling.protocol import Done, Failed, Lost, Noted, Progressed, Stopped
from digitlab.scheduling.worker import Worker, find_work
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from digitlab.scheduling.protocol import Job, Message

__all__ = ["RayPool"]

_UPDATE_EVERY = 3.0  # seconds between two checks of the nodes
_PATIENCE = 90.0  # seconds to wait while no node can work


@dataclass(eq=False)
class _Actor:
    """A `Slot` on a node; ``handle`` is Ray's, ``answer`` the reference to the result of the last call."""

    node: str
    name: str
    handle: Any
    answer: Any
    environment: Mapping[str, Any] | None = None  # None: it has not answered `Slot.hello` yet
    job: Job | None = None
    progress: Any = None
    queried: float = field(default_factory=time.monotonic)


class RayPool:
    """The actors of a running cluster, or of one on this machine that starts and ends with the pool.

    work: dotted name of the module that does the jobs, see `protocol.Work`
    address: HOST:PORT of the cluster's head, "auto" for the one on this machine; None starts one
    """

    def __init__(self, work: str, address: str | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("ray", needed_for="--engine ray")
        self._name, self._work, self._address = work, find_work(work), address
        self._actors: list[_Actor] = []
        self._unusable: dict[str, str] = {}  # node → why
        self._inputs: dict[str, Any] = {}  # name → reference into the object store
        self._last_update = 0.0
        self._alone_since: float | None = None
        self._notes: list[Message] = []
        self._session = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._ray = self._session.enter_context(ray_session(self._address))
        return self

    def __exit__(self, *_: object) -> None:
        with self._session:
            for actor in self._actors:
                self._ray.kill(actor.handle)

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Pool.check`; the first actor that is ready does it."""
        messages: list[Message] = []
        while not self.idle:
            messages += self.wait(0.5)
        self._notes = messages
        actor = self._idle_actor()
        try:
            refused = self._ray.get(actor.handle.check.remote([job.as_dict() for job in jobs]))
        except self._ray.exceptions.RayError as error:
            raise ClusterError(f"the node {actor.name} was lost before it was ready ({first_line(error)})") from error
        if refused is not None:
            raise UsageError(refused)

    @property
    def idle(self) -> int:
        """See `Pool.idle`."""
        return sum(actor.environment is not None and actor.job is None for actor in self._actors)

    def give(self, job: Job) -> None:
        """See `Pool.give`."""
        actor = self._idle_actor()
        actor.job, actor.progress = job, None
        content = job.as_dict()
        inputs = {name: self._stored(name, load) for name, load in self._work.inputs(content).items()}
        actor.answer = actor.handle.do.remote(content, job.digest, inputs)

    def wait(self, seconds: float) -> Sequence[Message]:
        """See `Pool.wait`."""
        self._update_nodes()
        messages, self._notes = self._notes, []
        waiting = {actor.answer: actor for actor in self._actors if actor.answer is not None}
        if not waiting:
            time.sleep(0 if messages else seconds)
            return messages
        ready, _ = self._ray.wait(list(waiting), timeout=0 if messages else seconds)
        for answer in ready:
            if waiting[answer] in self._actors:  # one that was heard before may have ended it
                messages += self._handle_answer(waiting[answer])
        messages += self._query_progress()
        return messages

    def stop(self) -> None:
        """See `Pool.stop`."""
        for actor in self._actors:
            actor.handle.stop.remote()

    def cut(self, job: Job) -> None:
        """See `Pool.cut`."""
        for actor in self._actors:
            if actor.job is not None and actor.job.digest == job.digest:
                actor.handle.cut.remote(job.digest)

    def _idle_actor(self) -> _Actor:
        return next(actor for actor in self._actors if actor.environment is not None and actor.job is None)

    def _update_nodes(self) -> None:
        """Start actors on nodes that have room for more, and forget nodes that are gone."""
        if time.monotonic() - self._last_update < _UPDATE_EVERY:
            return
        self._last_update = time.monotonic()
        nodes = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        for actor in [each for each in self._actors if each.node not in nodes]:
            self._notes += self._drop_actor(actor, f"its node {actor.name} is gone", blame=False)
        for node_id, node in nodes.items():
            processors = int(node["Resources"].get("CPU", 0))
            if node_id in self._unusable or not processors:
                continue
            room = processors - sum(actor.node == node_id for actor in self._actors)
            self._actors += [self._start_actor(node_id, node["NodeName"]) for _ in range(room)]
        self._expect_usable_node(len(nodes))

    def _start_actor(self, node_id: str, name: str) -> _Actor:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Two concurrent calls: a job, and the query for its progress.
        actor_class = self._ray.remote(num_cpus=1, max_concurrency=2)(Slot)
        strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
        handle = actor_class.options(scheduling_strategy=strategy).remote(self._name, dict(self._work.VARIABLES))
        return _Actor(node_id, name, handle, handle.hello.remote())

    def _expect_usable_node(self, nodes: int) -> None:
        if self._actors:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self._unusable.items())
        if nodes and len(self._unusable) >= nodes:
            raise ClusterError(f"none of the cluster's {nodes} nodes can work: {reasons}")
        if time.monotonic() - self._alone_since > _PATIENCE:
            raise ClusterError(
                "the cluster has no node left that can work; finished work is kept: run the same command to continue"
            )

    def _handle_answer(self, actor: _Actor) -> Iterator[Message]:
        """Process an actor's answer to its last call."""
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(actor.answer)
        except errors.ActorUnavailableError:
            yield from self._drop_actor(actor, f"its node {actor.name} does not answer", blame=False)
        except errors.RayActorError as error:
            alive = any(node["NodeID"] == actor.node and node["Alive"] for node in self._ray.nodes())
            if actor.environment is None and alive:
                yield from self._exclude_node(actor, error)
            else:
                reason = f"its process on {actor.name} ended ({first_line(error)})"
                yield from self._drop_actor(actor, reason, blame=alive)
        except (errors.RayError, DigitlabError) as error:
            if actor.environment is None:
                yield from self._exclude_node(actor, error)
            elif actor.job is not None:
                job, actor.job, actor.answer = actor.job, None, None
                yield Failed(job, first_line(error))
        else:
            actor.answer = None
            yield from self._handle_result(actor, answer)

    def _handle_result(self, actor: _Actor, answer: Mapping[str, Any]) -> Iterator[Message]:
        job, actor.job = actor.job, None
        if job is None:
            version = answer["version"]
            if version != VERSION:
                yield from self._exclude_node(actor, f"it has digitlab {version}, and this machine {VERSION}")
            actor.environment = answer["environment"]
        elif "result" in answer:
            yield Done(job, answer["result"], actor.environment or {}, f"on {actor.name}")
        elif "stopped" in answer:
            yield Stopped(job)
        else:
            yield Failed(job, answer["failure"])

    def _exclude_node(self, actor: _Actor, reason: object) -> Iterator[Message]:
        """Exclude a node that cannot do any job: drop its actors, and start no others there."""
        text = _why_unusable(reason)
        self._unusable[actor.node] = text
        for each in [other for other in self._actors if other.node == actor.node]:
            yield from self._drop_actor(each, f"its node {actor.name} is left out", blame=False)
        yield Noted(f"node {actor.name} is left out: {text}")

    def _drop_actor(self, actor: _Actor, reason: str, *, blame: bool) -> Iterator[Message]:
        if actor in self._actors:
            self._actors.remove(actor)
            self._ray.kill(actor.handle)  # if it still exists, it must not finish the job as well
            if actor.job is not None:
                yield Lost(actor.job, reason, blame)

    def _query_progress(self) -> Iterator[Message]:
        """Query the jobs' progress, at most once a second each."""
        for actor in self._actors:
            if actor.job is None or time.monotonic() - actor.queried < 1:
                continue
            if actor.progress is not None and self._ray.wait([actor.progress], timeout=0)[0]:
                try:
                    progress = self._ray.get(actor.progress)
                except self._ray.exceptions.RayError:
                    progress = None  # the job's own answer will report the error
                if progress is not None and progress["digest"] == actor.job.digest:
                    yield Progressed(actor.job, progress["progress"])
                actor.progress = None
            if actor.progress is None:
                actor.queried, actor.progress = time.monotonic(), actor.handle.progress.remote()

    def _stored(self, name: str, load: Callable[[], Any]) -> Any:
        if name not in self._inputs:
            self._inputs[name] = self._ray.put(load())
        return self._inputs[name]


class Slot:
    """The class behind an actor: a worker whose progress can be queried while it does a job."""

    def __init__(self, work: str, variables: Mapping[str, str]) -> None:
        """Set ``variables``, the environment variables that libraries read when they are loaded."""
        os.environ.update(variables)
        privacy.keep_folders()
        self._name = work
        self._worker: Worker | None = None
        self._progress: dict[str, Any] | None = None

    def hello(self) -> dict[str, Any]:
        """Load what the jobs need; return this package's version there, and the environment (`protocol.Work`)."""
        work = find_work(self._name)
        self._worker = Worker(work)
        return {"version": VERSION, "environment": work.environment()}

    def check(self, jobs: Sequence[dict[str, Any]]) -> str | None:
        """Return why one of these jobs cannot be done, or None."""
        return self._ready.refusal(jobs)

    def do(self, job: dict[str, Any], digest: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """See `Worker.do`; ``inputs`` hold references into the object store, which are read in place."""
        import ray

        def report(progress: Mapping[str, Any]) -> None:
            self._progress = {"digest": digest, "progress": progress}

        loads = {name: functools.partial(ray.get, reference) for name, reference in inputs.items()}
        return self._ready.do(job, digest, inputs=loads, report=report, keep_state=False)

    def progress(self) -> dict[str, Any] | None:
        """Return the last job's progress and digest."""
        return self._progress

    def stop(self) -> None:
        """Stop the current job and all further ones."""
        if self._worker is not None:
            self._worker.stop()

    def cut(self, digest: str) -> None:
        """Stop this job only."""
        if self._worker is not None:
            self._worker.cut(digest)

    @property
    def _ready(self) -> Worker:
        assert self._worker is not None  # noqa: S101 - hello is the first call
        return self._worker


def _why_unusable(reason: object) -> str:
    text = str(reason)
    if "No module named" in text:
        missing = text.split("No module named", 1)[1].split("\n", 1)[0].strip(" '\"")
        return f"it has no package {missing}; install digitlab with its extras train and ray there as well"
    return first_line(reason)
