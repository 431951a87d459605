"""Whether a Ray cluster answers: Ray itself waits more than a minute before it gives up, and then ends the program."""

from __future__ import annotations

import socket
import subprocess
import sys

from digitlab.errors import ClusterError, UsageError

__all__ = ["expect_answer"]

_CONNECT, _ANSWER = 1.5, 7.0  # seconds
_ASK = "import sys, ray._raylet as raylet; raylet.GcsClient(address=sys.argv[1])"


def expect_answer(address: str) -> None:
    """Refuse an address where no cluster answers, within nine seconds.

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
