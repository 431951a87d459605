"""`digitlab camera-server`: sources served as JdeRobot's cameras, over ZeroC Ice.

    settings = read_server_configuration("cameraserver.cfg")
    with CameraServer(settings, source=lambda uri: open_source(uri, realtime=True)) as server:
        print(server.offers[0].proxy)       # cameraA:tcp -h localhost -p 9999

Ice itself is the optional extra `ice`, imported when a server is created.
"""

from __future__ import annotations

from digitlab.camera_server.server import CameraServer, Offer
from digitlab.camera_server.settings import CameraSettings, ServerSettings, read_server_configuration

__all__ = ["CameraServer", "CameraSettings", "Offer", "ServerSettings", "read_server_configuration"]
