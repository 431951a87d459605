"""A server on a real socket, in a thread of the tests' process."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitlab.apps.web.access import Access
from digitlab.apps.web.access_log import AccessLog
from digitlab.apps.web.application import make_application
from digitlab.apps.web.classroom.serving import ClassServing
from digitlab.apps.web.config import Limits
from digitlab.apps.web.models import Models
from digitlab.apps.web.server import listen, make_server


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, **more)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


Start = Callable[..., contextlib.AbstractContextManager[Running]]


@contextlib.contextmanager
def running(
    models: Models,
    *,
    limits: Limits | None = None,
    host: str = "127.0.0.1",
    token: str | None = None,
    open_: bool = False,
    allowed: Sequence[str] = (),
    proxies: Sequence[str] = (),
    log: Callable[[str], None] | None = None,
    class_: ClassServing | None = None,
) -> Iterator[Running]:
    limits = limits or Limits()
    access = Access(host, token, no_token=open_, allowed_hosts=allowed, pupils=class_ is not None)
    application = make_application(
        models, access, limits, log=log and AccessLog(log, token, clients=class_ is None), class_=class_
    )
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    ready = threading.Event()
    server = make_server(application, limits, ready.set, proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield Running(port)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def models() -> Models:
    return Models()


@pytest.fixture(scope="module")
def server(models: Models) -> Iterator[Running]:
    with running(models) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture(scope="session")
def start_once(models: Models) -> Start:
    """The same, for fixtures that last longer than a test."""
    return lambda **more: running(**{"models": models, **more})


@pytest.fixture
def start(models: Models) -> Start:
    """A server of one's own, with other limits or rules."""
    return lambda **more: running(**{"models": models, **more})


def png(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(stream, kind)
    return stream.getvalue()


@pytest.fixture(scope="session")
def as_file() -> Callable[..., bytes]:
    """An image as a picture file."""
    return png


@pytest.fixture(scope="session")
def digits() -> list[tuple[bytes, int]]:
    """Forty test images as PNG files, and what they show."""
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")[np.arange(40)]
    return [(png(image), int(label)) for image, label in zip(test.images, test.labels, strict=True)]


@pytest.fixture(scope="session")
def photo(digits: list[tuple[bytes, int]]) -> bytes:
    """Three digits, dark on light, as a JPEG of 640×480."""
    paper = np.full((480, 640, 3), 235, np.uint8)
    for place, (content, _) in enumerate(digits[:3]):
        digit = np.asarray(Image.open(io.BytesIO(content)).resize((112, 112), Image.Resampling.BILINEAR))
        paper[150:262, 60 + 180 * place : 172 + 180 * place] -= (digit // 2 + digit // 3)[:, :, None]
    return png(paper, "JPEG")
