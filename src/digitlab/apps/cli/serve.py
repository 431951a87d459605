"""`digitlab serve`."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say

__all__ = ["serve"]

_VARIABLE = "DIGITLAB_TOKEN"


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8321,
    model: list[str] | None = None,
    token_file: Path | None = None,
    token: str | None = None,
    no_token: Annotated[bool, Parameter(negative=())] = False,
    allowed_host: list[str] | None = None,
    trusted_proxy: list[str] | None = None,
    access_log: Annotated[bool, Parameter(negative=())] = False,
    open: Annotated[bool, Parameter(negative=())] = False,  # noqa: A002 - the option's name
) -> int:
    """Serve the page on which one draws digits and sees the network think, and the API for programs.

    Prints the address to open. Only this machine can reach it, unless --host says otherwise; then a token, or an
    explicit --no-token, is needed. Ctrl-C ends it.

    For example:
    digitlab serve --open
    digitlab serve --model runs/2026-…-thesis-2conv --model reader
    digitlab serve --host 0.0.0.0 --token-file token.txt

    Args:
        host: The address to listen on; 0.0.0.0 is every one of this machine's.
        port: The port; 0 takes a free one.
        model: A shipped name, a run folder or an .onnx file; may be given several times, the first answers where none
            is asked for. The shipped reader is always there.
        token_file: A file with a secret that every request must bring; where there is no such file, one is made with a
            new secret, for you alone to read. Else the environment variable DIGITLAB_TOKEN has it.
        token: The secret itself. It stays in the shell's history, and for a moment in the list of processes.
        no_token: Let everyone who can reach the address use it; training is switched off then.
        allowed_host: A name beside this machine's own under which it is asked, through a proxy for instance; may be
            given several times. It answers under no other name then.
        trusted_proxy: The address or network of a proxy that says truly, in X-Forwarded-For and X-Forwarded-Proto, who
            asks and how; may be given several times.
        access_log: Write a line for each request to stderr: when, who, what, status, milliseconds.
        open: Open the page in the browser.
    """
    from digitlab.apps.web.access import Access
    from digitlab.errors import UsageError

    if not 0 <= port <= 65_535:
        raise UsageError(f"--port is {port}; expected 0 to 65535")
    secret = _secret(token, token_file, no_token=no_token)
    access = Access(host, secret, no_token=no_token, allowed_hosts=allowed_host or ())
    if token is not None:
        _leave_the_list_of_processes(token)  # before what takes seconds to load

    from digitlab.apps.web.access_log import AccessLog
    from digitlab.apps.web.application import make_application
    from digitlab.apps.web.limits import Limits
    from digitlab.apps.web.models import Models
    from digitlab.apps.web.server import check_proxies, listen
    from digitlab.apps.web.server import serve as run

    proxies = trusted_proxy or []
    check_proxies(proxies)
    models = Models(model or ())
    limits = Limits()
    listening = listen(host, port)
    address = _address(host, listening.getsockname()[1])

    def ready() -> None:
        shown = sys.stdout.isatty()  # what else reads it may be a log
        say(f"digitlab is at {address}{_query(secret) if shown else ''}")
        sys.stdout.flush()  # another program may wait for it
        if secret is not None and not shown:
            advise("open it once with ?token= and the token behind the address")
        advise("Ctrl-C ends it")
        if open:
            opened = address + _query(access.ticket())
            threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()

    log = AccessLog(advise, secret) if access_log else None
    with contextlib.suppress(KeyboardInterrupt):
        run(make_application(models, access, limits, log=log), limits, listening, ready, proxies)
    return 0


def _secret(token: str | None, file: Path | None, *, no_token: bool) -> str | None:
    """The token: given, in a file, or in the environment.

    Raises:
        UsageError: for two of them, or a file that can neither be read nor made.
    """
    from digitlab.errors import UsageError

    if token is not None and file is not None:
        raise UsageError("--token and --token-file contradict each other; expected one of them")
    if file is not None:
        try:
            return _token_in(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {file}: {getattr(error, 'strerror', None) or 'it is no text'}") from error
    if token is None and not no_token:
        return os.environ.get(_VARIABLE) or None
    return token


def _token_in(file: Path) -> str:
    """What stands in the file; a new token where there is none."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("utf-8").strip()
    token = secrets.token_hex(16)
    with os.fdopen(handle, "w", encoding="utf-8") as made:
        made.write(token + "\n")
    advise(f"{file} holds a new token, for you alone to read")
    return token


def _leave_the_list_of_processes(token: str) -> None:
    """Begin again with the token in the environment, which the user alone can see, and not among the arguments.

    Windows has no way to begin again as the same process; there it stays.
    """
    arguments = _without(sys.orig_argv, token)
    if os.name == "posix" and arguments != sys.orig_argv:
        os.execve(sys.executable, arguments, {**os.environ, _VARIABLE: token})  # noqa: S606 - there is no shell


def _without(arguments: Sequence[str], token: str) -> list[str]:
    """The arguments without the option --token.

    >>> _without(["python", "-m", "digitlab", "serve", "--token", "a", "--port", "0"], "a")
    ['python', '-m', 'digitlab', 'serve', '--port', '0']
    >>> _without(["digitlab", "serve", "--token=a"], "a")
    ['digitlab', 'serve']
    """
    left: list[str] = []
    for each in arguments:
        if left and left[-1] == "--token" and each == token:
            left.pop()
        elif each != f"--token={token}":
            left.append(each)
    return left


def _address(host: str, port: int) -> str:
    """What to open in a browser.

    >>> _address("::1", 80), _address("0.0.0.0", 8321)
    ('http://[::1]:80/', 'http://127.0.0.1:8321/')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - to be replaced
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/"


def _query(token: str | None) -> str:
    return f"?token={token}" if token else ""
