"""The live view in a window; Qt is imported only when it opens."""

from __future__ import annotations

from digitlab.apps.desktop.running import run_window

__all__ = ["run_window"]
