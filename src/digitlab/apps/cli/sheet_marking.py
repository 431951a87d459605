"""`digitlab sheet from … --mark`: serve the page on which the fields of a blank form are marked, until it is done."""

from __future__ import annotations

import contextlib
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mark_in_browser"]

_HOST = "127.0.0.1"


def mark_in_browser(blank: Path, out: Path, width: float | None = None, *, show: bool = True) -> int:
    """Serve the page for one form; return the exit code: 1 if it was ended without a file having been saved.

    show: whether to open a browser

    Raises:
        MissingExtraError: without the extra ``web``.
        ImageError, RecipeError, UsageError: as `digitlab.jobs.sheet_marking.begin_marking`.
    """
    from digitlab.apps.web.access import Access
    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.marking import make_marking
    from digitlab.apps.web.server import listen, make_server
    from digitlab.jobs.sheet_marking import begin_marking

    marking = begin_marking(blank, out, *(() if width is None else (width,)))
    limits, listening, state_before = Limits(), listen(_HOST, 0), _state(out)
    address = f"http://{_HOST}:{listening.getsockname()[1]}/"

    def ready() -> None:
        say(address)
        sys.stdout.flush()  # another program may wait for it
        advise(f"mark the fields there; 'Save and end' or Ctrl-C ends it. They are written to {out}")
        if show:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def done() -> None:
        server.should_exit = True

    server = make_server(make_marking(marking, Access(_HOST, None), done, limits), limits, ready)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if _state(out) == state_before:
        advise(
            f"nothing was saved: {out} is unchanged" if state_before else f"nothing was saved: {out} was not written"
        )
        return 1
    say(str(out))
    advise(f"now: digitlab sheet read {out} photos/ --out {out.with_suffix('.csv')}")
    return 0


def _state(out: Path) -> tuple[int, int] | None:
    """Return what differs once a file has been saved anew, even with the same content; None if there is none."""
    if not out.exists():
        return None
    state = out.stat()
    return state.st_ino, state.st_mtime_ns
