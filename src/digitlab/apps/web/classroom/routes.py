"""The routes of a class. Pupils authenticate with their key; the teacher's token is checked by `access`."""

# No `from __future__ import annotations`: FastAPI reads the annotations of the routes.

import functools
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import StreamingResponse

from digitlab.apps.web.access import is_loopback
from digitlab.apps.web.classroom import messages
from digitlab.apps.web.classroom.serving import ClassServing, drawings_of
from digitlab.apps.web.classroom.values import Reason, RefusalError
from digitlab.apps.web.guard import BODY
from digitlab.apps.web.network_schemas import Architecture, TrainingQuestion, TrainingState
from digitlab.apps.web.problems import ProblemError, answers_with
from digitlab.apps.web.trainings import TrainingJobs

__all__ = ["add_class", "problem_of_refusal"]

_STATUSES: dict[Reason, int] = {
    "code": 403, "key": 401, "closed": 403, "full": 409, "taken": 409, "name": 422, "task": 409, "empty": 422,
    "missing": 404, "often": 429,
}  # fmt: skip
_WAIT = {"Retry-After": "1"}

PupilNumber = Annotated[int, Path(ge=1, le=2**31)]
DrawingNumber = Annotated[int, Path(ge=1, le=2**31)]
Label = Annotated[int, Query(ge=0, le=9, description="the digit that was to be drawn")]


def problem_of_refusal(error: RefusalError) -> ProblemError:
    """Convert a refusal of the class to an HTTP error."""
    return ProblemError(
        _STATUSES[error.reason], f"class-{error.reason}", str(error), _WAIT if error.reason == "often" else None
    )


_refusals = functools.partial(answers_with, 429)
_STREAM = {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "events, the state first"}
_PNG = {"requestBody": {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}


def add_class(api: FastAPI, serving: ClassServing, trainings: TrainingJobs) -> None:
    """Add the routes of a class: /v1/pupil for those with a key, /v1/class for the teacher."""
    _add_pupils(api, serving)
    _add_teacher(api, serving, trainings)
    _add_removing(api, serving, trainings)


def _add_pupils(api: FastAPI, serving: ClassServing) -> None:
    room = serving.classroom

    @api.post("/v1/pupil", status_code=201, responses=_refusals(409, 413, 422), tags=["class"])
    async def join(question: messages.Joining) -> messages.Joined:
        """Join the class with its code and a nickname."""
        key, pupil = room.join(question.code, question.name)
        return messages.Joined(key=key, state=serving.own_state(pupil))

    @api.get("/v1/pupil", responses=_refusals(), tags=["class"])
    async def own(request: Request) -> messages.OwnState:
        """Return what this pupil is to draw, and has drawn."""
        return serving.own_state(room.of_key(_key_of(request)))

    @api.post("/v1/pupil/sketch", responses=_refusals(413, 422, 503), openapi_extra=_PNG, tags=["class"])
    async def sketch(request: Request) -> messages.Sketched:
        """Show the content of the pad on the wall; an empty body clears it."""
        return messages.Sketched(number=await serving.sketch(_key_of(request), request.scope[BODY]))

    @api.post(
        "/v1/pupil/drawings",
        status_code=201,
        responses=_refusals(409, 413, 422, 503),
        openapi_extra=_PNG,
        tags=["class"],
    )
    async def hand_in(request: Request, label: Label) -> messages.OwnState:
        """Hand in a drawing for the task that was shown."""
        key = _key_of(request)
        await serving.hand_in(key, request.scope[BODY], label)
        return serving.own_state(room.of_key(key))

    @api.delete("/v1/pupil/drawings/{number}", responses=_refusals(404, 422), tags=["class"])
    async def withdraw(request: Request, number: DrawingNumber) -> messages.OwnState:
        """Withdraw one of one's own drawings."""
        key = _key_of(request)
        room.withdraw(key, number)
        return serving.own_state(room.of_key(key))

    @api.get(
        "/v1/pupil/events", response_class=StreamingResponse, responses={**_refusals(), 200: _STREAM}, tags=["class"]
    )
    async def own_events(request: Request) -> StreamingResponse:
        """Stream the pupil's state as it changes; a new stream of a pupil ends the previous one."""
        key = _key_of(request)
        room.of_key(key)
        return StreamingResponse(serving.own_events(key), media_type="text/event-stream")


def _add_teacher(api: FastAPI, serving: ClassServing, trainings: TrainingJobs) -> None:
    room = serving.classroom

    @api.get("/v1/class", responses=_refusals(), tags=["class"])
    async def state(request: Request) -> messages.ClassState:
        """Return the class: its code and links, its task, how much was drawn."""
        return _state(request, serving, trainings)

    @api.post("/v1/class", responses=_refusals(413, 422), tags=["class"])
    async def settings(request: Request, changes: messages.ClassSettings) -> messages.ClassState:
        """Set the task, or whether more pupils may join."""
        if changes.task is not None:
            room.set_task(None if changes.task == "round" else changes.task)
        if changes.open is not None:
            room.let_join(changes.open)
        return _state(request, serving, trainings)

    @api.get(
        "/v1/class/events", response_class=StreamingResponse, responses={**_refusals(), 200: _STREAM}, tags=["class"]
    )
    async def events(request: Request) -> StreamingResponse:
        """Stream what the wall shows, as it changes: room (`ClassState`), tiles (`Tile`, several), gone (numbers)."""
        stream = serving.wall_events(_asked_at(request), training=trainings.possible)
        return StreamingResponse(stream, media_type="text/event-stream")

    @api.post("/v1/class/keep", responses=_refusals(422), tags=["class"])
    async def keep(request: Request) -> messages.ClassState:
        """Write the drawings that stand on the wall into the class's file; if none is left, delete it."""
        await serving.keep()
        return _state(request, serving, trainings)

    @api.post("/v1/class/training", status_code=201, responses=_refusals(409, 422, 503), tags=["class"])
    async def train(architecture: Architecture = Architecture.SLIDES) -> TrainingState:
        """Train a network on MNIST's digits and on the kept drawings; every fourth pupil is left out for the test."""
        if serving.file is None:
            raise RefusalError("empty", "no drawings have been kept yet; keep them first")
        question = TrainingQuestion(architecture=architecture, images=10_000, epochs=3, learning_rate=None, seed=1)
        return await trainings.begin(question, serving.file)


def _add_removing(api: FastAPI, serving: ClassServing, trainings: TrainingJobs) -> None:
    room = serving.classroom

    @api.delete("/v1/class", responses=_refusals(), tags=["class"])
    async def begin_again(request: Request) -> messages.ClassState:
        """Remove all pupils and their drawings. What was kept stays in its file."""
        room.begin_again()
        return _state(request, serving, trainings)

    @api.get("/v1/class/pupils/{number}", responses=_refusals(404, 422), tags=["class"])
    async def pupil(number: PupilNumber) -> messages.PupilDrawings:
        """Return all drawings of a pupil."""
        return drawings_of(room.pupil(number))

    @api.delete("/v1/class/pupils/{number}", responses=_refusals(404, 422), tags=["class"])
    async def remove(request: Request, number: PupilNumber) -> messages.ClassState:
        """Remove a pupil from the class, with all drawings."""
        room.remove_pupil(number)
        return _state(request, serving, trainings)

    @api.delete("/v1/class/pupils/{number}/name", responses=_refusals(404, 422), tags=["class"])
    async def rename(number: PupilNumber) -> messages.PupilDrawings:
        """Replace a nickname by "Pupil" and the number."""
        return drawings_of(room.rename(number))

    @api.delete("/v1/class/pupils/{number}/drawings/{of}", responses=_refusals(404, 422), tags=["class"])
    async def remove_drawing(number: PupilNumber, of: DrawingNumber) -> messages.PupilDrawings:
        """Remove a drawing."""
        room.remove_drawing(number, of)
        return drawings_of(room.pupil(number))


def _key_of(request: Request) -> str:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip()[:100] if kind.lower() == "pupil" else ""


def _state(request: Request, serving: ClassServing, trainings: TrainingJobs) -> messages.ClassState:
    return serving.state(_asked_at(request), training=trainings.possible)


def _asked_at(request: Request) -> str | None:
    """Return the address that the teacher's browser has opened, or None if pupils cannot use it."""
    name = request.url.hostname
    return None if name is None or is_loopback(name) else f"{request.url.scheme}://{request.url.netloc}"
