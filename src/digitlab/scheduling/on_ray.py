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

_LOOK_EVERY = 3.0  # seconds between two checks of the nodes
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
    told: Any = None
    asked: float = field(default_factory=time.monotonic)


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
        self._useless: dict[str, str] = {}  # node → why
        self._inputs: dict[str, Any] = {}  # name → reference into the object store
        self._looked = 0.0
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
        said: list[Message] = []
        while not self.idle:
            said += self.wait(0.5)
        self._notes = said
        actor = self._free()
        try:
            refused = self._ray.get(actor.handle.check.remote([job.as_dict() for job in jobs]))
        except self._ray.exceptions.RayError as error:
            raise ClusterError(f"the node {actor.name} was lost before it began ({first_line(error)})") from error
        if refused is not None:
            raise UsageError(refused)

    @property
    def idle(self) -> int:
        """See `Pool.idle`."""
        return sum(actor.environment is not None and actor.job is None for actor in self._actors)

    def give(self, job: Job) -> None:
        """See `Pool.give`."""
        actor = self._free()
        actor.job, actor.told = job, None
        content = job.as_dict()
        inputs = {name: self._stored(name, load) for name, load in self._work.inputs(content).items()}
        actor.answer = actor.handle.do.remote(content, job.digest, inputs)

    def wait(self, seconds: float) -> Sequence[Message]:
        """See `Pool.wait`."""
        self._look()
        messages, self._notes = self._notes, []
        waiting = {actor.answer: actor for actor in self._actors if actor.answer is not None}
        if not waiting:
            time.sleep(0 if messages else seconds)
            return messages
        ready, _ = self._ray.wait(list(waiting), timeout=0 if messages else seconds)
        for answer in ready:
            if waiting[answer] in self._actors:  # one that was heard before may have ended it
                messages += self._hear(waiting[answer])
        messages += self._progress()
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

    def _free(self) -> _Actor:
        return next(actor for actor in self._actors if actor.environment is not None and actor.job is None)

    def _look(self) -> None:
        """Start actors on nodes that have room for more, and forget nodes that are gone."""
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = time.monotonic()
        nodes = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        for actor in [each for each in self._actors if each.node not in nodes]:
            self._notes += self._lose(actor, f"its node {actor.name} is gone", blame=False)
        for node_id, node in nodes.items():
            processors = int(node["Resources"].get("CPU", 0))
            if node_id in self._useless or not processors:
                continue
            room = processors - sum(actor.node == node_id for actor in self._actors)
            self._actors += [self._put(node_id, node["NodeName"]) for _ in range(room)]
        self._expect_somebody(len(nodes))

    def _put(self, node_id: str, name: str) -> _Actor:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Two concurrent calls: a job, and the query for its progress.
        kind = self._ray.remote(num_cpus=1, max_concurrency=2)(Slot)
        place = NodeAffinitySchedulingStrategy(node_id, soft=False)
        handle = kind.options(scheduling_strategy=place).remote(self._name, dict(self._work.VARIABLES))
        return _Actor(node_id, name, handle, handle.hello.remote())

    def _expect_somebody(self, nodes: int) -> None:
        if self._actors:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        reasons = "; ".join(f"{name}: {why}" for name, why in self._useless.items())
        if nodes and len(self._useless) >= nodes:
            raise ClusterError(f"none of the cluster's {nodes} nodes can work: {reasons}")
        if time.monotonic() - self._alone_since > _PATIENCE:
            raise ClusterError(
                "the cluster has no node left that can work; what was finished is kept, and the same command goes on"
            )

    def _hear(self, actor: _Actor) -> Iterator[Message]:
        """Process an actor's answer to its last call."""
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(actor.answer)
        except errors.ActorUnavailableError:
            yield from self._lose(actor, f"its node {actor.name} does not answer", blame=False)
        except errors.RayActorError as error:
            alive = any(node["NodeID"] == actor.node and node["Alive"] for node in self._ray.nodes())
            if actor.environment is None and alive:
                yield from self._leave_out(actor, error)
            else:
                yield from self._lose(actor, f"its process on {actor.name} ended ({first_line(error)})", blame=alive)
        except (errors.RayError, DigitlabError) as error:
            if actor.environment is None:
                yield from self._leave_out(actor, error)
            elif actor.job is not None:
                job, actor.job, actor.answer = actor.job, None, None
                yield Failed(job, first_line(error))
        else:
            actor.answer = None
            yield from self._take(actor, answer)

    def _take(self, actor: _Actor, answer: Mapping[str, Any]) -> Iterator[Message]:
        job, actor.job = actor.job, None
        if job is None:
            theirs = answer["version"]
            if theirs != VERSION:
                yield from self._leave_out(actor, f"it has digitlab {theirs}, and this machine {VERSION}")
            actor.environment = answer["environment"]
        elif "result" in answer:
            yield Done(job, answer["result"], actor.environment or {}, f"on {actor.name}")
        elif "stopped" in answer:
            yield Stopped(job)
        else:
            yield Failed(job, answer["failure"])

    def _leave_out(self, actor: _Actor, reason: object) -> Iterator[Message]:
        """Exclude a node that cannot do any job: drop its actors, and start no others there."""
        why = _why_useless(reason)
        self._useless[actor.node] = why
        for each in [other for other in self._actors if other.node == actor.node]:
            yield from self._lose(each, f"its node {actor.name} is left out", blame=False)
        yield Noted(f"node {actor.name} is left out: {why}")

    def _lose(self, actor: _Actor, reason: str, *, blame: bool) -> Iterator[Message]:
        if actor in self._actors:
            self._actors.remove(actor)
            self._ray.kill(actor.handle)  # if it still exists, it must not finish the job as well
            if actor.job is not None:
                yield Lost(actor.job, reason, blame)

    def _progress(self) -> Iterator[Message]:
        """Query the jobs' progress, at most once a second each."""
        for actor in self._actors:
            if actor.job is None or time.monotonic() - actor.asked < 1:
                continue
            if actor.told is not None and self._ray.wait([actor.told], timeout=0)[0]:
                try:
                    told = self._ray.get(actor.told)
                except self._ray.exceptions.RayError:
                    told = None  # the job's own answer will report the error
                if told is not None and told["digest"] == actor.job.digest:
                    yield Progressed(actor.job, told["progress"])
                actor.told = None
            if actor.told is None:
                actor.asked, actor.told = time.monotonic(), actor.handle.told.remote()

    def _stored(self, name: str, load: Callable[[], Any]) -> Any:
        if name not in self._inputs:
            self._inputs[name] = self._ray.put(load())
        return self._inputs[name]


class Slot:
    """The class behind an actor: a worker whose progress (``told``) can be queried while it does a job."""

    def __init__(self, work: str, variables: Mapping[str, str]) -> None:
        """Set ``variables``, the environment variables that libraries read when they are loaded."""
        os.environ.update(variables)
        privacy.keep_folders()
        self._name = work
        self._worker: Worker | None = None
        self._told: dict[str, Any] | None = None

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

        def tell(progress: Mapping[str, Any]) -> None:
            self._told = {"digest": digest, "progress": progress}

        loads = {name: functools.partial(ray.get, reference) for name, reference in inputs.items()}
        return self._ready.do(job, digest, inputs=loads, tell=tell, keep_state=False)

    def told(self) -> dict[str, Any] | None:
        """Return the last job's progress and digest."""
        return self._told

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


def _why_useless(reason: object) -> str:
    text = str(reason)
    if "No module named" in text:
        missing = text.split("No module named", 1)[1].split("\n", 1)[0].strip(" '\"")
        return f"it has no package {missing}; install digitlab with its extras train and ray there as well"
    return first_line(reason)
