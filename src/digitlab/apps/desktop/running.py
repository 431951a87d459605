"""The window's life, from the first frame to no thread left."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from digitlab.apps.desktop.settings import WindowSettings
from digitlab.apps.desktop.states import mode_of
from digitlab.apps.desktop.window import LiveWindow
from digitlab.errors import ModelError
from digitlab.live.engine import LiveEngine
from digitlab.live.remembered import remembered_region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from digitlab.camera import Keep, Source
    from digitlab.live.frame_reading import Mode
    from digitlab.live.region import Region
    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["application", "open_and_run"]


def application() -> QApplication:
    """The one of this process, made if there is none."""
    made = QApplication.instance()
    if not isinstance(made, QApplication):
        made = QApplication(sys.argv[:1])
        made.setApplicationName("digitlab")
        made.setApplicationDisplayName("digitlab")
        made.setDesktopFileName("digitlab")
    made.setStyle("Fusion")  # the one style that takes any palette, on every system
    return made


def open_and_run(
    source: str | Source | None = None,
    reader: Reader | None = None,
    *,
    region: Region | Box | None = None,
    mode: Mode | None = None,
    model: str | Path | None = None,
    realtime: bool = True,
    keep: Keep | None = None,
    notes: Sequence[str] = (),
) -> int:
    """See `digitlab.apps.desktop.run_window`."""
    from digitlab.reading import resolve_model

    settings = WindowSettings()
    notes = list(notes)
    if model is not None:
        resolve_model(model)
    elif reader is None and settings.model is not None:
        model = settings.model
        try:
            resolve_model(model)
        except ModelError as error:  # it was there in the last session
            notes.append(f"{error}; reading with the shipped model")
            model = None
    if source is None:
        source = settings.source or "0"
    elif isinstance(source, str):
        settings.use_source(source)
    engine = LiveEngine(
        source, reader, region=region or remembered_region(), mode=mode or mode_of(source, settings.mode), model=model,
        realtime=realtime, keep=keep, insist=True,
    )  # fmt: skip
    app = application()
    with engine:
        window = LiveWindow(engine, settings, source=source, notes=notes)
        window.closed.connect(app.quit)  # it hides before it closes, so that nobody watches the threads end
        window.show()
        with _closing_on_signals(window):
            code = app.exec()
        window.close()
    return code


@contextlib.contextmanager
def _closing_on_signals(window: LiveWindow) -> Iterator[None]:
    """Ctrl+C in the terminal, and `kill`, close the window as its button does.

    Python sees a signal when it runs next, which is at the window's next tick.
    """

    def close(_number: int, _frame: FrameType | None) -> None:
        QTimer.singleShot(0, window.close)  # the signal may come in the middle of a paint

    before = {number: signal.signal(number, close) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
