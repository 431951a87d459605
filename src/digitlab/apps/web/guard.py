"""Checks that every request passes before anything else: access rights, size, duration, number at once.

An ASGI middleware. It reads the whole body, within its limits, and passes it on in the scope under ``BODY``, so that
nothing behind it waits for a slow sender, or holds more than is allowed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from digitlab.apps.web.access import is_for_pupils
from digitlab.apps.web.problems import ProblemError, overloaded, problem_of
from digitlab.errors import DigitlabError, counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from digitlab.apps.web.access import Access
    from digitlab.apps.web.access_log import AccessLog
    from digitlab.apps.web.config import Budget, Limits
    from digitlab.apps.web.metrics import Metrics

    Message = dict[str, Any]
    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["BODY", "Guard"]

BODY = "digitlab.body"  # the key of the whole body, bytes, in a request's scope
LOG = logging.getLogger("digitlab.web")

_MOMENT = 0.02  # seconds
_MOST_HEADERS, _HEADER_BYTES = 200, 65_536
# These must not occur twice: a proxy in front of us may use one of the two, and we the other.
_SINGLE = frozenset({b"host", b"origin", b"authorization", b"content-length", b"content-type", b"sec-fetch-site"})
_PAGES = ("/", "/wall")  # pages that may be opened with ?token=
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST")
# No scripts, styles or pictures but our own; no framing by other pages; no Referer sent to other servers.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
]
_FRESH = (b"cache-control", b"no-store")


class _GoneError(Exception):
    """The client has disconnected."""


class Guard:
    """The outermost application.

    route_of: maps a path to its pattern, one of few, for the metrics
    log: the access log, if one is wanted
    """

    def __init__(
        self,
        application: Application,
        access: Access,
        limits: Limits,
        metrics: Metrics,
        budget: Budget,
        route_of: Callable[[str], str],
        log: AccessLog | None = None,
    ) -> None:
        self._application, self._access, self._limits = application, access, limits
        self._metrics, self._budget, self._route_of, self._log = metrics, budget, route_of, log
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, a WebSocket or the lifespan, as ASGI."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, start, status = dict(scope["headers"]), time.perf_counter(), 101
        try:
            _check_headers(scope["headers"])
            self._access.check("GET", scope["path"], headers)
            self._access.check_origin(headers)
        except ProblemError as problem:
            status = problem.status
            await receive()  # websocket.connect
            self._metrics.counts["websockets_refused_total"] += 1
            await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:100]})
        else:
            try:
                await self._application(scope, receive, send)
            except WebSocketDisconnect:  # noticed while sending
                pass
            except Exception:  # uvicorn, whose log is off, closes the connection
                status = 500
                LOG.exception("internal error in a WebSocket of %s", self._route_of(scope["path"]))
                raise
        finally:
            self._note(scope, status, start)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send, self._limits.send_seconds)
        start = time.perf_counter()
        self._at_work += 1
        try:
            await self._answered(scope, receive, answer)
        except _GoneError:
            answer.status = answer.status or 499
        except ProblemError as problem:
            await answer.refuse(problem, scope, receive)
        except DigitlabError as error:
            await answer.refuse(problem_of(error), scope, receive)
        except Exception:
            LOG.exception("internal error while answering %s", self._route_of(scope["path"]))
            mistake = ProblemError(500, "mistake", "the server's log says what happened")
            await answer.refuse(mistake, scope, receive)
        finally:
            self._at_work -= 1
            self._budget.give(scope.pop("digitlab.held", 0))
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.add(method, self._route_of(scope["path"]), answer.status, time.perf_counter() - start)
            self._note(scope, answer.status, start)

    def _note(self, scope: Scope, status: int, start: float) -> None:
        if self._log is not None:
            self._log.add(scope, status, time.perf_counter() - start)

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if self._at_work > self._limits.requests:
            raise overloaded(
                f"{counted(self._limits.requests, 'request is', 'requests are')} being processed already",
                self._limits.retry_seconds,
            )
        _check_headers(scope["headers"])
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        method, path = scope["method"], scope["path"]
        if method == "GET" and path in _PAGES and scope["query_string"]:
            encrypted = scope.get("scheme") == "https"
            cookie = self._access.cookie_for(headers, scope["query_string"], encrypted=encrypted)
            if cookie is not None:
                await _send_home(path, cookie, answer)
                return
        self._access.check(method, path, headers)
        body = b""
        if method not in ("GET", "HEAD", "OPTIONS"):
            body = await self._body(scope, headers, receive)
        scope[BODY] = body
        answer.lasting = path.endswith("/events")
        try:
            async with asyncio.timeout(None if answer.lasting else self._limits.work_seconds) as limit:
                answer.limit = limit
                await self._application(scope, _replayed(body, receive), answer)
        except TimeoutError as error:
            if not limit.expired():
                raise
            if answer.status:  # the answer has begun, and the client does not receive it
                await answer.cut()
                return
            detail = f"no answer after {self._limits.work_seconds:g} s; try a smaller picture"
            raise ProblemError(504, "timeout", detail) from error

    async def _body(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """Read the whole body; its share of the budget is noted in the scope, and held until the answer is sent."""
        most = self._limits.pupil_bytes if is_for_pupils(scope["path"]) else self._limits.body_bytes
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and len(announced) < 20 and int(announced) > most:
            raise _too_large(int(announced), most)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise ProblemError(415, "encoding", "the body is compressed (Content-Encoding); send it uncompressed")
        parts, held = [], 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    part, more = message.get("body", b""), message.get("more_body", False)
                    if not part:
                        continue
                    if held + len(part) > most:
                        raise _too_large(held + len(part), most)
                    if not self._budget.take(len(part)):
                        raise overloaded("too many requests are in memory already", self._limits.retry_seconds)
                    held += len(part)
                    scope["digitlab.held"] = held
                    parts.append(part)
        except TimeoutError as error:
            raise ProblemError(
                408, "slow", f"the body did not arrive within {self._limits.body_seconds:g} s", {"Connection": "close"}
            ) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_headers(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Refuse too many headers, and duplicates of those that must be unique.

    Raises:
        ProblemError: 431, 400.
    """
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > _MOST_HEADERS or size > _HEADER_BYTES:
        detail = f"{len(headers)} headers of {size:,} bytes; at most {_MOST_HEADERS} of {_HEADER_BYTES:,} are accepted"
        raise ProblemError(431, "headers", detail, {"Connection": "close"})
    names = [name for name, _ in headers if name in _SINGLE]
    if len(names) != len(set(names)):
        duplicate = next(name for name in names if names.count(name) > 1).decode("ascii")
        raise ProblemError(400, "headers", f"the header {duplicate.title()} occurs twice", {"Connection": "close"})


def _too_large(size: int, most: int) -> ProblemError:
    detail = f"the body has {size:,} bytes or more; at most {most:,} are accepted"
    return ProblemError(413, "too-large", detail, {"Connection": "close"})


async def _send_home(path: str, cookie: str, answer: _Answer) -> None:
    """Redirect to the page without the token in its address, where it would stay in the browser's history."""
    headers = [(b"location", path.encode()), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
    await answer({"type": "http.response.start", "status": 303, "headers": headers})
    await answer({"type": "http.response.body", "body": b""})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Make an ASGI ``receive`` that returns the body once, and then passes on to the server's own."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class _Answer:
    """ASGI's ``send``: notes the status, adds our headers, and cuts off clients that do not receive the answer.

    limit: the time limit for the work; when the answer begins, it becomes that for sending it
    lasting: whether the answer may last for any time, with a time limit for each part
    """

    def __init__(self, send: Send, seconds: float) -> None:
        self._send, self._seconds = send, seconds
        self.status = 0
        self.limit: asyncio.Timeout | None = None
        self.lasting = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *_HEADERS]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(_FRESH)
            message = {**message, "headers": headers}
            if self.limit is not None and not self.lasting and not self.limit.expired():
                self.limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        if self.lasting:
            await self._within_limit(message)
        else:
            await self._send(message)

    async def refuse(self, problem: ProblemError, scope: Scope, receive: Receive) -> None:
        """Answer with a problem, unless an answer has already begun."""
        if not self.status:
            self.limit, self.lasting = None, True
            await problem(scope, receive, self)

    async def cut(self) -> None:
        """Abort the connection. Closing it would wait until the client has received the rest, which never happens."""
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)  # of uvicorn
        if transport is not None:
            transport.abort()
            await asyncio.sleep(_MOMENT)  # until uvicorn has noticed, so that it does not try to answer with 500

    async def _within_limit(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            await self.cut()
