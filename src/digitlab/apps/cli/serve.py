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
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.reading import as_onnx
from digitlab.apps.web.config import ServeConfig

if TYPE_CHECKING:
    from digitlab.apps.web.classroom.serving import ClassServing
    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.models import Models

__all__ = ["serve"]

_VARIABLE = "DIGITLAB_TOKEN"


@options_of(ServeConfig)
def serve(**settings: Any) -> int:
    """Serve the web page for drawing digits and looking inside the network, and the API for programs.

    Prints the address to open. Only this machine can reach it, unless --host is given; then a token, or an explicit
    --no-token, is required. Ctrl-C stops it.

    For example:
    digitlab serve --open
    digitlab serve --model runs/2026-…-thesis-2conv --model reader
    digitlab serve --host 0.0.0.0 --token-file token.txt
    digitlab serve --class --host 0.0.0.0
    """
    from digitlab.apps.web.access import Access

    config = ServeConfig(**settings)
    _check_class(config)
    if config.static is not None:
        return _as_folder(config.static, config)
    secret, generated = _secret_or_made(config)
    access = Access(
        config.host, secret, no_token=config.no_token, allowed_hosts=config.allowed_host, pupils=config.classroom
    )
    if config.token is not None:
        _leave_the_list_of_processes(config.token)  # before the imports that take seconds

    from digitlab.apps.web.access_log import AccessLog
    from digitlab.apps.web.application import make_application
    from digitlab.apps.web.config import Limits
    from digitlab.apps.web.models import Models
    from digitlab.apps.web.server import check_proxies, listen
    from digitlab.apps.web.server import serve as run
    from digitlab.lessons import lessons_with

    check_proxies(config.trusted_proxy)
    for model in config.model:
        as_onnx(model)  # a model of another framework is converted, and its convention reported
    models, lessons, limits = Models(config.model), lessons_with(config.lesson), Limits()
    listening = listen(config.host, config.port)
    port = listening.getsockname()[1]
    class_ = _class_on(config, models, limits, port) if config.classroom else None
    address = _address(config.host, port) + ("wall" if config.classroom else "")

    def ready() -> None:
        _welcome(address, secret, None if class_ is None else class_.joining, generated=generated)
        if config.open:
            _open_in_browser(address + _query(access.ticket()))

    log = AccessLog(advise, secret, clients=not config.classroom) if config.access_log else None
    with contextlib.suppress(KeyboardInterrupt):
        application = make_application(models, access, limits, log=log, lessons=lessons, class_=class_)
        run(application, limits, listening, ready, config.trusted_proxy)
    return 0


def _as_folder(folder: Path, config: ServeConfig) -> int:
    """Write the page for use without a server, as `digitlab page` does."""
    from digitlab.apps.cli.page import page

    return page(folder, model=config.model, lesson=config.lesson)


def _secret_or_made(config: ServeConfig) -> tuple[str | None, bool]:
    """Return the token, and whether it was generated for this run of the server, since a class needs one.

    Raises:
        UsageError: as `_secret`.
    """
    secret = _secret(config)
    generated = config.classroom and secret is None and not config.no_token
    return (secrets.token_urlsafe(18) if generated else secret), generated


def _open_in_browser(address: str) -> None:
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _welcome(address: str, secret: str | None, joining: str | None, *, generated: bool) -> None:
    """Print where the page is, and where pupils join."""
    # If stdout is no terminal it may be a log; a generated token is valid only as long as this server runs.
    with_token = generated or sys.stdout.isatty()
    say(f"digitlab is at {address}{_query(secret) if with_token else ''}")
    if joining is not None:
        say(f"pupils open {joining}")
    sys.stdout.flush()  # another program may wait for it
    if secret is not None and not with_token:
        advise("open it once with ?token=TOKEN after the address")
    advise("Ctrl-C ends it")


def _check_class(config: ServeConfig) -> None:
    """Refuse options that are incompatible with a class.

    Raises:
        UsageError: for --static together with --class, or a --class-data that is no .npz file.
    """
    from digitlab.errors import UsageError

    if config.classroom and config.static is not None:
        raise UsageError("--static and --class exclude each other: a class needs a server")
    if config.class_data is not None and config.class_data.suffix.lower() != ".npz":
        raise UsageError(f"--class-data {config.class_data}: expected a name ending in .npz")


def _class_on(config: ServeConfig, models: Models, limits: Limits, port: int) -> ClassServing:
    """Create the class that the server is for."""
    from digitlab.apps.web.access import is_loopback
    from digitlab.apps.web.classroom.classroom import Classroom
    from digitlab.apps.web.classroom.links import own_addresses
    from digitlab.apps.web.classroom.serving import ClassServing
    from digitlab.network.classifier import DEFAULT_MODEL

    local = is_loopback(config.host)
    if local:
        advise("only this machine can reach the class; --host 0.0.0.0 lets phones in its network do so, too")
    reader = models.get(DEFAULT_MODEL).reader
    return ClassServing(
        Classroom(), reader, limits, data=config.class_data, addresses=own_addresses(config.host, port), local=local
    )


def _secret(config: ServeConfig) -> str | None:
    """Return the token: given directly, in a file, or in the environment.

    Raises:
        UsageError: for both a token and a file, or a file that can neither be read nor created.
    """
    from digitlab.errors import UsageError

    token, file = config.token, config.token_file
    if token is not None and file is not None:
        raise UsageError("--token and --token-file were both given; expected one of them")
    if file is not None:
        try:
            return _token_in(file)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text file"
            raise UsageError(f"--token-file {file}: {reason}") from error
    if token is None and not config.no_token:
        return os.environ.get(_VARIABLE) or None
    return token


def _token_in(file: Path) -> str:
    """Read the token from a file; if there is none, create it with a new token."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("utf-8").strip()
    token = secrets.token_hex(16)
    with os.fdopen(handle, "w", encoding="utf-8") as output:
        output.write(token + "\n")
    advise(f"a new token was written to {file}, which only you can read")
    return token


def _leave_the_list_of_processes(token: str) -> None:
    """Restart with the token in the environment, which only the user can see, instead of among the arguments.

    Windows cannot replace a process by another one; there the token stays among the arguments.
    """
    arguments = _without(sys.orig_argv, token)
    if os.name == "posix" and arguments != sys.orig_argv:
        os.execve(sys.executable, arguments, {**os.environ, _VARIABLE: token})  # noqa: S606 - there is no shell


def _without(arguments: Sequence[str], token: str) -> list[str]:
    """Remove the option --token from the arguments.

    >>> _without(["python", "-m", "digitlab", "serve", "--token", "a", "--port", "0"], "a")
    ['python', '-m', 'digitlab', 'serve', '--port', '0']
    >>> _without(["digitlab", "serve", "--token=a"], "a")
    ['digitlab', 'serve']
    """
    remaining: list[str] = []
    for argument in arguments:
        if remaining and remaining[-1] == "--token" and argument == token:
            remaining.pop()
        elif argument != f"--token={token}":
            remaining.append(argument)
    return remaining


def _address(host: str, port: int) -> str:
    """Return the address to open in a browser.

    >>> _address("::1", 80), _address("0.0.0.0", 8321)
    ('http://[::1]:80/', 'http://127.0.0.1:8321/')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - to be replaced
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/"


def _query(token: str | None) -> str:
    return f"?token={token}" if token else ""
