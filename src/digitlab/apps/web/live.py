"""Frames through a WebSocket: for each client the newest frame is read, the others are skipped.

The whole page is read in a frame, or (``?mode=digit``) the one digit that it shows, which takes a tenth of the time.

Clients take turns. A client's frame is chosen when its turn comes, not when the client queued up: however many clients
there are, the frame that is read is as recent as possible.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from digitlab.apps.web.pictures import picture_of
from digitlab.apps.web.schemas import LiveAnswer
from digitlab.errors import DigitlabError
from digitlab.live.frame_reading import Detection, detection_of
from digitlab.live.tracks import Tracker
from digitlab.reading.candidates import ALONE
from digitlab.values import ReadDigit, Reading

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from starlette.websockets import WebSocket

    from digitlab.apps.web.config import Budget, Limits
    from digitlab.apps.web.metrics import Metrics
    from digitlab.apps.web.models import Models, Served
    from digitlab.values import Prediction

__all__ = ["Live"]

_INSIDE = -0.06  # `Detection.margin` of a picture of one digit: negative, so that it may sway
_POLICY, _LATER, _TOO_BIG = 1008, 1013, 1009  # closing codes of RFC 6455
_REASON_BYTES = 123


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    content: bytes
    arrived: float


class Live:
    """All clients of /v1/live."""

    def __init__(
        self, models: Models, limits: Limits, metrics: Metrics, budget: Budget, threads: Executor,
    ) -> None:  # fmt: skip
        self._models, self._limits, self._metrics = models, limits, metrics
        self._budget, self._threads = budget, threads
        self._turns = asyncio.Semaphore(limits.threads)  # fair: first come, first served
        self._clients = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client, until it or the server closes the connection."""
        await websocket.accept()
        try:
            model = self._models.get(websocket.query_params.get("model"))
        except DigitlabError as error:
            await websocket.close(_POLICY, _short(str(error)))
            return
        mode = websocket.query_params.get("mode", "page")
        if mode not in ("digit", "page"):
            await websocket.close(_POLICY, "expected mode=digit or mode=page")
            return
        if self._clients >= self._limits.live_clients:
            await websocket.close(_LATER, "too many clients; try again later")
            return
        client = _Client(websocket, model, self, alone=mode == "digit")
        self._clients += 1
        self._metrics.gauges["live_clients"] = self._clients
        try:
            await client.run()
        finally:
            self._clients -= 1
            self._metrics.gauges["live_clients"] = self._clients
            client.forget()

    async def read(self, client: _Client) -> tuple[_Frame, dict[str, Any]] | None:
        """Wait for a turn, then read the client's newest frame; None if there is none."""
        async with self._turns:
            frame = client.take()
            if frame is None:
                return None
            try:
                answer = await (self._digit if client.alone else self._page)(client, frame)
            except DigitlabError as error:
                answer = {"error": str(error)}
            finally:
                self._budget.give(len(frame.content))
        self._metrics.counts["live_frames_read_total"] += 1
        return frame, answer

    async def _page(self, client: _Client, frame: _Frame) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        most_pixels = self._limits.frame_pixels
        return await loop.run_in_executor(self._threads, _read_page, client, frame, most_pixels)

    async def _digit(self, client: _Client, frame: _Frame) -> dict[str, Any]:
        start = time.perf_counter()
        loop = asyncio.get_running_loop()
        most_pixels = self._limits.frame_pixels
        prediction, size = await loop.run_in_executor(self._threads, _find_digit, client, frame, most_pixels)
        shares = prediction.probabilities
        read_digit = ReadDigit(prediction.digit, prediction.confidence, (0, 0, *size), 0)
        reading = Reading((read_digit,) if prediction.digit is not None or prediction.confidence >= ALONE else (), 0.0)
        content = reading.as_dict()
        return {
            "text": content["text"],
            "digits": content["digits"],
            "probabilities": [round(share, 4) for share in shares],
            "width": size[0],
            "height": size[1],
            "ms": round((time.perf_counter() - start) * 1000.0, 2),
            **client.steadiness(),
        }

    def keep(self, content: bytes) -> tuple[int, str] | None:
        """Reserve room for one more frame; if that is impossible, return the closing code and the reason."""
        if len(content) > self._limits.frame_bytes:
            return _TOO_BIG, "the frame is too large"
        if not self._budget.take(len(content)):
            return _LATER, "the server is busy; try again later"
        return None

    def drop(self, frame: _Frame) -> None:
        """Release the room of a skipped frame."""
        self._budget.give(len(frame.content))
        self._metrics.counts["live_frames_skipped_total"] += 1

    @property
    def patience(self) -> float:
        """Seconds that a client may take to receive an answer."""
        return self._limits.send_seconds


def _short(reason: str) -> str:
    """Shorten the reason for closing to what fits into a frame, 123 bytes in UTF-8 (RFC 6455, 5.5).

    >>> len(_short("山" * 60).encode())
    123
    """
    return reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")


def _read_page(client: _Client, frame: _Frame, most_pixels: int) -> dict[str, Any]:
    picture = picture_of(frame.content, most_pixels)
    reading = client.model.reader.read(picture)
    client.tracker.add([detection_of(digit, picture) for digit in reading.digits], frame.arrived, picture)
    content = reading.as_dict()
    fields = {key: content[key] for key in ("text", "digits", "ms")}
    size = {"width": picture.shape[1], "height": picture.shape[0]}
    return {**fields, "turned": content.get("turned", 0), **size, **client.steadiness()}


def _find_digit(client: _Client, frame: _Frame, most_pixels: int) -> tuple[Prediction, tuple[int, int]]:
    picture = picture_of(frame.content, most_pixels)
    size = picture.shape[1], picture.shape[0]
    prediction = client.model.reader.classify(picture)
    has_digit = prediction.digit is not None or prediction.confidence >= ALONE
    whole = Detection((0, 0, *size), 0, prediction.digit, prediction.probabilities, image=picture, margin=_INSIDE)
    client.tracker.add([whole] if has_digit else [], frame.arrived, picture)
    return prediction, size


class _Client:
    """One client.

    alone: whether each frame shows one digit
    """

    def __init__(self, websocket: WebSocket, model: Served, live: Live, *, alone: bool) -> None:
        self.model, self.alone = model, alone
        self.tracker = Tracker(whole=not alone)
        self._websocket, self._live = websocket, live
        self._newest: _Frame | None = None
        self._arrived = asyncio.Event()
        self._skipped = 0

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._answer())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            if not task.cancelled():
                task.result()

    def steadiness(self) -> dict[str, Any]:
        """Return what was decided over the client's frames so far."""
        return {"steady": self.tracker.steady, "drawing": self.tracker.drawing}

    def take(self) -> _Frame | None:
        """Take the newest frame, which is then no longer waiting."""
        frame, self._newest = self._newest, None
        self._arrived.clear()
        return frame

    def forget(self) -> None:
        """Drop the frame that is still waiting, if any."""
        frame = self.take()
        if frame is not None:
            self._live.drop(frame)

    async def _receive(self) -> None:
        number = 0
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            if content is None:
                await self._websocket.close(_POLICY, "expected binary frames: JPEG or PNG")
                return
            frame = _Frame(number, content, time.perf_counter())
            number += 1
            if self._newest is not None:
                self._skipped += 1
            self.forget()
            refused = self._live.keep(content)
            if refused is not None:
                await self._websocket.close(*refused)
                return
            self._newest = frame
            self._arrived.set()

    async def _answer(self) -> None:
        while True:
            await self._arrived.wait()
            result = await self._live.read(self)
            if result is None:
                continue
            frame, content = result
            latency = round((time.perf_counter() - frame.arrived) * 1000.0, 2)
            answer = LiveAnswer.model_validate(
                {**content, "frame": frame.number, "latency_ms": latency, "skipped": self._skipped}
            )
            try:
                async with asyncio.timeout(self._live.patience):
                    await self._websocket.send_text(answer.model_dump_json())
            except (WebSocketDisconnect, RuntimeError, TimeoutError):  # gone, or not receiving
                return
