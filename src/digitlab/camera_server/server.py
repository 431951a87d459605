"""The server of `digitlab camera-server`: serves sources as JdeRobot cameras."""

from __future__ import annotations

import importlib
import os
import threading
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from digitlab.camera.ice.pixels import FORMATS
from digitlab.camera.ice.runtime import communicator, ice
from digitlab.camera_server.serving import ServedCamera
from digitlab.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from digitlab.camera.source import Source
    from digitlab.camera_server.serving import ServedPicture
    from digitlab.camera_server.settings import CameraSettings, ServerSettings

__all__ = ["CameraServer", "Offer"]

_LARGEST_REQUEST = 64  # KiB
_UNFETCHED = 3000  # milliseconds after which a client that does not fetch its response is disconnected


@dataclass(frozen=True, slots=True)
class Offer:
    """A served camera and its `proxy`, the address for clients, e.g. "cameraA:tcp -h localhost -p 9999"."""

    camera: CameraSettings
    proxy: str


class CameraServer:
    """Several cameras at one endpoint, for any number of clients. A context manager: starts and closes.

    settings: the endpoint and the cameras
    source: creates the source for a camera's `uri`, as `digitlab.camera.open_source` does
    md5sum: whether picture descriptions contain one; older clients only understand descriptions without it
    on_change: called with the camera's name and "running", or its problem, whenever that changes

    Raises:
        MissingExtraError: when ZeroC Ice is not installed.
        UsageError: when a server with the other value of md5sum has run in this process before.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        source: Callable[[str], Source],
        md5sum: bool = True,
        on_change: Callable[[str, str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._types = _types(md5sum=md5sum)
        self._md5sum = md5sum
        self._communicator: Any = None
        self._cameras = [_served(camera, source, on_change) for camera in settings.cameras]
        self.offers: tuple[Offer, ...] = ()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Listen, and start the cameras.

        Raises:
            SourceError: when the endpoint is in use, not of this machine, or invalid.
        """
        module = ice()
        self._communicator = communicator(
            Ice_MessageSizeMax=_LARGEST_REQUEST,
            Ice_Default_Timeout=_UNFETCHED,
            Ice_ThreadPool_Server_SizeMax=4,
        )
        place = self._settings.endpoints
        try:
            adapter = self._communicator.createObjectAdapterWithEndpoints("CameraServer", place)
            for camera in self._cameras:
                servant = _servant(self._types, camera, md5sum=self._md5sum)
                adapter.add(servant, module.Identity(name=camera.settings.name))
            if any(endpoint.getInfo().datagram() for endpoint in adapter.getEndpoints()):
                raise module.EndpointParseException("udp is not supported: it has no responses")
            adapter.activate()
        except module.LocalException as error:
            self.close()
            raise _cannot_listen(place, error) from error
        where = _where(adapter)
        self.offers = tuple(Offer(camera.settings, f"{camera.settings.name}:{where}") for camera in self._cameras)
        for camera in self._cameras:
            camera.start()

    def close(self) -> None:
        """Stop: waiting clients get an error, sources are closed."""
        for camera in self._cameras:
            camera.close()
        running, self._communicator = self._communicator, None
        if running is not None:
            running.destroy()


def _served(
    settings: CameraSettings, source: Callable[[str], Source], on_change: Callable[[str, str], None] | None
) -> ServedCamera:
    def say(state: str) -> None:
        if on_change is not None:
            on_change(settings.name, state)

    return ServedCamera(settings, lambda: source(settings.uri), say)


def _where(adapter: Any) -> str:
    """Return the first endpoint of an adapter, as a client on this machine would write it."""
    endpoint = adapter.getEndpoints()[0]
    info = endpoint.getInfo()
    while not hasattr(info, "host"):  # the transport below ssl, WebSockets …
        info = info.underlying
    host = "localhost" if info.host in ("", "*", "0.0.0.0", "::") else info.host  # noqa: S104 - compared, not bound
    quoted = f'"{host}"' if ":" in host else host  # an IPv6 address
    return f"{str(endpoint).split()[0]} -h {quoted} -p {info.port}"


def _cannot_listen(place: str, error: Any) -> SourceError:
    module = ice()
    if isinstance(error, module.SocketException):
        return SourceError(f"cannot listen at {place!r}: {os.strerror(error.error)}; is another server running there?")
    if isinstance(error, module.DNSException):
        return SourceError(f"cannot listen at {place!r}: there is no host called {error.host!r}")
    reason = " ".join((getattr(error, "str", "") or type(error).__name__).split())
    return SourceError(f'cannot listen at {place!r} ({reason}); expected e.g. "default -h 0.0.0.0 -p 9999"')


_loading = threading.Lock()
_loaded: bool | None = None  # with md5sum (True) or without (False): Ice registers each class name once per process


def _types(*, md5sum: bool) -> Any:
    """Load the module that Ice generates from the Slice definitions."""
    global _loaded  # noqa: PLW0603
    module = ice()
    with _loading:
        if _loaded is None:
            with as_file(files("digitlab.camera_server") / "camera.ice") as path:
                module.loadSlice("", [*([] if md5sum else ["-DWITHOUT_MD5SUM"]), str(path)])
            _loaded = md5sum
        if _loaded != md5sum:
            raise UsageError(
                f"this process serves cameras {'with' if _loaded else 'without'} md5sum already; use another process"
            )
    return importlib.import_module("jderobot")


def _servant(types: Any, camera: ServedCamera, *, md5sum: bool) -> Any:
    """Create the Ice object of a camera: our operations mixed into the class that Ice generated from the interface."""
    return type("CameraServant", (_Operations, types.Camera), {})(types, camera, md5sum=md5sum)


class _Operations:
    """The operations of JdeRobot's Camera; Ice calls them in its own threads."""

    def __init__(self, types: Any, camera: ServedCamera, *, md5sum: bool) -> None:
        self._types = types
        self._camera = camera
        self._md5sum = md5sum

    def getImageDescription(self, current: Any = None) -> Any:  # noqa: ARG002, N802 - names and arguments are Ice's
        settings = self._camera.settings
        channels = 1 if settings.format == "GRAY8" else 3
        size = settings.width * settings.height * channels
        return self._description(settings.width, settings.height, size, settings.format, "")

    def _description(self, width: int, height: int, size: int, name: str, md5sum: str) -> Any:
        return self._types.ImageDescription(width, height, size, name, *([md5sum] if self._md5sum else []))

    def getImageFormat(self, current: Any = None) -> list[str]:  # noqa: ARG002, N802
        return list(FORMATS)

    def getImageData(self, format: str, current: Any = None) -> Any:  # noqa: A002, N802
        """Return a future, so that no thread blocks until the next picture."""
        name = "RGB8" if format == "RGB888" else format  # its old name
        if name not in FORMATS:
            raise self._types.DataNotExistException(
                f"{format[:40]!r} is not served; expected one of {', '.join(FORMATS)}"
            )
        future = ice().Future()

        def take(given: ServedPicture | str) -> None:
            if isinstance(given, str):
                future.set_exception(self._types.HardwareFailedException(given))
            else:
                future.set_result(self._data(given, name, format))

        client = current.con.toString() if current is not None and current.con is not None else "this process"
        self._camera.ask(client, take)
        return future

    def _data(self, picture: ServedPicture, name: str, asked: str) -> Any:
        pixels = picture.packed(name)
        md5sum = picture.md5sum(name) if self._md5sum else ""
        height, width = picture.image.shape[:2]
        microseconds = round(picture.taken * 1_000_000)
        time = self._types.Time(*divmod(microseconds, 1_000_000))
        return self._types.ImageData(time, self._description(width, height, len(pixels), asked, md5sum), pixels)

    def getCameraDescription(self, current: Any = None) -> Any:  # noqa: ARG002, N802
        settings = self._camera.settings
        return self._types.CameraDescription(settings.name, settings.short_description, settings.streaming_uri)

    def setCameraDescription(self, description: Any, current: Any = None) -> int:  # noqa: ARG002, N802
        """Return 0 and change nothing, as JdeRobot's server does: the configuration describes the camera."""
        return 0

    def startCameraStreaming(self, current: Any = None) -> str:  # noqa: ARG002, N802
        return self._camera.settings.streaming_uri

    def stopCameraStreaming(self, current: Any = None) -> None:  # noqa: N802
        """Do nothing: every request gets a picture."""

    def reset(self, current: Any = None) -> None:
        """Do nothing: a lost source is retried anyway."""
