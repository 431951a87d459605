"""A faulty link between a client and a server: over TCP in this process, or a real one in a network namespace."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Literal, Self

from faulty_camera import reset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FaultyLink", "LinkFault", "namespace"]

LinkFault = Literal["none", "delay", "loss", "half-open", "cut", "refused", "one way"]

_BLOCK = 16_384


class FaultyLink:
    """A proxy on loopback that forwards to a port and fails as networks do. A context manager.

    fault: may be changed while the proxy runs

    none: data passes as it comes; delay: half a second and up to 0.3 s more, in order, as over a satellite
    loss: now and then nothing for 0.2 to 1.6 s, then everything at once: the effect of lost packets on TCP
    half-open: nothing passes any more and neither end is told, as after a cable was pulled or a laptop lid was closed
    one way: data from the server is lost, data from the client arrives
    cut: every connection is reset, new ones immediately; refused: nothing is listening
    """

    def __init__(self, port: int, host: str = "127.0.0.1", seed: int = 0) -> None:
        self.fault: LinkFault = "none"
        self.passed = 0  # bytes
        self._to, self._host = port, host
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._listening = socket.create_server((host, 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for each in (end for pair in pairs for end in pair):
            reset(each)

    def _accept(self) -> None:
        self._listening.settimeout(0.1)
        while not self._over.is_set():
            try:
                client, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self.fault in ("cut", "refused"):
                reset(client)
                continue
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        while self.fault in ("half-open", "one way"):  # its SYN is answered, but nothing else
            if self._over.wait(0.05):
                reset(client)
                return
        try:
            server = socket.create_connection(("127.0.0.1", self._to), timeout=5)
        except OSError:
            reset(client)
            return
        with self._lock:
            self._pairs.append((client, server))
        threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
        self._pump(server, client, False)

    def _pump(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        try:
            source.settimeout(0.1)
            target.settimeout(5.0)
            while not self._over.is_set():
                try:
                    received = source.recv(_BLOCK)
                except TimeoutError:
                    if self.fault == "cut":
                        break
                    continue
                if not received or self.fault == "cut" or not self._passes(up):
                    break
                target.sendall(received)
                self.passed += len(received)
        except OSError:
            pass
        finally:
            reset(source)
            reset(target)

    def _passes(self, up: bool) -> bool:
        """Wait as the fault demands; return False if the connection is lost: data from before the recovery is gone."""
        if self.fault == "delay":
            time.sleep(0.02 + 0.01 * self._chance.random())  # per block of 16 kB: half a second for a picture or two
        elif self.fault == "loss" and self._chance.random() < 0.03:
            time.sleep(self._chance.uniform(0.2, 1.6))
        acquired = False
        while self.fault == "half-open" or (self.fault == "one way" and not up):
            acquired = True
            if self._over.wait(0.05):
                return False
        return not acquired


class Namespace:
    """A separate network that is connected to this one by a link that can be interrupted.

    own: this side's address; netem: whether the kernel can drop, delay and reorder packets
    """

    def __init__(self, name: str, own: str, netem: bool) -> None:
        self.name, self.own, self.netem = name, own, netem

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs the command inside the namespace."""
        return ["ip", "netns", "exec", self.name, *command]

    def pull(self) -> None:
        """Interrupt the link: nothing passes any more, and neither end is told."""
        _ip("link", "set", f"{self.name}0", "down")

    def plug(self) -> None:
        """Restore the link."""
        _ip("link", "set", f"{self.name}0", "up")

    def disturb(self, *how: str) -> None:
        """Let the kernel drop, delay or reorder packets (arguments of `tc netem`); without arguments, undo that."""
        if how:
            _run("tc", "qdisc", "replace", "dev", f"{self.name}0", "root", "netem", *how)
        else:
            _run("tc", "qdisc", "del", "dev", f"{self.name}0", "root")


@contextlib.contextmanager
def namespace(number: int = 77) -> Iterator[Namespace | None]:
    """Make a network namespace; None where that is not permitted, or where `ip` (iproute2) is missing."""
    name, near_address, far_address = f"digit{number}", f"10.213.{number}.1", f"10.213.{number}.2"
    if shutil.which("ip") is None or not _ip("netns", "add", name):
        yield None
        return
    try:
        succeeded = _ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", name)
        succeeded &= _ip("addr", "add", f"{near_address}/24", "dev", f"{name}0") and _ip(
            "link", "set", f"{name}0", "up"
        )
        succeeded &= _ip("-n", name, "addr", "add", f"{far_address}/24", "dev", f"{name}1") and _ip(
            "-n", name, "link", "set", f"{name}1", "up"
        )
        succeeded &= _ip("-n", name, "link", "set", "lo", "up")
        netem = (
            succeeded
            and shutil.which("tc") is not None
            and _run("tc", "qdisc", "add", "dev", f"{name}0", "root", "netem", "delay", "1ms")
        )
        if netem:
            _run("tc", "qdisc", "del", "dev", f"{name}0", "root")
        yield Namespace(name, near_address, netem) if succeeded else None
    finally:
        _ip("link", "del", f"{name}0")
        _ip("netns", "del", name)


def _ip(*arguments: str) -> bool:
    return _run("ip", *arguments)


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
