"""A client for JdeRobot's cameras over ZeroC Ice; the server is `digitlab.camera_server`.

    with NewestFrame(IceCamera("cameraA:tcp -h localhost -p 9999"), reconnect=True) as frames:
        frame = frames.get(timeout=1.0)

Ice itself is the optional extra `ice`, imported when a camera is created. The client decodes responses itself
(see `answers`): Ice would have to be told beforehand, once per process, whether servers send an md5sum.
"""

from __future__ import annotations

from digitlab.camera.ice.client import IceCamera

__all__ = ["IceCamera"]
