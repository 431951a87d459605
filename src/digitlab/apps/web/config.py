"""Configuration of the server: the address, the models, access, and the limits of requests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the types of settings are read at run time

from digitlab.settings import Range, check_settings, setting

__all__ = ["Budget", "Limits", "ServeConfig"]


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Settings of a server; the fields are the options of `digitlab serve`, and docs/web.md has them as a table."""

    # fmt: off
    host: str = setting("127.0.0.1", "The address to listen on; 0.0.0.0 is every address of this machine.")
    port: int = setting(8321, "The port; 0 takes a free one.", within=Range(0, 65_535))
    model: list[str] = setting(
        list,
        "A shipped name, a run folder, or a model file of any framework; may be given several times; the first answers "
        "where a request names none. The shipped reader is always there.")
    lesson: list[str] = setting(
        list,
        "A file with a lesson for the page's menu, beside those that ship; may be given several times. "
        "docs/web-page.md says what is in it.")
    token_file: Path | None = setting(
        None,
        "A file with a secret that every request must bring; where there is no such file, one is made with a new "
        "secret, for you alone to read. Without it, the environment variable DIGITLAB_TOKEN is used.")
    token: str | None = setting(
        None, "The secret itself. It stays in the shell's history, and for a moment in the list of processes.")
    no_token: bool = setting(
        False, "Let everyone who can reach the address use the server; training is switched off then.")
    allowed_host: list[str] = setting(
        list,
        "An additional host name that requests may use, for instance through a proxy; may be given several times. "
        "Requests for any other name are then refused.")
    trusted_proxy: list[str] = setting(
        list,
        "The address or network of a proxy whose X-Forwarded-For and X-Forwarded-Proto headers are believed; may be "
        "given several times.")
    access_log: bool = setting(False, "Write a line for each request to stderr: when, who, what, status, milliseconds.")
    open: bool = setting(False, "Open the page in the browser.")
    static: Path | None = setting(
        None,
        "Write the page into this folder, with --model and --lesson, in place of serving it: the same as "
        "`digitlab page FOLDER`.")
    classroom: bool = setting(
        False,
        "A class: pupils draw on their own devices with a code, their digits appear on a wall and are read, and you "
        "decide whether they are kept. Without a token of yours, one is made for as long as the server runs.",
        flag="--class")
    class_data: Path | None = setting(
        None,
        "The .npz file to keep the class's drawings in, with their writers, when you say so; where it is there "
        "already, a number is added. Left out: class-DATE-TIME.npz in the folder where the server was started.")
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)


_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server.

    body_bytes: of one request; a phone's photo has 3 to 12 MB
    pupil_bytes: of one request of a class's pupil, who may be anybody
    all_bytes: of all bodies and frames that are held at once
    pixels: of one picture, 3 bytes each once it is decoded
    frame_bytes, frame_pixels: of one frame of /v1/live
    body_seconds: until a body must have arrived; header_seconds: until the request line and headers must have arrived
    work_seconds: until an answer must be ready
    send_seconds: until the client must have received an answer
    requests: in work or waiting; more are answered with 503 at once
    pictures: of these, large pictures in work or waiting
    connections: open at once, including idle ones and WebSockets
    live_clients: on /v1/live
    trainings: that are remembered; only one runs at a time
    threads: that decode and compute
    retry_seconds: after which an overloaded server may be asked again
    """

    body_bytes: int = 20_000_000
    pupil_bytes: int = 32_768
    all_bytes: int = 120_000_000
    pixels: int = 25_000_000
    frame_bytes: int = 2_000_000
    frame_pixels: int = 4_000_000
    body_seconds: float = 15.0
    header_seconds: float = 10.0
    work_seconds: float = 20.0
    send_seconds: float = 30.0
    requests: int = 256
    pictures: int = 24
    connections: int = 1200
    live_clients: int = 256
    trainings: int = 12
    threads: int = max(2, min(4, _CORES))
    retry_seconds: int = 1


class Budget:
    """Budget of bytes that are held at once, by bodies and frames together. Changed only in the event loop."""

    def __init__(self, most: int) -> None:
        self._most, self.held = most, 0

    def take(self, count: int) -> bool:
        """Reserve this many bytes; return False, and reserve nothing, if that is too much."""
        if self.held + count > self._most:
            return False
        self.held += count
        return True

    def give(self, count: int) -> None:
        """Release this many bytes."""
        self.held -= count
