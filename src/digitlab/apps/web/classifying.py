"""The digit of a picture, as fast as it can be said; and threads for what takes longer.

A drawing pad asks after each stroke, and programs ask thousands of times. Small PNG files are answered in the event
loop itself, which takes less than handing them to a thread would; where the network takes longer, a thread lets it
answer all that have come while it was at work. Other pictures are decoded side by side in as many threads as there are
cores; more than a few waiting are refused at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from digitlab.apps.web.pictures import picture_bytes, picture_of
from digitlab.apps.web.problems import overloaded
from digitlab.reading.alone import one_digit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitlab.apps.web.limits import Limits
    from digitlab.apps.web.models import Served
    from digitlab.reading.alone import Alone

__all__ = ["Classifying", "PictureThreads"]

_SMALL_BYTES, _SMALL_PIXELS = 16_384, 4096  # above, a thread does it: the event loop must not be kept waiting
_MOST_AT_ONCE = 64
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

Answer = TypeVar("Answer")


class PictureThreads:
    """Threads for pictures. More than ``limits.pictures`` at work and waiting are refused."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="picture")
        self._at_work = 0

    async def run(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Let a thread do it. A thread that has begun cannot be called back: its place stays taken until it is done.

        Raises:
            ProblemError: 503 when too many are waiting.
        """
        if self._at_work >= self._limits.pictures:
            raise overloaded(f"{self._at_work} pictures are waiting already", self._limits.retry_seconds)
        self._at_work += 1
        loop = asyncio.get_running_loop()
        future = self.pool.submit(work, *arguments)

        def done(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._done)

        future.add_done_callback(done)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin nothing more."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> None:
        self._at_work -= 1


@dataclass(frozen=True, slots=True)
class _Asked:
    glyph: NDArray[np.uint8]
    model: Served
    answer: asyncio.Future[list[float]]


class Classifying:
    """The answers of /v1/classify, as JSON."""

    def __init__(self, threads: PictureThreads, limits: Limits) -> None:
        self._threads, self._limits = threads, limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classify")
        self._waiting: list[_Asked] = []
        self._busy = False

    async def answer(self, body: bytes, content_type: bytes, model: Served, threshold: float | None) -> bytes:
        """The fields of `schemas.Classified`.

        Raises:
            ProblemError: 503 when too many are waiting.
            ImageError: when it is no picture.
        """
        start = time.perf_counter()
        content = picture_bytes(body, content_type)
        if _is_small(content):
            one = one_digit(picture_of(content, _SMALL_PIXELS))
        else:
            one = await self._threads.run(_digit_in, content, self._limits.pixels)
        if one is None:
            return _as_json(None, model, threshold, None, start)
        probabilities = await self.probabilities(one.glyph, model)
        least = model.reader.threshold if threshold is None else threshold
        note = model.reader.note_on(one, answered=max(probabilities) >= least)
        return _as_json(probabilities, model, threshold, note, start)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def probabilities(self, glyph: NDArray[np.uint8], model: Served) -> list[float]:
        """The network's ten answers for uint8 (28, 28); a slow one's, together with what else is asked of it."""
        if model.quick:
            answers: list[float] = model.reader.classifier.probabilities(glyph[None])[0].tolist()
            return answers
        loop = asyncio.get_running_loop()
        asked = _Asked(glyph, model, loop.create_future())
        self._waiting.append(asked)
        if not self._busy:
            self._begin(loop)
        return await asked.answer

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._busy = True
        batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
        self._thread.submit(self._work, batch, loop)

    def _work(self, batch: Sequence[_Asked], loop: asyncio.AbstractEventLoop) -> None:
        answers: list[list[float] | Exception]
        try:
            answers = _answers(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answers = [error] * len(batch)
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(self._answered, batch, answers, loop)

    def _answered(
        self, batch: Sequence[_Asked], answers: Sequence[list[float] | Exception], loop: asyncio.AbstractEventLoop
    ) -> None:
        if self._waiting:
            self._begin(loop)
        else:
            self._busy = False
        for asked, answer in zip(batch, answers, strict=True):
            if asked.answer.done():  # nobody waits any more
                continue
            if isinstance(answer, Exception):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(answer)


def _is_small(content: bytes) -> bool:
    """Whether it is a PNG file of so few pixels that it need not wait behind photos."""
    if len(content) > _SMALL_BYTES or not content.startswith(_PNG) or len(content) < 24:
        return False
    return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big") <= _SMALL_PIXELS


def _answers(batch: Sequence[_Asked]) -> list[list[float] | Exception]:
    """Ten probabilities for each; several models may be asked."""
    answers: list[list[float] | Exception] = [[]] * len(batch)
    places: dict[str, list[int]] = {}
    for place, asked in enumerate(batch):
        places.setdefault(asked.model.name, []).append(place)
    for members in places.values():
        try:
            classifier = batch[members[0]].model.reader.classifier
            found = classifier.probabilities(np.array([batch[place].glyph for place in members])).tolist()
        except Exception as error:  # noqa: BLE001 - one bad model must not spoil the others' answers
            found = [error] * len(members)
        for place, answer in zip(members, found, strict=True):
            answers[place] = answer
    return answers


def _digit_in(content: bytes, most_pixels: int) -> Alone | None:
    return one_digit(picture_of(content, most_pixels))


def _as_json(
    probabilities: list[float] | None, model: Served, threshold: float | None, note: str | None, start: float
) -> bytes:
    confidence = 0.0 if probabilities is None else max(probabilities)
    least = model.reader.threshold if threshold is None else threshold
    digit = None if probabilities is None or confidence < least else probabilities.index(confidence)
    return json.dumps(
        {
            "digit": digit,
            "confidence": round(confidence, 6),
            "probabilities": [round(each, 6) for each in probabilities or [0.0] * 10],
            "model": model.name,
            "note": note,
            "ms": round((time.perf_counter() - start) * 1000.0, 2),
        }
    ).encode()
