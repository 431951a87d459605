"""`cameraserver.cfg`, the configuration of JdeRobot's camera server, to the extent that ours supports it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.camera.ice.pixels import FORMATS
from digitlab.camera.ice.properties import Properties, configuration_text, properties_in
from digitlab.errors import RecipeError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CameraSettings", "ServerSettings", "read_server_configuration"]

_ENDPOINTS = "default -h localhost -p 9999"  # not reachable from other machines; JdeRobot's server has no default
_MOST_CAMERAS = 64
_LARGEST = 8192  # pixels per side
_OTHER_FORMATS = ("YUY2", "RGB888", "BGR8", "GRAY8_Z", "NV21", "HSV8", "YCRCB", "DEPTH8_16", "DEPTH8_16_Z")

# Prefixes of JdeRobot's keys that have no effect here, and why.
_OBSOLETE = {
    "CameraSrv.DefaultMode": "pictures are requested, never published",
    "CameraSrv.TopicManager": "pictures are requested, never published",
    "CameraSrv.AdapterId": "there is no registry; clients give the endpoint",
    "NamingService.": "there is no naming service; clients give the endpoint",
    "Ice.": "digitlab configures Ice itself",
}


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera of a server.

    name: its identity for clients
    uri: as for `open_source`: a device's number, a file, an address
    rate: maximum number of pictures per second
    width, height: of the served pictures, in pixels
    mirror: whether left and right are swapped
    format: as given in the camera's description; clients choose one of several
    """

    name: str
    uri: str = "0"
    rate: float = 25.0
    width: int = 340
    height: int = 280
    mirror: bool = False
    format: str = "RGB8"
    short_description: str = ""
    streaming_uri: str = ""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """A camera server.

    endpoints: where it listens, in Ice's syntax
    warnings: a sentence for each key that is unknown, obsolete or has another effect here
    """

    endpoints: str
    cameras: tuple[CameraSettings, ...]
    warnings: tuple[str, ...] = ()


def read_server_configuration(path: str | Path) -> ServerSettings:
    """Read a `cameraserver.cfg`; the defaults are those of JdeRobot's camera server.

    Raises:
        RecipeError: when it is missing or not a property file, a value has the wrong type, or a camera has no name or
            the name of another.
    """
    values = properties_in(configuration_text(path), path)
    if not any(name.startswith("CameraSrv.") for name in values):
        raise RecipeError(f"{path}: no line begins with CameraSrv.; expected the configuration of a camera server")
    properties = Properties(values, path)
    warnings: list[str] = []
    count = properties.whole("CameraSrv.NCameras", _count_cameras(values), 1, _MOST_CAMERAS)
    cameras = tuple(
        _camera(properties.under(f"CameraSrv.Camera.{number}."), f"{path}: CameraSrv.Camera.{number}.", warnings)
        for number in range(count)
    )
    names = [camera.name for camera in cameras]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RecipeError(f"{path}: two cameras are called {twice!r}; expected a Name for each")
    endpoints = properties.text("CameraSrv.Endpoints", "")
    if not endpoints:
        warnings.append(f"CameraSrv.Endpoints is missing; listening at {_ENDPOINTS!r}, for this machine only")
    warnings += [f"{name}: {_why_unused(name, count)}" for name in properties.unasked()]
    return ServerSettings(endpoints or _ENDPOINTS, cameras, tuple(warnings))


def _count_cameras(values: dict[str, str]) -> int:
    """Count the described cameras, for when NCameras is missing (JdeRobot's server then serves none)."""
    numbers = {int(found[1]) for name in values if (found := re.match(r"CameraSrv\.Camera\.([0-9]{1,4})\.", name))}
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


def _camera(properties: Properties, place: str, warnings: list[str]) -> CameraSettings:
    name = properties.text("Name", "")
    if not name:
        raise RecipeError(f"{place}Name is missing; expected e.g. {place.rpartition(' ')[2]}Name=cameraA")
    if re.search(r"[/\s\"']", name):
        raise RecipeError(f"{place}Name is {name[:60]!r}; expected a name without spaces, slashes and quotes")
    shown = properties.text("Format", FORMATS[0])
    if shown not in FORMATS:
        known = "" if shown in _OTHER_FORMATS else ", which JdeRobot does not know either"
        warnings.append(f"{place.rpartition(' ')[2]}Format is {shown!r}{known}; it is served as {', '.join(FORMATS)}")
        shown = FORMATS[0]
    return CameraSettings(
        name=name,
        uri=_address(properties.text("Uri", "0")),
        rate=properties.whole("FramerateN", 25, 1, 100_000) / properties.whole("FramerateD", 1, 1, 100_000),
        width=properties.whole("ImageWidth", 340, 1, _LARGEST),
        height=properties.whole("ImageHeight", 280, 1, _LARGEST),
        mirror=properties.whole("Mirror", 0, 0, 1) == 1,
        format=shown,
        short_description=properties.text("ShortDescription", ""),
        streaming_uri=properties.text("StreamingUri", ""),
    )


def _address(uri: str) -> str:
    """Convert a Uri of JdeRobot, including those of older versions, to our notation.

    >>> [_address(uri) for uri in ("0", "v4l2:///dev/video1", "file:///home/me/v.mp4", "http://phone:4747/video")]
    ['0', '/dev/video1', '/home/me/v.mp4', 'http://phone:4747/video']
    """
    return re.sub(r"^(v4l2|file)://(?=/)", "", uri)


def _why_unused(name: str, count: int) -> str:
    for beginning, reason in _OBSOLETE.items():
        if name.startswith(beginning):
            return f"not used; {reason}"
    if re.match(r"CameraSrv\.Camera\.[0-9]+\.", name) and not name.startswith(
        tuple(f"CameraSrv.Camera.{number}." for number in range(count))
    ):
        return f"not used; CameraSrv.NCameras is {count}"
    return "unknown, not used"
