"""All routes, assembled with FastAPI, behind the few that `front` answers by hand."""

# No `from __future__ import annotations`: FastAPI reads the annotations of the routes.

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Path, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException

from digitlab.apps.web import diagnosing, looking, metrics, network_schemas, schemas, teaching
from digitlab.apps.web.access import Access
from digitlab.apps.web.access_log import AccessLog
from digitlab.apps.web.classifying import Classifying, PictureThreads
from digitlab.apps.web.classroom.routes import add_class, problem_of_refusal
from digitlab.apps.web.classroom.serving import ClassServing
from digitlab.apps.web.classroom.values import RefusalError
from digitlab.apps.web.config import Budget, Limits
from digitlab.apps.web.front import Front, route_of
from digitlab.apps.web.guard import BODY, Guard
from digitlab.apps.web.live import Live
from digitlab.apps.web.metrics import Metrics
from digitlab.apps.web.models import Models, Served
from digitlab.apps.web.pictures import OPENAPI_BODY, page_of, picture_of, shown, with_page_note
from digitlab.apps.web.problems import MEDIA_TYPE, ProblemError, answers_with, problem_of
from digitlab.apps.web.trainings import TrainingJobs
from digitlab.errors import DigitlabError
from digitlab.lessons import Lesson, shipped_lessons
from digitlab.picture_files.pages import MOST_PAGES
from digitlab.reading.images import as_rgb
from digitlab.version import VERSION

__all__ = ["make_application"]

_ABOUT = """\
Handwritten digits: read them, see what the network makes of them, train one.

Pictures are sent as the body of a request (JPEG, PNG, PDF, HEIC …; or a data URL), or as a form with one file.
Errors are `application/problem+json`. Overload is answered with 503 and `Retry-After`.
"""
_PAGES = "Digitlab-Pages"  # the header with a file's number of pages
_DETAILS = 5  # at most this many errors of a request are reported

ModelQuery = Annotated[str | None, Query(max_length=100, description="a name of /v1/models; left out: the default")]
ThresholdQuery = Annotated[
    float | None, Query(ge=0, le=1, description="digits less sure than this are declined; left out: the model's own")
]
PageQuery = Annotated[
    int | None, Query(ge=1, le=MOST_PAGES, description="which page of a PDF or TIFF, from 1; left out: the first")
]
LabelQuery = Annotated[int | None, Query(ge=0, le=9, description="what the picture shows; left out: as it is read")]
Name = Annotated[str, Path(max_length=100, pattern="^[A-Za-z0-9._-]+$")]


def make_application(
    models: Models,
    access: Access,
    limits: Limits | None = None,
    *,
    log: AccessLog | None = None,
    lessons: Sequence[Lesson] = (),
    class_: ClassServing | None = None,
) -> Guard:
    """Build the server as an ASGI application that uses the lifespan events.

    log: the access log, if one is wanted
    lessons: those that the page offers; none: the shipped ones
    class_: a class that draws here; its pupils need no token if ``access`` was created with ``pupils``
    """
    services = _Services.open(models, access, limits or Limits(), lessons or shipped_lessons(), class_)
    api = _described(services)
    _add_reading(api, services)
    _add_looking(api, services)
    _add_teaching(api, services)
    _add_diagnosis(api, services)
    _add_trainings(api, services.trainings)
    _add_service(api, services)
    if class_ is not None:
        add_class(api, class_, services.trainings)
    routes = frozenset(route.path for route in api.routes if "{" not in route.path)  # type: ignore[attr-defined]
    return Guard(
        Front(api, models, services.classifying), access, services.limits, services.measured, services.budget,
        lambda path: route_of(path, routes), log,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Services:
    """Objects that the routes share."""

    models: Models
    limits: Limits
    measured: Metrics
    budget: Budget
    threads: PictureThreads
    classifying: Classifying
    live: Live
    trainings: TrainingJobs
    lessons: Sequence[Lesson]
    class_: ClassServing | None

    @classmethod
    def open(
        cls, models: Models, access: Access, limits: Limits, lessons: Sequence[Lesson], class_: ClassServing | None,
    ) -> "_Services":  # fmt: skip
        measured, budget, threads = Metrics(), Budget(limits.all_bytes), PictureThreads(limits)
        classifying = Classifying(threads, limits)
        return cls(
            models, limits, measured, budget, threads, classifying,
            Live(models, limits, measured, budget, threads.pool),
            TrainingJobs(models, limits, trusted=access.trusts_its_callers),
            lessons,
            class_,
        )  # fmt: skip

    async def close(self) -> None:
        if self.class_ is not None:
            await self.class_.close()
        await self.trainings.close()
        self.classifying.close()
        self.threads.close()

    async def picture_in(self, request: Request) -> bytes:
        """Return the picture file in a request."""
        kind = request.headers.get("content-type", "").encode("latin-1", "replace")
        return await self.threads.unpacked(request.scope[BODY], kind)


def _described(services: _Services) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.threads.pool.submit(_warm_up, services.models.get(None))
        yield
        await services.close()

    api = FastAPI(
        title="digitlab",
        version=VERSION,
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # their pages load scripts from other servers
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    default_openapi = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            parts = default_openapi().setdefault("components", {}).setdefault("schemas", {})
            parts["Problem"] = schemas.Problem.model_json_schema()
        return default_openapi()

    api.openapi = openapi  # type: ignore[method-assign]
    for kind in (ProblemError, DigitlabError, HTTPException, RequestValidationError, Exception):
        api.add_exception_handler(kind, _as_problem)
    return api


def _warm_up(model: Served) -> None:
    """Call the libraries once, so that the first visitor does not wait for their initialisation."""
    picture = np.full((64, 64), 255, np.uint8)
    picture[16:48, 30:34] = 0
    for _ in range(2):
        model.reader.read(picture)
    with contextlib.suppress(DigitlabError):
        looking.inspect(model, as_rgb(picture))


async def _as_problem(_: Request, error: Exception) -> Response:
    headers: dict[str, str] = {}
    if isinstance(error, ProblemError):
        problem = error
    elif isinstance(error, RefusalError):
        problem = problem_of_refusal(error)
    elif isinstance(error, DigitlabError):
        problem = problem_of(error)
    elif isinstance(error, RequestValidationError):
        problems = [f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in error.errors()]
        problem = ProblemError(422, "value", "; ".join(problems[:_DETAILS]))
    elif isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        problem = ProblemError(error.status_code, "http", str(error.detail))
    else:
        problem = ProblemError(500, "mistake", "the server's log says what happened")
    return Response(problem.body, problem.status, {**headers, **problem.headers}, MEDIA_TYPE)


_ASKED = answers_with(400, 404, 408, 413, 415, 422, 503, 504)


def _add_reading(api: FastAPI, services: _Services) -> None:
    """Add the routes that read digits in pictures."""

    @api.post("/v1/classify", responses=_ASKED, openapi_extra=OPENAPI_BODY, tags=["reading"])
    async def classify(
        request: Request, model: ModelQuery = None, threshold: ThresholdQuery = None, page: PageQuery = None
    ) -> schemas.Classified:
        """Classify the one digit that a picture shows."""
        kind = request.headers.get("content-type", "").encode("latin-1", "replace")
        answer = await services.classifying.answer(
            request.scope[BODY], kind, services.models.get(model), threshold, page
        )
        return schemas.Classified.model_validate_json(answer)

    @api.post("/v1/read", responses=_ASKED, openapi_extra=OPENAPI_BODY, tags=["reading"])
    async def read(
        request: Request, model: ModelQuery = None, threshold: ThresholdQuery = None, page: PageQuery = None
    ) -> schemas.ReadPage:
        """Read all digits of a picture, line by line, with boxes."""
        served = services.models.get(model)
        content = await services.picture_in(request)
        return await services.threads.run(_read, content, served, threshold, services.limits.pixels, page)

    pages = {"description": "how many pages the file has", "schema": {"type": "integer", "minimum": 1}}
    jpeg = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
    drawn = {"description": "a JPEG of 1,600 pixels a side at most", "content": jpeg, "headers": {_PAGES: pages}}

    @api.post(
        "/v1/picture", response_class=Response, responses={**_ASKED, 200: drawn}, openapi_extra=OPENAPI_BODY,
        tags=["reading"],
    )  # fmt: skip
    async def picture(request: Request, page: PageQuery = None) -> Response:
        """Convert a page of a PDF, TIFF, HEIC … to a picture that every browser can show."""
        content = await services.picture_in(request)
        image, count = await services.threads.run(_drawn, content, services.limits.pixels, page)
        return Response(image, media_type="image/jpeg", headers={_PAGES: str(count)})

    @api.websocket("/v1/live")
    async def live(websocket: WebSocket) -> None:
        await services.live.serve(websocket)


def _drawn(content: bytes, most_pixels: int, page: int | None) -> tuple[bytes, int]:
    picture, pages = page_of(content, most_pixels, page)
    return shown(picture), pages


def _read(
    content: bytes, model: Served, threshold: float | None, most_pixels: int, page: int | None
) -> schemas.ReadPage:
    picture, pages = page_of(content, most_pixels, page)
    reading = model.reader_for(threshold).read(picture)
    fields = reading.as_dict()
    return schemas.ReadPage(
        text=fields["text"], lines=fields["lines"], written=list(reading.written), digits=fields["digits"],
        numbers=fields["numbers"], ms=fields["ms"],
        note=with_page_note(fields.get("note"), pages, page), page=page or 1, pages=pages,
        turned=fields.get("turned", 0), width=picture.shape[1], height=picture.shape[0], model=model.name,
    )  # fmt: skip


def _add_looking(api: FastAPI, services: _Services) -> None:
    """Add the routes that look into networks."""
    run, get, pixels = services.threads.run, services.models.get, services.limits.pixels

    @api.get("/v1/models", responses=answers_with(503), tags=["models"])
    async def models() -> network_schemas.Models:
        """List the models that a request may name."""
        summaries = [await run(served.summary) for served in services.models.all()]
        return network_schemas.Models(default=services.models.default, models=summaries)

    @api.get("/v1/models/{name}", responses=answers_with(404, 422, 503), tags=["models"])
    async def model(name: Name) -> network_schemas.ModelDetail:
        """Return a model's layers and their weights."""
        return await run(looking.detail_of, get(name))

    @api.post("/v1/inspect", responses=_ASKED, openapi_extra=OPENAPI_BODY, tags=["looking"])
    async def inspect(
        request: Request, model: ModelQuery = None, threshold: ThresholdQuery = None, page: PageQuery = None
    ) -> Response:
        """Return the digit of a picture and all activation maps, computed in one pass."""
        served, content = get(model), await services.picture_in(request)
        inspected = await run(
            lambda: looking.inspect(served, picture_of(content, pixels, page), threshold).model_dump_json()
        )
        return Response(inspected, media_type="application/json")

    @api.post("/v1/probabilities", responses=_ASKED, tags=["looking"])
    async def probabilities(question: network_schemas.GlyphQuestion) -> network_schemas.Probabilities:
        """Return the probabilities of several models for several glyphs, which are taken as they are."""
        served = [get(name) for name in question.models] or [get(None)]
        return await run(looking.probabilities_of, served, question.glyphs)

    @api.post("/v1/explain", responses=_ASKED, tags=["looking"])
    async def explain(question: network_schemas.ExplainQuestion) -> network_schemas.Explained:
        """Break one value of a layer down into the terms that it is the sum of."""
        return await run(looking.explain, get(question.model), question)

    @api.post("/v1/occlusion", responses=_ASKED, tags=["looking"])
    async def occlusion(question: network_schemas.OcclusionQuestion) -> network_schemas.Occluded:
        """Find which parts of a glyph speak for a digit, and against another."""
        return await run(looking.occlude, get(question.model), question)


def _add_teaching(api: FastAPI, services: _Services) -> None:
    """Add the routes for lessons, and for digits to try and to learn from."""
    run, pixels = services.threads.run, services.limits.pixels

    @api.post("/v1/filters", responses=_ASKED, openapi_extra=OPENAPI_BODY, tags=["teaching"])
    async def filters(request: Request, page: PageQuery = None) -> schemas.FilterBank:
        """Apply S2's classical filters to a picture."""
        content = await services.picture_in(request)
        return await run(lambda: teaching.filter_bank(picture_of(content, pixels, page)))

    @api.get("/v1/gallery", responses=answers_with(422, 503), tags=["teaching"])
    async def gallery() -> schemas.Gallery:
        """Return test digits, hard cases and out-of-distribution images."""
        return await run(teaching.gallery)

    @api.get("/v1/learning-digits", responses=answers_with(503), tags=["teaching"])
    async def learning_digits() -> schemas.LearningDigits:
        """Return training images for networks that are trained in the browser, and test images to evaluate them."""
        return await run(teaching.learning_digits)

    @api.get("/v1/lessons", responses=answers_with(503), tags=["teaching"])
    async def lessons() -> schemas.Lessons:
        """Return the page's lessons: lists of links with a few words each."""
        return teaching.lessons(services.lessons)


def _add_diagnosis(api: FastAPI, services: _Services) -> None:
    """Add the routes that find out why a network misreads pictures."""
    run, get, pixels = services.threads.run, services.models.get, services.limits.pixels

    @api.post("/v1/diagnose", responses=_ASKED, openapi_extra=OPENAPI_BODY, tags=["looking"])
    async def diagnose(
        request: Request, model: ModelQuery = None, label: LabelQuery = None
    ) -> network_schemas.Diagnosed:
        """Find why a network misreads a digit: differences from its training images, corrected one by one."""
        served, content = get(model), await services.picture_in(request)
        return await run(lambda: diagnosing.diagnose(served, picture_of(content, pixels), label))

    @api.get("/v1/models/{name}/mistakes", responses=answers_with(404, 422, 503, 504), tags=["models"])
    async def mistakes(name: Name) -> network_schemas.ModelMistakes:
        """Measure what usual mistakes with images cost a model, on MNIST's test images."""
        return await run(diagnosing.mistakes, get(name))


def _add_trainings(api: FastAPI, room: TrainingJobs) -> None:
    """Add the routes for trainings that one can watch."""

    @api.get("/v1/trainings", responses=answers_with(), tags=["trainings"])
    async def trainings() -> network_schemas.Trainings:
        """List all trainings since the server started, the newest first."""
        return room.all()

    @api.post(
        "/v1/trainings", status_code=201, responses=answers_with(400, 409, 413, 415, 422, 503), tags=["trainings"]
    )
    async def begin(question: network_schemas.TrainingQuestion) -> network_schemas.TrainingState:
        """Start a small training; only one runs at a time."""
        return await room.begin(question)

    @api.get("/v1/trainings/{name}", responses=answers_with(404, 422), tags=["trainings"])
    async def training(name: Name) -> network_schemas.TrainingState:
        """Return the state of a training."""
        return room.state(name)

    @api.delete("/v1/trainings/{name}", responses=answers_with(404, 422), tags=["trainings"])
    async def stop(name: Name) -> network_schemas.TrainingState:
        """Stop a training early; what it has learned by then becomes a model."""
        return await room.stop(name)

    stream = {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "events, past first"}

    @api.get(
        "/v1/trainings/{name}/events", response_class=StreamingResponse,
        responses={**answers_with(404, 422), 200: stream},
        tags=["trainings"],
    )  # fmt: skip
    async def events(name: Name) -> StreamingResponse:
        """Stream the training's events as they happen: progress, epoch, stage, state."""
        return StreamingResponse(room.events(name), media_type="text/event-stream")


def _add_service(api: FastAPI, services: _Services) -> None:
    """Add the routes for those who run the server."""

    @api.get("/healthz", responses={421: answers_with()[421]}, tags=["service"])
    async def healthz() -> schemas.Health:
        """Check that the server is running."""
        uptime = round(time.monotonic() - services.measured.running_since, 1)
        return schemas.Health(status="ok", version=VERSION, models=len(services.models), uptime_seconds=uptime)

    text = {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format"}

    @api.get("/metrics", response_class=Response, responses={**answers_with(), 200: text}, tags=["service"])
    async def metrics_() -> Response:
        """Return counts, times and memory, for Prometheus."""
        return Response(services.measured.text(), media_type=metrics.MEDIA_TYPE)
