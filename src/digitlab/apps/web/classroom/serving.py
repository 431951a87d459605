"""The class of one server: sketches are shown at once and read in turn, and walls are notified of changes.

Only the newest sketch of each pupil is read, one after another, so that nobody waits for a pupil who draws a lot.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.web.classifying import PictureThreads
from digitlab.apps.web.classroom import messages
from digitlab.apps.web.classroom.links import qr_modules
from digitlab.apps.web.classroom.pictures import on_the_wall, sketched
from digitlab.apps.web.classroom.values import RefusalError
from digitlab.apps.web.looking import as_bytes
from digitlab.apps.web.problems import ProblemError
from digitlab.errors import DigitlabError
from digitlab.reading.ink_crops import glyph_of
from digitlab.storage import saying_what_failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.apps.web.classroom.classroom import Classroom
    from digitlab.apps.web.classroom.values import Collection, Drawing, Pupil
    from digitlab.apps.web.config import Limits
    from digitlab.reading import Reader
    from digitlab.values import Prediction

__all__ = ["ClassServing", "drawings_of"]

_HEARTBEAT = 15.0  # seconds between keep-alive comments, by which a client that has gone is noticed
_TICK, _OWN_TICK = 0.05, 0.2  # minimum seconds between two events of a wall, and of a pupil
_NEXT_FILES = 1000


class ClassServing:
    """One class on one server.

    reader: reads the sketches
    data: the file for drawings that the teacher keeps; None: `class-DATE-TIME.npz` in the folder of the server
    addresses: under which pupils reach the server, from `links.own_addresses`
    local: whether only this machine can reach it
    """

    def __init__(
        self,
        classroom: Classroom,
        reader: Reader,
        limits: Limits,
        *,
        data: Path | None = None,
        addresses: Sequence[str] = (),
        local: bool = True,
    ) -> None:
        self.classroom, self._reader, self._data = classroom, reader, data
        self._addresses, self._local = list(addresses), local
        # A picture is decoded in 1 ms and read in 10 ms: separate threads, so that decoding does not wait for reading.
        self._opening = PictureThreads(limits, threads=1, most=4 * classroom.limits.pupils)
        self._reading = PictureThreads(limits, threads=1, most=4 * classroom.limits.pupils)
        self._waiting: dict[int, tuple[int, NDArray[np.uint8]]] = {}  # pupil → number and pixels of the newest sketch
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._streams: dict[int, object] = {}  # pupil → the current stream; a newer one ends it
        self.file: Path | None = None  # with the drawings kept last, …
        self._file_round = 0  # … of this round
        self._keeping = asyncio.Lock()
        classroom.changed = self._notify

    @property
    def joining(self) -> str:
        """Where pupils join, in words for the person who started the server."""
        return f"{self._addresses[0]}/class with the code {self.classroom.code}"

    async def close(self) -> None:
        """Stop reading and start no further work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._opening.close()
        self._reading.close()

    # Pupils --------------------------------------------------------------------------------------------------------

    async def sketch(self, key: str, content: bytes) -> int:
        """Show a pupil's sketch and return its number; 0 if the content is empty or blank, i.e. the pad was wiped.

        Raises:
            RefusalError: no such key, or too many.
            ImageError: not a picture as a pad sends it.
        """
        self.classroom.may_sketch(key)
        opened = await self._opening.run(_opened, content) if content else None
        pixels, picture = opened or (None, None)
        if pixels is None or picture is None:
            self.classroom.wipe(key)
            return 0
        sketch = self.classroom.show(key, picture)
        self._waiting[self.classroom.of_key(key).number] = (sketch.number, pixels)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        return sketch.number

    async def hand_in(self, key: str, content: bytes, label: int) -> Drawing:
        """Accept a drawing, labelled by the task.

        Raises:
            RefusalError: no such key, too many, another task, or nothing was drawn.
            ImageError: not a picture as a pad sends it.
        """
        self.classroom.may_hand_in(key, label)
        pixels, picture = await self._opening.run(_opened, content)
        glyph = None if picture is None else await self._opening.run(glyph_of, pixels)
        if picture is None or glyph is None:
            raise RefusalError("empty", "there is nothing on the pad")
        prediction = await self._reading.run(self._reader.classify, pixels)
        self._waiting.pop(self.classroom.of_key(key).number, None)
        return self.classroom.hand_in(key, label, picture, glyph, prediction.digit, prediction.confidence)

    async def own_events(self, key: str) -> AsyncIterator[str]:
        """Yield a pupil's events as things change: the state, what was read, and the end."""
        number, stream = self.classroom.of_key(key).number, object()
        self._streams[number] = stream
        previous: Pupil | None = None
        label, read = -1, ""
        try:
            while self._streams.get(number) is stream:
                changed = self._changed
                try:
                    pupil = self.classroom.of_key(key)
                except RefusalError as error:
                    yield _event("gone", {"reason": error.reason})
                    return
                state = self.own_state(pupil)
                if (
                    previous is None
                    or pupil.drawings is not previous.drawings
                    # A drawing added and removed between two checks leaves the same list, but its pupil must be told.
                    or (pupil.handed_in, pupil.name, state.label) != (previous.handed_in, previous.name, label)
                ):
                    yield f"event: state\ndata: {state.model_dump_json()}\n\n"
                if (reading := _read_in(pupil)) and reading != read:
                    read = reading
                    yield f"event: read\ndata: {reading}\n\n"
                previous, label = pupil, state.label
                if await _wait_for_change(changed, _OWN_TICK) is False:
                    yield ": still here\n\n"
        finally:
            if self._streams.get(number) is stream:
                del self._streams[number]

    def own_state(self, pupil: Pupil) -> messages.OwnState:
        """Return everything that a pupil is told."""
        drawings = [
            messages.OwnDrawing(number=drawing.number, label=drawing.label, answer=drawing.answer)
            for drawing in pupil.drawings
        ]
        return messages.OwnState(name=pupil.name, label=self.classroom.label_for(pupil), drawings=drawings)

    # The teacher ---------------------------------------------------------------------------------------------------

    def state(self, asked_at: str | None, *, training: bool) -> messages.ClassState:
        """Return the class without its pupils; ``asked_at`` is the address that the teacher's browser has opened."""
        room, pupils = self.classroom, self.classroom.pupils
        drawings = [drawing for pupil in pupils for drawing in pupil.drawings]
        addresses = dict.fromkeys([*([asked_at] if asked_at else []), *self._addresses])
        return messages.ClassState(
            code=room.code, open=room.open, task=room.task, pupils=len(pupils), drawings=len(drawings),
            unkept=sum(not drawing.kept for drawing in drawings), removed=room.only_in_file,
            file=None if self.file is None else self.file.name,
            links=[_link(address, room.code) for address in addresses], local=self._local and not asked_at,
            training=training,
        )  # fmt: skip

    async def wall_events(self, asked_at: str | None, *, training: bool) -> AsyncIterator[str]:
        """Yield the wall's events as it changes: first everything, then what is new."""
        since, last_state = 0, ""
        while True:
            changed = self._changed
            changes = self.classroom.changes(since)
            state = self.state(asked_at, training=training).model_dump_json()
            if state != last_state:
                last_state = state
                yield f"event: room\ndata: {state}\n\n"
            if changes.gone:
                yield _event("gone", list(changes.gone))
            if changes.pupils or not since:
                yield _event("tiles", [_tile(pupil).model_dump() for pupil in changes.pupils])
            since = changes.version
            if await _wait_for_change(changed, _TICK) is False:
                yield ": still here\n\n"

    async def keep(self) -> Path | None:
        """Write all drawings that are on the wall into the class's file, replacing its content.

        If all that it contains were removed, the file is deleted, and None returned.

        Raises:
            RefusalError: if there are no drawings, and no file of theirs.
            StorageError: if it cannot be written, or deleted.
        """
        async with self._keeping:
            round_ = self.classroom.round
            own = self.file if self._file_round == round_ else None
            if own is not None and not self.classroom.collected():
                await asyncio.to_thread(_delete, own)
                collection, file = None, None
            else:
                collection = self.classroom.collection()
                file = own or self._free_file()
                await asyncio.to_thread(_write, file, collection)
            self.file, self._file_round = file, round_
            if round_ == self.classroom.round:  # else the class has begun again meanwhile
                self.classroom.note_kept(collection)
            return file

    # ---------------------------------------------------------------------------------------------------------------

    def _free_file(self) -> Path:
        """Return an unused file name: the drawings of another class are never overwritten."""
        preferred = self._data or Path(f"class-{time.strftime('%Y%m%d-%H%M')}.npz")
        names = (preferred, *(preferred.with_stem(f"{preferred.stem}-{number}") for number in range(2, _NEXT_FILES)))
        return next((path for path in names if not path.exists()), preferred)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _read(self) -> None:
        """Read the newest sketch of each pupil, until none is waiting."""
        while self._waiting:
            pupil = next(iter(self._waiting))
            number, pixels = self._waiting.pop(pupil)
            try:
                prediction: Prediction = await self._reading.run(self._reader.classify, pixels)
            except (DigitlabError, ProblemError):
                continue
            self.classroom.note_reading(pupil, number, prediction.digit, prediction.confidence)


def _opened(content: bytes) -> tuple[NDArray[np.uint8], bytes | None]:
    pixels = sketched(content)
    return pixels, on_the_wall(pixels)


async def _wait_for_change(changed: asyncio.Event, tick: float) -> bool:
    """Wait for a change, then for ``tick`` seconds; return False if there was none until the next heartbeat."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_HEARTBEAT):
            await changed.wait()
        await asyncio.sleep(tick)
        return True
    return False


def _write(path: Path, collection: Collection) -> None:
    from digitlab.jobs.practice import write_digits_by_writer
    from digitlab.values import Digits

    write_digits_by_writer(path, Digits(collection.images, collection.labels), collection.writers)


def _delete(path: Path) -> None:
    with saying_what_failed(path, "delete"):
        path.unlink(missing_ok=True)


@functools.lru_cache(maxsize=64)
def _link(address: str, code: str) -> messages.ClassLink:
    link = f"{address}/class#{code}"
    dark = qr_modules(link)
    return messages.ClassLink(
        address=f"{address}/class", link=link, side=len(dark), dark=as_bytes(dark.astype("uint8"))
    )


def _tile(pupil: Pupil) -> messages.Tile:
    shown = None
    if pupil.sketch is not None:
        sketch = pupil.sketch
        shown = _shown(
            sketch.number,
            sketch.label,
            sketch.picture,
            sketch.answer,
            sketch.confidence,
            handed_in=False,
            read=sketch.read,
        )
    elif pupil.drawings:
        last = pupil.drawings[-1]
        shown = _shown(last.number, last.label, last.picture, last.answer, last.confidence, handed_in=True, read=True)
    return messages.Tile(
        number=pupil.number, name=pupil.name, shown=shown, drawings=len(pupil.drawings), right=pupil.right
    )


def _shown(
    number: int, label: int, picture: bytes, answer: int | None, confidence: float, *, handed_in: bool, read: bool
) -> messages.TileSketch:
    return messages.TileSketch(
        number=number, handed_in=handed_in, label=label, picture=_base64(picture), read=read, answer=answer,
        confidence=round(confidence, 4),
    )  # fmt: skip


def drawings_of(pupil: Pupil) -> messages.PupilDrawings:
    """Return a pupil and all drawings, as the teacher sees them."""
    drawings = [
        messages.HandedIn(
            number=drawing.number, label=drawing.label, picture=_base64(drawing.picture), answer=drawing.answer,
            confidence=round(drawing.confidence, 4), kept=drawing.kept,
        )
        for drawing in pupil.drawings
    ]  # fmt: skip
    return messages.PupilDrawings(number=pupil.number, name=pupil.name, drawings=drawings)


def _read_in(pupil: Pupil) -> str:
    """Return what was read in a pupil's sketch, as JSON; empty if there is no sketch, or it is not read yet."""
    sketch = pupil.sketch
    if sketch is None or not sketch.read:
        return ""
    message = messages.SketchRead(number=sketch.number, answer=sketch.answer, confidence=round(sketch.confidence, 4))
    return message.model_dump_json()


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
