"""The newest frame, for whoever is slower than the camera."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

    from digitlab.camera.source import Source
    from digitlab.values import Frame

__all__ = ["Keep", "NewestFrame"]

_log = logging.getLogger(__name__)

Keep = Literal["newest", "all"]

_PATIENCE = 5.0  # seconds that `close` gives a source to come back from its `read`


class NewestFrame:
    """A thread that drains a source into one slot. A context manager: opens the source, and closes it.

    keep: "newest" replaces a frame that nobody took by the next one; "all" makes the source wait instead. Left out:
        "newest" for a source in real time, "all" for any other.

    captured: frames that the source gave so far
    dropped: frames of these that nobody will see; once closed, captured − dropped frames were handed out
    first_captured: `Frame.captured` of the first of them, seen or not; None before it came
    """

    def __init__(self, source: Source, *, keep: Keep | None = None) -> None:
        self.keep: Keep = keep or ("newest" if source.realtime else "all")
        self.captured = 0
        self.dropped = 0
        self.first_captured: float | None = None
        self._source = source
        self._changed = threading.Condition()
        self._slot: Frame | None = None
        self._error: Exception | None = None
        self._over = False
        self._closed = False
        self._thread = threading.Thread(target=self._drain, name="digitlab-frames", daemon=True)

    def __enter__(self) -> Self:
        self._source.open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the source has ended, in good order, and its last frame was taken."""
        with self._changed:
            return self._over and self._slot is None and self._error is None

    def get(self, timeout: float | None = None) -> Frame | None:
        """The newest frame that was not handed out yet; None after `timeout` seconds, or when the source has ended.

        Raises:
            Exception: whatever the source raised, after the last frame before it was handed out.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._over, timeout)
            frame, self._slot = self._slot, None
            self._changed.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        """Close the source and wait for the thread to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.close()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            _log.warning("the source did not stop within %g s; its thread is left behind", _PATIENCE)
        self._empty_slot()

    def _empty_slot(self) -> None:
        with self._changed:
            if self._slot is not None:
                self._slot = None
                self.dropped += 1

    def _drain(self) -> None:
        try:
            while self._has_room():
                frame = self._source.read()
                if frame is None:
                    break
                self._offer(frame)
        except Exception as error:  # noqa: BLE001 - handed to the consumer, whose thread can do something about it
            if not self._closed:  # a source that is closed while it reads may well complain
                self._error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait, where every frame counts, until the last one was taken; False when closed."""
        with self._changed:
            if self.keep == "all":
                self._changed.wait_for(lambda: self._slot is None or self._closed)
            return not self._closed

    def _offer(self, frame: Frame) -> None:
        with self._changed:
            self.captured += 1
            if self.first_captured is None:
                self.first_captured = frame.captured
            if self._slot is not None:
                self.dropped += 1
            self._slot = frame
            self._changed.notify_all()
