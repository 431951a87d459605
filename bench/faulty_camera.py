"""An MJPEG camera server on this computer with configurable faults, for tests and `camera_recovery.py`."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from typing import TYPE_CHECKING, Literal, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Fault", "FaultyCamera", "card", "reset"]

Fault = Literal["none", "frozen", "cut", "garbage", "halves", "lengths", "no lengths", "sizes", "silent", "slow"]

_BOUNDARY = "picture"


def card(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """Make a JPEG of this width and height, uniformly grey (8 × number, modulo 32) with its number in a corner."""
    image = np.full((size[1], size[0], 3), 8 * (number % 32), np.uint8)
    cv2.putText(image, str(number), (4, 20), cv2.FONT_HERSHEY_PLAIN, 1.0, (255, 255, 255))
    return bytes(cv2.imencode(".jpg", image)[1])


class FaultyCamera:
    """An MJPEG server on loopback, like DroidCam. A context manager.

    fault: may be changed while it runs

    none: complete pictures, with their lengths
    frozen: stops in the middle of a picture and keeps the connection open, as if the cable were cut; this connection,
        and new ones in this state, send nothing any more
    cut: closes the connection in the middle of a picture
    garbage: sends random bytes, with start markers of pictures among them
    halves: every second picture is truncated
    lengths: each picture with a wrong Content-Length; no lengths: without one
    sizes: each picture has a different size
    silent: new connections are accepted and get no response
    slow: one picture per second

    sent: number of complete pictures so far
    """

    def __init__(self, *, rate: float = 30.0, pictures: Sequence[bytes] | None = None) -> None:
        self.fault: Fault = "none"
        self.sent = 0
        self.port = 0
        self._interval = 1.0 / rate
        self._pictures = list(pictures) if pictures is not None else [card(number) for number in range(32)]
        self._odd = [card(number, (200 + 40 * number, 150 + 30 * number)) for number in range(8)]
        self._random = random.Random(0)  # noqa: S311 - noise, no secret
        self._listening: socket.socket | None = None
        self._off = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.switch_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_off()

    def show(self, picture: bytes) -> None:
        """Send this picture from now on."""
        self._pictures = [picture] * 32

    @property
    def address(self) -> str:
        """Address of the camera's stream."""
        return f"http://127.0.0.1:{self.port}/video"

    def switch_on(self) -> None:
        """Start listening; on the previous port, if there was one."""
        self._off = threading.Event()
        self._listening = listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen()
        self.port = listening.getsockname()[1]
        self._begin(self._accept, listening, self._off)

    def switch_off(self) -> None:
        """Stop like a killed process: every connection is reset."""
        self._off.set()
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)  # unblocks accept
            self._listening.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
            self._threads.clear()
        for connection in connections:
            reset(connection)
        for thread in threads:
            thread.join()

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="faulty-camera", daemon=True)  # type: ignore[arg-type]
        with self._lock:
            self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _accept(self, listening: socket.socket, off: threading.Event) -> None:
        while not off.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            self._begin(self._serve, connection, off)

    def _serve(self, connection: socket.socket, off: threading.Event) -> None:
        try:
            connection.settimeout(5.0)
            request = b""
            while b"\r\n\r\n" not in request and (came := connection.recv(4096)):
                request += came
            if self.fault == "frozen":
                off.wait()
            while self.fault == "silent" and not off.wait(0.02):
                pass
            connection.sendall(
                f"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={_BOUNDARY}\r\n\r\n".encode()
            )
            number = 0
            while not off.wait(1.0 if self.fault == "slow" else self._interval):
                self._send(connection, number, off)
                number += 1
        except OSError:
            pass  # the client disconnected, or we were switched off
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _send(self, connection: socket.socket, number: int, off: threading.Event) -> None:
        fault = self.fault
        picture = (self._odd if fault == "sizes" else self._pictures)[number % (8 if fault == "sizes" else 32)]
        half = len(picture) // 2
        if fault == "garbage":
            connection.sendall(self._random.randbytes(3000) + b"\n\xff\xd8\xff\xe0" + self._random.randbytes(3000))
        elif fault == "frozen":
            connection.sendall(_head(len(picture)) + picture[:half])
            off.wait()
        elif fault == "cut":
            connection.sendall(_head(len(picture)) + picture[:half])
            reset(connection)
        elif fault == "halves" and number % 2:
            connection.sendall(_head(len(picture)) + picture[:half] + b"\r\n")
        else:
            length = {"lengths": self._random.choice((0, half, 2 * len(picture))), "no lengths": None}
            connection.sendall(_head(length.get(fault, len(picture))) + picture + b"\r\n")
            self.sent += 1


def _head(length: int | None) -> bytes:
    length_line = "" if length is None else f"Content-Length: {length}\r\n"
    return f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n{length_line}\r\n".encode()


def reset(connection: socket.socket) -> None:
    """Reset a connection, so that the client notices at once."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
