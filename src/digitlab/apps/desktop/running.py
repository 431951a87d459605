"""Opening and running the window: the check for a display, Qt's application, signals, and closing.

Qt is imported only when the window opens. The window only shows: all logic is in `digitlab.live`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

from digitlab.errors import DigitlabError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from PySide6.QtWidgets import QApplication

    from digitlab.apps.desktop.window import LiveWindow
    from digitlab.camera import Source
    from digitlab.live import Mode, Region, Steadiness
    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["PACKAGES", "application", "check_display", "run_window"]

# Missing on a minimal Debian 12; found by asking the dynamic linker for every library of PySide6 and its plugins.
PACKAGES = (
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libglib2.0-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxkbcommon-x11-0",
)

_ADVICE = "`digitlab live --headless` needs no window"


def run_window(
    source: str | Source | None = None,
    reader: Reader | None = None,
    *,
    region: Region | Box | None = None,
    mode: Mode | None = None,
    realtime: bool = True,
    steadiness: Steadiness | None = None,
    notes: Sequence[str] = (),
) -> int:
    """Open the window and return 0 when it is closed, with all threads ended.

    The arguments are those of `LiveEngine`. Where the source, the mode or the reader is None, that of the last session
    is used, or camera 0, "region" and the shipped reader. A video or a folder of pictures is read in mode "page".

    notes: sentences shown once in the notice, e.g. the warnings of an old configuration file

    Raises:
        MissingExtraError: without PySide6.
        UsageError: where no window can be opened: no display, or a library of the system is missing.
    """
    check_display()
    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.status_text import mode_of
    from digitlab.apps.desktop.window import LiveWindow
    from digitlab.live import LiveEngine, remembered_region

    settings = WindowSettings()
    notes = list(notes)
    model = _usable_model(settings.model, notes) if reader is None else None
    if source is None:
        source = settings.source or "0"
    elif isinstance(source, str):
        settings.use_source(source)
    engine = LiveEngine(
        source, reader, region=region or remembered_region(), mode=mode or mode_of(source, settings.mode), model=model,
        realtime=realtime, insist=True, steadiness=steadiness,
    )  # fmt: skip
    app = application()
    with engine:
        window = LiveWindow(engine, settings, source=source, notes=notes)
        window.closed.connect(app.quit)  # it hides before it closes, so that the threads end unseen
        window.show()
        with _closing_on_signals(window):
            code = app.exec()
        window.close()
    return code


def _usable_model(remembered: str | None, notes: list[str]) -> str | None:
    """Return the last session's model; if that is gone, add a note and return None."""
    from digitlab.reading import resolve_model

    if remembered is None:
        return None
    try:
        resolve_model(remembered)
    except DigitlabError as error:  # it is gone since the last session, or needs an extra that is missing
        notes.append(f"{error}; reading with the shipped model")
        return None
    return remembered


def application() -> QApplication:
    """Return Qt's application of this process, created if there is none."""
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
        app.setApplicationName("digitlab")
        app.setApplicationDisplayName("digitlab")
        app.setDesktopFileName("digitlab")
    app.setStyle("Fusion")  # the only style that takes any palette, on every system
    return app


@contextlib.contextmanager
def _closing_on_signals(window: LiveWindow) -> Iterator[None]:
    """Close the window on Ctrl+C in the terminal and on `kill`, as its button does.

    Python handles a signal the next time that it runs, which is at the window's next tick.
    """
    from PySide6.QtCore import QTimer

    def close(_number: int, _frame: FrameType | None) -> None:
        QTimer.singleShot(0, window.close)  # the signal may arrive in the middle of a paint

    before = {number: signal.signal(number, close) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_display() -> None:
    """Check that a window can be opened here, because Qt itself aborts the process if it cannot.

    Raises:
        MissingExtraError: without PySide6.
        UsageError: where there is no display, or a library of the system is missing; the text says which.
    """
    try:
        import PySide6.QtWidgets  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("desktop", needed_for="the window") from error
    except ImportError as error:  # Qt is installed, but a system library that it is linked to is missing
        raise UsageError(f"the window cannot be opened: {_missing_library(error)}; {_ADVICE}") from error
    if sys.platform.startswith("linux") and _platform() == "xcb":
        _check_x11()


def _missing_library(error: Exception) -> str:
    packages = " ".join(PACKAGES)
    return f"{error}. On Debian, this installs all that Qt needs: apt-get install --no-install-recommends {packages}"


def _platform() -> str:
    """Return the platform plugin that Qt will use."""
    chosen = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if chosen:
        return chosen
    return "wayland" if os.environ.get("WAYLAND_DISPLAY") else "xcb"


def _check_x11() -> None:
    if not os.environ.get("DISPLAY"):
        raise UsageError(f"there is no display to open a window on (DISPLAY is not set); {_ADVICE}")
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise UsageError(f"the window cannot be opened: {_missing_library(error)}; {_ADVICE}") from error
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        raise UsageError(f"the display {os.environ['DISPLAY']!r} does not answer; {_ADVICE}")
