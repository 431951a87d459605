"""`digitlab serve`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import webbrowser
from typing import Annotated

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say

__all__ = ["serve"]


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8321,
    model: list[str] | None = None,
    token: str | None = None,
    no_token: Annotated[bool, Parameter(negative=())] = False,
    open: Annotated[bool, Parameter(negative=())] = False,  # noqa: A002 - the option's name
) -> int:
    """Serve the page on which one draws digits and sees the network think, and the API for programs.

    Prints the address to open. Only this machine can reach it, unless --host says otherwise; then --token, or an
    explicit --no-token, is needed. Ctrl-C ends it.

    For example:
    digitlab serve --open
    digitlab serve --model runs/2026-…-thesis-2conv --model reader
    digitlab serve --host 0.0.0.0 --token "$(openssl rand -hex 16)"

    Args:
        host: The address to listen on; 0.0.0.0 is every one of this machine's.
        port: The port; 0 takes a free one.
        model: A shipped name, a run folder or an .onnx file; may be given several times, the first answers where none
            is asked for. The shipped reader is always there.
        token: A secret that every request must bring; else the environment variable DIGITLAB_TOKEN, which other users
            of the machine cannot see.
        no_token: Let everyone who can reach the address use it; training is switched off then.
        open: Open the page in the browser.
    """
    from digitlab.apps.web.access import Access
    from digitlab.apps.web.application import make_application
    from digitlab.apps.web.limits import Limits
    from digitlab.apps.web.models import Models
    from digitlab.apps.web.server import listen
    from digitlab.apps.web.server import serve as run
    from digitlab.errors import UsageError

    if not 0 <= port <= 65_535:
        raise UsageError(f"--port is {port}; expected 0 to 65535")
    if token is None and not no_token:
        token = os.environ.get("DIGITLAB_TOKEN") or None
    access = Access(host, token, no_token=no_token)
    models = Models(model or ())
    limits = Limits()
    listening = listen(host, port)
    address = _address(host, listening.getsockname()[1], token)

    def ready() -> None:
        say(f"digitlab is at {address}")
        sys.stdout.flush()  # another program may wait for it
        advise("Ctrl-C ends it")
        if open:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with contextlib.suppress(KeyboardInterrupt):
        run(make_application(models, access, limits), limits, listening, ready)
    return 0


def _address(host: str, port: int, token: str | None) -> str:
    """What to open in a browser.

    >>> _address("::1", 80, None), _address("0.0.0.0", 8321, "secret-word")
    ('http://[::1]:80/', 'http://127.0.0.1:8321/?token=secret-word')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - to be replaced
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
