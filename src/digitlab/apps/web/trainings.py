"""Trainings started on the page: one at a time, each in a process of its own; the results are served as models."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from digitlab.apps.web.network_schemas import OwnResult, TrainingEpoch, Trainings, TrainingState
from digitlab.apps.web.problems import ProblemError, lacking
from digitlab.errors import DigitlabError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.models import Models
    from digitlab.apps.web.network_schemas import TrainingQuestion

__all__ = ["TrainingJobs"]

# -P: nothing is imported from the current folder.
_COMMAND = (sys.executable, "-P", "-m", "digitlab.apps.web.training_process")
_LONGEST_LINE = 4_000_000  # bytes: an epoch with 24 mistakes and the filters of the widest network has 40,000
_SECONDS_TO_END = 2.0
_HEARTBEAT = 15.0  # seconds between keep-alive comments, by which a client that has gone is noticed
_REFUSED: dict[int, Literal["untrusted", "missing", "busy"]] = {403: "untrusted", 503: "missing", 409: "busy"}
_OVER = ("done", "stopped", "failed")


class _Job:
    """One training: its state, its events so far, and a condition that wakes its listeners."""

    def __init__(self, name: str, question: TrainingQuestion, own: Path | None) -> None:
        self.own = own
        self.state = TrainingState(
            id=name, state="starting", question=question, epochs=[], model=None, error=None, own=None
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.task: asyncio.Task[None] | None = None
        self.ended = False  # whether the last event was added: later than `over`, since its process must end first
        self._sent: list[str] = []  # the events as they are sent
        self._changed = asyncio.Condition()

    @property
    def over(self) -> bool:
        """Whether the training is over."""
        return self.state.state in _OVER

    async def add_event(self, event: str, data: Any) -> None:
        """Add an event. All are kept: a client that connects late or reads slowly gets every batch of the curves.

        A training of 20 epochs has at most a thousand events, which take 300 kB.
        """
        self._sent.append(f"event: {event}\ndata: {json.dumps(data)}\n\n")
        async with self._changed:
            self._changed.notify_all()

    async def add_state_event(self) -> None:
        """Add an event with the current state."""
        await self.add_event("state", self.state.model_dump(mode="json"))

    async def events(self) -> AsyncIterator[str]:
        """Yield all events, past ones first, up to the last one."""
        sent = 0
        while True:
            while sent < len(self._sent):
                sent += 1
                yield self._sent[sent - 1]
            if self.ended:
                return
            try:
                async with asyncio.timeout(_HEARTBEAT), self._changed:
                    await self._changed.wait()
            except TimeoutError:
                yield ": still here\n\n"


class TrainingJobs:
    """All trainings of one server.

    models: results are added to these, under the names trained-1, trained-2 …
    trusted: whether everyone who may use the server may also train on it
    """

    def __init__(self, models: Models, limits: Limits, *, trusted: bool) -> None:
        self._models, self._limits, self._trusted = models, limits, trusted
        self._jobs: dict[str, _Job] = {}
        self._count = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def all(self) -> Trainings:
        """List all trainings, the newest first, and whether another may be started."""
        reason = self._refusal()
        states = [job.state for job in reversed(self._jobs.values())]
        if reason is None:
            return Trainings(allowed=True, reason=None, refused=None, trainings=states)
        return Trainings(allowed=False, reason=reason.detail, refused=_REFUSED[reason.status], trainings=states)

    @property
    def possible(self) -> bool:
        """Whether trainings can be started here at all."""
        return self._trusted and importlib.util.find_spec("keras") is not None

    async def begin(self, question: TrainingQuestion, own: Path | None = None) -> TrainingState:
        """Start a training.

        own: a class's digits by writer, which are trained on as well

        Raises:
            ProblemError: 403 if it is not allowed, 409 while another runs, 503 without the extra.
        """
        reason = self._refusal()
        if reason is not None:
            raise reason
        self._count += 1
        job = _Job(f"trained-{self._count}", question, own)
        self._jobs[job.state.id] = job
        self._forget_old()
        job.task = asyncio.create_task(self._watch(job))
        return job.state

    def state(self, name: str) -> TrainingState:
        """Return the state of a training.

        Raises:
            ProblemError: 404 when there is none of this name.
        """
        return self._job(name).state

    def events(self, name: str) -> AsyncIterator[str]:
        """Return the stream of a training's events, as they are sent.

        Raises:
            ProblemError: 404 when there is none of this name.
        """
        return self._job(name).events()

    async def stop(self, name: str) -> TrainingState:
        """Stop a training after the current batches; what it has learned still becomes a model.

        Raises:
            ProblemError: 403 if it is not allowed, 404 when there is none of this name.
        """
        self._check_trust()
        job = self._job(name)
        if not job.over and job.state.state != "stopping":
            job.state.state = "stopping"
            if job.process is not None:
                _write(job.process, b"stop\n")
            await job.add_state_event()
        return job.state

    async def close(self) -> None:
        """End running trainings; their results are discarded."""
        for job in self._jobs.values():
            if job.task is not None:
                job.task.cancel()
        await asyncio.gather(*(job.task for job in self._jobs.values() if job.task), return_exceptions=True)
        if self._folder is not None:
            self._folder.cleanup()

    def _refusal(self) -> ProblemError | None:
        if not self._trusted:
            return _untrusted()
        if importlib.util.find_spec("keras") is None:
            return lacking(MissingExtraError("train", needed_for="training"))
        running = next((job.state.id for job in self._jobs.values() if not job.over), None)
        if running is not None:
            return ProblemError(409, "training", f"{running} is running; wait until it ends, or stop it")
        return None

    def _check_trust(self) -> None:
        if not self._trusted:
            raise _untrusted()

    def _job(self, name: str) -> _Job:
        if name not in self._jobs:
            raise ProblemError(404, "training", f"there is no training {name[:60]!r}")
        return self._jobs[name]

    def _forget_old(self) -> None:
        while len(self._jobs) > self._limits.trainings:
            oldest = next(iter(self._jobs))
            job = self._jobs.pop(oldest)
            if job.state.model is not None:
                self._models.remove(job.state.model)

    async def _watch(self, job: _Job) -> None:
        """Run a training's process and handle its events, until it ends."""
        await job.add_state_event()
        try:
            await self._run(job)
        except asyncio.CancelledError:
            job.state.state, job.state.error = "failed", "the server has ended"
            raise
        except (DigitlabError, OSError, ValueError) as error:
            job.state.state, job.state.error = "failed", str(error) or type(error).__name__
        finally:
            await self._end_process(job)
            job.ended = True
            await job.add_state_event()

    async def _run(self, job: _Job) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="digitlab-web-")
        target = Path(self._folder.name) / f"{job.state.id}.onnx"
        loop = asyncio.get_running_loop()
        with tempfile.TemporaryFile() as stderr:
            job.process = subprocess.Popen(
                _COMMAND if job.own is None else (*_COMMAND, str(job.own)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # what we write to it, in any locale
            )
            _write(job.process, f"{job.state.question.model_dump_json()}\n{target}\n".encode())
            if job.state.state == "stopping":
                _write(job.process, b"stop\n")
            ended: dict[str, Any] | None = None
            async for line in _lines(job.process):
                message = json.loads(line)
                ended = await self._handle_event(job, message["event"], message["data"])
                if ended is not None:
                    break
            if ended is None:
                await loop.run_in_executor(None, job.process.wait)
                stderr.seek(0)
                reason = _last_line(stderr.read()) or job.process.returncode
                raise OSError(f"the training's process has ended ({reason})")
        if "error" in ended:
            job.state.state, job.state.error = "failed", str(ended["error"])
            return
        if ended.get("own") is not None:
            job.state.own = OwnResult.model_validate(ended["own"])
        served = await loop.run_in_executor(None, self._models.add, job.state.id, target, "trained")
        job.state.model = served.name
        job.state.state = "stopped" if ended["interrupted"] else "done"

    @staticmethod
    async def _handle_event(job: _Job, event: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """Handle an event; return the data of the last one, else None."""
        if event in ("done", "failed"):
            return data
        if event == "epoch":
            job.state.epochs.append(TrainingEpoch.model_validate(data))
        first = event in ("progress", "epoch") and job.state.state == "starting"
        if first:
            job.state.state = "running"
        await job.add_event(event, data)
        if first:
            await job.add_state_event()
        return None

    @staticmethod
    async def _end_process(job: _Job) -> None:
        process = job.process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()  # the end of its input makes the process exit
        await asyncio.get_running_loop().run_in_executor(None, _wait_or_kill, process)


def _untrusted() -> ProblemError:
    return ProblemError(403, "training", "training needs a server on this machine alone, or one with a token")


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    """Write to a process that may have ended meanwhile."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.write(content)


async def _lines(process: subprocess.Popen[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines that a process writes; a thread waits for them."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def wait() -> None:
        with contextlib.suppress(RuntimeError), io.BufferedReader(process.stdout) as output:  # type: ignore[type-var]
            while line := output.readline(_LONGEST_LINE):
                loop.call_soon_threadsafe(arrived.put_nowait, line)
            loop.call_soon_threadsafe(arrived.put_nowait, b"")

    threading.Thread(target=wait, daemon=True, name="training's output").start()
    while line := await arrived.get():
        yield line


def _last_line(text: bytes) -> str:
    """Return the last non-blank line: the error message of a process that crashed."""
    lines = text[-4000:].decode("utf-8", "replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
