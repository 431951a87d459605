"""Classification of a picture's digit with low latency, and threads for what takes longer.

A drawing pad asks after each stroke, and programs ask thousands of times: small PNG files have a thread of their own,
so that they do not wait behind photos, which are read in parallel by as many threads as there are cores. If more than a
few photos are waiting, others are refused at once. Nothing is read in the event loop, however fast the model is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from digitlab.apps.web.pictures import page_of, picture_bytes, with_page_note
from digitlab.apps.web.problems import overloaded
from digitlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.models import Served
    from digitlab.reading import Reader
    from digitlab.values import Prediction

__all__ = ["Classifying", "PictureThreads"]

_SMALL_BYTES, _SMALL_PIXELS = 16_384, 76_800  # what the page's drawing pad sends: 320 by 240
_QUICK_BYTES = 65_536  # a body up to this size is unpacked in the event loop
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

Answer = TypeVar("Answer")


class PictureThreads:
    """Threads for pictures. At most ``most`` may be in work or waiting (None: as in the limits); others are refused."""

    def __init__(self, limits: Limits, threads: int | None = None, most: int | None = None) -> None:
        self._most, self._retry_seconds = most or limits.pictures, limits.retry_seconds
        self.pool = ThreadPoolExecutor(threads or limits.threads, thread_name_prefix="picture")
        self._at_work = 0

    async def run(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Run work in a thread. Work that has begun cannot be cancelled: it occupies its place until it is done.

        Raises:
            ProblemError: 503 when too many are waiting.
        """
        if self._at_work >= self._most:
            raise overloaded(
                f"{counted(self._at_work, 'picture is', 'pictures are')} waiting already", self._retry_seconds
            )
        self._at_work += 1
        loop = asyncio.get_running_loop()
        future = self.pool.submit(work, *arguments)

        def done(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(self._done)

        future.add_done_callback(done)
        return await asyncio.wrap_future(future)

    async def unpacked(self, body: bytes, content_type: bytes) -> bytes:
        """Call `picture_bytes`, for a large body in a thread, so that it does not block the event loop.

        Raises:
            ProblemError: as `picture_bytes`; 503 when too many are waiting.
        """
        if len(body) <= _QUICK_BYTES:
            return picture_bytes(body, content_type)
        return await self.run(picture_bytes, body, content_type)

    def close(self) -> None:
        """Start no further work."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> None:
        self._at_work -= 1


class Classifying:
    """The answers of /v1/classify, as JSON."""

    def __init__(self, threads: PictureThreads, limits: Limits) -> None:
        self._threads, self._limits = threads, limits
        self._small = PictureThreads(limits, threads=1, most=limits.requests)

    def close(self) -> None:
        """Start no further work."""
        self._small.close()

    async def answer(
        self, body: bytes, content_type: bytes, model: Served, threshold: float | None, page: int | None = None
    ) -> bytes:
        """Classify a picture; return the fields of `schemas.Classified` as JSON.

        Raises:
            ProblemError: as `picture_bytes`; 503 when too many are waiting.
            ImageError: when the body is not a picture.
        """
        start = time.perf_counter()
        content = await self._threads.unpacked(body, content_type)
        reader = model.reader_for(threshold)
        if _is_small(content):
            prediction = await self._small.run(
                _classified, reader, content, min(_SMALL_PIXELS, self._limits.pixels), page
            )
        else:
            prediction = await self._threads.run(_classified, reader, content, self._limits.pixels, page)
        return _as_json(prediction, model, start)


def _is_small(content: bytes) -> bool:
    """Return whether it is a PNG file with so few pixels that it need not wait behind photos."""
    if len(content) > _SMALL_BYTES or not content.startswith(_PNG) or len(content) < 24:
        return False
    return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big") <= _SMALL_PIXELS


def _classified(reader: Reader, content: bytes, most_pixels: int, page: int | None) -> Prediction:
    picture, pages = page_of(content, most_pixels, page)
    prediction = reader.classify(picture)
    return replace(prediction, note=with_page_note(prediction.note, pages, page))


def _as_json(prediction: Prediction, model: Served, start: float) -> bytes:
    return json.dumps(
        {
            "digit": prediction.digit,
            "confidence": round(prediction.confidence, 6),
            "probabilities": [round(probability, 6) for probability in prediction.probabilities],
            "model": model.name,
            "note": prediction.note,
            "ms": round((time.perf_counter() - start) * 1000.0, 2),
        }
    ).encode()
