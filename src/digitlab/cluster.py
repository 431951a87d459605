"""Ray clusters: whether one answers, and a session on one, or on one that begins and ends here."""

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
    """Refuse an address where no cluster answers, within nine seconds.

    Ray itself waits more than a minute before it gives up, and then ends the program.

    Raises:
        UsageError: for no HOST:PORT.
        ClusterError: when nobody is there, or somebody who is no Ray cluster.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(f"--address is {address!r}; expected HOST:PORT of a Ray cluster's head, or auto")
    advice = "start one with `ray start --head`, which prints its address"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster answers at {address} ({error}); {advice}") from error
    # In a process of its own, for the question itself cannot be taken back.
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK, address], timeout=_ANSWER, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise ClusterError(
            f"somebody listens at {address}, and it is no Ray cluster, or one that is too busy to answer; {advice}"
        ) from None
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ClusterError(f"the Ray cluster at {address} refuses: {last[:300]}")


@contextlib.contextmanager
def ray_session(address: str | None = None) -> Iterator[Any]:
    """The module ray, connected until the end: to a running cluster, or to one on this machine of its own.

    address: HOST:PORT of a head, "auto" for the one on this machine; None starts one

    Raises:
        MissingExtraError: where Ray is not installed.
        UsageError, ClusterError: as `expect_answer`; and when Ray cannot be used there.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("ray", needed_for="--engine ray")
    if address not in (None, "auto"):
        expect_answer(str(address))
    with contextlib.ExitStack() as stack:
        if address is None:
            stack.enter_context(_kept_to_this_machine())
        import ray

        # Ray speaks on stdout too, of lost nodes for instance, where results belong.
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
    """A cluster that is begun inside listens to this machine alone, writes no secret to a file and asks nobody.

    Left alone, Ray 2.60 listens on every address of the machine, which it finds by a socket towards a public server; it
    writes a token that holds for all later clusters into the home folder, where everybody may read it; and it asks the
    metadata services of three clouds whether it stands there, even where its statistics are switched off. The last is
    done by the process that would serve its page, and has nothing else to do without the page: it is left out.
    """
    changed = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Ray's way to say: on 127.0.0.1
    if not any(os.environ.get(name) for name in _RAY_TOKENS):
        changed |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    before = {name: os.environ.get(name) for name in (*changed, "RAY_AUTH_MODE")}  # Ray sets the last one as well
    os.environ.update(changed)
    from ray._private import node, ray_constants

    kept = ray_constants.ENABLE_RAY_CLUSTER, node.Node.start_api_server
    ray_constants.ENABLE_RAY_CLUSTER = False  # it may have been read from the variable long ago
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
    """Ray remembers how it was told to prove who asks; older ones ask for no proof."""
    raylet: Any = importlib.import_module("ray._raylet")
    if hasattr(raylet, "AuthenticationTokenLoader"):
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()
