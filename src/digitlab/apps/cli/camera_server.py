"""`digitlab camera-server`."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.options import options_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitlab.camera_server import Offer

__all__ = ["camera_server"]

_TURN = 0.2  # polling interval in seconds


@options_of()
def camera_server(
    *, config: Path, without_md5sum: Annotated[bool, Parameter(negative=())] = False, json: bool = False
) -> int:
    """Serve cameras, videos and streams to JdeRobot's programs and to digitlab live, over ZeroC Ice.

    The configuration is that of JdeRobot's cameraserver. A source that fails is retried until it works; files start
    again at their end. Ctrl-C stops the server.

    For example:
    digitlab camera-server --config cameraserver.cfg
    digitlab live --source "ice:cameraA:tcp -h localhost -p 9999"

    Args:
        config: cameraserver.cfg; each camera's Uri is a device's number, a file, a folder of pictures, or an address.
        without_md5sum: For older clients, whose picture descriptions have no md5sum.
        json: One JSON object for each served camera, and for each change of its state.
    """
    from digitlab.camera import open_source
    from digitlab.camera_server import CameraServer, read_server_configuration

    settings = read_server_configuration(config)
    for warning in settings.warnings:
        advise(f"{config.name}: {warning}")

    listed, stopping = threading.Event(), threading.Event()
    write_errors: list[OSError] = []  # the error of writing, once the reader of our output has gone

    def report_state(camera: str, state: str) -> None:
        listed.wait()  # the cameras' addresses are printed first, then their states
        try:
            if json:
                say_json({"camera": camera, "state": state})
            else:
                advise(f"{camera}: {state}")
        except OSError as error:
            write_errors.append(error)
            stopping.set()

    source = partial(open_source, realtime=True)
    server = CameraServer(settings, source=source, md5sum=not without_md5sum, on_change=report_state)
    with _ended_by_signals(stopping), server:
        try:
            for offer in server.offers:
                _show(offer, json=json)
            sys.stdout.flush()  # another program may wait for it
            if not json:
                advise("serving; Ctrl-C stops it")
        finally:
            listed.set()
        # Not without a timeout: if the signal reaches a thread of Ice, nothing wakes this one, which must handle it.
        while not stopping.wait(_TURN):
            pass
    if write_errors:
        raise write_errors[0]
    advise("the camera server has stopped")
    return 0


def _show(offer: Offer, *, json: bool) -> None:
    camera = offer.camera
    if json:
        size = {"width": camera.width, "height": camera.height, "rate": round(camera.rate, 3)}
        say_json({"camera": camera.name, "proxy": offer.proxy, "source": camera.uri, **size, "mirror": camera.mirror})
        return
    mirrored = ", mirrored" if camera.mirror else ""
    say(f"{camera.name}: {camera.uri}, {camera.width}×{camera.height}, up to {camera.rate:g} frames/s{mirrored}")
    quote = "'" if '"' in offer.proxy else '"'
    say(f"  digitlab live --source {quote}ice:{offer.proxy}{quote}")


@contextlib.contextmanager
def _ended_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Set an event on SIGINT (Ctrl-C) and SIGTERM, instead of raising an exception."""
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
