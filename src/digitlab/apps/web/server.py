"""uvicorn with our application: one process, one event loop, until Ctrl-C.

uvicorn waits without limit for a request's first line and headers, and accepts headers of any size; `Patience` limits
both. (The limits for bodies and answers are in `guard`.)
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import re
import socket
import sys
import warnings
from typing import TYPE_CHECKING, Any

import cv2
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from digitlab.errors import UsageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from websockets.frames import Frame

    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.guard import Guard

__all__ = ["check_proxies", "listen", "make_server", "serve"]

_MOST_HEADERS = 65_536  # bytes
_ABSOLUTE = re.compile(rb"https?://", re.IGNORECASE)
_BACKLOG = 1024
_KEEP_ALIVE = 20  # seconds between two requests on one connection
_SWITCH = 0.0005  # seconds until a thread yields the GIL: the event loop must not wait long for threads that compute
_MOST_FRAMES = 300  # per second and WebSocket, including pings and fragments; a camera gives 60
_SLICE = 8_192  # bytes of a WebSocket that are parsed before its frames are counted
_TOO_MANY, _FLUSHED_WITHIN = 1008, 5.0
_GRACE = 3  # seconds for requests in progress when the server stops
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Patience(HttpToolsProtocol):
    """A connection that is aborted when headers do not arrive in time, or are too long."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._in_headers, self._header_bytes = False, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline for the first request; refuse a connection above the limit."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.write(_FULL)
            transport.close()
            return
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Limit the size of the headers, and the time until they are complete."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.transport.get_protocol() is not self:  # a WebSocket from here on, which may be silent
            self._cancel_deadline()
            return
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > _MOST_HEADERS:
                self.send_400_response("The headers are too long.")
                return
        idle = self.cycle is None or self.cycle.response_complete
        if self._deadline is None and (self._in_headers or (idle and self.timeout_keep_alive_task is None)):
            self._start_deadline()

    def on_message_begin(self) -> None:
        """Count the header bytes of a new request from here."""
        self._in_headers, self._header_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Cancel the deadline, since the headers are complete."""
        self._in_headers = False
        self._cancel_deadline()
        if _ABSOLUTE.match(self.url):  # then its host replaces the Host header (RFC 9112, 3.2.2)
            name = self.url.partition(b"://")[2].partition(b"/")[0]
            self.headers[:] = [
                *((header, value) for header, value in self.headers if header != b"host"),
                (b"host", name),
            ]
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Limit the time for sending the rest of an answer if the connection is closing."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.loop.call_later(self._limits.send_seconds, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Abort an idle connection. Closing it could wait for ever until the client has received an answer."""
        self.transport.abort()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._limits.header_seconds, self._abort_late)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort_late(self) -> None:
        self._deadline = None
        self.transport.abort()


class SteadyWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is closed when more frames arrive than any camera gives.

    A quarter of a megabyte of small frames occupies the event loop for a tenth of a second, and arrives at once: fifty
    such clients would keep everybody else waiting for seconds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._frames, self._since = 0, 0.0

    def data_received(self, data: bytes) -> None:
        """Parse the data in slices, and close the connection if there are too many frames."""
        for start in range(0, len(data), _SLICE):
            super().data_received(data[start : start + _SLICE])
            if self.transport.is_closing():
                return
            if self._comes_too_fast():
                self._cut()
                return

    def _comes_too_fast(self) -> bool:
        now = self.loop.time()
        if now - self._since >= 1.0:
            self._since, self._frames = now, 0
        return self._frames > _MOST_FRAMES

    def _cut(self) -> None:
        self.conn.send_close(_TOO_MANY, "too many frames")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.queue.put_nowait({"type": "websocket.disconnect", "code": _TOO_MANY})
        self.close_sent = True
        self.transport.close()  # reads nothing more
        self.loop.call_later(_FLUSHED_WITHIN, self.transport.abort)

    def handle_bytes(self, event: Frame) -> None:
        """Count a binary frame, or the beginning of one."""
        self._frames += 1
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Count a continuation frame."""
        self._frames += 1
        super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        """Count a text frame, which our page never sends."""
        self._frames += 1
        super().handle_text(event)

    def handle_ping(self) -> None:
        """Count a ping, which is answered."""
        self._frames += 1
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Count a pong, the answer to our ping."""
        self._frames += 1
        super().handle_pong(event)


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one.

    Raises:
        UsageError: when the address is not this machine's, or the port is taken or not allowed.
    """
    listening: socket.socket | None = None
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = candidates[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        if listening is not None:
            listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen on {host}, port {port} ({reason}); give another --port or --host") from error
    return listening


def check_proxies(proxies: Sequence[str]) -> None:
    """Refuse anything but an address or a network: uvicorn would take it for a name that never matches.

    Raises:
        UsageError: names the invalid one.
    """
    for address in proxies:
        try:
            ipaddress.ip_network(address)
        except ValueError as error:
            raise UsageError(
                f"--trusted-proxy is {address!r}; expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8"
            ) from error


def make_server(
    application: Guard, limits: Limits, ready: Callable[[], None] = lambda: None, proxies: Sequence[str] = ()
) -> uvicorn.Server:
    """Make the server, not yet running; ``ready`` is called once requests are answered.

    proxies: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are trusted
    """
    config = uvicorn.Config(
        application,
        http=functools.partial(Patience, limits=limits),  # type: ignore[arg-type]  # called like a class
        ws=SteadyWebSocket,
        loop="auto",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        ws_max_size=limits.frame_bytes,
        ws_per_message_deflate=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
    )
    return _Announced(config, ready)


def serve(
    application: Guard,
    limits: Limits,
    listening: socket.socket,
    ready: Callable[[], None],
    proxies: Sequence[str] = (),
) -> None:
    """Answer until Ctrl-C or SIGTERM; see `make_server`."""
    warnings.filterwarnings("ignore", module="PIL")  # what matters in them is reported by `decode_image`
    sys.setswitchinterval(_SWITCH)
    cv2.setNumThreads(1)  # pictures are read in parallel; more threads for each would only compete
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # errors in a request are its sender's concern
    make_server(application, limits, ready, proxies).run(sockets=[listening])


class _Announced(uvicorn.Server):
    """A server that calls ``ready`` once it answers requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then call ``ready``."""
        await super().startup(sockets)
        if self.started:
            self._ready()
