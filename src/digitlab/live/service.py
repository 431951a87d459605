"""Notifies systemd of a session: that it is ready, what it sees, that it is alive, and that it is ending.

The protocol is one datagram to a socket (sd_notify(3)); without $NOTIFY_SOCKET nothing is done. With WatchdogSec= in
the unit, systemd restarts a session whose reader hangs: only a reader whose loop is running is reported alive.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Service"]

_USUALLY_EVERY = 5.0  # seconds between two statuses without a watchdog


class Service:
    """The connection to systemd, if there is one.

    watched: whether systemd expects to be told that we are alive
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # an abstract socket
            self._address = "\0" + self._address[1:]
        microseconds = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watched = microseconds.isdigit() and int(microseconds) > 0 and mine
        self._every = int(microseconds) / 2e6 if self.watched else _USUALLY_EVERY
        self._told_at = -1e9
        self._ready = False

    def alive(self, status: str, *, alive: bool) -> None:
        """Report that we are ready, the status and, if watched, that we are alive; to be called often."""
        if not self._address or not alive or time.monotonic() - self._told_at < self._every:
            return
        self._told_at = time.monotonic()
        lines = [f"STATUS={' '.join(status.split())}"]
        if not self._ready:
            self._ready = True
            lines.append("READY=1")
        if self.watched:
            lines.append("WATCHDOG=1")
        self._send("\n".join(lines))

    def ending(self) -> None:
        """Tell systemd that the session is ending."""
        if self._address:
            self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        # A manager that is gone is no reason to stop reading.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(text.encode(), self._address)
