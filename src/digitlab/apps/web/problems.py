"""Errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError, ImageError, MissingExtraError, ModelError, ShapeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MEDIA_TYPE", "ProblemError", "answers_with", "lacking", "overloaded", "problem_of"]

MEDIA_TYPE = "application/problem+json"

_TITLES = {
    400: "The request cannot be understood",
    401: "The server requires its token",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "There is no such method here",
    408: "The request came too slowly",
    409: "Not now",
    413: "The request is too large",
    415: "The form of the body is not supported",
    421: "The server has another name",
    422: "Something in the request is not as expected",
    429: "Too many at once",
    431: "The headers are too long",
    500: "The server has failed",
    503: "The server cannot do this now",
    504: "The answer took too long",
}
# The class of an error → status and word; the first that matches is used.
_STATUSES: tuple[tuple[type[Exception], int, str], ...] = (
    (ImageError, 422, "image"),
    (ModelError, 404, "model"),
    (ShapeError, 422, "value"),
    (UsageError, 422, "value"),
    (DigitlabError, 422, "input"),
)


class ProblemError(Exception):
    """An error answer with its status; ``word`` is the stable part of its type."""

    def __init__(self, status: int, word: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.word, self.detail = status, word, detail
        self.headers = dict(headers or {})

    @property
    def content(self) -> dict[str, Any]:
        """The fields of `schemas.Problem`."""
        return {
            "type": f"urn:digitlab:problem:{self.word}",
            "title": _TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
        }

    @property
    def body(self) -> bytes:
        """The same as JSON."""
        return json.dumps(self.content, ensure_ascii=False).encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - ASGI's
        """Answer a request with this problem."""
        body = self.body
        headers = {**self.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
        fields = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


def problem_of(error: DigitlabError) -> ProblemError:
    """Convert one of our errors to an HTTP error."""
    if isinstance(error, MissingExtraError):
        return lacking(error)
    status, word = next((status, word) for kind, status, word in _STATUSES if isinstance(error, kind))
    return ProblemError(status, word, str(error))


def lacking(error: MissingExtraError) -> ProblemError:
    """Make a 503 without the install command, which names a folder of the server and is only for its operator."""
    return ProblemError(
        503, "missing-part", f"{error.lacking}, which is not installed on the server (see `digitlab doctor`)"
    )


def overloaded(reason: str, seconds: int) -> ProblemError:
    """Make a 503 that tells the client to retry after this many seconds."""
    return ProblemError(503, "overloaded", f"{reason}; try again in {seconds} s", {"Retry-After": str(seconds)})


def answers_with(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe, for OpenAPI, the errors that an operation may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "a problem", "content": content} for status in (401, 403, 421, *statuses)}
