"""Can a window be opened here? Asked first, because Qt itself ends the process where it cannot."""

from __future__ import annotations

import ctypes
import os
import sys

from digitlab.errors import MissingExtraError, UsageError

__all__ = ["PACKAGES", "check_display"]

# What a bare Debian 12 lacks, found by asking the dynamic linker for every library of PySide6 and its plugins.
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


def check_display() -> None:
    """Do nothing where a window can be opened.

    Raises:
        MissingExtraError: without PySide6.
        UsageError: where there is no display, or a library of the system is missing; the text says which.
    """
    try:
        import PySide6.QtWidgets  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("desktop", needed_for="the window") from error
    except ImportError as error:  # Qt is there and a library of the system that it is linked to is not
        raise UsageError(f"the window cannot be opened: {_missing_library(error)}; {_ADVICE}") from error
    if sys.platform.startswith("linux") and _platform() == "xcb":
        _check_x11()


def _missing_library(error: Exception) -> str:
    packages = " ".join(PACKAGES)
    return f"{error}. On Debian this brings all that Qt needs: apt-get install --no-install-recommends {packages}"


def _platform() -> str:
    """What Qt will open its window on."""
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
