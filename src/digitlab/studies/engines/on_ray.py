"""Workers on a Ray cluster: an actor for every processor of every node.

The images of a study lie in Ray's object store: each node gets them once, and its actors share them. A node that joins
gets work; what a lost node had under way is done again by the others.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

import digitlab
from digitlab.cluster import ray_session
from digitlab.errors import ClusterError, DigitlabError, MissingExtraError, UsageError
from digitlab.studies.engines.local import thread_settings
from digitlab.studies.engines.slot import Slot
from digitlab.studies.job import THREADS
from digitlab.studies.messages import Done, Failed, Lost, Noted, Progressed, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from digitlab.studies.engines.slot import Sets
    from digitlab.studies.job import Job
    from digitlab.studies.messages import Message

__all__ = ["RayPool"]

_LOOK_EVERY = 3.0  # seconds between two looks at the nodes
_PATIENCE = 90.0  # seconds without a single node that can work


@dataclass(eq=False)
class _Actor:
    """A slot of a node; ``handle`` is Ray's, ``answer`` the reference of what it was last asked."""

    node: str
    name: str
    handle: Any
    answer: Any
    environment: Mapping[str, Any] | None = None  # None: it has not said hello yet
    job: Job | None = None
    told: Any = None
    asked: float = field(default_factory=time.monotonic)


class RayPool:
    """A running cluster, or one on this machine that begins and ends with the run."""

    def __init__(self, address: str | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("ray", needed_for="--engine ray")
        self._address = address
        self._actors: list[_Actor] = []
        self._useless: dict[str, str] = {}  # node → why
        self._sets: dict[tuple[str, str], Any] = {}
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
            refused = self._ray.get(actor.handle.check.remote([asdict(job) for job in jobs]))
        except self._ray.exceptions.RayError as error:
            raise ClusterError(f"the node {actor.name} was lost before it began ({_first_line(error)})") from error
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
        actor.answer = actor.handle.do.remote(asdict(job), self._sets_of(job))

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
        """Put actors on nodes that have room for more, and forget nodes that are gone."""
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
            room = max(1, processors // THREADS) - sum(actor.node == node_id for actor in self._actors)
            self._actors += [self._put(node_id, node["NodeName"], min(THREADS, processors)) for _ in range(room)]
        self._expect_somebody(len(nodes))

    def _put(self, node_id: str, name: str, processors: int) -> _Actor:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Two calls at once: a job, and the question how far it is.
        kind = self._ray.remote(num_cpus=processors, max_concurrency=2)(Slot)
        place = NodeAffinitySchedulingStrategy(node_id, soft=False)
        handle = kind.options(scheduling_strategy=place).remote(thread_settings())
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
        """What an actor answered to what it was last asked."""
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(actor.answer)
        except errors.ActorUnavailableError:
            yield from self._lose(actor, f"its node {actor.name} does not answer", blame=False)
        except errors.RayActorError as error:
            alive = any(node["NodeID"] == actor.node and node["Alive"] for node in self._ray.nodes())
            if actor.environment is None and alive:
                yield self._leave_out(actor, error)
            else:
                yield from self._lose(actor, f"its process on {actor.name} ended ({_first_line(error)})", blame=alive)
        except (errors.RayError, DigitlabError) as error:
            if actor.environment is None:
                yield self._leave_out(actor, error)
            elif actor.job is not None:
                job, actor.job, actor.answer = actor.job, None, None
                yield Failed(job, _first_line(error))
        else:
            actor.answer = None
            yield from self._take(actor, answer)

    def _take(self, actor: _Actor, answer: Mapping[str, Any]) -> Iterator[Message]:
        job, actor.job = actor.job, None
        if job is None:
            theirs = answer["versions"]["digitlab"]
            if theirs != digitlab.__version__:
                yield self._leave_out(actor, f"it has digitlab {theirs}, and this machine {digitlab.__version__}")
            actor.environment = answer
        elif "result" in answer:
            yield Done(job, answer["result"], actor.environment or {}, f"on {actor.name}")
        elif "stopped" in answer:
            yield Stopped(job)
        else:
            yield Failed(job, answer["failure"])

    def _leave_out(self, actor: _Actor, reason: object) -> Message:
        """A node that cannot do anything: its actors are dropped, and it gets no others."""
        why = _why_useless(reason)
        self._useless[actor.node] = why
        for each in [other for other in self._actors if other.node == actor.node]:
            self._actors.remove(each)
            self._ray.kill(each.handle)
        return Noted(f"node {actor.name} is left out: {why}")

    def _lose(self, actor: _Actor, reason: str, *, blame: bool) -> Iterator[Message]:
        if actor in self._actors:
            self._actors.remove(actor)
            self._ray.kill(actor.handle)  # should it still be there, it must not finish as well
            if actor.job is not None:
                yield Lost(actor.job, reason, blame)

    def _progress(self) -> Iterator[Message]:
        """How far the jobs are, asked once a second."""
        for actor in self._actors:
            if actor.job is None or time.monotonic() - actor.asked < 1:
                continue
            if actor.told is not None and self._ray.wait([actor.told], timeout=0)[0]:
                try:
                    told = self._ray.get(actor.told)
                except self._ray.exceptions.RayError:
                    told = None  # the answer to the job will tell
                if told is not None and told["digest"] == actor.job.digest:
                    del told["digest"]
                    yield Progressed(actor.job, **told)
                actor.told = None
            if actor.told is None:
                actor.asked, actor.told = time.monotonic(), actor.handle.told.remote()

    def _sets_of(self, job: Job) -> Sets:
        """The images that a job needs, in the object store; for quick jobs a node makes its own few."""
        if "training" not in job.settings or "share" in job.settings:
            return {}
        from digitlab.datasets import load_dataset
        from digitlab.errors import DatasetError

        training, sets = job.training, {}
        for name in {training.dataset, training.test or training.dataset}:
            try:
                data = load_dataset(name)
            except DatasetError:
                continue  # a file, which the nodes must be able to read
            own = name == training.dataset
            tested = name == (training.test or name) and "folds" not in job.settings  # a fold is measured on itself
            splits = [each for each in data.splits if (tested if each == "test" else own)]
            sets[name] = {"form": data.form, "splits": {split: self._stored(name, split) for split in splits}}
        return sets

    def _stored(self, name: str, split: str) -> Any:
        from digitlab.datasets import load_dataset

        if (name, split) not in self._sets:
            digits = load_dataset(name).split(split)
            self._sets[name, split] = self._ray.put((digits.images, digits.labels))
        return self._sets[name, split]


def _why_useless(reason: object) -> str:
    text = str(reason)
    if "No module named" in text:
        missing = text.split("No module named", 1)[1].split("\n", 1)[0].strip(" '\"")
        return f"it has no package {missing}; install digitlab with its extras train and ray there as well"
    return _first_line(reason)


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
