"""Ray clusters: check that one answers, and open a session on it or on a temporary one on this machine."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import ClusterError, MissingExtraError, UsageError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["expect_answer", "ray_session"]

_CONNECT, _ANSWER = 1.5, 7.0  # seconds
_RAY_TOKENS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_ASK = "import sys, ray._raylet as raylet; raylet.GcsClient(address=sys.argv[1])"


def expect_answer(address: str) -> None:
    """Check within nine seconds that a Ray cluster answers at an address.

    Ray itself waits more than a minute before it gives up, and then terminates the program.

    Raises:
        UsageError: when the address is not HOST:PORT.
        ClusterError: when nothing listens there, or what listens is not a Ray cluster, or refuses.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(f"--address is {address!r}; expected HOST:PORT of a Ray cluster's head, or auto")
    advice = "start one with `ray start --head`, which prints its address"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster answers at {address} ({error}); {advice}") from error
    # In a separate process, because the call itself cannot be cancelled.
    try:
        asked = subprocess.run(
            [sys.executable, "-P", "-c", _ASK, address], timeout=_ANSWER, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise ClusterError(
            f"what answers at {address} is not a Ray cluster, or one that is too busy; {advice}"
        ) from None
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ClusterError(f"the Ray cluster at {address} refuses the connection: {last[:300]}")


@contextlib.contextmanager
def ray_session(address: str | None = None) -> Iterator[Any]:
    """Yield the connected module ray: for a running cluster, or for a temporary one on this machine.

    address: HOST:PORT of a head node, "auto" for the cluster on this machine; None starts a temporary one

    Raises:
        MissingExtraError: when Ray is not installed.
        UsageError, ClusterError: as `expect_answer`; ClusterError also when Ray cannot be used there.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("ray", needed_for="--engine ray")
    if address not in (None, "auto"):
        expect_answer(str(address))
    with contextlib.ExitStack() as stack:
        if address is None:
            stack.enter_context(_kept_to_this_machine())
        import ray

        # Ray also prints to stdout (about lost nodes, for instance), which is reserved for results.
        stack.enter_context(contextlib.redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))
        try:
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **({} if address else {"include_dashboard": False}),
            )
        except (Exception, SystemExit) as error:
            where = address or "a cluster on this machine"
            raise ClusterError(f"{where}: Ray cannot be used ({first_line(error, 300)})") from error
        stack.callback(ray.shutdown)
        yield ray


@contextlib.contextmanager
def _kept_to_this_machine() -> Iterator[None]:
    """Isolate a cluster started inside: it listens on this machine only, writes no secret to a file and queries nobody.

    By default, Ray 2.60 listens on every address of the machine, which it finds by a socket towards a public server; it
    writes a token that is valid for all later clusters into the home folder, readable by everybody; and it queries the
    metadata services of three clouds to find out whether it runs there, even with its usage statistics switched off.
    The process for its dashboard does that, and has no other task without the dashboard, so it is not started.
    """
    changed = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # makes Ray bind to 127.0.0.1
    if not any(os.environ.get(name) for name in _RAY_TOKENS):
        changed |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    before = {name: os.environ.get(name) for name in (*changed, "RAY_AUTH_MODE")}  # Ray sets the last one as well
    os.environ.update(changed)
    from ray._private import node, ray_constants

    kept = ray_constants.ENABLE_RAY_CLUSTER, node.Node.start_api_server
    ray_constants.ENABLE_RAY_CLUSTER = False  # it may have been read from the environment variable already
    node.Node.start_api_server = lambda *_, **__: None
    _read_token_again()
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER, node.Node.start_api_server = kept
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _read_token_again()


def _read_token_again() -> None:
    """Reset Ray's cached authentication settings; older versions of Ray have no authentication."""
    raylet: Any = importlib.import_module("ray._raylet")
    if hasattr(raylet, "AuthenticationTokenLoader"):
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()
