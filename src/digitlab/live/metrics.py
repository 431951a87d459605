"""Metrics of a session without a window, for Prometheus, over HTTP: GET /metrics."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from digitlab.camera import SourceState
from digitlab.errors import UsageError
from digitlab.live.delivery import Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.live.engine import LiveEngine
    from digitlab.live.live_reading import LiveReading

__all__ = ["MEDIA_TYPE", "MetricsServer", "head", "metrics_address"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SILENT_FOR = 10.0  # seconds after which a connection without a request is closed
_MOST_CONNECTIONS = 16  # at once: each has a thread


def metrics_address(text: str) -> tuple[str, int]:
    """Parse host and port from PORT, :PORT or HOST:PORT; without a host, only this machine can connect.

    >>> metrics_address("9101"), metrics_address("0.0.0.0:9101"), metrics_address("[::1]:9101")
    (('127.0.0.1', 9101), ('0.0.0.0', 9101), ('::1', 9101))

    Raises:
        UsageError: for anything else.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"--metrics {text!r}: expected HOST:PORT or PORT, e.g. 127.0.0.1:9101")
    return host.strip("[]") or "127.0.0.1", int(port)


class MetricsServer:
    """Answers GET /metrics from a thread of its own. An `Outlet`: it counts the readings.

    healths: of all outlets, which are served as well
    """

    def __init__(self, address: str) -> None:
        """Start.

        Raises:
            UsageError: for an invalid address, or one that cannot be listened on.
        """
        self.engine: LiveEngine | None = None
        self.health = Health("metrics")
        self.healths: tuple[Health, ...] = ()
        self._tellings = self._changes = 0
        host, port = metrics_address(address)
        asked = self

        class Server(_Server):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        class Handler(BaseHTTPRequestHandler):
            timeout = _SILENT_FOR

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != "/metrics":
                    self.send_error(404, "expected /metrics")
                    return
                body = asked.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", MEDIA_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing: a scrape every few seconds is not worth a message."""

        try:
            self._server = Server((host, port), Handler)
        except (OSError, UnicodeError) as error:  # UnicodeError: no host has such a name
            raise UsageError(f"--metrics {address}: cannot listen there ({error})") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="digitlab-metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on, even if 0 was requested."""
        return int(self._server.server_address[1])

    def tell(self, live: LiveReading) -> None:
        """Count a reading."""
        self._tellings += live.telling
        self._changes += live.changed

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def text(self) -> str:
        """Return all metrics, one per line, with their descriptions."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _figure("tellings_total", "counter", "Texts that became steady.", self._tellings)
        yield from _figure("changes_total", "counter", "Changes of the steady text.", self._changes)
        yield from self._outlets()
        if self.engine is None:
            return
        seen, statistics = self.engine.snapshot(), self.engine.statistics
        yield from _figure("frames_captured_total", "counter", "Frames that the source gave.", seen.captured)
        yield from _figure("frames_read_total", "counter", "Frames that were read.", seen.read)
        yield from _figure("frames_dropped_total", "counter", "Frames that newer ones overtook.", seen.dropped)
        yield from _figure("frames_per_second", "gauge", "Read, over two seconds.", round(seen.frames_per_second, 2))
        if seen.age_ms is not None:
            yield from _figure("age_seconds", "gauge", "Since the last frame.", round(seen.age_ms / 1000, 3))
        yield from _figure("stale", "gauge", "1: what was read is too old.", int(seen.stale))
        yield from _figure("steady", "gauge", "1: a text, or surely nothing, is steady.", int(seen.steady is not None))
        yield from _figure("drawing", "gauge", "1: ink comes or goes.", int(seen.drawing))
        yield from head("digitlab_live_source_state", "gauge", "1 for the state that the source is in.")
        for state in SourceState:
            yield f'digitlab_live_source_state{{state="{state}"}} {int(seen.state == state)}'
        latency = statistics.latency()
        if latency is not None:
            yield from head("digitlab_live_latency_seconds", "summary", "From capture to reading.")
            for name, quantile in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
                yield f'digitlab_live_latency_seconds{{quantile="{quantile}"}} {latency[name] / 1000:.6f}'

    def _outlets(self) -> Iterator[str]:
        for name, kind, about in (
            ("failing", "gauge", "1: the outlet does not deliver."),
            ("failures_total", "counter", "How often the outlet began to fail."),
            ("lost_total", "counter", "Messages that were not delivered."),
        ):
            yield from head(f"digitlab_live_outlet_{name}", kind, about)
            for health in self.healths:
                values = {"failing": health.problem is not None, "failures_total": health.failures}
                yield f'digitlab_live_outlet_{name}{{outlet="{health.name}"}} {int(values.get(name, health.lost))}'


class _Server(ThreadingTCPServer):
    """As http.server's, which looks up its own host name in the DNS, with a limit of connections and no tracebacks."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.Semaphore(_MOST_CONNECTIONS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do nothing: a client that has gone is no concern of ours."""


def _figure(name: str, kind: str, about: str, value: float) -> Iterator[str]:
    yield from head(f"digitlab_live_{name}", kind, about)
    yield f"digitlab_live_{name} {value}"


def head(name: str, kind: str, about: str) -> Iterator[str]:
    """Yield the lines that describe a metric."""
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
