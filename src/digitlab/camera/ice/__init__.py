"""JdeRobot's cameras over ZeroC Ice: a client, `IceCamera`, and a server, `CameraServer`.

    with NewestFrame(IceCamera("cameraA:tcp -h localhost -p 9999"), reconnect=True) as frames:
        frame = frames.get(timeout=1.0)

Ice itself is the extra `ice` and is imported when a camera is opened or served. The client takes answers apart itself
(`answers`): Ice would have to know beforehand, and once for a whole process, whether servers send an md5sum.
"""

from __future__ import annotations

from digitlab.camera.ice.client import IceCamera
from digitlab.camera.ice.server import CameraServer, Offer
from digitlab.camera.ice.settings import CameraSettings, ServerSettings, read_server_configuration

__all__ = ["CameraServer", "CameraSettings", "IceCamera", "Offer", "ServerSettings", "read_server_configuration"]
