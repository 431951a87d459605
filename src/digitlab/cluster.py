"""Ray clusters: whether one answers, and a session on one, or on one that begins and ends here."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import ClusterError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["expect_answer", "ray_session"]

_CONNECT, _ANSWER = 1.5, 7.0  # seconds
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
    # Ray reports usage to its makers unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    with contextlib.ExitStack() as stack:
        # Ray speaks on stdout too, where results belong.
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
            raise ClusterError(f"{where}: Ray cannot be used ({_first_line(error)})") from error
        stack.callback(ray.shutdown)
        yield ray


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
